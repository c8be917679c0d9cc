"""The distributions that noise is drawn from, and interpolation between two draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.parts.regularizer import Regularizer

Prior = Callable[[int, int, torch.Generator, "float | None"], Tensor]
CUT = 2.0  # standard deviations, of the truncated normal


def normal(n: int, dim: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
    """``(n, dim)`` from N(0, 1), or that cut to [-truncation, truncation] (BigGAN, arXiv 1809.11096)."""
    if truncation is None:
        return torch.randn(n, dim, generator=rng)
    # By the inverse of the distribution function: no rejection, so one draw uses one random number whatever the bound.
    edge = torch.special.ndtr(torch.tensor(float(truncation)))
    return torch.special.ndtri(1 - edge + (2 * edge - 1) * torch.rand(n, dim, generator=rng))


def truncated_normal(n: int, dim: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
    """``(n, dim)`` from N(0, 1) cut to [-2, 2], times the truncation: how the published BigGANs are drawn from."""
    return normal(n, dim, rng, CUT) * (1.0 if truncation is None else float(truncation))


def uniform(n: int, dim: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
    """``(n, dim)`` from U(-1, 1), or from U(-truncation, truncation)."""
    return (2 * torch.rand(n, dim, generator=rng) - 1) * (1.0 if truncation is None else float(truncation))


def with_codes(law: Prior, parts: Sequence[Regularizer]) -> Prior:
    """A law of noise whose last numbers are the codes of regularizers, drawn after all others (InfoGAN).

    Args:
        law: of the other numbers.
        parts: in the order of their codes.
    """
    coded = [part for part in parts if part.codes]
    if not coded:
        return law
    return Coded(law, tuple(coded))


@dataclass(frozen=True)
class Coded:
    """See :func:`with_codes`."""

    law: Prior
    parts: tuple[Regularizer, ...]

    def __call__(self, n: int, dim: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """``(n, dim)`` numbers, the codes among them."""
        noise = self.law(n, dim - sum(part.codes for part in self.parts), rng, truncation)
        return torch.cat([noise, *(part.draw(n, rng) for part in self.parts)], 1)


PRIORS: Mapping[str, Prior] = {"normal": normal, "truncated-normal": truncated_normal, "uniform": uniform}


def half_square(z: Tensor) -> Tensor:
    """Minus the logarithm of the density of N(0, 1) at each row ``(n, dim)``, but for a constant."""
    return z.square().sum(1) / 2


def even(z: Tensor) -> Tensor:
    """The same of U(-1, 1)."""
    return torch.zeros_like(z[:, 0])


def anywhere(z: Tensor) -> Tensor:
    """Noise that moved, where it may be anywhere."""
    return z


def reflected(z: Tensor) -> Tensor:
    """Noise that moved, reflected at -1 and 1."""
    return 1 - ((z + 1).remainder(4) - 2).abs()


def within_cut(z: Tensor) -> Tensor:
    """Noise that moved, reflected at -2 and 2."""
    return CUT * reflected(z / CUT)


@dataclass(frozen=True)
class Law:
    """What whoever moves noise has to know of its distribution.

    Attributes:
        energy: minus the logarithm of its density at each row ``(n, dim)``, but for a constant: ``(n,)``.
        fold: brings rows that were moved back to where it has any.
        edge: how far from 0 its numbers go; a truncation is a factor of it. None for any distance, and a truncation is
            a bound.
    """

    energy: Callable[[Tensor], Tensor]
    fold: Callable[[Tensor], Tensor]
    edge: float | None = None


LAWS: Mapping[str, Law] = {
    "normal": Law(half_square, anywhere),
    "truncated-normal": Law(half_square, within_cut, CUT),
    "uniform": Law(even, reflected, 1.0),
}


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from ``a`` to ``b`` on a straight line."""
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from each row of ``a`` to that of ``b``, turning at an even speed.

    Normal noise has almost one length, and a straight line would leave it (Sampling Generative Networks, White 2016,
    arXiv 1609.04468). Rows that point the same way or in opposite ones have no one arc between them: they go straight.
    """
    cosine = torch.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine
    return torch.where(sine > 1e-4, arc, lerp(a, b, t))


Path = Callable[[Tensor, Tensor, float], Tensor]
PATHS: Mapping[str, Path] = {  # how noise of each prior is interpolated
    "normal": slerp,
    "truncated-normal": slerp,
    "uniform": lerp,
}
