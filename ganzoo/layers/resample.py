"""Resampling folded into convolutions: the numbers of the plain layers, for less than half of the arithmetic.

A 3x3 convolution followed by 2x2 mean pooling is one 4x4 convolution of stride 2, and nearest-neighbour doubling
followed by a 3x3 convolution is one transposed 4x4 convolution of stride 2. The modules hold the plain 3x3 ``weight``,
so that initialisation, spectral norm, state dicts and sizes are those of the paper, and fold it in ``forward``, in its
own dtype even under autocast.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.layers.activation import overwriting_pays
from ganzoo.layers.conv import conv2d, conv_transpose2d
from ganzoo.layers.layout import exchanged, traced

AREA = 4  # of the 2x2 kernels


def widened(weight: Tensor, divisor: int) -> Tensor:
    """The 3x3 kernels ``(..., 3, 3)`` convolved with 2x2 ones, over ``divisor``, 1, 2 or 4: ``(..., 4, 4)``."""
    mean = _overlapping(weight) if traced() or not weight.requires_grad else _Overlapping.apply(weight)
    # Exact, as AREA / divisor is a power of two.
    return mean if divisor == AREA else mean * (AREA / divisor)


def _overlapping(weight: Tensor) -> Tensor:
    """The means of all 2x2 squares that overlap with a kernel, zeros beyond: ``(..., 3, 3)`` to ``(..., 4, 4)``."""
    # Neither divisor_override= nor F.pad: ONNX exporters drop the one without a word, and lose the shape at the other.
    return F.avg_pool2d(weight, 2, stride=1, padding=1)


class _Overlapping(torch.autograd.Function):
    """The same, whose gradient, the means of all 2x2 squares within, takes half of the time of torch's own."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        return _overlapping(weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return F.avg_pool2d(gradients[0].contiguous(memory_format=torch.channels_last), 2, stride=1)


def add_bias(x: Tensor, bias: Tensor | None) -> Tensor:
    """``x``, which nobody else needs, plus ``bias`` per channel."""
    if bias is None:
        return x
    shift = bias.to(x.dtype)[:, None, None]
    return x.add_(shift) if overwriting_pays(x) else x + shift


class DownConv2d(nn.Conv2d):
    """A 3x3 convolution, then 2x2 mean pooling, as one 4x4 convolution of stride 2.

    Args:
        in_channels, out_channels: maps before and after; height and width are even, and are halved.
        bias: whether a number is added to each map.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``; H and W are even."""
        return conv2d(x, widened(self.weight, 4), self.bias, stride=2, padding=1)


class NearestUpConv2d(nn.Conv2d):
    """Nearest-neighbour doubling, then a 3x3 convolution, as one transposed 4x4 convolution of stride 2.

    Args:
        in_channels, out_channels: maps before and after; height and width are doubled.
        bias: whether a number is added to each map.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        kernel = exchanged(widened(self.weight, 1).flip(2, 3))
        # The bias is added afterwards: given to the transposed convolution it doubles oneDNN's backward time.
        return add_bias(conv_transpose2d(x, kernel, stride=2, padding=1), self.bias)


class BilinearUpConv2d(nn.Conv2d):
    """Bilinear doubling (corners not aligned), then a 3x3 convolution; not folded, as its borders are special.

    Args:
        in_channels, out_channels: maps before and after; height and width are doubled.
        bias: whether a number is added to each map.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return conv2d(x, self.weight, self.bias, stride=1, padding=1)


class TransposedConv2d(nn.ConvTranspose2d):
    """A transposed 4x4 convolution of stride 2 that doubles a map, its bias added afterwards.

    Args:
        in_channels, out_channels: maps before and after; height and width are doubled.
        bias: whether a number is added to each map.
    """

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        return add_bias(conv_transpose2d(x, self.weight, stride=2, padding=1), self.bias)


class ShuffledUp(nn.Module):
    """Doubles a map by a 1x1 convolution to four times the channels, SiLU, and a shuffle of channels to pixels.

    Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network (Shi et
    al. 2016, arXiv 1609.05158), started so that the four pixels of each are alike: no checkerboard (Aitken et al. 2017,
    arXiv 1707.02937).

    Args:
        channels: before and after.
    """

    ganzoo_init = "own"

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 4 * channels, 1)
        start = nn.init.kaiming_uniform_(torch.empty(channels, channels, 1, 1))
        with torch.no_grad():
            self.conv.weight.copy_(start.repeat_interleave(4, 0))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, 2H, 2W)``."""
        return F.pixel_shuffle(F.silu(self.conv(x)), 2)


UP_CONVS: dict[str, type[NearestUpConv2d] | type[BilinearUpConv2d]] = {
    "nearest": NearestUpConv2d,
    "bilinear": BilinearUpConv2d,
}
