"""The first GAN: two multilayer perceptrons.

Generative Adversarial Networks (Goodfellow et al. 2014, arXiv 1406.2661). The paper has rectified and sigmoid units in
G and maxout units in D; ours has LeakyReLU(0.2) in both and tanh at the end of G, as images are in [-1, 1] here.
Dropout in D is the paper's too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.gan.kit import Discriminator, Generator, Kit
from ganzoo.layers.activation import relu_after
from ganzoo.layers.dropout import Dropout

DEEPEST = 100  # hidden layers; each is a module, so more would take time before they take memory


class Hidden(nn.Module):
    """Linear, norm, LeakyReLU(0.2), dropout."""

    def __init__(self, kit: Kit, inputs: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=kit.bias)
        self.norm = kit.norm(outputs)
        self.relu = relu_after(self.norm, 0.2)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, inputs)`` to ``(B, outputs)``."""
        return self.dropout(self.relu(self.norm(self.linear(h), y)))


class GTrunk(nn.Module):
    """``(B, latent)`` through hidden layers to an image ``(B, C, H, W)`` in [-1, 1]."""

    def __init__(self, kit: Kit, width: int, depth: int) -> None:
        super().__init__()
        self.shape = kit.image
        widths = [kit.latent] + [width] * depth
        self.hidden = nn.ModuleList(Hidden(kit, a, b) for a, b in pairwise(widths))
        self.image = nn.Linear(widths[-1], math.prod(self.shape))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of vectors ``(B, latent)``."""
        for layer in self.hidden:
            h = layer(h, y)
        return torch.tanh(self.image(h)).unflatten(1, self.shape)


class DTrunk(nn.Module):
    """An image ``(B, C, H, W)``, flattened, through hidden layers to features ``(B, width)``."""

    def __init__(self, kit: Kit, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        widths = [kit.inputs * kit.height * kit.width] + [width] * depth
        layers = (Hidden(kit, a, b, dropout) for a, b in pairwise(widths))
        self.hidden = nn.ModuleList(layers)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(layer,) for layer in self.hidden]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, width)`` of images."""
        h = x.flatten(1)
        for layer in self.hidden:
            h = layer(h, y)
        return h


def generator(kit: Kit, *, ch: int = 512, depth: int = 2) -> Generator:
    """Fully connected G and D, for images of any size: the first GAN (Goodfellow et al. 2014, arXiv 1406.2661).

    Args:
        kit: of G's side.
        ch: units in each hidden layer of G.
        depth: hidden layers.
    """
    within("gan:ch", ch, 1)
    within("gan:depth", depth, 1, DEEPEST)
    return Generator(kit, GTrunk(kit, ch, depth))


def discriminator(
    kit: Kit, *, ch: int = 512, ch_d: int | None = None, depth: int = 2, dropout: float = 0.0
) -> Discriminator:
    """D of the first GAN: fully connected.

    Args:
        kit: of D's side.
        ch: units in each hidden layer of G.
        ch_d: units in each hidden layer of D; as G's by default.
        depth: hidden layers.
        dropout: probability of dropping a hidden unit.
    """
    within("gan:ch", ch, 1)
    within("gan:ch.d", ch_d, 1)
    within("gan:depth", depth, 1, DEEPEST)
    within("gan:dropout", dropout, 0, 1)
    width = ch if ch_d is None else ch_d
    return Discriminator(kit, DTrunk(kit, width, depth, dropout), width)
