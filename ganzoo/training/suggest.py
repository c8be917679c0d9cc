"""What ``ganzoo train`` suggests to someone who named no recipe: what did best in the study (docs/study.md).

``suggested.json`` is written by ``.ci/study.py`` from the study's results. It holds the answer to each of three
questions, or null where the study does not know it yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, UsageError, command, counted

SMALL, LABELS, TIME = "small", "labels", "time"  # what the study was asked
FEW = 5_000  # images, of which a discriminator learns each by heart before long
README, DATA = "dcgan+sn+hinge", "digits"  # where nothing is known


@dataclass(frozen=True)
class Look:
    """What was seen of the data without training on them.

    Attributes:
        images: how many; None where only opening the data would tell, which may be a download.
        classes: whether each has a class.
    """

    images: int | None = None
    classes: bool = False

    @property
    def question(self) -> str:
        """What the study was asked that is nearest to these data."""
        if self.images is not None and self.images < FEW:
            return SMALL
        return LABELS if self.classes else TIME

    @property
    def text(self) -> str:
        """In words."""
        number = "" if self.images is None else counted(self.images, "image")
        return {SMALL: f"{number}, which is little data", LABELS: f"{number or 'images'} with classes", TIME: number}[
            self.question
        ]


@cache
def _study() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((files("ganzoo.training") / "suggested.json").read_text(encoding="utf-8"))
    return found


def look_at(data: Any) -> Look:
    """What can be seen of ``--data`` without decoding a picture or fetching anything; nothing of what cannot be read.

    Args:
        data: as ``--data`` takes it; data in Python, and None, are not looked at.
    """
    if not isinstance(data, (str, Path)):
        return Look()
    from ganzoo.data.open import as_path, is_path, pictures_at
    from ganzoo.registry.loading import registry

    try:
        if isinstance(data, str) and not is_path(data):
            name, _, argument = data.partition(":")
            return Look(classes=not argument and "label-class" in registry().find(name, kinds=("dataset",)).provides)
        pictures = pictures_at(as_path(data) if isinstance(data, str) else data)
    except GanzooError:
        return Look()
    return Look(len(pictures), pictures.labels is not None and pictures.label_kind == "class")


def suggestion(data: Any) -> str:
    """One line for someone who named no recipe: one that fits the data, why, and what to type.

    Args:
        data: as ``--data`` takes it; None where it was not given either.
    """
    look, study = look_at(data), _study()
    found = study[look.question] or study[TIME]
    shown = data if isinstance(data, (str, Path)) else DATA if data is None else "D"
    missing = "RECIPE is missing" if data is not None else "RECIPE is missing, and so is --data"
    if found is None:
        return f"{missing}: {command('train', README, '--data', shown)}"
    settings = [word for name, value in found["settings"].items() for word in ("--set", f"{name}={value}")]
    words = ["--data", shown, "--batch", found["batch"], *settings, "--budget", found["budget"]]
    seen = f" for {look.text}" if look.text else ""
    return f"{missing}; the study suggests{seen} ({found['why']}): {command('train', found['recipe'], *words)}"


def no_recipe(data: Any) -> UsageError:
    """The error of a training without a recipe, with :func:`suggestion`."""
    return UsageError(suggestion(data))
