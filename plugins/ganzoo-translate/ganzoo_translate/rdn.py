"""Residual Dense Network: pictures made large by convolutions that see all maps before them.

Residual Dense Network for Image Super-Resolution (Zhang et al. 2018, arXiv 1802.08797): two convolutions, ``blocks``
(D) dense blocks of ``convs`` (C) convolutions with a ReLU that add ``growth`` (G) maps each, a 1x1 convolution and a
shortcut around each; the results of all blocks side by side go through a 1x1 and a 3x3 convolution and are added to the
first maps, of which there are ``ch`` (G0). The upscaling is that of ESPCN (arXiv 1609.05158) and a last convolution.
The paper's networks have D, C, G of 20, 6, 32 and 16, 8, 64; there is no D to fool in it, so that the game is ESRGAN's.
How ours differs: below 128 pixels there are 4 blocks; ``up=nearest`` enlarges the last maps as they are where the paper
lays them out as pixels, which is what widely used copies of the network do (idealo's image-super-resolution, and
UpscalerJS, whose ``esrgan-slim`` is one of 222,075 parameters).

Inside, G computes with pixels in [0, 1], beyond whose edges lies black. Pairs of small and large pictures are made of
any pictures (``pairs:downscale:cifar10``).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit, within
from ganzoo.layers import Conv2d
from ganzoo_translate.esrgan import Enlarger
from ganzoo_translate.patches import PatchDiscriminator, PatchTrunk, halvings, planes
from ganzoo_translate.sizes import LARGE, whole_halves

Scale = Literal["1", "2", "3", "4", "8"]
Up = Literal["shuffle", "nearest"]
UP_KERNEL = 5  # of the first convolution of the upscaling


class ReluDenseBlock(nn.Module):
    """Convolutions that each see the input and what those before made of it, joined to as many maps, and a shortcut.

    Args:
        width: maps of the input.
        growth: maps that each convolution adds.
        convs: how many.
    """

    def __init__(self, width: int, growth: int, convs: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Conv2d(width + k * growth, growth, 3, padding=1) for k in range(convs))
        self.join = Conv2d(width + convs * growth, width, 1)

    def forward(self, h: Tensor) -> Tensor:
        """``(B, width, H, W)`` to the same."""
        maps = h
        for conv in self.convs:
            maps = torch.cat([maps, F.relu(conv(maps))], 1)
        return h + self.join(maps)


class ResidualDenseNetwork(nn.Module):
    """A picture of any size to one that is ``scale`` times as wide and high.

    Args:
        kit: of side ``"g"``.
        ch, growth: maps, and those that a convolution of a block adds.
        blocks, convs: how many blocks there are, and convolutions in each.
        wide: maps of the upscaling's first convolution; its second makes half as many.
        scale, up: see :func:`rdn`.
    """

    def __init__(
        self, kit: Kit, ch: int, growth: int, *, blocks: int, convs: int, wide: int, scale: int, up: Up
    ) -> None:
        super().__init__()
        self.scale, self.first = scale, Conv2d(kit.inputs, ch, 3, padding=1)
        self.second = Conv2d(ch, ch, 3, padding=1)
        self.blocks = nn.ModuleList(ReluDenseBlock(ch, growth, convs) for _ in range(blocks))
        self.join, self.last = Conv2d(blocks * ch, ch, 1), Conv2d(ch, ch, 3, padding=1)
        narrow, sub = max(1, wide // 2), kit.channels * scale**2
        self.up = nn.ModuleList(
            [
                Conv2d(ch, wide, UP_KERNEL, padding=UP_KERNEL // 2),
                Conv2d(wide, narrow, 3, padding=1),
                Conv2d(narrow, sub, 3, padding=1),
            ]
        )
        self.enlarge: nn.Module = nn.PixelShuffle(scale) if up == "shuffle" else nn.UpsamplingNearest2d(None, scale)
        self.image = Conv2d(kit.channels if up == "shuffle" else sub, kit.channels, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Pictures ``(B, C, scale H, scale W)`` in [0, 1] or about it, of pictures ``(B, inputs, H, W)``."""
        first = self.first(x)
        maps = [self.second(first)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        h = first + self.last(self.join(torch.cat(maps[1:], 1)))
        wide, narrow, sub = self.up
        return self.image(self.enlarge(sub(F.relu(narrow(F.relu(wide(h)))))))


def rdn(
    g: Kit,
    d: Kit,
    *,
    ch: int = 64,
    ch_d: int | None = None,
    growth: int = 64,
    blocks: int | None = None,
    convs: int = 8,
    up_ch: int = 64,
    scale: Scale = "4",
    up: Up = "shuffle",
    layers: int | None = None,
) -> dict[str, nn.Module]:
    """Residual dense blocks whose maps are all joined, and a PatchGAN (Zhang et al. 2018, arXiv 1802.08797).

    G has no attention sites; those of D are all maps from 8 pixels to a half.

    Args:
        g, d: kits of the two sides.
        ch: maps of G.
        ch_d: channels of D's first map; as G's by default.
        growth: maps that each convolution of a dense block adds.
        blocks: dense blocks; 16 from 128 pixels up, 4 below.
        convs: convolutions of a dense block.
        up_ch: maps of the upscaling's first convolution; its second makes half as many.
        scale: times that an image is as wide and high as its source.
        up: whether the upscaling's last maps are laid out as pixels (``shuffle``) or enlarged as they are.
        layers: halvings in D, for patches of 16, 34, 70, ... pixels; 3, or as many as leave them within the image.
    """
    for name, value in {"ch": ch, "ch.d": ch_d, "growth": growth, "up.ch": up_ch}.items():
        within(f"rdn:{name}", value, 1)
    within("rdn:blocks", blocks, 1, 64)
    within("rdn:convs", convs, 1, 64)
    times = int(scale)
    whole_halves("rdn", g.resolution, times, 16 + -16 % times)
    deep = (16 if g.resolution >= LARGE else 4) if blocks is None else blocks
    net = ResidualDenseNetwork(g, ch, growth, blocks=deep, convs=convs, wide=up_ch, scale=times, up=up)
    trunk = PatchTrunk(d, planes(d), ch if ch_d is None else ch_d, halvings("rdn", layers, d.resolution), d.bias)
    return {"G": Enlarger(g, net, times), "D": PatchDiscriminator(d, trunk)}
