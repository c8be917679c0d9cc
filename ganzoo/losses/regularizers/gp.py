"""Improved Training of Wasserstein GANs, Gulrajani et al. 2017, arXiv 1704.00028."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, between, check_every, gradient
from ganzoo.parts import NotNegative


class GP(GradientPenalty):
    """D's slope is to be 1 on lines between real and fake images (WGAN-GP, Gulrajani et al. 2017).

    ``weight·E[(‖∇D(x̂)‖₂ - 1)²]``, ``x̂ = ε·x + (1-ε)·G(z)`` with ε from U(0, 1) for each pair. Source: arXiv 1704.00028,
    equation 3, with its weight of 10. Of patch scores, the slope of their mean.

    Args:
        weight: of the mean squared distance of slopes from 1.
        every: it acts once in so many updates.
    """

    name = "gp"

    def __init__(self, *, weight: NotNegative = 10.0, every: int = 1) -> None:
        self.weight, self.every = weight, check_every("gp", every)

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar; draws ε from torch's global generator."""
        return self.weight * (gradient(critic, between(real, fake)).norm(dim=1) - 1).square().mean()
