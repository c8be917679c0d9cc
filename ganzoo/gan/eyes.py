"""Networks of kind ``features`` that others look through: found by name, frozen, opened when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ganzoo.parts.freeze import Frozen, frozen
from ganzoo.registry.entry import resolve

# By their names: what opens networks stands above this room, and builds on it.
LOOK, OPEN = "ganzoo.metrics.pyramid:look", "ganzoo.metrics.pyramid:open_pyramid"
UNTRAINED = ":random"  # behind the name of a network that is left as it was drawn


@dataclass(frozen=True)
class Eyes:
    """A feature network before its weights are there.

    Attributes:
        name: of a part of kind ``features``, or of a network of timm.
        untrained: whether its weights are left as they are drawn, the same each time.
        pixels: side of its input.
        maps: channels and side of each map that it gives, the largest first.
    """

    name: str
    untrained: bool
    pixels: int
    maps: tuple[tuple[int, int], ...]

    def network(self) -> Frozen:
        """The network: called with images ``(B, 3, pixels, pixels)`` in [0, 255], it gives a list of maps."""
        load, sketch = (partial(resolve(OPEN), self.name, untrained) for untrained in (self.untrained, True))
        return frozen(load, self.name + UNTRAINED * self.untrained, sketch)


def find_eyes(name: str, untrained: bool = False, pixels: int | None = None, most: int = 4) -> Eyes:
    """A feature network by name, with sizes; nothing is fetched.

    Args:
        name: such as ``tf_efficientnet_lite0.in1k``.
        untrained: leave its weights as they are drawn.
        pixels: side of its input; the one that it was trained at by default.
        most: how many maps, the smallest ones.

    Raises:
        UsageError: there is none, it has no maps, or cannot see images of that size.
    """
    side, maps = resolve(LOOK)(name, pixels)
    return Eyes(name, untrained, side, tuple(maps[-most:]))
