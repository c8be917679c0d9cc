"""The time that a training has taken, as ``training/run.json`` keeps it, without torch."""

from __future__ import annotations

from collections.abc import Mapping

WALL, CPU = "wall", "cpu"
SPENT: Mapping[str, str] = {WALL: "seconds", CPU: "processor_seconds"}
"""Where the file has what each clock counted; null where an older version began the run."""
