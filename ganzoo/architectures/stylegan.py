"""StyleGAN: w tells each layer of a growing generator what to draw.

A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948),
configuration F. Noise, and the label where there is one, are mapped by ``mapping`` (8) layers to w. G starts from a
learnt 4x4 map; for each size it has two layers, of which the first doubles the map and smooths it by
[1, 2, 1]. Behind each 3x3 convolution stand noise with a strength for each map, a bias, a leaky ReLU of slope 0.2 and a
norm that takes w, AdaIN. Layers 2k and 2k+1 of w are those of the k-th size; 32 pixels have 8 of them, 1024 have 18. A
1x1 convolution of each size makes an image, and takes no w. D is that of progressive growing with maps smoothed before
they are halved.

Both grow from 8x8 pixels on, as :class:`ganzoo.gan.growing.GrowingGame` says; with ``grow=7`` they are whole from the
first step. Widths are ``ch`` (512) up to ``full`` (32) pixels, and half as much for each doubling beyond. All weights
are N(0, 1) at first and scaled when used, so that ``init`` changes none of them.

How ours differs: as ours of progressive growing does (:mod:`ganzoo.architectures.pggan`); the first map is N(0, 1) at
first, as in StyleGAN2, where the paper has ones: a norm of maps that are one number everywhere would draw rounding
errors, other ones on each machine; the layer at which mixed
styles cross is drawn among all layers, also where some have not grown; w's mean is taken through the very network that
is sampled. Labels enter the mapping by a linear map beside the noise, as in the authors' later papers, and D by
projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.architectures.pggan import ATTENTION, DBlock, Up, grown_discriminator, sizes, widths
from ganzoo.errors import UsageError, within
from ganzoo.gan.gan import GAN
from ganzoo.gan.growing import GrowingGame, Growth, enlarge
from ganzoo.gan.kit import Discriminator, Kit
from ganzoo.gan.style import Mean, StyleGenerator
from ganzoo.layers.activation import scaled_leaky_relu
from ganzoo.layers.equalized import EqualizedConv2d
from ganzoo.layers.filters import Filtered
from ganzoo.layers.mapping import MappingNetwork, check_style
from ganzoo.layers.noise import NoiseInput
from ganzoo.parts import NotNegativeNumber


def smooth() -> Filtered:
    """[1, 2, 1] along both axes, which keeps the size."""
    return Filtered((1.0, 2.0, 1.0), padding=1)


class StyleLayer(nn.Module):
    """What makes a map, noise, a bias, a leaky ReLU, and a norm that takes w.

    Args:
        kit: of G's side.
        layer: what makes the map.
        channels: of the map.
        size: its height and width.
        w_dim: length of w.
    """

    def __init__(self, kit: Kit, layer: nn.Module, channels: int, size: tuple[int, int], w_dim: int) -> None:
        super().__init__()
        self.layer, self.noise = layer, NoiseInput(size, channels=channels)
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm = kit.norm(channels, w_dim)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to the next map."""
        x = self.noise(self.layer(x))
        return self.norm(scaled_leaky_relu(x + self.bias[:, None, None].to(x.dtype)), w)


class Synthesis(nn.Module):
    """w to images, in training of the stage's size, else whole.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        w_dim: length of each w.
        blur: whether maps are smoothed behind the layer that doubles them.

    Attributes:
        count: how many w it takes.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], w_dim: int, blur: bool) -> None:
        super().__init__()
        maps = sizes("stylegan", kit)
        self.growth = Growth(len(wide) - 1)
        self.constant = nn.Parameter(torch.randn(1, wide[0], *maps[0]))
        end = smooth if blur else nn.Identity
        ups = [nn.Sequential(Up(), EqualizedConv2d(a, b, 3, bias=False), end()) for a, b in pairwise(wide)]
        made = zip([nn.Identity(), *ups], wide, maps, strict=True)
        self.first = nn.ModuleList(StyleLayer(kit, layer, width, size, w_dim) for layer, width, size in made)
        self.second = nn.ModuleList(
            StyleLayer(kit, EqualizedConv2d(width, width, 3, bias=False), width, size, w_dim)
            for width, size in zip(wide, maps, strict=True)
        )
        self.attentions = kit.attentions(wide, [height for height, _ in maps], ATTENTION)
        self.images = nn.ModuleList(EqualizedConv2d(channels, kit.channels, 1) for channels in wide)
        self.count = 2 * len(wide)

    def forward(self, w: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of ``w`` ``(B, count, w_dim)``."""
        low, high = self.growth.low, self.growth.high
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        for stage in range(low + 1):
            x = self.map(x, w, stage)
        image = self.images[low](x)
        for stage in range(low + 1, high + 1):  # one, while it fades in, or none
            fresh = self.images[stage](self.map(x, w, stage))
            image = torch.lerp(enlarge(image), fresh, self.growth.alpha.to(image.dtype))
        return self.growth.whole(image, self.training)

    def map(self, x: Tensor, w: Tensor, stage: int) -> Tensor:
        """The map of a stage, of that before it."""
        x = self.second[stage](self.first[stage](x, w[:, 2 * stage]), w[:, 2 * stage + 1])
        made: Tensor = self.attentions[stage](x)
        return made


