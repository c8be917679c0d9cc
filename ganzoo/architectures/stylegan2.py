"""StyleGAN2: a generator of modulated convolutions that adds up images, and a residual discriminator.

Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2020, arXiv 1912.04958), configuration F. Noise,
and the label where there is one, are mapped by ``mapping`` (8) layers to w. G starts from a learnt 4x4 map; for each
size it has a convolution that doubles the map and one that keeps it, both modulated and demodulated by w, with noise
and a leaky ReLU behind, and a 1x1 convolution to an image, which is added to the last one doubled. Which row of w each
layer takes:

| map | doubling convolution | convolution | to RGB |
|---|---|---|---|
| 4x4 | - | 0 | 1 |
| 8x8 | 1 | 2 | 3 |
| 16x16 | 3 | 4 | 5 |
| the k-th | 2k-1 | 2k | 2k+1 |

The image of a map and the convolution behind it take one row; 32 pixels have 8 of them, 1024 have 18. D halves the map
in residual blocks, or plain ones (``form=plain``), has the standard deviation within groups of images as a further map
at 4x4, and ends in two layers. Widths are ``ch`` (512) up to ``full`` (64) pixels, and half as much for each doubling
beyond; ``full=32`` is the width of the authors' later default below 512 pixels (arXiv 2006.06676). There, labels enter
D by ``spd``, and CIFAR's configuration is the preset ``stylegan2-cifar10``.

All weights are N(0, 1) at first and scaled when used, so that ``init`` changes none of them. How ours differs: labels
enter D by whatever head a recipe chooses; w's mean is taken through the very network that is sampled. Path length,
which costs a third of a step, is ``+pl`` (as in the preset ``stylegan2-ffhq``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Kit
from ganzoo.gan.style import Mean, StyleGenerator
from ganzoo.layers.activation import limited_leaky_relu, scaled_leaky_relu
from ganzoo.layers.equalized import EqualizedConv2d, EqualizedLinear, equalize_scores
from ganzoo.layers.filters import Filtered, FilteredDown, FilteredUp
from ganzoo.layers.layout import flat
from ganzoo.layers.mapping import MappingNetwork, check_style
from ganzoo.layers.minibatch_std import MinibatchStd
from ganzoo.layers.modulated import DemodulatedConv2d, DemodulatedUpConv2d, ModulatedConv2d
from ganzoo.layers.noise import NoiseInput
from ganzoo.layers.sizes import rectangle
from ganzoo.parts import NotNegativeInt, PositiveInt

Form = Literal["residual", "plain"]

GAIN = math.sqrt(2)  # of a leaky ReLU, which the layer before it multiplies by: the same numbers for one pass less
ATTENTION = 16  # height of the map where attention stands unless a recipe says a number
LEAST = 8  # pixels of the smallest image


def widths(kit: Kit, ch: int, full: int) -> list[int]:
    """Channels of the maps, from the smallest to the image's size."""
    _, k = rectangle("stylegan2", (kit.height, kit.width), least=LEAST)
    smallest = min(kit.height, kit.width) >> k
    return [narrowed(ch, full, smallest << i) for i in range(k + 1)]


