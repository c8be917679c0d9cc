"""Linear layers that multiply their weight at run time, as the style line has them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EqualizedLinear(nn.Linear):
    """A linear layer that stores N(0, 1)/speed and computes with ``speed / sqrt(in)`` times that.

    Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196), section 4.1, with the multiplier of A
    Style-Based Generator Architecture (Karras et al. 2019, arXiv 1812.04948): of ``speed`` 0.01 it learns a hundredth
    as fast.

    Args:
        in_features, out_features: lengths before and after.
        speed: what the learning rate is multiplied by, in effect.
        start: of the bias.
    """

    ganzoo_init = "own"

    def __init__(self, in_features: int, out_features: int, speed: float = 1.0, start: float = 0.0) -> None:
        super().__init__(in_features, out_features)
        self.speed, self.scale = speed, speed / math.sqrt(max(in_features, 1))
        nn.init.normal_(self.weight, std=1 / speed)
        nn.init.constant_(self.bias, start / speed)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in)`` to ``(B, out)``."""
        return F.linear(x, self.weight * self.scale, self.bias * self.speed)


class UnitMeanSquare(nn.Module):
    """Each vector ``(B, C)`` scaled to a mean square of 1."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C)`` to the same shape."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class EqualizedMLP(nn.Module):
    """Layers of one width, each with a leaky ReLU of slope 0.2 and gain √2: the mapping of a style-based network.

    Args:
        width: of every layer.
        layers: how many.
        speed: of their learning: see :class:`EqualizedLinear`.
    """

    def __init__(self, width: int, layers: int, speed: float = 0.01) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EqualizedLinear(width, width, speed) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width)`` to the same shape."""
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * math.sqrt(2)
        return x
