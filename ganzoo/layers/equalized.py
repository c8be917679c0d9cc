"""Layers that multiply their weight at run time, as the style line has them: equalised learning rates."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.layers.activation import scaled_leaky_relu
from ganzoo.layers.conv import conv2d
from ganzoo.parts import LinearHead


class EqualizedLinear(nn.Linear):
    """A linear layer that stores N(0, 1)/speed and computes with ``speed / sqrt(in)`` times that.

    Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196), section 4.1, with the multiplier of A
    Style-Based Generator Architecture (Karras et al. 2019, arXiv 1812.04948): of ``speed`` 0.01 it learns a hundredth
    as fast.

    Args:
        in_features, out_features: lengths before and after.
        speed: what the learning rate is multiplied by, in effect.
        start: of the bias.
        bias: whether a number is added to each output.
    """

    ganzoo_init = "own"

    def __init__(
        self, in_features: int, out_features: int, speed: float = 1.0, start: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__(in_features, out_features, bias=bias)
        self.speed, self.scale = speed, speed / math.sqrt(max(in_features, 1))
        nn.init.normal_(self.weight, std=1 / speed)
        if bias:
            nn.init.constant_(self.bias, start / speed)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in)`` to ``(B, out)``."""
        return F.linear(x, self.weight * self.scale, sped(self.bias, self.speed))


class EqualizedConv2d(nn.Conv2d):
    """A convolution that stores N(0, 1)/speed and computes with ``speed / sqrt(fan-in)`` times that.

    See :class:`EqualizedLinear`.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel in pixels.
        stride: in pixels.
        padding: zeros on each side; by default those that keep the size at stride 1.
        bias: whether a number, 0 at the start, is added to each map.
        speed: what the learning rate is multiplied by, in effect.
        gain: of the output, bias and all, such as that of an activation behind it.
    """

    ganzoo_init = "own"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        stride: int = 1,
        padding: int | None = None,
        *,
        bias: bool = True,
        speed: float = 1.0,
        gain: float = 1.0,
    ) -> None:
        padding = size // 2 if padding is None else padding
        super().__init__(in_channels, out_channels, size, stride=stride, padding=padding, bias=bias)
        self.step, self.margin = stride, padding
        self.speed, self.scale = speed * gain, speed * gain / math.sqrt(max(in_channels * size**2, 1))
        nn.init.normal_(self.weight, std=1 / speed)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, h, w)``."""
        return conv2d(x, self.weight * self.scale, sped(self.bias, self.speed), self.step, self.margin)


def sped(bias: Tensor | None, speed: float) -> Tensor | None:
    """A bias as its layer adds it."""
    return bias if bias is None or speed == 1 else bias * speed


def equalize_scores(head: nn.Module) -> nn.Module:
    """Give every linear score of a discriminator's head an equalised learning rate, and N(0, 1) to start from.

    Args:
        head: of any conditioning; itself is returned.
    """
    for module in head.modules():
        if isinstance(module, LinearHead):
            old = module.score
            module.score = EqualizedLinear(old.in_features, old.out_features, bias=old.bias is not None)
    return head


class UnitMeanSquare(nn.Module):
    """Each vector ``(B, C)`` scaled to a mean square of 1."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C)`` to the same shape."""
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class EqualizedMLP(nn.Module):
    """Layers of one width, each with a leaky ReLU of slope 0.2 and gain √2: the mapping of a style-based network.

    Args:
        width: of every layer's output.
        layers: how many.
        speed: of their learning: see :class:`EqualizedLinear`.
        inputs: length of what the first layer gets; ``width`` by default.
    """

    def __init__(self, width: int, layers: int, speed: float = 0.01, inputs: int | None = None) -> None:
        super().__init__()
        lengths = [width if inputs is None else inputs, *[width] * (layers - 1)][:layers]
        self.layers = nn.ModuleList(EqualizedLinear(length, width, speed) for length in lengths)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs)`` to ``(B, width)``."""
        for layer in self.layers:
            x = scaled_leaky_relu(layer(x))
        return x
