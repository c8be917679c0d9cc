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


class Bottleneck(nn.Module):
    """Four convolutions, each behind a norm and a ReLU, plus a shortcut.

    Args:
        in_channels, hidden, out_channels: maps before, inside and after.
        norm: makes a normalization for a number of channels, called ``norm(x, c)``.
        resample: what changes the map's size; in front of the convolution ``before``.
        before: 0 to 3.
        shortcut: the way past the convolutions.
        rectify: let the shortcut too start from the rectified input.
    """

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        norm: Norm,
        *,
        resample: nn.Module,
        before: int,
        shortcut: nn.Module,
        rectify: bool = False,
    ) -> None:
        super().__init__()
        self.entry = nn.ReLU() if rectify else nn.Identity()
        convs = (
            nn.Conv2d(in_channels, hidden, 1),
            Conv2d(hidden, hidden, 3, padding=1),
            Conv2d(hidden, hidden, 3, padding=1),
            nn.Conv2d(hidden, out_channels, 1),
        )
        self.convs = nn.ModuleList(main_conv(conv) for conv in convs)
        self.norms = nn.ModuleList(norm(conv.in_channels) for conv in convs)
        self.relus = [relu_after(layer, own=number > 0) for number, layer in enumerate(self.norms)]
        self.resamples = nn.ModuleList(resample if number == before else nn.Identity() for number in range(4))
        self.shortcut = shortcut

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H, W)``, or as high and wide as the resampling makes it."""
        h = x = self.entry(x)
        for norm, relu, resample, conv in zip(self.norms, self.relus, self.resamples, self.convs, strict=True):
            h = conv(resample(relu(norm(h, c))))
        return h + self.shortcut(x)


def g_bottleneck(in_channels: int, out_channels: int, norm: Norm, up: bool, convolve: bool) -> Bottleneck:
    """A block of G, which doubles its map in front of the first 3x3 convolution.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, c)``.
        up: double the map.
        convolve: give the shortcut a 1x1 convolution; else it drops maps.
    """

    def doubling() -> nn.Module:
        return nn.Upsample(scale_factor=2) if up else nn.Identity()

    narrow = xavier(nn.Conv2d(in_channels, out_channels, 1)) if convolve else FirstMaps(out_channels)
    hidden, shortcut = max(1, in_channels // NARROWER), nn.Sequential(doubling(), narrow)
    return Bottleneck(in_channels, hidden, out_channels, norm, resample=doubling(), before=1, shortcut=shortcut)


def d_bottleneck(
    in_channels: int, out_channels: int, norm: Norm, down: bool, convolve: bool, rectify: bool = False
) -> Bottleneck:
    """A block of D, which halves its map in front of the last convolution; norms where a recipe asks for them.

    Args:
        in_channels, out_channels: maps before and after.
        norm: makes a normalization for a number of channels, called ``norm(x, c)``.
        down: halve the map.
        convolve: give the shortcut of a block that changes the shape a 1x1 convolution of its own, in place of one that
            makes but the maps that are missing.
        rectify: let the shortcut start from the rectified input, as the in-place ReLUs of PyTorch-StudioGAN do.
    """

    def halving() -> nn.Module:
        return nn.AvgPool2d(2) if down else nn.Identity()

    wider = widen(in_channels, out_channels, down, convolve)
    hidden, shortcut = max(1, out_channels // NARROWER), nn.Sequential(halving(), wider)
    resample = halving()
    return Bottleneck(
        in_channels, hidden, out_channels, norm, resample=resample, before=3, shortcut=shortcut, rectify=rectify
    )


def widen(in_channels: int, out_channels: int, down: bool, convolve: bool) -> nn.Module:
    """What brings D's shortcut to ``out_channels`` maps: see :func:`d_bottleneck`."""
    if convolve and (down or in_channels != out_channels):
        return xavier(nn.Conv2d(in_channels, out_channels, 1))
    return nn.Identity() if in_channels == out_channels else MoreMaps(in_channels, out_channels)
