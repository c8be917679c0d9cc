"""The table of ``docs/studiogan.md``: StudioGAN's CIFAR-10 configurations as recipes."""

from __future__ import annotations

import re
from pathlib import Path

DOC = Path(__file__).parents[1] / "docs" / "studiogan.md"
ROW = re.compile(r"^\| ([\w-]+) \| `([^`]+)` \| ([\d,]+) \| `([^`]+)` \|$", re.MULTILINE)
ROWS = {name: (recipe, steps, settings) for name, recipe, steps, settings in ROW.findall(DOC.read_text("utf-8"))}
"""By name: the recipe, its steps, and its settings as ``--set`` takes them, with spaces between."""


def settings_of(name: str) -> dict[str, str]:
    """The settings of a configuration by name."""
    return dict(pair.split("=", 1) for pair in ROWS[name][2].split())
