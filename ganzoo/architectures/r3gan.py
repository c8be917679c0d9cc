"""R3GAN: residual networks of grouped convolutions without any normalization, both alike.

The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024, arXiv 2501.05441), section 4, config E.
Each map size has ``blocks`` (2) residual blocks: 1x1 to twice the width, a grouped 3x3, 1x1 back, with biases and leaky
ReLUs of slope 0.2 after the first two and nothing elsewhere. G starts from a learnt 4x4 map for each channel, scaled by
a linear map of the noise and the class; D ends in one, an inner product with it. Between sizes maps are resampled by
[1, 2, 1] (a 4x4 kernel of [1, 3, 3, 1] once doubled), with a 1x1 convolution where the width changes. Images leave G by
a 1x1 convolution, so that nothing but training bounds them.

Widths are ``ch`` (768) up to ``full`` (32) pixels, and half as much for each doubling beyond. The last layer of a block
starts at zero, the others as He et al. scaled by the number of blocks to the power -1/4 (Fixup, arXiv 1901.09321).

How ours differs: the inner product with the class in D starts at the scale of one entry, since the paper gives none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.filters import FilteredDown, FilteredUp
from ganzoo.layers.sizes import rectangle

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # that keeps the scale through a leaky ReLU
EMBEDDING = 64  # length of G's class embedding
ATTENTION = 16  # height of the map where attention stands unless a recipe says a number
MOST_BLOCKS = 64


def widths(kit: Kit, ch: int, full: int) -> list[int]:
    """Channels of the maps, from the smallest to the image's size."""
    _, k = rectangle("r3gan", (kit.height, kit.width))
    smallest = min(kit.height, kit.width) >> k
    return [max(1, ch * full // max(full, smallest << i)) for i in range(k + 1)]


class BiasedActivation(nn.Module):
    """A learnt bias for each map, then a leaky ReLU of slope 0.2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return F.leaky_relu(x + self.bias.to(x.dtype)[:, None, None], SLOPE)


class ZeroConv2d(Conv2d):
    """A 1x1 convolution without bias that starts at zero; a weight part, which divides by a norm, cannot have it."""

    ganzoo_weight = "own"

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1, bias=False)
        nn.init.zeros_(self.weight)


class Block(nn.Module):
    """A residual block that keeps its map's shape.

    Args:
        channels: of the map.
        expand: times as wide inside.
        group: channels of a group, inside; all of them where there are fewer.
        blocks: of the whole network, by which the weights start smaller.
    """

    def __init__(self, channels: int, expand: int, group: int, blocks: int) -> None:
        super().__init__()
        hidden = channels * expand
        group = min(group, hidden)
        if hidden % group:
            raise UsageError(
                f"r3gan:group={group} does not divide the {hidden} channels inside a block of {channels}: "
                f"try r3gan:group={math.gcd(hidden, group)}"
            )
        self.first = Conv2d(channels, hidden, 1, bias=False)
        self.grouped = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden // group, bias=False)
        self.last = ZeroConv2d(hidden, channels)
        self.acts = nn.ModuleList(BiasedActivation(hidden) for _ in range(2))
        for conv in (self.first, self.grouped):
            he(conv, GAIN * blocks**-0.25)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return x + self.last(self.acts[1](self.grouped(self.acts[0](self.first(x)))))


def he(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights from N(0, gain²/fan-in)."""
    fan = layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=gain / math.sqrt(max(fan, 1)))


def change(in_channels: int, out_channels: int) -> nn.Module:
    """A 1x1 convolution where the width changes."""
    if in_channels == out_channels:
        return nn.Identity()
    conv = Conv2d(in_channels, out_channels, 1, bias=False)
    he(conv)
    return conv


class Basis(nn.Module):
    """A learnt map for each channel, ``(C, h, w)``."""

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, *size))


