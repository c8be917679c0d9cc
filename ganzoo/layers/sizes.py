"""Image sizes that an architecture can have: a small square doubled a number of times."""

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
    possible = {bottom << k: (bottom, k) for bottom in bottoms for k in range(1, 13) if bottom << k >= least}
    if resolution in possible:
        return possible[resolution]
    below = [size for size in sorted(possible) if size < resolution]
    above = [size for size in sorted(possible) if size > resolution]
    near = (*below[-1:], *above[:1])
    raise ResolutionError(
        f"{name} cannot make images of {resolution}x{resolution} pixels; the nearest sizes it can are "
        f"{either(near, 'and') if len(near) > 1 else near[0]}: try --resolution {near[-1]}",
        nearest=near,
    )