def narrowed(ch: int, full: int, side: int) -> int:
    """Channels of a map of that side: ``ch`` up to ``full`` pixels, and half as many for each doubling beyond."""
    return max(1, ch * full // max(full, side))


class Layer(nn.Module):
    """A modulated convolution, noise, a bias and a leaky ReLU.

    Args:
        conv: called ``conv(x, w)``; with the activation's gain.
        size: height and width of what it makes.
    """

    def __init__(self, conv: DemodulatedConv2d, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv, self.noise = conv, NoiseInput(size, GAIN)
        self.bias = nn.Parameter(torch.zeros(conv.out_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to the next map."""
        x = self.noise(self.conv(x, w))
        return limited_leaky_relu(x + (GAIN * self.bias)[:, None, None].to(x.dtype))


class ToImage(nn.Module):
    """A modulated 1x1 convolution to an image, and a bias.

    Args:
        channels: of the map.
        planes: of the image.
        w_dim: length of the style.
    """

    def __init__(self, channels: int, planes: int, w_dim: int) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(channels, planes, 1, w_dim)
        self.bias = nn.Parameter(torch.zeros(planes))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to ``(B, planes, H, W)``."""
        x = self.conv(x, w)
        return x + self.bias[:, None, None].to(x.dtype)


class Synthesis(nn.Module):
    """w to images: see the table above.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        w_dim: length of each w.

    Attributes:
        count: how many w it takes.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], w_dim: int) -> None:
        super().__init__()
        k = len(wide) - 1
        sizes = [(kit.height >> k - i, kit.width >> k - i) for i in range(k + 1)]
        self.constant = nn.Parameter(torch.randn(1, wide[0], *sizes[0]))
        ups = [DemodulatedUpConv2d(a, b, 3, w_dim, gain=GAIN) for a, b in pairwise(wide)]
        self.ups = nn.ModuleList(Layer(conv, size) for conv, size in zip(ups, sizes[1:], strict=True))
        self.layers = nn.ModuleList(
            Layer(DemodulatedConv2d(a, a, 3, w_dim, GAIN), s) for a, s in zip(wide, sizes, strict=True)
        )
        self.images = nn.ModuleList(ToImage(channels, kit.channels, w_dim) for channels in wide)
        self.attentions = kit.attentions(wide, [height for height, _ in sizes], ATTENTION)
        self.doublings = nn.ModuleList(FilteredUp() for _ in ups)  # of the image
        self.count = 2 * k + 2

    def forward(self, w: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of ``w`` ``(B, count, w_dim)``."""
        rows = w.unbind(1)
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        x = self.attentions[0](self.layers[0](x, rows[0]))
        image = self.images[0](x, rows[1])
        for i, (up, double) in enumerate(zip(self.ups, self.doublings, strict=True), start=1):
            x = self.layers[i](up(x, rows[2 * i - 1]), rows[2 * i])
            x = self.attentions[i](x)
            image = double(image) + self.images[i](x, rows[2 * i + 1])
        return image


class Convolution(nn.Module):
    """An equalised convolution and a leaky ReLU.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__()
        self.conv = EqualizedConv2d(in_channels, out_channels, size, gain=GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H, W)``."""
        return limited_leaky_relu(self.conv(x))


class Plain(nn.Module):
    """A convolution, then one that halves the map: a filter, and a stride of 2.

    Args:
        in_channels, out_channels: maps before and after.
        gain: of the activation.
    """

    def __init__(self, in_channels: int, out_channels: int, gain: float = GAIN) -> None:
        super().__init__()
        self.first = Convolution(in_channels, in_channels, 3)
        self.smooth = Filtered(padding=2)
        self.second = EqualizedConv2d(in_channels, out_channels, 3, stride=2, padding=0, gain=gain)
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``; H and W are even."""
        return limited_leaky_relu(self.second(self.smooth(self.first(x))), self.gain)


class Residual(nn.Module):
    """A plain block beside the map itself halved; the variance of their sum is that of either.

    Args:
        in_channels, out_channels: maps before and after.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block = Plain(in_channels, out_channels, gain=1.0)  # √2 · √½
        self.halve = FilteredDown()
        self.shortcut = EqualizedConv2d(in_channels, out_channels, 1, bias=False, gain=math.sqrt(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``; H and W are even."""
        return self.block(x) + self.shortcut(self.halve(x))


BLOCKS: dict[str, type[Residual] | type[Plain]] = {"residual": Residual, "plain": Plain}


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``.

    Args:
        kit: of D's side.
        wide: channels of its maps, from the image's size to the smallest.
        form: of the blocks.
        group: images whose standard deviation is taken together.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], form: Form, group: int) -> None:
        super().__init__()
        k, self.features = len(wide) - 1, wide[-1]
        self.image = Convolution(kit.inputs, wide[0], 1)
        # By the height of the map: so a block is known by one name whatever the size of the images.
        self.blocks = nn.ModuleDict(
            {str(kit.height >> i): BLOCKS[form](a, b) for i, (a, b) in enumerate(pairwise(wide))}
        )
        self.attentions = kit.attentions(wide[1:], [kit.height >> i for i in range(1, k + 1)], ATTENTION)
        self.spread = MinibatchStd(wide[-1], group)
        self.last = Convolution(self.spread.channels, wide[-1], 3)
        self.linear = EqualizedLinear(wide[-1] * (kit.height >> k) * (kit.width >> k), wide[-1])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        blocks = zip(self.blocks.values(), self.attentions, strict=True)
        return [(self.image,), *blocks, (self.last, self.linear)]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of images; labels meet them in the head."""
        x = self.image(x)
        for block, attention in zip(self.blocks.values(), self.attentions, strict=True):
            x = attention(block(x))
        x = self.last(self.spread(x))
        return scaled_leaky_relu(self.linear(flat(x)))


def generator(
    kit: Kit,
    *,
    ch: int = 512,
    full: int = 64,
    mapping: int = 8,
    w_dim: int | None = None,
    w_mean: Mean = "class",
    mixing: float = 0.9,
) -> StyleGenerator:
    """StyleGAN2: modulated convolutions that add up an image (Karras et al. 2020, arXiv 1912.04958).

    Attention sites: behind the layers of each map. Own one: 16 pixels.

    Args:
        kit: of G's side.
        ch: channels of the widest maps.
        full: side up to which maps are that wide; beyond they halve.
        mapping: layers of the mapping network.
        w_dim: length of w; as ``ch`` by default.
        w_mean: of w that truncation draws to unless it says: for an image's label, or that of the whole training.
        mixing: share of a training's images whose layers have the w of two draws of noise.
    """
    check_style("stylegan2", ch=ch, full=full, mapping=mapping, w_dim=w_dim)
    within("stylegan2:mixing", mixing, 0, 1)
    length = w_dim or ch
    style = MappingNetwork(kit.latent, kit.c_dim, length, mapping)
    trunk = Synthesis(kit, widths(kit, ch, full), length)
    return StyleGenerator(kit, style, trunk, layers=trunk.count, w_dim=length, mixing=mixing, mean=w_mean)


def discriminator(
    kit: Kit,
    *,
    ch: int = 512,
    ch_d: PositiveInt | None = None,
    full: int = 64,
    form: Form = "residual",
    group: NotNegativeInt = 4,
) -> Discriminator:
    """D of StyleGAN2: residual blocks, and the standard deviation of groups of images.

    Args:
        kit: of D's side.
        ch: channels of the widest maps.
        ch_d: D's own; ``ch`` by default.
        full: side up to which maps are that wide; beyond they halve.
        form: of its blocks: ``residual``, or ``plain`` as in the configuration for CIFAR-10.
        group: images whose standard deviation is taken together.
    """
    within("stylegan2:ch", ch, 1)
    within("stylegan2:full", full, 1)
    trunk = DTrunk(kit, widths(kit, ch_d or ch, full)[::-1], form, group)
    network = Discriminator(kit, trunk, trunk.features)
    equalize_scores(network.head)
    return network
