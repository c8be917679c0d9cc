"""What the generators of this package share: images in, images out, and residual blocks between."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit
from ganzoo.layers import Conv2d, Dropout, relu_after

LEAST = 4  # steps of the smallest image: edges of maps are mirrored


class Translator(nn.Module):
    """A generator that takes an image where others take noise: labels enter as the plan's conditioning has it.

    Args:
        kit: of side ``"g"``.
        trunk: called ``trunk(x, y)`` with ``x`` ``(B, kit.inputs, R, R)``; returns images in [-1, 1].
        step: what sides of images are multiples of within a trunk that takes any size; None for one of one size.

    Attributes:
        least_source: the smallest side of an image that it takes, if it takes any size, else None.
    """

    def __init__(self, kit: Kit, trunk: nn.Module, step: int | None = None) -> None:
        super().__init__()
        self.step, self.least_source = step or 1, None if step is None else LEAST * step
        self.y_dim = kit.y_dim
        self.shapes = (kit.image, (kit.y_dim,))
        self.conditioning = kit.condition()
        self.trunk = trunk

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, R, R)`` in [-1, 1] of source images ``(B, C, R, R)`` and label vectors ``(B, y_dim)``."""
        whole = filled(x, self.step)
        made: Tensor = self.trunk(self.conditioning.embed(whole, y), y)
        return made if whole is x else made[..., : x.shape[2], : x.shape[3]]


def filled(x: Tensor, step: int) -> Tensor:
    """Images ``(B, C, H, W)`` that go on below and on the right as in a mirror, to sides that are multiples."""
    below, right = -x.shape[2] % step, -x.shape[3] % step
    return F.pad(x, (0, right, 0, below), mode="reflect") if below or right else x


class Mirrored(Conv2d):
    """A convolution that keeps the size of a map, which goes on beyond its edges as in a mirror."""

    def __init__(self, in_channels: int, out_channels: int, size: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, size, bias=bias)
        self.edge = (size // 2,) * 4

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, H, W)``."""
        return super().forward(F.pad(x, self.edge, mode="reflect"))


class Unit(nn.Module):
    """Convolutions one after the other, norm, ReLU, and what may come behind it, called ``end(h)``."""

    def __init__(self, kit: Kit, width: int, *convs: nn.Module, end: nn.Module | None = None) -> None:
        super().__init__()
        self.convs, self.norm = nn.Sequential(*convs), kit.norm(width)
        self.relu = relu_after(self.norm)
        self.end = nn.Identity() if end is None else end

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Maps to maps ``(B, width, ...)``, as large as the convolutions make them."""
        return self.end(self.relu(self.norm(self.convs(h), y)))


class Block(nn.Module):
    """Convolution, norm, ReLU, dropout, convolution, norm, beside a shortcut."""

    def __init__(self, kit: Kit, width: int, first: nn.Module, second: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.norm1, self.norm2 = kit.norm(width), kit.norm(width)
        self.relu = relu_after(self.norm1)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, width, H, W)`` to the same."""
        inside = self.dropout(self.relu(self.norm1(self.first(h), y)))
        return h + self.norm2(self.second(inside), y)


class Attended(nn.Module):
    """An attention site in a :class:`Chain`."""

    def __init__(self, kit: Kit, width: int, resolution: int, own: bool = False) -> None:
        super().__init__()
        self.attention = kit.attention(width, resolution, own)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, width, H, W)`` to the same."""
        return self.attention(h)


class Chain(nn.Module):
    """Modules called ``(h, y)`` one after the other, then a convolution to an image."""

    def __init__(self, layers: Sequence[nn.Module], image: nn.Module) -> None:
        super().__init__()
        self.layers, self.image = nn.ModuleList(layers), image

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, R, R)`` in [-1, 1] of images ``(B, inputs, R, R)``."""
        for layer in self.layers:
            x = layer(x, y)
        return torch.tanh(self.image(x))


def doubling(widths: Sequence[int]) -> list[nn.Module]:
    """3x3 convolutions of stride 1/2 from each width to the next, with a bias; each doubles a map."""
    return [nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1) for a, b in pairwise(widths)]
