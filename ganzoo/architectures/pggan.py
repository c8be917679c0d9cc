"""Progressively grown networks: convolutions at each size, and images from every one of them.

Progressive Growing of GANs for Improved Quality, Stability, and Variation (Karras et al. 2018, arXiv 1710.10196), table
2. Noise is scaled to a mean square of 1. G makes a 4x4 map of it by a linear layer and a 3x3 convolution, and at each
further size doubles the map by repeating pixels and has two 3x3 convolutions; behind each a leaky ReLU of slope 0.2 and
a norm, the scaling of each pixel's vector (``pixelnorm``). D has two 3x3 convolutions at each size and halves the map
by means, has the standard deviation within groups of images as a further map at 4x4, and ends in two layers. A 1x1
convolution of each size goes to the image, or comes from it. How a training goes through the sizes, and what its images
are until it has, :class:`ganzoo.gan.growing.GrowingGame` says. Nothing but training bounds what leaves G.

Widths are ``ch`` (512) up to ``full`` (32) pixels, and half as much for each doubling beyond. Weights are N(0, 1) at
first and scaled when used (equalised learning rates), so that ``init`` changes none of them.

How ours differs: the gain √2 of He's constant stands behind the activation, where it scales biases, too; it is none in
the last layers, which have no activation. The batch, 16 at most sizes in the paper, is that of the setting throughout,
and Adam goes on where a stage ends. Groups are of 4 images, as in the authors' later papers, where the paper takes the
batch. A short training grows to its end with ``grow=linear/0/N``, N doublings.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.growing import Growth, enlarge, shrink
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import scaled_leaky_relu
from ganzoo.layers.equalized import EqualizedConv2d, EqualizedLinear, UnitMeanSquare, equalize_scores
from ganzoo.layers.layout import as_maps, flat
from ganzoo.layers.minibatch_std import MinibatchStd
from ganzoo.layers.sizes import rectangle

Biases = Literal["map", "pixel"]

ATTENTION = 16  # height of the map where attention stands unless a recipe says a number
LEAST = 8  # pixels of the smallest image


def sizes(name: str, kit: Kit) -> list[tuple[int, int]]:
    """Height and width of the maps, from the smallest to the image's size."""
    _, k = rectangle(name, (kit.height, kit.width), least=LEAST)
    return [(kit.height >> k - i, kit.width >> k - i) for i in range(k + 1)]


