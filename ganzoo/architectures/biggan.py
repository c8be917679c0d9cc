"""BigGAN: wide residual networks whose every block of G gets a piece of the noise beside a class embedding.

Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096), appendix B.
Multiples of ``ch`` (96), G's from the smallest map, 4x4:

| pixels | G | D (a slash marks where it stops halving) | noise |
|---|---|---|---|
| 32 (and 16) | 4 4 4 4 | 2 2 / 2 2 | 80 |
| 64 | 16 8 4 2 1 | 1 2 4 8 16 | 100 |
| 128 | 16 16 8 4 2 1 | 1 2 4 8 16 / 16 | 120 |
| 256 | 16 16 8 8 4 2 1 | 1 2 4 8 8 16 / 16 | 140 |
| 512 | 16 16 8 8 4 2 1 1 | 1 1 2 4 8 8 16 / 16 | 160 |

The noise is cut into a piece for the first layer and one for each block; the norms of a block see its piece beside the
embedding of the class, which all share; without labels, the piece alone. The last norm of G sees neither. Attention
stands at 64 pixels, or at half of a smaller image, in both networks.

How ours differs: sizes up to 64 pixels, for which the paper has none, are PyTorch-StudioGAN's; resampling is folded
into convolutions. The authors' own networks of 64 pixels keep 16 for one map longer (``widths=brock``); their D for 32
has 4 times ``ch`` everywhere and attention behind each block: ``ch.d=384``, ``sa@16+sa@8``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import ResolutionError, UsageError, within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.layout import as_maps, sum_pool
from ganzoo.layers.residual import DBlock, FirstDBlock, GBlock, xavier
from ganzoo.layers.sizes import rectangle

Widths = Literal["studiogan", "brock"]

G_WIDTHS = {4: (16, 8, 4, 2, 1), 5: (16, 16, 8, 4, 2, 1), 6: (16, 16, 8, 8, 4, 2, 1), 7: (16, 16, 8, 8, 4, 2, 1, 1)}
D_WIDTHS = {4: (1, 2, 4, 8, 16), 5: (1, 2, 4, 8, 16, 16), 6: (1, 2, 4, 8, 8, 16, 16), 7: (1, 1, 2, 4, 8, 8, 16, 16)}
MOST_DOUBLINGS = max(G_WIDTHS)
SHARED = 128  # length of the class embedding
ATTENTION = 64  # height of the map where attention stands, in images of twice that and more


def sizes(name: str, kit: Kit) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and how often G doubles it.

    Raises:
        ResolutionError: for a size that 4 pixels do not double to, or one beyond the paper's.
    """
    bottom, k = rectangle(name, (kit.height, kit.width))
    if k > MOST_DOUBLINGS:
        largest = 4 << MOST_DOUBLINGS
        raise ResolutionError(
            f"{name} makes images of up to {largest} pixels, not {kit.height}x{kit.width}: try --resolution {largest}",
            nearest=(largest,),
        )
    return bottom, k


def g_multiples(k: int, widths: Widths) -> tuple[int, ...]:
    """Widths of G's maps in multiples of ``ch``, from the smallest to the image's size, after ``k`` doublings."""
    if k == 4 and widths == "brock":
        return (16, *G_WIDTHS[4][:-1])
    return G_WIDTHS.get(k, (4,) * (k + 1))


def d_shape(k: int) -> tuple[tuple[int, ...], int]:
    """Widths of D's blocks in multiples of ``ch``, and how many of them, from the first, halve the map.

    Args:
        k: doublings of G.
    """
    return (D_WIDTHS[k], k) if k in D_WIDTHS else ((2,) * 4, 2)