class SmoothDBlock(DBlock):
    """The block of progressive growing's D, its maps smoothed by [1, 2, 1] before they are halved."""

    def __init__(self, kit: Kit, in_channels: int, out_channels: int) -> None:
        super().__init__(kit, in_channels, out_channels)
        self.between = smooth()


class GrowingStyleGame(GrowingGame):
    """The game of growing networks, from 8x8 pixels on.

    Args:
        gan: with networks ``G`` and ``D``.
        start: shorter side in pixels of the first images.
        grow: how many doublings are behind it, of those that there are: a schedule; 7 has them all from the first step.
        fade: share of a doubling in which the doubled images fade in; before it nothing changes.
    """

    def __init__(
        self, gan: GAN, *, start: int = 8, grow: NotNegativeNumber = "linear/0/7/8400k", fade: float = 0.5
    ) -> None:
        super().__init__(gan, start=start, grow=grow, fade=fade)


def generator(
    kit: Kit,
    *,
    ch: int = 512,
    full: int = 32,
    mapping: int = 8,
    w_dim: int | None = None,
    w_mean: Mean = "class",
    mixing: float = 0.9,
    blur: bool = True,
) -> StyleGenerator:
    """StyleGAN: growing convolutions with noise, and a norm that w steers (Karras et al. 2019, arXiv 1812.04948).

    Attention sites: behind the layers of each map. Own one: 16 pixels.

    Args:
        kit: of G's side.
        ch: channels of the widest maps.
        full: side up to which maps are that wide; beyond they halve.
        mapping: layers of the mapping network.
        w_dim: length of w; as ``ch`` by default.
        w_mean: of w that truncation draws to unless it says: for an image's label, or that of the whole training.
        mixing: share of a training's images whose layers have the w of two draws of noise.
        blur: whether maps are smoothed behind the layer that doubles them, as the paper's are from its
            configuration B on.
    """
    check_style("stylegan", ch=ch, full=full, mapping=mapping, w_dim=w_dim)
    within("stylegan:mixing", mixing, 0, 1)
    if not kit.steered:
        raise UsageError("stylegan's noise reaches the image by norms that take w: keep adain@g, or name style@g")
    length = w_dim or ch
    trunk = Synthesis(kit, widths("stylegan", kit, ch, full), length, blur)
    style = MappingNetwork(kit.latent, kit.c_dim, length, mapping)
    return StyleGenerator(kit, style, trunk, layers=trunk.count, w_dim=length, mixing=mixing, mean=w_mean)


def discriminator(kit: Kit, *, ch: int = 512, ch_d: int | None = None, full: int = 32, group: int = 4) -> Discriminator:
    """D of StyleGAN: that of progressive growing with smoothed maps.

    Args:
        kit: of D's side.
        ch: channels of the widest maps.
        ch_d: D's own; ``ch`` by default.
        full: side up to which maps are that wide; beyond they halve.
        group: images whose standard deviation is taken together; 0 for the whole batch.
    """
    within("stylegan:ch", ch, 1)
    within("stylegan:ch.d", ch_d, 1)
    within("stylegan:full", full, 1)
    return grown_discriminator(kit, "stylegan", widths("stylegan", kit, ch_d or ch, full), SmoothDBlock, group)