def widths(name: str, kit: Kit, ch: int, full: int) -> list[int]:
    """Channels of the maps, from the smallest to the image's size."""
    return [max(1, ch * full // max(full, min(size))) for size in sizes(name, kit)]


class Layer(nn.Module):
    """What makes a map, a leaky ReLU, a norm."""

    def __init__(self, kit: Kit, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer, self.norm = layer, kit.norm(channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` under contexts ``(B, c_dim)`` to the next map."""
        return self.norm(scaled_leaky_relu(self.layer(x)), c)


class Start(nn.Module):
    """Vectors ``(B, inputs)`` to maps ``(B, C, h, w)``: a linear layer with a bias for each map, or each pixel.

    Args:
        inputs: length of the vectors.
        channels: of the maps.
        size: height and width of the maps.
        biases: what has one.
    """

    def __init__(self, inputs: int, channels: int, size: tuple[int, int], biases: Biases = "map") -> None:
        super().__init__()
        self.size = size
        self.linear = EqualizedLinear(inputs, channels * size[0] * size[1], bias=False)
        self.places = (1, 1) if biases == "map" else size
        self.bias = nn.Parameter(torch.zeros(channels * self.places[0] * self.places[1]))

    def forward(self, h: Tensor) -> Tensor:
        """Maps of vectors."""
        x = as_maps(self.linear(h), self.size)
        return x + self.bias.unflatten(0, (-1, *self.places)).to(x.dtype)


class Up(nn.Module):
    """Maps ``(B, C, H, W)`` doubled by repeating pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, 2H, 2W)``."""
        return enlarge(x)


class GBlock(nn.Module):
    """The map doubled, and two convolutions with what stands behind them.

    Args:
        kit: of G's side.
        in_channels, out_channels: maps before and after.
    """

    def __init__(self, kit: Kit, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = Layer(kit, EqualizedConv2d(in_channels, out_channels, 3), out_channels)
        self.second = Layer(kit, EqualizedConv2d(out_channels, out_channels, 3), out_channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        return self.second(self.first(enlarge(x), c), c)


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)``: in training of the stage's size, else whole.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        biases: of the first layer.
    """

    def __init__(self, kit: Kit, wide: Sequence[int], biases: Biases = "map") -> None:
        super().__init__()
        maps = sizes("pggan", kit)
        self.growth = Growth(len(wide) - 1)
        self.unit = UnitMeanSquare()
        self.start = Layer(kit, Start(kit.latent, wide[0], maps[0], biases), wide[0])
        self.second = Layer(kit, EqualizedConv2d(wide[0], wide[0], 3), wide[0])
        self.blocks = nn.ModuleList(GBlock(kit, a, b) for a, b in pairwise(wide))
        self.attentions = kit.attentions(wide, [height for height, _ in maps], ATTENTION)
        self.images = nn.ModuleList(EqualizedConv2d(channels, kit.channels, 1) for channels in wide)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise ``(B, latent)`` and contexts ``(B, c_dim)``."""
        low, high = self.growth.low, self.growth.high
        x = self.attentions[0](self.second(self.start(self.unit(h), c), c))
        for i in range(low):
            x = self.attentions[i + 1](self.blocks[i](x, c))
        image = self.images[low](x)
        for i in range(low, high):  # one, while it fades in, or none
            fresh = self.images[i + 1](self.attentions[i + 1](self.blocks[i](x, c)))
            image = torch.lerp(enlarge(image), fresh, self.growth.alpha.to(image.dtype))
        return self.growth.whole(image, self.training)


class DBlock(nn.Module):
    """Two convolutions with what stands behind them, and the map halved.

    Args:
        kit: of D's side.
        in_channels, out_channels: maps before and after.
    """

    def __init__(self, kit: Kit, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = Layer(kit, EqualizedConv2d(in_channels, in_channels, 3), in_channels)
        self.between: nn.Module = nn.Identity()
        self.second = Layer(kit, EqualizedConv2d(in_channels, out_channels, 3), out_channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``; H and W are even."""
        return shrink(self.second(self.between(self.first(x, c)), c))


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)``, of the stage's size or larger, to features ``(B, width)``.

    Args:
        kit: of D's side.
        name: of the architecture.
        wide: channels of its maps, from the smallest to the image's size.
        block: what halves a map, called ``block(kit, in_channels, out_channels)``.
        group: images whose standard deviation is taken together; 0 for the whole batch.
    """

    def __init__(self, kit: Kit, name: str, wide: Sequence[int], block: type[nn.Module], group: int) -> None:
        super().__init__()
        maps, self.features = sizes(name, kit), wide[0]
        self.height = kit.height
        self.growth = Growth(len(wide) - 1)
        self.images = nn.ModuleList(EqualizedConv2d(kit.inputs, channels, 1) for channels in wide)
        self.blocks = nn.ModuleList(block(kit, b, a) for a, b in pairwise(wide))
        self.attentions = kit.attentions(wide[:-1], [height for height, _ in maps[:-1]], ATTENTION)
        self.spread = MinibatchStd(wide[0], group)
        self.last = Layer(kit, EqualizedConv2d(self.spread.channels, wide[0], 3), wide[0])
        self.linear = EqualizedLinear(wide[0] * maps[0][0] * maps[0][1], wide[0])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on; each size's way in from an image is of its block."""
        inward = list(zip(self.images[1:], self.blocks, self.attentions, strict=True))[::-1]
        return [*inward, (self.images[0], self.last, self.linear)]

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Features of images; labels meet them in the head."""
        low, high = self.growth.low, self.growth.high
        side = self.height >> self.growth.last - high
        x = shrink(x, max(1, x.shape[2] // side))
        maps = self.of_image(x, high)
        for i in range(low, high):  # one, while it fades in, or none
            fresh = self.attentions[i](self.blocks[i](maps, c))
            maps = torch.lerp(self.of_image(shrink(x), i), fresh, self.growth.alpha.to(fresh.dtype))
        for i in reversed(range(low)):
            maps = self.attentions[i](self.blocks[i](maps, c))
        maps = self.last(self.spread(maps), c)
        return scaled_leaky_relu(self.linear(flat(maps)))

    def of_image(self, x: Tensor, stage: int) -> Tensor:
        """The first map of an image that has the size of a stage."""
        return scaled_leaky_relu(self.images[stage](x))


def generator(kit: Kit, *, ch: int = 512, full: int = 32, biases: Biases = "map") -> Generator:
    """Progressively grown convolutions with an image at each size (Karras et al. 2018, arXiv 1710.10196).

    Attention sites: behind the block of each map. Own one: 16 pixels.

    Args:
        kit: of G's side.
        ch: channels of the widest maps.
        full: side up to which maps are that wide; beyond they halve.
        biases: of the first layer: one for each map, or for each of its pixels, as in pytorch_GAN_zoo.
    """
    within("pggan:ch", ch, 1)
    within("pggan:full", full, 1)
    return Generator(kit, GTrunk(kit, widths("pggan", kit, ch, full), biases))


def discriminator(kit: Kit, *, ch: int = 512, ch_d: int | None = None, full: int = 32, group: int = 4) -> Discriminator:
    """D of progressive growing: G turned round, and the standard deviation of groups of images.

    Args:
        kit: of D's side.
        ch: channels of the widest maps.
        ch_d: D's own; ``ch`` by default.
        full: side up to which maps are that wide; beyond they halve.
        group: images whose standard deviation is taken together; 0 for the whole batch.
    """
    within("pggan:ch", ch, 1)
    within("pggan:ch.d", ch_d, 1)
    within("pggan:full", full, 1)
    return grown_discriminator(kit, "pggan", widths("pggan", kit, ch_d or ch, full), DBlock, group)


def grown_discriminator(kit: Kit, name: str, wide: Sequence[int], block: type[nn.Module], group: int) -> Discriminator:
    """A D that grows, whose score has an equalised learning rate; the arguments are those of :class:`DTrunk`."""
    within(f"{name}:group", group, 0)
    trunk = DTrunk(kit, name, wide, block, group)
    network = Discriminator(kit, trunk, trunk.features)
    equalize_scores(network.head)
    return network
