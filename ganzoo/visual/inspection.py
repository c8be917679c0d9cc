"""Samples beside data in one figure: their power spectra, and a map of their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.visual.figure import INKS, LABEL_INK, plain, quiet, title, written_figure

SAMPLES_INK, DATA_INK, BEHIND = INKS[1], INKS[0], "#d1d5db"
UNCLASSED_INK = "#374151"  # of images without classes beside others that have colours for them
FEW, SOME = 10, 20  # classes that each have a colour of one of matplotlib's sets
LETTERS = 14  # shown of the name of a class
LEAST = 1e-12  # power that is drawn: nothing has no logarithm


@dataclass(frozen=True)
class Side:
    """One of the two kinds of images.

    Attributes:
        name: what they are called.
        power: of their spectrum, ``(rings,)``.
        places: of each image on the map, ``(n, 2)``.
        classes: the class number of each, ``(n,)``; None where they have none.
    """

    name: str
    power: Tensor
    places: Tensor
    classes: Tensor | None = None


def draw(
    path: Path,
    frequencies: Tensor,
    samples: Side,
    data: Side,
    class_names: Sequence[str] = (),
    features: str = "features",
) -> None:
    """Write the figure as PNG or SVG, by the ending of ``path``: spectra, then a map of the data, and one of samples.

    The two maps are one: each shows the other's images in grey behind its own, which have the colours of their classes.

    Args:
        path: replaced in one piece.
        frequencies: of the spectra, in cycles per pixel, ``(rings,)``.
        samples, data: what is shown.
        class_names: by class number.
        features: what the map is of, such as the name of a network.

    Raises:
        UsageError: matplotlib is not installed.
    """
    sides = ((data, DATA_INK, samples), (samples, SAMPLES_INK, data))
    classed = data.classes is not None or samples.classes is not None
    with written_figure(path, "ganzoo inspect", (12.6, 4.0)) as figure:
        first, *maps = figure.subplots(1, 3)
        for side, ink, _ in sides:
            lines = side.power.clamp(min=LEAST).tolist()
            first.plot(frequencies.tolist(), lines, color=ink, linewidth=1.6, label=plain(side.name))
        first.set_yscale("log")
        first.set_xlabel("cycles per pixel", color=LABEL_INK)
        title(first, "power spectrum")
        first.legend(frameon=False, fontsize=8)
        quiet(first)
        for axis, (side, ink, other) in zip(maps, sides, strict=True):
            axis.sharex(maps[0])
            axis.sharey(maps[0])
            _map(axis, side, UNCLASSED_INK if classed else ink, other, class_names)
            axis.set_xlabel(plain(features), color=LABEL_INK)
            title(axis, f"t-SNE: {side.name}")
        if classed and len(class_names) <= SOME:
            _legend(maps[-1], (data, samples), class_names)


def _map(axis: Any, side: Side, ink: str, other: Side, class_names: Sequence[str]) -> None:
    """The images of one side on the map, over those of the other."""
    size = 90 / max(1, len(side.places)) ** 0.5  # points
    axis.scatter(*other.places.t().tolist(), s=size, color=BEHIND, linewidths=0)
    colours = ink if side.classes is None else [_ink(k, len(class_names)) for k in side.classes.tolist()]
    axis.scatter(*side.places.t().tolist(), s=size, c=colours, linewidths=0)
    axis.set_xticks([])
    axis.set_yticks([])
    quiet(axis, grid=False)


def _legend(axis: Any, sides: Sequence[Side], class_names: Sequence[str]) -> None:
    """The colours of the classes that are there, beside the last map."""
    known = [side.classes for side in sides if side.classes is not None]
    handles = [
        axis.scatter([], [], s=16, color=_ink(k, len(class_names)), linewidths=0, label=plain(class_names[k][:LETTERS]))
        for k in torch.cat(known).unique().tolist()
    ]
    axis.legend(handles=handles, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _ink(number: int, count: int) -> Any:
    """The colour of a class among so many."""
    from matplotlib import colormaps

    if count <= SOME:
        return colormaps["tab10" if count <= FEW else "tab20"](number)
    return colormaps["turbo"](number / (count - 1))
