"""On Convergence and Stability of GANs, Kodali et al. 2017, arXiv 1705.07215."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, check_every, gradient
from ganzoo.parts import NotNegative, gather, global_draw


class Dragan(GradientPenalty):
    """D's slope is to be k around real images (DRAGAN, Kodali et al. 2017).

    ``weight·E[(‖∇D(x+δ)‖₂ - k)²]`` over real images, with a weight of 10 and k = 1. Source: arXiv 1705.07215,
    section 2. The paper writes δ ~ N(0, c·I); like the authors' code we take ``δ = α·c·std·u``, c = 0.5, with std
    over all pixels of the batch, α from U(0, 1) for each image and u from U(0, 1) for each pixel. Of patch scores,
    the slope of their mean.

    Args:
        weight: of the mean squared distance of slopes from ``k``.
        k: the slope that D is to have.
        c: how far around real images it looks, in standard deviations of their pixels.
        every: it acts once in so many updates.
    """

    name = "dragan"

    def __init__(
        self, *, weight: NotNegative = 10.0, k: NotNegative = 1.0, c: NotNegative = 0.5, every: int = 1
    ) -> None:
        self.weight, self.k, self.c, self.every = weight, k, c, check_every("dragan", every)

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar; draws α and u from torch's global generator."""
        share = global_draw(torch.rand, len(real), *[1] * (real.ndim - 1)).to(real, non_blocking=True)
        noise = global_draw(torch.rand, *real.shape).to(real, non_blocking=True)
        near = real + share * self.c * gather(real).std() * noise
        return self.weight * (gradient(critic, near).norm(dim=1) - self.k).square().mean()
