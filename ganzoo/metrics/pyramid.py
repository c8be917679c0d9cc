"""Feature networks as pyramids: the maps of several sizes that they make of an image, for what learns from them.

A module of kind ``features`` that has them says so by a method ``maps(images)``: see :mod:`ganzoo.metrics.extractor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.metrics.extractor import Extractor, FeatureRequest
from ganzoo.metrics.features import candidates, checked
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.metrics.words import configured
from ganzoo.registry.entry import Entry
from ganzoo.registry.recipe import Part


class Pyramid(nn.Module):
    """A feature network that gives its maps in place of its features.

    Args:
        module: of kind ``features``.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps ``(B, C, h, w)``, the largest first, of images ``(B, 3, H, W)`` in [0, 255]."""
        module: Any = self.module
        return list(module.maps(x))


def open_pyramid(name: str, untrained: bool) -> Pyramid:
    """A feature network with its weights, as they were published, to look through.

    Args:
        name: of a part of kind ``features``, or of a network of timm.
        untrained: leave its weights as they are drawn, the same each time.

    Raises:
        GanzooError: the weights are not here and cannot be fetched.
    """
    return Pyramid(_extractor(*_found(name), untrained).module)


def look(name: str, pixels: int | None) -> tuple[int, list[tuple[int, int]]]:
    """The side of a network's input, and channels and side of each of its maps, the largest first; fetches nothing.

    Args:
        name: of a part of kind ``features``, or of a network of timm.
        pixels: the side of its input; the one that it was trained at by default.

    Raises:
        UsageError: there is none of that name, it has no maps, or cannot see images of that size.
    """
    return _look(*_found(name), pixels)


@lru_cache(maxsize=16)
def _look(entry: Entry, part: Part, pixels: int | None) -> tuple[int, list[tuple[int, int]]]:
    with torch.device("meta"):  # sizes are all that is asked for
        found = _extractor(entry, part, untrained=True)
    if not callable(getattr(found.module, "maps", None)):
        raise UsageError(
            f"{part} gives features of an image and no maps of several sizes: take a network that has them, such as"
            f" {OFFLINE_NETWORK}"
        )
    side = pixels or found.own or found.pixels
    try:
        maps = Pyramid(found.module).eval().to("meta")(torch.zeros(1, 3, side, side, device="meta"))
    except (RuntimeError, ValueError, AssertionError) as error:
        why = str(error).splitlines()[0][:200]
        raise UsageError(f"{part} does not see images of {side}x{side} pixels ({why})") from error
    return side, [(made.shape[1], min(made.shape[2:])) for made in maps]


def _found(name: str) -> tuple[Entry, Part]:
    """The part that opens a network, and the name as it is asked for.

    Raises:
        UnknownPart: nothing is called so.
    """
    part = Part.parse(name)
    entries: Sequence[Entry] = list(candidates(part))
    return entries[0], part


def _extractor(entry: Entry, part: Part, untrained: bool) -> Extractor:
    """What a part of kind ``features`` builds; random numbers are drawn apart, the same each time."""
    values, _ = configured(entry, part)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return checked(entry, entry.load()(FeatureRequest(part.name, untrained=untrained), **values))
