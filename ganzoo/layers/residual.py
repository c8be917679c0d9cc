"""The residual blocks of SNGAN.

Spectral Normalization for Generative Adversarial Networks (Miyato et al. 2018, arXiv 1802.05957), appendix B.4, and the
authors' code. A 1x1 shortcut commutes with resampling, so ours convolves at the lower resolution: the same numbers for
a quarter of the work.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.resample import UP_CONVS, DownConv2d

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
Norm = Callable[[int], nn.Module]


def xavier(layer: Layer, gain: float = 1.0) -> Layer:
    """``layer`` with Xavier-uniform weights of that gain and no bias to start with."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def main_conv(layer: nn.Conv2d) -> nn.Conv2d:
    """A convolution of the main path, as it is initialised there."""
    return xavier(layer, math.sqrt(2))


class GBlock(nn.Module):
    """norm, ReLU, doubling, 3x3, norm, ReLU, 3x3, plus a doubled 1x1 shortcut.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, y)``.
        upsample: ``"nearest"`` or ``"bilinear"``.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm, upsample: str) -> None:
        super().__init__()
        self.norm1 = norm(in_channels)
        self.relu1 = relu_after(self.norm1, own=False)
        self.conv1 = main_conv(UP_CONVS[upsample](in_channels, out_channels))
        self.norm2 = norm(out_channels)
        self.relu2 = relu_after(self.norm2)
        self.conv2 = main_conv(Conv2d(out_channels, out_channels, 3, padding=1))
        self.shortcut = nn.Sequential(
            xavier(nn.Conv2d(in_channels, out_channels, 1)), nn.Upsample(scale_factor=2, mode=upsample)
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        h = self.conv1(self.relu1(self.norm1(x, y)))
        h = self.conv2(self.relu2(self.norm2(h, y)))
        return h + self.shortcut(x)


class FirstDBlock(nn.Module):
    """3x3, norm, ReLU, 3x3 and mean pooling, plus a pooled 1x1 shortcut: the block that sees the image itself.

    No activation comes first: it would cut off the dark half of the image.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, y)``.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm) -> None:
        super().__init__()
        self.conv1 = main_conv(Conv2d(in_channels, out_channels, 3, padding=1))
        self.norm = norm(out_channels)
        self.relu = relu_after(self.norm)
        self.conv2 = main_conv(DownConv2d(out_channels, out_channels))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), xavier(nn.Conv2d(in_channels, out_channels, 1)))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``."""
        h = self.conv2(self.relu(self.norm(self.conv1(x), y)))
        return h + self.shortcut(x)


def d_shortcut(in_channels: int, out_channels: int, down: bool) -> nn.Module:
    """What carries the input past a block: nothing where its shape stays, else (pooling and) a 1x1 convolution."""
    if down:
        return nn.Sequential(nn.AvgPool2d(2), xavier(nn.Conv2d(in_channels, out_channels, 1)))
    return nn.Identity() if in_channels == out_channels else xavier(nn.Conv2d(in_channels, out_channels, 1))


class DBlock(nn.Module):
    """norm, ReLU, 3x3, norm, ReLU, 3x3 (and mean pooling), plus a shortcut.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, y)``.
        down: halve the map.
        rectify: let the shortcut too start from the rectified input. The paper's does not; the in-place ReLUs of
            mimicry and StudioGAN do it.
        wide: widen the map by the first convolution, as BigGAN does, not by the second.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm: Norm,
        down: bool,
        rectify: bool = False,
        wide: bool = False,
    ) -> None:
        super().__init__()
        hidden = out_channels if wide else in_channels
        self.entry = nn.ReLU() if rectify else nn.Identity()
        self.norm1 = norm(in_channels)
        self.relu1 = relu_after(self.norm1, own=False)
        self.conv1 = main_conv(Conv2d(in_channels, hidden, 3, padding=1))
        self.norm2 = norm(hidden)
        self.relu2 = relu_after(self.norm2)
        last = DownConv2d(hidden, out_channels) if down else Conv2d(hidden, out_channels, 3, padding=1)
        self.conv2 = main_conv(last)
        self.shortcut = d_shortcut(in_channels, out_channels, down)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``, or ``(B, out, H, W)`` without ``down``."""
        x = self.entry(x)
        h = self.conv1(self.relu1(self.norm1(x, y)))
        h = self.conv2(self.relu2(self.norm2(h, y)))
        return h + self.shortcut(x)
