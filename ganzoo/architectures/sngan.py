"""The ResNet of spectrally normalised GANs.

Spectral Normalization for Generative Adversarial Networks (Miyato et al. 2018, arXiv 1802.05957), appendix B.4, as
mimicry and StudioGAN have it. Channels, for ``ch`` at its default:

| pixels | G, from the smallest map (4, or 6 for 48) | D (a slash marks where it stops halving) |
|---|---|---|
| 32 (and 16, 24) | 256 256 256 256 | 128 128 / 128 128 |
| 48 | 512 256 128 64 | 64 128 256 512 / 1024 |
| 64 (and 96) | 1024 512 256 128 64 | 64 128 256 512 1024 |
| 128 (and 192) | 1024 1024 512 256 128 64 | 64 128 256 512 1024 / 1024 |

256 and more follow the last row with further blocks of 1024. ``widths=studiogan`` is StudioGAN's choice: fewer maps
from 256 on, and at 64 a D whose last block does not halve its map. How ours differs: resampling is folded into
convolutions (:mod:`ganzoo.layers.resample`); G doubles its maps by nearest neighbours, as the authors' code and
StudioGAN do, and ``upsample=bilinear`` is mimicry's choice; D's shortcuts start from the raw input, as in the authors'
code, and ``rectify=true`` is what the in-place ReLUs of mimicry and StudioGAN compute. G's last norm never sees labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.architectures.biggan import D_WIDTHS, G_WIDTHS
from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.layout import as_maps, sum_pool
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock, xavier
from ganzoo.layers.sizes import rectangle

Widths = Literal["even", "studiogan"]

BOTTOMS = (4, 6)  # sides of the smallest map of G
SMALL = 32  # up to this size all maps are equally wide
LARGE = (4, 5, 6, 7)  # doublings for which StudioGAN has networks of its own; at 128 pixels (5) they are these
ATTENTION = 32  # height of the map beyond which no attention stands unless a recipe says a number
DEEPER = 96  # up to this size, and above SMALL, D halves once more than G doubles


def sizes(name: str, kit: Kit) -> tuple[tuple[int, int], int]:
    """Height and width of G's smallest map, and how often it is doubled; D may halve once more."""
    deeper = 1 if SMALL < min(kit.height, kit.width) <= DEEPER else 0
    return rectangle(name, (kit.height, kit.width), BOTTOMS, deeper=deeper)


def g_widths(ch: int, short: int, k: int, widths: Widths) -> list[int]:
    """Channels of G's maps, from the smallest map to the image's size, after ``k`` doublings to a side ``short``."""
    if k in LARGE and widths == "studiogan":
        return [ch * times for times in G_WIDTHS[k]]
    growth = 1 if short <= SMALL else 2
    return [ch * min(growth**i, 16) for i in range(k, -1, -1)]


