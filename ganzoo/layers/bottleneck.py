"""The residual bottlenecks of BigGAN-deep.

Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096), appendix B,
figure 16: 1x1, 3x3, 3x3 and 1x1 convolutions, of which the inner ones are a quarter as wide. A shortcut of the authors
has no weights where it narrows: G drops the last maps, and D adds as many as are missing by a 1x1 convolution.
PyTorch-StudioGAN's second form has a 1x1 convolution there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.residual import Norm, main_conv, xavier

NARROWER = 4  # times, inside


class FirstMaps(nn.Module):
    """The first ``count`` maps of its input, and no weights."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, count, H, W)``."""
        return x[:, : self.count]


class MoreMaps(nn.Module):
    """The input beside further maps that a 1x1 convolution makes of it.

    Args:
        in_channels, out_channels: maps before and after.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = xavier(nn.Conv2d(in_channels, out_channels - in_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in, H, W)`` to ``(B, out, H, W)``."""
        return torch.cat([x, self.conv(x)], 1)


class GBottleneck(nn.Module):
    """norm, ReLU, 1x1, norm, ReLU (doubling), 3x3, norm, ReLU, 3x3, norm, ReLU, 1x1, plus a shortcut.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, c)``.
        up: double the map.
        convolve: give the shortcut a 1x1 convolution; else it drops maps.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm, up: bool, convolve: bool) -> None:
        super().__init__()
        hidden = max(1, in_channels // NARROWER)
        self.up: nn.Module = nn.Upsample(scale_factor=2) if up else nn.Identity()
        convs = (
            nn.Conv2d(in_channels, hidden, 1),
            Conv2d(hidden, hidden, 3, padding=1),
            Conv2d(hidden, hidden, 3, padding=1),
            nn.Conv2d(hidden, out_channels, 1),
        )
        self.convs = nn.ModuleList(main_conv(conv) for conv in convs)
        self.norms = nn.ModuleList(norm(conv.in_channels) for conv in convs)
        self.relus = [relu_after(layer, own=i > 0) for i, layer in enumerate(self.norms)]
        narrow = xavier(nn.Conv2d(in_channels, out_channels, 1)) if convolve else FirstMaps(out_channels)
        self.shortcut = nn.Sequential(nn.Upsample(scale_factor=2) if up else nn.Identity(), narrow)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H, W)``, or twice as high and wide with ``up``."""
        h = self.convs[0](self.relus[0](self.norms[0](x, c)))
        h = self.convs[1](self.up(self.relus[1](self.norms[1](h, c))))
        h = self.convs[2](self.relus[2](self.norms[2](h, c)))
        h = self.convs[3](self.relus[3](self.norms[3](h, c)))
        return h + self.shortcut(x)


class DBottleneck(nn.Module):
    """ReLU, 1x1, ReLU, 3x3, ReLU, 3x3, ReLU (mean pooling), 1x1, plus a shortcut; norms where a recipe asks for them.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, c)``.
        down: halve the map.
        convolve: give the shortcut of a block that changes the shape a 1x1 convolution of its own, in place of one that
            makes but the maps that are missing.
    """

    def __init__(self, in_channels: int, out_channels: int, norm: Norm, down: bool, convolve: bool) -> None:
        super().__init__()
        hidden = max(1, out_channels // NARROWER)
        self.down: nn.Module = nn.AvgPool2d(2) if down else nn.Identity()
        convs = (
            nn.Conv2d(in_channels, hidden, 1),
            Conv2d(hidden, hidden, 3, padding=1),
            Conv2d(hidden, hidden, 3, padding=1),
            nn.Conv2d(hidden, out_channels, 1),
        )
        self.convs = nn.ModuleList(main_conv(conv) for conv in convs)
        self.norms = nn.ModuleList(norm(conv.in_channels) for conv in convs)
        self.relus = [relu_after(layer, own=i > 0) for i, layer in enumerate(self.norms)]
        widened = widen(in_channels, out_channels, down, convolve)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2) if down else nn.Identity(), widened)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H, W)``, or half as high and wide with ``down``."""
        h = self.convs[0](self.relus[0](self.norms[0](x, y)))
        h = self.convs[1](self.relus[1](self.norms[1](h, y)))
        h = self.convs[2](self.relus[2](self.norms[2](h, y)))
        h = self.convs[3](self.down(self.relus[3](self.norms[3](h, y))))
        return h + self.shortcut(x)


def widen(in_channels: int, out_channels: int, down: bool, convolve: bool) -> nn.Module:
    """What brings D's shortcut to ``out_channels`` maps: see :class:`DBottleneck`."""
    if convolve and (down or in_channels != out_channels):
        return xavier(nn.Conv2d(in_channels, out_channels, 1))
    return nn.Identity() if in_channels == out_channels else MoreMaps(in_channels, out_channels)
