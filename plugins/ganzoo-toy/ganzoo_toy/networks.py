"""Networks for data that is not an image: a point ``(x, y)`` is an "image" of two channels and one pixel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Discriminator, Generator, Kit, ResolutionError, UsageError
from ganzoo.parts import PositiveInt, Range


class Layers(nn.Module):
    """Linear maps with norms and ReLU between them; the last one ends in ReLU too."""

    def __init__(self, kit: Kit, widths: list[int]) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(a, b, bias=kit.bias) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(kit.norm(b) for b in widths[1:])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.linear, self.norms, strict=True))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, widths[0])`` to ``(B, widths[-1])``."""
        for linear, norm in zip(self.linear, self.norms, strict=True):
            h = F.relu(norm(linear(h), y))
        return h


class PointsG(nn.Module):
    """``(B, latent)`` to points ``(B, C, 1, 1)``, unbounded: a mixture has no edges."""

    def __init__(self, kit: Kit, width: int, depth: int) -> None:
        super().__init__()
        self.layers = Layers(kit, [kit.latent, *[width] * depth])
        self.point = nn.Linear(width, kit.channels)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """Points of latents."""
        return self.point(self.layers(h, y))[:, :, None, None]


class PointsD(nn.Module):
    """Points ``(B, C, 1, 1)`` to features ``(B, width)``."""

    def __init__(self, kit: Kit, width: int, depth: int) -> None:
        super().__init__()
        self.layers = Layers(kit, [kit.inputs, *[width] * depth])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return self.layers.feature_blocks

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features of points."""
        return self.layers(x.flatten(1), y)


def _one_pixel(kit: Kit, name: str) -> None:
    if kit.resolution != 1:
        raise ResolutionError(f"{name} makes points, not images: it has resolution 1, and `ganzoo toy` trains it", (1,))


def points(
    g: Kit, d: Kit, *, ch: PositiveInt = 128, ch_d: PositiveInt | None = None, depth: Annotated[int, Range(1, 1000)] = 2
) -> dict[str, nn.Module]:
    """Two multilayer perceptrons for points in the plane, as in the 2-D experiments since Unrolled GAN.

    Unrolled Generative Adversarial Networks (Metz et al. 2016, arXiv 1611.02163) has the ring of eight, VEEGAN
    (arXiv 1705.07761) the grid of twenty-five, which PacGAN (arXiv 1712.04086) repeats; networks there have 2 to 4
    hidden layers of 128 to 400 ReLU units. Ours: two of 128, G's output unbounded.

    Args:
        g, d: kits of the two sides.
        ch: units in each hidden layer of G.
        ch_d: units in each hidden layer of D; as G's by default.
        depth: hidden layers of each network.
    """
    _one_pixel(g, "points")
    width = ch_d or ch
    return {
        "G": Generator(g, PointsG(g, ch, depth)),
        "D": Discriminator(d, PointsD(d, width, depth), width),
    }


class Theta(nn.Module):
    """One number, whatever the noise."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(start))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, 1, 1, 1)``, each the parameter."""
        return self.theta.expand(len(h))[:, None, None, None]


class Itself(nn.Module):
    """The number as the only feature, so that D's head is its single weight."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``(B, 1, 1, 1)`` to ``(B, 1)``."""
        return x.flatten(1)


def dirac(g: Kit, d: Kit, *, theta: float = 1.0) -> dict[str, nn.Module]:
    """Dirac-GAN: the data is the number 0, G is a number θ, D is linear: ``D(x) = ψ·x``.

    Which Training Methods for GANs do actually Converge? (Mescheder et al. 2018, arXiv 1801.04406), section 2. Both
    players are one parameter, so the whole training is a curve in the plane.

    Args:
        g, d: kits of the two sides.
        theta: where G starts; D starts as its head is initialised.
    """
    _one_pixel(g, "dirac")
    if g.channels != 1 or g.y_dim:
        raise UsageError("dirac has one number and no labels: build it with channels=1 and classes=0")
    return {"G": Generator(g, Theta(theta)), "D": Discriminator(d, Itself(), 1, bias=False)}
