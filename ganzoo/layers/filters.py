"""Resampling by a fixed filter: doubling and halving without aliases."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def binomial_kernel(weights: tuple[float, ...]) -> Tensor:
    """The outer product ``(k, k)`` of a filter with itself, scaled to a sum of 1."""
    row = torch.tensor(weights)
    return torch.outer(row, row) / row.sum().square()


def each_map(kernel: Tensor, x: Tensor) -> Tensor:
    """A kernel ``(k, k)`` for each map of ``x`` ``(B, C, H, W)``: ``(C, 1, k, k)``, in its dtype.

    How many there are is a number and not a traced size, with which an ONNX exporter would not know the kernel's shape.
    """
    return kernel.to(x.dtype).expand(int(x.shape[1]), 1, -1, -1)


class FilteredUp(nn.Module):
    """Doubles a map: zeros between pixels, then a filter, [1, 3, 3, 1] by default, that keeps the mean.

    Args:
        weights: of the filter along each axis, an even number of them.
    """

    kernel: Tensor

    def __init__(self, weights: tuple[float, ...] = (1, 3, 3, 1)) -> None:
        super().__init__()
        self.register_buffer("kernel", 4 * binomial_kernel(weights))
        self.padding = len(weights) // 2 - 1

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, 2H, 2W)``."""
        kernel = each_map(self.kernel, x)
        return F.conv_transpose2d(x, kernel, stride=2, padding=self.padding, groups=len(kernel))


class FilteredDown(nn.Module):
    """Halves a map: a filter, [1, 3, 3, 1] by default, then every other pixel.

    Args:
        weights: of the filter along each axis, an even number of them.
    """

    kernel: Tensor

    def __init__(self, weights: tuple[float, ...] = (1, 3, 3, 1)) -> None:
        super().__init__()
        self.register_buffer("kernel", binomial_kernel(weights))
        self.padding = len(weights) // 2 - 1

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H/2, W/2)``; H and W are even."""
        kernel = each_map(self.kernel, x)
        return F.conv2d(x, kernel, stride=2, padding=self.padding, groups=len(kernel))
