"""Halving and doubling without aliases, as CUT's networks do it.

Making Convolutional Networks Shift-Invariant Again (Zhang 2019, arXiv 1904.11486): a map is smoothed before every
second pixel of it is taken. Beyond its edges it goes on as in a mirror, and where it is doubled with its last pixels.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzoo.layers import FilteredDown, FilteredUp

EDGE = (1, 1, 1, 1)


class SmoothHalf(FilteredDown):
    """Halves a map: [1, 2, 1] along each axis, then every second pixel, the first one included."""

    def __init__(self) -> None:
        super().__init__((1.0, 2.0, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H/2, W/2)``, rounded up."""
        return super().forward(F.pad(x, EDGE, mode="reflect"))


class SmoothDouble(FilteredUp):
    """Doubles a map: zeros between pixels, then [1, 3, 3, 1] along each axis."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, 2H, 2W)``."""
        return super().forward(F.pad(x, EDGE, mode="replicate"))[..., 2:-2, 2:-2]
