"""Sizes that networks of images can have, and the widths and depths that suit them where a person says nothing."""

from __future__ import annotations

from ganzoo import ResolutionError, either

LARGE = 128  # pixels from which networks are as wide as in their papers
LARGEST = 65_536


def whole_halves(name: str, resolution: int, step: int, least: int) -> None:
    """Refuse a size that is no multiple of ``step``, or below ``least``.

    Args:
        name: of the architecture, for the message.
        resolution: side of the images in pixels.
        step: a power of two: 2 for each time that maps are halved.
        least: the smallest size, a multiple of ``step``.

    Raises:
        ResolutionError: naming the nearest sizes that work.
    """
    if resolution % step == 0 and least <= resolution <= LARGEST:
        return
    below = min(resolution, LARGEST) // step * step
    near = tuple(size for size in (below, below + step) if least <= size <= LARGEST) or (least,)
    raise ResolutionError(
        f"{name} cannot translate images of {resolution}x{resolution} pixels: their side is a multiple of {step} from "
        f"{least} up, so the nearest are {either(near, 'and') if len(near) > 1 else near[0]}: "
        f"try --resolution {near[-1]}",
        nearest=near,
    )


def width(ch: int | None, resolution: int) -> int:
    """``ch`` as it was given, else 64 as in the papers, halved below ``LARGE`` pixels."""
    if ch is not None:
        return ch
    return 64 if resolution >= LARGE else 32
