"""A GAN as a person sees it: a few lines in a terminal, and its samples in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.registry.entry import resolve

# By their names: what draws grids and reads scores stands above this room.
TEXT, HTML = "ganzoo.notebook.gan:text", "ganzoo.notebook.gan:html"


@dataclass(frozen=True)
class Loaded:
    """Where the weights of a GAN were read from.

    Attributes:
        folder: of the model.
        file: of the weights.
        step: of the training, whose weights these are.
        label: what a person calls the model.
    """

    folder: Path
    file: Path
    step: int
    label: str


class Shown:
    """How a GAN is shown.

    Attributes:
        config: the content of ``config.json`` of a model that was loaded; None for any other.
        loaded: where its weights were read from; None for a GAN that was built, or trained in this program.
    """

    config: Mapping[str, Any] | None = None
    loaded: Loaded | None = None

    def __repr__(self) -> str:
        """Recipe, images, sizes, training and scores in a dozen lines; ``print(gan.G)`` shows the layers of G."""
        if "plan" not in vars(self):  # it is being made, and whoever looks is in a debugger
            return f"<{type(self).__name__} that is not built yet>"
        text: str = resolve(TEXT)(self)
        return text

    def _repr_html_(self) -> str:
        """What a notebook shows: a grid of samples, recipe, sizes and scores; no state of the program is changed."""
        page: str = resolve(HTML)(self)
        return page
