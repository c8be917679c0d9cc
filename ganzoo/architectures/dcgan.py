"""Deep convolutional GAN.

Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al. 2015,
arXiv 1511.06434). Sizes are those of the PyTorch example, which halves the paper's widths. Ours projects the noise by a
linear layer, as the paper draws it and with as many weights as the example's transposed convolution of one pixel. D's
first convolution, which no norm follows, has biases: without them D with batch norm gives a batch the same scores at
any contrast, and G's drifts. Images have a shorter side of any power of two from 16 up, and a longer one that is a
multiple of a quarter of that: each doubling adds a stage, and widths stop growing at ``16 * ch``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Generator, Kit, Unchanged
from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.dropout import Dropout
from ganzoo.layers.layout import as_maps, same_layout
from ganzoo.layers.resample import TransposedConv2d
from ganzoo.layers.sizes import rectangle


def shape(kit: Kit) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and how often it is doubled."""
    return rectangle("dcgan", (kit.height, kit.width))


def widths(ch: int, doublings: int) -> list[int]:
    """Channels of the maps of an image's half, quarter, ... size."""
    return [ch * min(2**i, 16) for i in range(doublings)]


def attention(kit: Kit, channels: int, resolution: int) -> nn.Module:
    """The attention site at a height; the own one is at half of the image, or at 32 where that is smaller."""
    _, k = shape(kit)
    heights = [kit.height >> i for i in range(1, k)]
    own = max((height for height in heights if height <= 32), default=min(heights))
    return kit.attention(channels, resolution, own=resolution == own)


class UpStage(nn.Module):
    """Transposed 4x4 convolution of stride 2, norm, ReLU, attention."""

    def __init__(self, kit: Kit, inputs: int, outputs: int, resolution: int) -> None:
        super().__init__()
        self.conv = TransposedConv2d(inputs, outputs, bias=kit.bias)
        self.norm = kit.norm(outputs)
        self.relu = relu_after(self.norm)
        self.attention = attention(kit, outputs, resolution)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        return self.attention(self.relu(self.norm(self.conv(h), y)))


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1]."""

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__()
        self.bottom, k = shape(kit)
        low, across = self.bottom
        wide = widths(ch, k)[::-1]
        self.project = nn.Linear(kit.latent, wide[0] * low * across, bias=kit.bias)
        self.norm = kit.norm(wide[0])
        self.stages = nn.ModuleList(UpStage(kit, wide[i], wide[i + 1], low << (i + 1)) for i in range(len(wide) - 1))
        self.image = TransposedConv2d(wide[-1], kit.channels, bias=False)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of vectors ``(B, latent)``."""
        h = F.relu(self.norm(as_maps(self.project(h), self.bottom), y))
        for stage in self.stages:
            h = stage(h, y)
        return torch.tanh(self.image(h))


class DownStage(nn.Module):
    """4x4 convolution of stride 2, norm, LeakyReLU(0.2), dropout, attention.

    Args:
        conv: the convolution.
        norm: what follows it.
        attend: what stands at the end.
        dropout: probability of dropping a value.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.Module, attend: nn.Module, dropout: float) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm
        self.relu = relu_after(norm, 0.2)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.attention = attend

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``."""
        return self.attention(self.dropout(self.relu(self.norm(self.conv(h), y))))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width, h, w)``, ``h`` or ``w`` being 4; no norm at the start."""

    def __init__(self, kit: Kit, ch: int, dropout: float) -> None:
        super().__init__()
        (low, across), k = shape(kit)
        wide = [kit.inputs, *widths(ch, k)]
        self.stages = nn.ModuleList()
        for i in range(k):
            size = kit.height >> (i + 1)
            conv = Conv2d(wide[i], wide[i + 1], 4, stride=2, padding=1, bias=kit.bias or i == 0)
            norm = kit.norm(wide[i + 1]) if i else Unchanged()
            attend = attention(kit, wide[i + 1], size) if size > low else nn.Identity()
            self.stages.append(DownStage(conv, norm, attend, dropout))
        self.features = wide[-1] * low * across

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(stage,) for stage in self.stages]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width, h, w)`` of images."""
        for stage in self.stages:
            x = stage(x, y)
        return same_layout(x)


def generator(kit: Kit, *, ch: int = 64) -> Generator:
    """Strided convolutions, batch norm and no hidden linear layers (Radford et al. 2015, arXiv 1511.06434).

    Attention sites of both networks are all maps larger than the smallest and up to half of the image; own ones are at
    half of it, 32 at most.

    Args:
        kit: of G's side.
        ch: channels of the last hidden map; they double with every halving of the map.
    """
    within("dcgan:ch", ch, 1)
    return Generator(kit, GTrunk(kit, ch))


def discriminator(kit: Kit, *, ch: int = 64, ch_d: int | None = None, dropout: float = 0.0) -> Discriminator:
    """D of DCGAN: strided convolutions, a linear map to a score.

    Args:
        kit: of D's side.
        ch: channels of G's last hidden map.
        ch_d: channels of D's first map; as G's last by default.
        dropout: probability of dropping a value of a hidden map.
    """
    within("dcgan:ch", ch, 1)
    within("dcgan:ch.d", ch_d, 1)
    within("dcgan:dropout", dropout, 0, 1)
    trunk = DTrunk(kit, ch if ch_d is None else ch_d, dropout)
    return Discriminator(kit, trunk, trunk.features, bias=False)
