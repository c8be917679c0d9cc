"""Mixtures of Gaussians in the plane, and how many of their modes a generator has found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo import UsageError, either


@dataclass(frozen=True)
class Mixture:
    """Equal Gaussians around some centres.

    Attributes:
        centres: ``(modes, 2)``.
        std: of each Gaussian, in both directions.
    """

    centres: Tensor
    std: float

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` points ``(n, 2)``."""
        which = torch.randint(len(self.centres), (n,), generator=rng)
        return self.centres[which] + self.std * torch.randn(n, 2, generator=rng)

    @property
    def reach(self) -> float:
        """How far from the origin a picture should go."""
        return float(self.centres.abs().max()) * 1.35 + 4 * self.std


@dataclass(frozen=True)
class Found:
    """How well points cover a mixture.

    Attributes:
        modes: centres with at least one point within three standard deviations.
        of: how many centres there are.
        quality: share of points within three standard deviations of a centre.
        balance: KL divergence, in nats, of the modes' shares among those points from equal shares; 0 is perfect.
    """

    modes: int
    of: int
    quality: float
    balance: float


def found(mixture: Mixture, points: Tensor) -> Found:
    """Count modes as VEEGAN (Srivastava et al. 2017, arXiv 1705.07761) does.

    Args:
        mixture: that was to be learned.
        points: ``(n, 2)``; a few thousand make the count steady.
    """
    distances, nearest = torch.cdist(points, mixture.centres).min(1)
    near = nearest[distances <= 3 * mixture.std]
    counts = torch.bincount(near, minlength=len(mixture.centres)).double()
    shares = counts / counts.sum().clamp_min(1)
    balance = float(torch.special.xlogy(shares, shares * len(shares)).sum()) if len(near) else math.inf
    return Found(int((counts > 0).sum()), len(counts), len(near) / len(points), balance)


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.02) -> Mixture:
    """Equal steps around a circle, as in Unrolled GAN (arXiv 1611.02163), whose radius is 2 and deviation .02."""
    angles = torch.arange(modes) * (2 * math.pi / modes)
    return Mixture(radius * torch.stack([angles.cos(), angles.sin()], 1), std)


def grid(side: int = 5, step: float = 1.0, std: float = 0.05) -> Mixture:
    """A square of ``side`` by ``side`` centres, as in VEEGAN and PacGAN."""
    line = (torch.arange(side) - (side - 1) / 2) * step
    return Mixture(torch.cartesian_prod(line, line), std)


MIXTURES: Mapping[str, Callable[[], Mixture]] = {"ring": ring, "grid": grid}


def mixture_of(name: str) -> Mixture:
    """A mixture by name.

    Raises:
        UsageError: for an unknown one.
    """
    if name not in MIXTURES:
        raise UsageError(f"there is no mixture {name!r}; --data takes {either(MIXTURES)}")
    return MIXTURES[name]()
