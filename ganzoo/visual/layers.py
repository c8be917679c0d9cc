"""Layers of w, as a person says which: numbers, a range, or the words of the paper (arXiv 1812.04948)."""

from __future__ import annotations

import re
from typing import overload

from ganzoo.errors import UsageError, either

WORDS = ("coarse", "middle", "fine")
PAPER = (4, 8)  # the first layers of the paper's middle and fine ones, of maps from 16 and from 64 pixels up
Layers = tuple[int, int]


@overload
def read_layers(text: str | None) -> Layers | None: ...
@overload
def read_layers(text: str | None, *, words: bool) -> Layers | str | None: ...
def read_layers(text: str | None, *, words: bool = False) -> Layers | str | None:
    """The first and the last of the layers ``"0-3"``, or of one, ``"3"``; None where none are given.

    Args:
        text: as typed.
        words: whether it may be ``coarse``, ``middle`` or ``fine``, which :func:`chosen_layers` takes.

    Raises:
        UsageError: for other text.
    """
    if text is None or (words and text in WORDS):
        return text
    found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text)
    if found is None or int(found[2] or found[1]) < int(found[1]):
        also = f", or {either(WORDS)}" if words else ""
        raise UsageError(f"--layers {text} does not work: it is one layer, such as 3, or a range, such as 0-3{also}")
    return int(found[1]), int(found[2] or found[1])


def chosen_layers(layers: Layers | str | None, count: int) -> Layers:
    """The first and the last of so many layers of w.

    Args:
        layers: these; the coarser half for None; or a word: ``coarse``, ``middle`` and ``fine`` are the paper's layers,
            0-3, 4-7 and those from 8 on, or a third of the layers each where there are no more than 8.
        count: how many there are.
    """
    if layers is None:
        return 0, max(0, count // 2 - 1)
    if not isinstance(layers, str):
        return layers
    starts = (0, *(PAPER if count > PAPER[1] else (count // 3, 2 * count // 3)), count)
    place = WORDS.index(layers)
    return starts[place], max(starts[place], starts[place + 1] - 1)
