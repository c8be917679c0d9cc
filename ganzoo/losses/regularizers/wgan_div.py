"""Wasserstein Divergence for GANs, Wu et al. 2018, arXiv 1712.01026."""

from __future__ import annotations

from torch import Tensor

from ganzoo.errors import within
from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, between, check_every, gradient
from ganzoo.parts import NotNegative


class WassersteinDivergence(GradientPenalty):
    """D's slope is small on lines between real and fake images, steep ones above all (WGAN-div, Wu et al. 2018).

    ``k·E[‖∇D(x̂)‖₂^p]``, ``x̂ = ε·x + (1-ε)·G(z)`` with ε from U(0, 1) for each pair: with ``wgan`` a divergence that
    asks for no Lipschitz bound. Source: arXiv 1712.01026, equation 8, with its ``k = 2`` and ``p = 6``. Of patch
    scores, the slope of their mean.

    Args:
        k: weight of the power.
        p: the power.
        every: it acts once in so many updates.
    """

    name = "wgan-div"

    def __init__(self, *, k: NotNegative = 2.0, p: float = 6.0, every: int = 1) -> None:
        within("wgan-div:p", p, 1)
        self.k, self.p, self.every = k, p, check_every("wgan-div", every)

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar; draws a place on each line from torch's global generator."""
        return self.k * gradient(critic, between(real, fake)).norm(dim=1).pow(self.p).mean()