def d_shape(ch: int, short: int, k: int, widths: Widths) -> tuple[list[int], int]:
    """The channels of D's blocks, and how many of them, from the first, halve the map.

    Args:
        ch: of the first.
        short: shorter side of the image.
        k: doublings of G.
        widths: of large images.
    """
    if k in LARGE and widths == "studiogan":
        return [ch * times for times in D_WIDTHS[k]], k
    if short <= SMALL:
        return [ch] * 4, 2
    return [ch * min(2**i, 16) for i in range(max(5, k + 1))], k + 1 if k < 5 else k


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1]: linear, residual blocks, norm, ReLU, 3x3, tanh."""

    def __init__(self, kit: Kit, ch: int, upsample: str, widths: Widths) -> None:
        super().__init__()
        self.bottom, k = sizes("sngan", kit)
        low, across = self.bottom
        wide = g_widths(ch, min(kit.height, kit.width), k, widths)
        self.project = xavier(nn.Linear(kit.latent, wide[0] * low * across))
        self.blocks = nn.ModuleList(GBlock(a, b, kit.norm, upsample) for a, b in pairwise(wide))
        maps = [low << i for i in range(1, k + 1)]
        self.attentions = kit.attentions(wide[1:], maps, min(kit.height // 2, ATTENTION))
        self.norm = kit.norm(wide[-1], labels=False)
        self.relu = relu_after(self.norm, own=False)
        self.image = xavier(Conv2d(wide[-1], kit.channels, 3, padding=1))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of vectors ``(B, latent)``."""
        h = as_maps(self.project(h), self.bottom)
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            h = attention(block(h, y))
        return torch.tanh(self.image(self.relu(self.norm(h, y))))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``: residual blocks, ReLU, sum over pixels."""

    def __init__(self, kit: Kit, ch: int, rectify: bool, wide: bool, large: Widths) -> None:
        super().__init__()
        widths, halvings = d_shape(ch, min(kit.height, kit.width), sizes("sngan", kit)[1], large)
        later = (
            DBlock(a, b, kit.norm, i < halvings, rectify=rectify, wide=wide)
            for i, (a, b) in enumerate(pairwise(widths), start=1)
        )
        self.blocks = nn.ModuleList([FirstDBlock(kit.inputs, widths[0], kit.norm), *later])
        maps = [kit.height >> i for i in range(1, halvings + 1)]
        sites = kit.attentions(widths[:halvings], maps, min(kit.height // 4, ATTENTION))
        self.attentions = nn.ModuleList([*sites, *(nn.Identity() for _ in widths[halvings:])])
        self.features = widths[-1]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.blocks, self.attentions, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width)`` of images."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x, y))
        return sum_pool(F.relu(x))


def generator(
    kit: Kit,
    *,
    ch: int | None = None,
    upsample: Literal["nearest", "bilinear"] = "nearest",
    widths: Widths = "even",
) -> Generator:
    """Residual networks, made for spectral norm on D (Miyato et al. 2018, arXiv 1802.05957).

    Attention sites: all maps behind a block of G, and behind a halving block of D. Own ones: in G the last map before
    the image's size, in D the second, each 32 pixels at most.

    Args:
        kit: of G's side.
        ch: channels of the last map; 256 up to 32 pixels, 64 above.
        upsample: how maps are doubled; the authors and StudioGAN repeat pixels, mimicry interpolates.
        widths: of large images: ``"even"`` has further blocks of 16 ``ch`` from 256 pixels on; ``"studiogan"`` fewer,
            and at 64 a D whose last block does not halve its map.
    """
    return Generator(kit, g_trunk("sngan", kit, ch, upsample, widths))


def discriminator(
    kit: Kit,
    *,
    ch: int | None = None,
    ch_d: int | None = None,
    rectify: bool = False,
    wide: bool = False,
    widths: Widths = "even",
) -> Discriminator:
    """D of SNGAN: residual blocks, and a sum over pixels.

    Args:
        kit: of D's side.
        ch: channels of G's last map; 256 up to 32 pixels, 64 above.
        ch_d: channels of D's first map; half of ``ch`` up to 32 pixels, ``ch`` above.
        rectify: shortcuts start behind the ReLU, as in mimicry and StudioGAN, not before it as in the paper.
        wide: blocks widen their map by the first convolution, as in BigGAN and StudioGAN, not by the second.
        widths: of large images: ``"even"`` has further blocks of 16 ``ch`` from 256 pixels on; ``"studiogan"`` fewer,
            and at 64 a D whose last block does not halve its map.
    """
    trunk = d_trunk("sngan", kit, ch, ch_d, rectify=rectify, wide=wide, widths=widths)
    return Discriminator(kit, trunk, trunk.features)


def g_trunk(name: str, kit: Kit, ch: int | None, upsample: str, widths: Widths) -> GTrunk:
    """G's trunk, for ``ch`` or its default; ``name`` is what errors call the architecture."""
    within(f"{name}:ch", ch, 1)
    sizes(name, kit)
    return GTrunk(kit, ch or default_width(kit), upsample, widths)


def d_trunk(
    name: str, kit: Kit, ch: int | None, ch_d: int | None, *, rectify: bool, wide: bool, widths: Widths
) -> DTrunk:
    """D's trunk, of width ``ch_d`` or what goes with ``ch`` of G; ``name`` is what errors call the architecture."""
    within(f"{name}:ch", ch, 1)
    within(f"{name}:ch.d", ch_d, 1)
    sizes(name, kit)
    ch = ch or default_width(kit)
    small = min(kit.height, kit.width) <= SMALL
    return DTrunk(kit, ch_d or (max(1, ch // 2) if small else ch), rectify, wide, widths)


def default_width(kit: Kit) -> int:
    """Channels of G's last map."""
    return 256 if min(kit.height, kit.width) <= SMALL else 64
