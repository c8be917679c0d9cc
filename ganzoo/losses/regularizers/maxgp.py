"""Lipschitz Generative Adversarial Nets, Zhou et al. 2019, arXiv 1902.05687."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, between, check_every, gradient
from ganzoo.parts import NotNegative, gather


class MaxGP(GradientPenalty):
    """D's steepest slope is to be small (LGAN, Zhou et al. 2019).

    ``weight·max ‖∇D(x̂)‖₂`` squared, over x̂ on lines between real and fake images: the Lipschitz constant as far as the
    batch shows it. Source: arXiv 1902.05687, section 5, ``weight·k²``; the weight of 10 is PyTorch-StudioGAN's. Of
    patch scores, the slope of their mean.

    Args:
        weight: of the squared slope.
        every: it acts once in so many updates.
    """

    name = "maxgp"

    def __init__(self, *, weight: NotNegative = 10.0, every: int = 1) -> None:
        self.weight, self.every = weight, check_every("maxgp", every)

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar; draws a place on each line from torch's global generator."""
        return self.weight * gather(gradient(critic, between(real, fake)).square().sum(1)).amax()
