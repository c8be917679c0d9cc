"""The plain convolutional network of the paper on spectral normalisation, which many later papers compare on.

Spectral Normalization for Generative Adversarial Networks (Miyato et al. 2018, arXiv 1802.05957), appendix B.4, table
3. G: linear to 8 ``ch`` maps of 4x4, transposed 4x4 convolutions that halve the width, each with norm and ReLU, then
3x3 and tanh. D: for each size a 3x3 convolution that doubles the width and a 4x4 one of stride 2, at the end a 3x3,
each with a leaky ReLU of slope 0.1 behind it. Widths stop at 8 ``ch``.

How ours differs: it makes images of other sizes than the paper's, too. compare_gan calls it sndcgan. The ``deep_conv``
of PyTorch-StudioGAN, which its DCGAN is, has batch norm and ReLUs in D and sums over pixels: with ``bn`` it is
``pool=sum,slope=0``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.layout import as_maps, same_layout, sum_pool
from ganzoo.layers.resample import TransposedConv2d
from ganzoo.layers.sizes import rectangle

Pool = Literal["none", "sum"]
WIDEST = 8
ATTENTION = 32  # height of the map where attention stands, in images of twice that and more


def widths(ch: int, k: int) -> list[int]:
    """Channels of the maps from the image's size to the smallest, ``k`` halvings later."""
    return [ch * min(2**i, WIDEST) for i in range(k + 1)]


class Stage(nn.Module):
    """A convolution, norm and (leaky) ReLU.

    Args:
        conv: the convolution.
        norm: what follows it.
        slope: of the negative side.
    """

    def __init__(self, conv: nn.Module, norm: nn.Module, slope: float) -> None:
        super().__init__()
        self.conv, self.norm = conv, norm
        self.relu = relu_after(norm, slope)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The map ``(B, C, H, W)`` after the convolution."""
        return self.relu(self.norm(self.conv(x), y))


class Pair(nn.Module):
    """A stage that keeps the map's size, then one that halves it."""

    def __init__(self, keep: Stage, halve: Stage) -> None:
        super().__init__()
        self.keep, self.halve = keep, halve

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``."""
        return self.halve(self.keep(x, y), y)


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1].

    Args:
        kit: of G's side.
        ch: channels of the last map.
    """

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__()
        self.bottom, k = rectangle("sndcgan", (kit.height, kit.width))
        wide = widths(ch, k)[::-1]
        self.project = nn.Linear(kit.latent, wide[0] * self.bottom[0] * self.bottom[1])
        self.stages = nn.ModuleList(Stage(TransposedConv2d(a, b), kit.norm(b), 0.0) for a, b in pairwise(wide))
        self.attentions = kit.attentions(
            wide[1:], [self.bottom[0] << i for i in range(1, k + 1)], min(32, kit.height // 2)
        )
        self.image = Conv2d(wide[-1], kit.channels, 3, padding=1)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of vectors ``(B, latent)``."""
        x = as_maps(self.project(h), self.bottom)
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            x = attention(stage(x, y))
        return torch.tanh(self.image(x))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features: maps ``(B, width, 4, 4)``, or their sums ``(B, width)``.

    Args:
        kit: of D's side.
        ch: channels of the first map.
        slope: of the leaky ReLUs.
        pool: ``"sum"`` to sum over pixels.
    """

    def __init__(self, kit: Kit, ch: int, slope: float, pool: Pool) -> None:
        super().__init__()
        bottom, k = rectangle("sndcgan", (kit.height, kit.width))
        wide = widths(ch, k)
        inputs = [kit.inputs, *wide]

        def stage(conv: nn.Conv2d) -> Stage:
            return Stage(conv, kit.norm(conv.out_channels), slope)

        self.stages = nn.ModuleList(
            Pair(stage(Conv2d(a, b, 3, padding=1)), stage(Conv2d(b, b, 4, stride=2, padding=1)))
            for a, b in pairwise(inputs[:-1])
        )
        self.attentions = kit.attentions(
            wide[:-1], [kit.height >> i for i in range(1, k + 1)], min(32, kit.height // 2)
        )
        self.last = stage(Conv2d(inputs[-2], wide[-1], 3, padding=1))
        self.pool = sum_pool if pool == "sum" else same_layout
        self.features = wide[-1] * (1 if pool == "sum" else bottom[0] * bottom[1])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [*zip(self.stages, self.attentions, strict=True), (self.last,)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of images."""
        for pair, attention in zip(self.stages, self.attentions, strict=True):
            x = attention(pair(x, y))
        return self.pool(self.last(x, y))


def generator(kit: Kit, *, ch: int = 64) -> Generator:
    """The plain network of SNGAN's paper, compare_gan's sndcgan (Miyato et al. 2018, arXiv 1802.05957).

    Attention sites of both networks: all maps behind a stage. Own ones: half of the image, 32 at most.

    Args:
        kit: of G's side.
        ch: channels of the last map; they double with every halving of the map, up to 8 times.
    """
    within("sndcgan:ch", ch, 1)
    return Generator(kit, GTrunk(kit, ch))


def discriminator(
    kit: Kit, *, ch: int = 64, ch_d: int | None = None, slope: float = 0.1, pool: Pool = "none"
) -> Discriminator:
    """D of sndcgan: pairs of convolutions, of which the second halves the map.

    Args:
        kit: of D's side.
        ch: channels of G's last map.
        ch_d: channels of D's first map; as G's last by default.
        slope: of the leaky ReLUs.
        pool: ``"sum"`` adds up the last map's pixels before the head, as in StudioGAN.
    """
    within("sndcgan:ch", ch, 1)
    within("sndcgan:ch.d", ch_d, 1)
    within("sndcgan:slope", slope, 0, 1)
    trunk = DTrunk(kit, ch if ch_d is None else ch_d, slope, pool)
    return Discriminator(kit, trunk, trunk.features)
