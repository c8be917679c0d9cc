"""Decoders of a discriminator's maps, by which it is taught to encode images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.layers.batch_norm import BatchNorm
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.resample import NearestUpConv2d, ShuffledUp
from ganzoo.layers.weight import spectral_norm


class NearestDecoder(nn.Module):
    """Doublings by nearest neighbours, each with a 3x3 convolution, batch norm and a gated linear unit; 3x3, tanh.

    All convolutions have spectral norm and no bias, as in copies of FastGAN's code (arXiv 2101.04775).

    Args:
        channels: of the map that is decoded.
        widths: channels after each doubling.
        planes: of the image.
    """

    def __init__(self, channels: int, widths: Sequence[int], planes: int) -> None:
        super().__init__()
        wide = [channels, *widths]
        self.convs = nn.ModuleList(NearestUpConv2d(a, 2 * b, bias=False) for a, b in pairwise(wide))
        self.norms = nn.ModuleList(BatchNorm(2 * width, 0) for width in widths)
        self.image = Conv2d(wide[-1], planes, 3, padding=1, bias=False)
        for conv in (*self.convs, self.image):
            spectral_norm(conv)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, planes, 2^n H, 2^n W)`` in [-1, 1] of maps ``(B, channels, H, W)``."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.glu(norm(conv(x), x), 1)
        return torch.tanh(self.image(x))


class ShuffledDecoder(nn.Module):
    """Doublings by pixel shuffling, each with a 3x3 convolution and a gated linear unit that halves the channels.

    As the repository lightweight-gan has it; nothing bounds the image.

    Args:
        channels: of the map that is decoded.
        doublings: how many; without any there is a convolution alone.
        planes: of the image.
    """

    def __init__(self, channels: int, doublings: int, planes: int) -> None:
        super().__init__()
        wide = [max(1, channels >> i) for i in range(max(1, doublings))]
        outputs = [2 * width for width in wide[1:]] + [2 * planes]
        self.ups = nn.ModuleList(map(ShuffledUp if doublings else nn.Identity, wide))
        self.convs = nn.ModuleList(Conv2d(a, b, 3, padding=1) for a, b in zip(wide, outputs, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, planes, 2^n H, 2^n W)`` of maps ``(B, channels, H, W)``."""
        for up, conv in zip(self.ups, self.convs, strict=True):
            x = F.glu(conv(up(x)), 1)
        return x
