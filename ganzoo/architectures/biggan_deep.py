"""BigGAN-deep: four times as many layers as BigGAN, in bottlenecks, and all of the noise in every one of them.

Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096), appendix B.
Widths go with the size as those of :mod:`ganzoo.architectures.biggan`, in units of 128; each has ``depth`` (2) blocks,
of which the last doubles G's map, and the first halves D's. The context of every norm of G is the whole noise beside
the embedding of the class, and the first layer sees it too.

How ours differs: sizes up to 64 pixels, for which the paper has none, are PyTorch-StudioGAN's. ``form=studiogan`` is
its second form: shortcuts with 1x1 convolutions, and at 32 pixels a D that starts at a quarter of its width. The
authors' D for 32 pixels has attention behind each of its widths: ``sa@16+sa@8``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.architectures.biggan import D_WIDTHS, SHARED, Widths, attentions, g_multiples, sizes
from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.bottleneck import d_bottleneck, g_bottleneck
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.layout import as_maps, sum_pool
from ganzoo.layers.residual import main_conv, xavier

Form = Literal["paper", "studiogan"]
MOST_DEPTH = 64


def d_shape(k: int, form: Form) -> tuple[tuple[int, ...], int]:
    """Widths of D's maps in multiples of ``ch``, the first that of the image's map, and how many stages halve it.

    Args:
        k: doublings of G.
        form: at 32 pixels and below, StudioGAN's starts at 1.
    """
    return (D_WIDTHS[k], k) if k in D_WIDTHS else ((1 if form == "studiogan" else 4, 4, 4, 4), 2)


class Blocks(nn.ModuleList):
    """Blocks one after the other, each called with its map and a context."""

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """The last block's map of ``(B, C, H, W)``."""
        for block in self:
            x = block(x, c)
        return x


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1]: linear, bottlenecks, norm, ReLU, 3x3, tanh.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        bottom: height and width of the smallest map.
        depth: blocks for each width.
        form: of the shortcuts.
        shared: length of the class embedding.
    """

    def __init__(
        self, kit: Kit, wide: Sequence[int], bottom: tuple[int, int], depth: int, form: Form, shared: int
    ) -> None:
        super().__init__()
        self.bottom = bottom
        self.shared = kit.share(shared)
        c_dim = kit.latent + self.shared.length
        self.project = xavier(nn.Linear(c_dim, wide[0] * bottom[0] * bottom[1]))
        self.stages = nn.ModuleList(
            Blocks(
                g_bottleneck(
                    a,
                    b if i == depth - 1 else a,
                    lambda maps: kit.norm(maps, c_dim),
                    up=i == depth - 1,
                    convolve=form == "studiogan",
                )
                for i in range(depth)
            )
            for a, b in pairwise(wide)
        )
        maps = [bottom[0] << i for i in range(1, len(wide))]
        self.attentions = attentions(kit, wide[1:], maps)
        self.norm = kit.norm(wide[-1], 0)
        self.relu = relu_after(self.norm, own=False)
        self.image = xavier(Conv2d(wide[-1], kit.channels, 3, padding=1))

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of noise ``(B, latent)`` and contexts ``(B, c_dim)``: label vectors, usually."""
        context = torch.cat([h, self.shared(c)], dim=1)
        x = as_maps(self.project(context), self.bottom)
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            x = attention(stage(x, context))
        return torch.tanh(self.image(self.relu(self.norm(x, c))))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``: 3x3, bottlenecks, ReLU, sum over pixels.

    Args:
        kit: of D's side.
        widths: channels of its maps, the first that of the image's size.
        halvings: how many stages, from the first, halve the map.
        depth: blocks for each width.
        form: of the shortcuts.
        rectify: let shortcuts start behind the ReLU.
    """

    def __init__(self, kit: Kit, widths: Sequence[int], halvings: int, depth: int, form: Form, rectify: bool) -> None:
        super().__init__()
        convolve = form == "studiogan"
        self.image = main_conv(Conv2d(kit.inputs, widths[0], 3, padding=1))
        self.stages = nn.ModuleList(
            Blocks(
                d_bottleneck(
                    b if i else a,
                    b,
                    kit.norm,
                    down=i == 0 and number < halvings,
                    convolve=convolve,
                    rectify=rectify,
                )
                for i in range(depth)
            )
            for number, (a, b) in enumerate(pairwise(widths))
        )
        maps = [kit.height >> min(i, halvings) for i in range(1, len(widths))]
        self.attentions = attentions(kit, widths[1:], maps)
        self.features = widths[-1]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [
            (stage, attention) if i else (self.image, stage, attention)
            for i, (stage, attention) in enumerate(zip(self.stages, self.attentions, strict=True))
        ]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width)`` of images; ``y`` are label vectors, for norms that a recipe may ask for."""
        x = self.image(x)
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            x = attention(stage(x, y))
        return sum_pool(F.relu(x))


def generator(
    kit: Kit,
    *,
    ch: int = 128,
    depth: int = 2,
    form: Form = "paper",
    widths: Widths = "studiogan",
    shared: int = SHARED,
) -> Generator:
    """BigGAN-deep: bottlenecks with noise and class in every norm (Brock et al. 2019, arXiv 1809.11096).

    Attention sites: behind the blocks of each width. Own one: 64 pixels, or half of a smaller image.

    Args:
        kit: of G's side.
        ch: unit of width.
        depth: blocks for each width.
        form: of shortcuts: the paper's, without weights, or StudioGAN's.
        widths: of images of 64 pixels: StudioGAN's, or those of the authors' code.
        shared: length of the class embedding.
    """
    within("biggan-deep:ch", ch, 1)
    within("biggan-deep:shared", shared, 1)
    within("biggan-deep:depth", depth, 1, MOST_DEPTH)
    bottom, k = sizes("biggan-deep", kit)
    wide = [ch * times for times in g_multiples(k, widths)]
    return Generator(kit, GTrunk(kit, wide, bottom, depth, form, shared))


def discriminator(
    kit: Kit,
    *,
    ch: int = 128,
    ch_d: int | None = None,
    depth: int = 2,
    form: Form = "paper",
    rectify: bool = False,
) -> Discriminator:
    """D of BigGAN-deep: bottlenecks, and a sum over pixels.

    Args:
        kit: of D's side.
        ch: unit of width.
        ch_d: D's own unit; ``ch`` by default.
        depth: blocks for each width.
        form: of shortcuts, and of the first map at 32 pixels: the paper's, or StudioGAN's.
        rectify: shortcuts start behind the ReLU, as in PyTorch-StudioGAN, not before it as in the authors' code.
    """
    within("biggan-deep:ch", ch, 1)
    within("biggan-deep:ch.d", ch_d, 1)
    within("biggan-deep:depth", depth, 1, MOST_DEPTH)
    multiples, halvings = d_shape(sizes("biggan-deep", kit)[1], form)
    trunk = DTrunk(kit, [times * (ch_d or ch) for times in multiples], halvings, depth, form, rectify)
    return Discriminator(kit, trunk, trunk.features)
