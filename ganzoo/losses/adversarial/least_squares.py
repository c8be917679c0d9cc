"""Least Squares Generative Adversarial Networks, Mao et al. 2016, arXiv 1611.04076."""

from __future__ import annotations

from torch import Tensor

from ganzoo.parts import Loss, ScoreFunction


class LeastSquares(Loss):
    """Squared distance of scores from a target each for fake and real (LSGAN, Mao et al. 2016).

    ``d = ½·E[(D(x)-b)²] + ½·E[(D(G(z))-a)²]`` and ``g = ½·E[(D(G(z))-c)²]``. Source: arXiv 1611.04076, equation 2; the
    defaults are its 0-1 coding (equation 9), ``a=-1,b=1,c=0`` is the one that minimises Pearson's χ² (equation 8).

    Args:
        a: D's target for fakes.
        b: D's target for real images.
        c: G's target for fakes.
    """

    def __init__(self, *, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> None:
        self.a, self.b, self.c = a, b, c
        self.boundary = (a + b) / 2

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Half the squared distances of real scores from ``b`` and of fake scores from ``a``."""
        return 0.5 * ((critic(real) - self.b).square().mean() + (critic(fake) - self.a).square().mean())

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Half the squared distance of fake scores from ``c``."""
        return 0.5 * (critic(fake) - self.c).square().mean()