class Start(Basis):
    """Vectors ``(B, in)`` to maps ``(B, C, h, w)``: a learnt map for each channel, scaled by a linear map.

    Args:
        inputs: length of the vectors.
        channels: of the maps.
        size: height and width of the maps.
    """

    def __init__(self, inputs: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__(channels, size)
        self.scale = nn.Linear(inputs, channels, bias=False)
        he(self.scale)

    def forward(self, h: Tensor) -> Tensor:
        """Maps of vectors."""
        return self.scale(h)[:, :, None, None] * self.basis


class End(Basis):
    """Maps ``(B, C, h, w)`` to features ``(B, C)``: the inner product of each with a learnt one.

    Args:
        channels: of the maps.
        size: height and width of the maps.
    """

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__(channels, size)
        nn.init.normal_(self.basis, std=1 / math.sqrt(size[0] * size[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Features of maps."""
        return (x * self.basis.to(x.dtype)).sum((2, 3))


def stage(channels: int, count: int, expand: int, group: int, blocks: int) -> nn.Sequential:
    """The blocks of one map size."""
    return nn.Sequential(*(Block(channels, expand, group, blocks) for _ in range(count)))


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)``.

    Args:
        kit: of G's side.
        wide: channels of its maps, from the smallest to the image's size.
        count: blocks for each map.
        expand, group: see :class:`Block`.
    """

    ganzoo_init = "own"

    def __init__(self, kit: Kit, wide: Sequence[int], count: int, expand: int, group: int) -> None:
        super().__init__()
        k, blocks = len(wide) - 1, count * len(wide)
        bottom = (kit.height >> k, kit.width >> k)
        self.embedding = kit.share(EMBEDDING)
        for weight in self.embedding.parameters():
            nn.init.normal_(weight)
        self.start = Start(kit.latent + self.embedding.length, wide[0], bottom)
        ups = [nn.Sequential(FilteredUp(), change(a, b)) for a, b in pairwise(wide)]
        self.ups = nn.ModuleList([nn.Identity(), *ups])
        self.stages = nn.ModuleList(stage(width, count, expand, group, blocks) for width in wide)
        self.attentions = kit.attentions(wide, [bottom[0] << i for i in range(k + 1)], ATTENTION)
        self.image = Conv2d(wide[-1], kit.channels, 1, bias=False)
        he(self.image)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise ``(B, latent)`` and contexts ``(B, c_dim)``: label vectors, usually."""
        x = self.start(torch.cat([h, self.embedding(c)], dim=1))
        for up, blocks, attention in zip(self.ups, self.stages, self.attentions, strict=True):
            x = attention(blocks(up(x)))
        return self.image(x)


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)`` to features ``(B, width)``.

    Args:
        kit: of D's side.
        wide: channels of its maps, from the image's size to the smallest.
        count: blocks for each map.
        expand, group: see :class:`Block`.
    """

    ganzoo_init = "own"

    def __init__(self, kit: Kit, wide: Sequence[int], count: int, expand: int, group: int) -> None:
        super().__init__()
        k, blocks = len(wide) - 1, count * len(wide)
        self.image = Conv2d(kit.inputs, wide[0], 1, bias=False)
        he(self.image)
        downs = [nn.Sequential(FilteredDown(), change(a, b)) for a, b in pairwise(wide)]
        self.downs = nn.ModuleList([nn.Identity(), *downs])
        self.stages = nn.ModuleList(stage(width, count, expand, group, blocks) for width in wide)
        self.attentions = kit.attentions(wide, [kit.height >> i for i in range(k + 1)], ATTENTION)
        self.end = End(wide[-1], (kit.height >> k, kit.width >> k))
        self.features = wide[-1]

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [
            (down, stage, attention) if i else (self.image, down, stage, attention)
            for i, (down, stage, attention) in enumerate(zip(self.downs, self.stages, self.attentions, strict=True))
        ]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width)`` of images; labels meet them in the head."""
        x = self.image(x)
        for down, blocks, attention in zip(self.downs, self.stages, self.attentions, strict=True):
            x = attention(blocks(down(x)))
        return self.end(x)


def generator(
    kit: Kit, *, ch: int = 768, full: int = 32, blocks: int = 2, expand: int = 2, group: int = 16
) -> Generator:
    """R3GAN: grouped residual networks without normalization (Huang et al. 2024, arXiv 2501.05441).

    Attention sites: behind the blocks of each map. Own one: 16 pixels.
    The γ of its penalties that fits depends on the data: 0.5 is where the paper starts on ImageNet of 32 pixels; on
    CIFAR-10 it has 0.05, falling to 0.005. Where γ is too large, samples stay blots with bright edges.

    Args:
        kit: of G's side.
        ch: channels of the widest maps.
        full: side up to which maps are that wide; beyond they halve.
        blocks: for each map.
        expand: times as wide inside of a block.
        group: channels of a group there; R3GAN's networks for ImageNet have 32.
    """
    wide = checked(kit, ch, full, blocks, expand, group)
    return Generator(kit, GTrunk(kit, wide, blocks, expand, group))


def discriminator(
    kit: Kit,
    *,
    ch: int = 768,
    ch_d: int | None = None,
    full: int = 32,
    blocks: int = 2,
    expand: int = 2,
    group: int = 16,
) -> Discriminator:
    """D of R3GAN: G turned round.

    Args:
        kit: of D's side.
        ch: channels of the widest maps.
        ch_d: D's own; ``ch`` by default.
        full: side up to which maps are that wide; beyond they halve.
        blocks: for each map.
        expand: times as wide inside of a block.
        group: channels of a group there.
    """
    within("r3gan:ch.d", ch_d, 1)
    wide = checked(kit, ch_d or ch, full, blocks, expand, group)
    trunk = DTrunk(kit, wide[::-1], blocks, expand, group)
    return Discriminator(kit, trunk, trunk.features, bias=False)


def checked(kit: Kit, ch: int, full: int, blocks: int, expand: int, group: int) -> list[int]:
    """Widths of the maps, once the options are known to be numbers that work."""
    within("r3gan:ch", ch, 1)
    within("r3gan:full", full, 1)
    within("r3gan:blocks", blocks, 1, MOST_BLOCKS)
    within("r3gan:expand", expand, 1)
    within("r3gan:group", group, 1)
    return widths(kit, ch, full)
