"""The numbers that the transforms of one pass are drawn with."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

from ganzoo.parts import global_draw

UNIFORM, NORMAL = 29, 12  # numbers of an image for all 18 transforms


class Draws:
    """For each image of a batch, whether a transform acts on it, and with what strength.

    All are drawn at once, whichever transforms ask, and sent to the device once.

    Args:
        n: images in this process's slice.
        like: a tensor of the device and dtype that they are wanted in.
    """

    def __init__(self, n: int, like: Tensor) -> None:
        self._drawn = (
            global_draw(torch.rand, n, UNIFORM).to(like, non_blocking=True),
            global_draw(torch.randn, n, NORMAL).to(like, non_blocking=True),
        )
        self._uniform, self._normal = (iter(numbers.unbind(1)) for numbers in self._drawn)

    def again(self) -> Draws:
        """The same numbers from the first one on, for another image of a pair."""
        same = copy.copy(self)
        same._uniform, same._normal = (iter(numbers.unbind(1)) for numbers in self._drawn)
        return same

    def acts(self, p: Tensor | float) -> Tensor:
        """Whether a transform acts, ``(B,)``: with probability ``p``, never at 0 and always at 1."""
        return next(self._uniform) < p

    def uniform(self, low: float, high: float) -> Tensor:
        """Numbers ``(B,)`` from ``low`` up and below ``high``."""
        return next(self._uniform) * (high - low) + low

    def whole(self, count: int) -> Tensor:
        """Whole numbers ``(B,)`` from 0 to ``count - 1``."""
        return (next(self._uniform) * count).floor().clamp(max=count - 1)

    def normal(self, spread: float) -> Tensor:
        """Numbers ``(B,)`` from N(0, spread²)."""
        return next(self._normal) * spread

    def lognormal(self, octaves: float) -> Tensor:
        """Factors ``(B,)`` from Lognormal(0, (octaves·ln 2)²)."""
        return (self.normal(octaves) * math.log(2)).exp()


def where(acts: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """Images ``changed`` where a transform acts on them, ``(B,)``, and ``x`` to the bit elsewhere."""
    return torch.where(acts[:, None, None, None], changed, x)