def attentions(kit: Kit, channels: Sequence[int], maps: Sequence[int]) -> nn.ModuleList:
    """Attention behind each of ``maps`` (heights); the own one at 64 pixels, or half of a smaller image."""
    return kit.attentions(channels, maps, min(ATTENTION, kit.height // 2))


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1]: linear, residual blocks, norm, ReLU, 3x3, tanh.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        bottom: height and width of the smallest map.
        shared: length of the class embedding.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], bottom: tuple[int, int], shared: int = SHARED) -> None:
        super().__init__()
        blocks, self.bottom = len(wide) - 1, bottom
        piece = kit.latent // (blocks + 1)
        self.pieces = [kit.latent - blocks * piece] + [piece] * blocks  # what does not divide is the first's
        self.project = xavier(nn.Linear(self.pieces[0], wide[0] * bottom[0] * bottom[1]))
        self.shared = kit.share(shared)
        c_dim = piece + self.shared.length
        self.blocks = nn.ModuleList(
            GBlock(a, b, lambda maps: kit.norm(maps, c_dim), "nearest") for a, b in pairwise(wide)
        )
        maps = [bottom[0] << i for i in range(1, blocks + 1)]
        self.attentions = attentions(kit, wide[1:], maps)
        self.norm = kit.norm(wide[-1], 0)
        self.relu = relu_after(self.norm, own=False)
        self.image = xavier(Conv2d(wide[-1], kit.channels, 3, padding=1))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of noise ``(B, latent)`` and contexts ``(B, c_dim)``: label vectors, usually."""
        first, *pieces = h.split(self.pieces, dim=1)
        shared = self.shared(c)
        x = as_maps(self.project(first), self.bottom)
        for block, attention, piece in zip(self.blocks, self.attentions, pieces, strict=True):
            x = attention(block(x, torch.cat([piece, shared], dim=1)))
        return torch.tanh(self.image(self.relu(self.norm(x, c))))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``: residual blocks, ReLU, sum over pixels.

    Args:
        kit: of D's side.
        widths: channels of the blocks.
        halvings: how many blocks, from the first, halve the map.
        rectify: let shortcuts start behind the ReLU.
    """

    def __init__(self, kit: Kit, widths: Sequence[int], halvings: int, rectify: bool) -> None:
        super().__init__()
        later = (
            DBlock(a, b, kit.norm, i < halvings, rectify=rectify, wide=True)
            for i, (a, b) in enumerate(pairwise(widths), start=1)
        )
        self.blocks = nn.ModuleList([FirstDBlock(kit.inputs, widths[0], kit.norm), *later])
        maps = [kit.height >> min(i, halvings) for i in range(1, len(widths) + 1)]
        self.attentions = attentions(kit, widths, maps)
        self.features = widths[-1]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.blocks, self.attentions, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width)`` of images; ``y`` are label vectors, for norms that a recipe may ask for."""
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x, y))
        return sum_pool(F.relu(x))


def generator(kit: Kit, *, ch: int = 96, widths: Widths = "studiogan", shared: int = SHARED) -> Generator:
    """BigGAN: residual networks with noise and a class embedding in every block (Brock et al. 2019, arXiv 1809.11096).

    Attention sites: all maps behind a block. Own one: 64 pixels, or half of a smaller image.

    Args:
        kit: of G's side.
        ch: unit of width.
        widths: of images of 64 pixels: StudioGAN's, or those of the authors' code.
        shared: length of the class embedding.
    """
    within("biggan:ch", ch, 1)
    within("biggan:shared", shared, 1)
    bottom, k = sizes("biggan", kit)
    refuse_little_noise("biggan", kit.latent, k + 1)
    return Generator(kit, GTrunk(kit, [ch * times for times in g_multiples(k, widths)], bottom, shared))


def discriminator(kit: Kit, *, ch: int = 96, ch_d: int | None = None, rectify: bool = False) -> Discriminator:
    """D of BigGAN: residual blocks that widen at once, and a sum over pixels.

    Args:
        kit: of D's side.
        ch: unit of width.
        ch_d: channels of the first map, where they are not the ``ch`` (twice that up to 32 pixels) that go with G.
        rectify: shortcuts start behind the ReLU, as in PyTorch-StudioGAN, not before it as in the authors' code.
    """
    within("biggan:ch", ch, 1)
    within("biggan:ch.d", ch_d, 1)
    multiples, halvings = d_shape(sizes("biggan", kit)[1])
    wide = [times * (ch_d or ch * multiples[0]) // multiples[0] for times in multiples]
    trunk = DTrunk(kit, wide, halvings, rectify)
    return Discriminator(kit, trunk, trunk.features)


def refuse_little_noise(name: str, latent: int, pieces: int) -> None:
    """Refuse noise that cannot be cut into ``pieces``."""
    if latent < pieces:
        raise UsageError(
            f"{name} cuts its noise into {pieces} pieces at this size, and {latent} numbers are too few: "
            f"try --set z-dim={20 * pieces}"
        )
