"""Image sizes that an architecture can have: a small map doubled a number of times."""

from __future__ import annotations

from collections.abc import Sequence

from ganzoo.errors import ResolutionError, either


def doublings(name: str, resolution: int, bottoms: Sequence[int] = (4,), least: int = 16) -> tuple[int, int]:
    """The side of the smallest map and how often it is doubled to reach ``resolution``.

    Args:
        name: of the architecture, for the message.
        resolution: side of the image in pixels.
        bottoms: smallest maps to choose from.
        least: smallest image.

    Raises:
        ResolutionError: when no bottom doubles to ``resolution``; it names the nearest sizes that work.
    """
    possible = _possible(bottoms, least)
    if resolution in possible:
        return possible[resolution]
    near = _around(resolution, possible)
    raise ResolutionError(
        f"{name} cannot make images of {resolution}x{resolution} pixels; the nearest sizes it can are "
        f"{either(near, 'and') if len(near) > 1 else near[0]}: try --resolution {near[-1]}",
        nearest=near,
    )


def rectangle(
    name: str, image: tuple[int, int], bottoms: Sequence[int] = (4,), least: int = 16, deeper: int = 0
) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and how often it is doubled to reach the image.

    The shorter side is as :func:`doublings` has it; the longer one is a multiple of its last doubling.

    Args:
        name: of the architecture, for the message.
        image: height and width in pixels.
        bottoms: shorter sides of the smallest map to choose from.
        least: shorter side of the smallest image.
        deeper: halvings of the other network beyond these doublings; the sides must divide there too.

    Raises:
        ResolutionError: when no bottom doubles to ``image``; it names the nearest sizes that work.
    """
    height, width = image
    short, long = min(image), max(image)
    if height == width:
        bottom, k = doublings(name, height, bottoms, least)
        return (bottom, bottom), k
    possible = _possible(bottoms, least)
    if short in possible:
        k = possible[short][1]
        if long % (1 << (k + deeper)) == 0:
            return (height >> k, width >> k), k
    near = []
    for side in _around(short, possible):
        step = 1 << (possible[side][1] + deeper)
        other = max(1, round(long * side / short / step)) * step
        near.append((side, max(other, side)) if height < width else (max(other, side), side))
    sizes = tuple(dict.fromkeys(a if a == b else (a, b) for a, b in near))
    texts = [str(size) if isinstance(size, int) else f"{size[0]}x{size[1]}" for size in sizes]
    raise ResolutionError(
        f"{name} cannot make images of {height}x{width} pixels; the nearest sizes it can are {either(texts, 'and')}: "
        f"try --resolution {texts[-1]}",
        nearest=sizes,
    )


def _possible(bottoms: Sequence[int], least: int) -> dict[int, tuple[int, int]]:
    """Sides that bottoms double to, each with its bottom and the number of doublings."""
    return {bottom << k: (bottom, k) for bottom in bottoms for k in range(1, 13) if bottom << k >= least}


def _around(side: int, possible: dict[int, tuple[int, int]]) -> tuple[int, ...]:
    """The sides next to ``side``, the smaller first; itself alone where it is one of them."""
    if side in possible:
        return (side,)
    below = [size for size in sorted(possible) if size < side]
    above = [size for size in sorted(possible) if size > side]
    return (*below[-1:], *above[:1])
