"""What the convolutional networks of this package share: 4x4 convolutions of stride 2, as in DCGAN (arXiv 1511.06434).

Images have a shorter side of 4 or 7 pixels, doubled once or more (8, 14, 16, 28, 32, ...), and a longer one that is a
multiple of its last doubling.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit, within
from ganzoo.layers import Conv2d, TransposedConv2d, Unchanged, rectangle, relu_after

BOTTOMS = (4, 7)  # shorter sides of the smallest map
LEAST = 8  # pixels
WIDEST = 8  # times ``ch``
ATTENTION = 32  # height of the map up to which attention stands unless a recipe says a number


def shape(name: str, kit: Kit) -> tuple[tuple[int, int], int]:
    """Height and width of the smallest map, and how often it is doubled."""
    return rectangle(name, (kit.height, kit.width), BOTTOMS, LEAST)


def widths(ch: int, doublings: int) -> list[int]:
    """Channels of the maps of an image's half, quarter, ... size."""
    return [ch * min(2**i, WIDEST) for i in range(doublings)]


def check_widths(name: str, ch: int, ch_d: int | None) -> int:
    """The width of D, once both are known to be numbers that work."""
    within(f"{name}:ch", ch, 1)
    within(f"{name}:ch.d", ch_d, 1)
    return ch if ch_d is None else ch_d


class UpStage(nn.Module):
    """Transposed 4x4 convolution of stride 2, norm, ReLU."""

    def __init__(self, kit: Kit, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = TransposedConv2d(inputs, outputs, bias=kit.bias)
        self.norm = kit.norm(outputs)
        self.relu = relu_after(self.norm)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        return self.relu(self.norm(self.conv(h), c))


class Maps(nn.Module):
    """Vectors ``(B, inputs)`` to maps ``(B, ch, H/2, W/2)``: all of a generator but its last layer.

    Args:
        name: of the architecture, for messages.
        kit: of G's side.
        inputs: length of the vectors.
        ch: channels of the last map; they double with every halving, up to 8 times.
    """

    def __init__(self, name: str, kit: Kit, inputs: int, ch: int) -> None:
        super().__init__()
        self.bottom, k = shape(name, kit)
        low, across = self.bottom
        wide = widths(ch, k)[::-1]
        self.project = nn.Linear(inputs, wide[0] * low * across, bias=kit.bias)
        self.norm = kit.norm(wide[0])
        self.stages = nn.ModuleList(UpStage(kit, a, b) for a, b in pairwise(wide))
        self.attentions = kit.attentions(wide, [low << i for i in range(k)], ATTENTION)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Maps of vectors, under a context ``(B, c_dim)``."""
        first, *others = self.attentions
        h = first(F.relu(self.norm(self.project(h).unflatten(1, (-1, *self.bottom)), c)))
        for stage, attention in zip(self.stages, others, strict=True):
            h = attention(stage(h, c))
        return h


class Drawing(nn.Module):
    """Vectors ``(B, inputs)`` to images ``(B, C, H, W)`` in [-1, 1]; see :class:`Maps`."""

    def __init__(self, name: str, kit: Kit, inputs: int, ch: int) -> None:
        super().__init__()
        self.maps = Maps(name, kit, inputs, ch)
        self.image = TransposedConv2d(ch, kit.channels)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of vectors, under a context ``(B, c_dim)``."""
        return torch.tanh(self.image(self.maps(h, c)))


class DownStage(nn.Module):
    """4x4 convolution of stride 2, norm, LeakyReLU(0.2), attention."""

    def __init__(self, conv: nn.Module, norm: nn.Module, attention: nn.Module) -> None:
        super().__init__()
        self.conv, self.norm, self.relu, self.attention = conv, norm, relu_after(norm, 0.2), attention

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H/2, W/2)``."""
        return self.attention(self.relu(self.norm(self.conv(x), y)))


class Looking(nn.Module):
    """Images ``(B, planes, H, W)`` to features ``(B, F, h, w)``: stages that halve a map, without a norm in the first.

    Args:
        name: of the architecture, for messages.
        kit: whose norms and attention.
        planes: of an image.
        ch: channels of the first map; they double with every halving, up to 8 times.
        labels: whether norms may see labels.

    Attributes:
        features: how many there are once flattened.
    """

    def __init__(self, name: str, kit: Kit, planes: int, ch: int, labels: bool = True) -> None:
        super().__init__()
        (low, across), k = shape(name, kit)
        wide = widths(ch, k)
        attentions = kit.attentions(wide, [kit.height >> i for i in range(1, k + 1)], ATTENTION)
        self.stages = nn.ModuleList(
            DownStage(
                Conv2d(a, b, 4, stride=2, padding=1, bias=kit.bias or not place),
                kit.norm(b, labels=labels) if place else Unchanged(),
                attention,
            )
            for place, ((a, b), attention) in enumerate(zip(pairwise([planes, *wide]), attentions, strict=True))
        )
        self.features = wide[-1] * low * across

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(stage,) for stage in self.stages]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of images, under label vectors ``(B, y_dim)``."""
        for stage in self.stages:
            x = stage(x, y)
        return x


class Encoder(nn.Module):
    """Images ``(B, C, H, W)`` to codes ``(B, codes)``; it is told no labels.

    Args:
        name: of the architecture, for messages.
        kit: of G's side.
        codes: how many numbers it gives.
        ch: channels of the first map.
    """

    def __init__(self, name: str, kit: Kit, codes: int, ch: int) -> None:
        super().__init__()
        self.shapes = (kit.image, (kit.y_dim,))
        self.trunk = Looking(name, kit, kit.channels, ch, labels=False)
        self.code = nn.Linear(self.trunk.features, codes)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Codes of images; ``y`` ``(B, y_dim)`` is for norms that are called with it."""
        return self.code(self.trunk(x, y).flatten(1))
