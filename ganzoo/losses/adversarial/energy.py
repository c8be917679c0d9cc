"""Losses of the error with which D rebuilds an image, which is minus its score."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.parts import Loss, ScoreFunction, TurnContext, global_mean


class Energy(Loss):
    """D rebuilds real images, and fakes at least ``margin`` worse than perfectly (EBGAN, Zhao et al. 2017).

    ``d = E[e(x)] + E[max(0, m - e(G(z)))]`` and ``g = E[e(G(z))]``, e the error of an image. Source: Energy-based
    Generative Adversarial Networks, arXiv 1609.03126, equations 1 and 2. Its margins belong to its own error, which is
    not a mean over pixels.

    Args:
        margin: the error beyond which D takes no interest in a fake.
    """

    def __init__(self, *, margin: float = 1.0) -> None:
        within("energy:margin", margin, 0)
        self.margin = margin
        self.boundary = -margin / 2

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The mean error of real images, and how far that of fakes is below the margin."""
        return -critic(real).mean() + F.relu(self.margin + critic(fake)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The mean error of fakes."""
        return -critic(fake).mean()


class BEGAN(nn.Module, Loss):
    """D rebuilds real images well and fakes badly, in an equilibrium of both (BEGAN, Berthelot et al. 2017).

    ``d = E[e(x)] - k·E[e(G(z))]`` and ``g = E[e(G(z))]``, e the error of an image; after D's update ``k`` moves by
    ``rate·(γ·E[e(x)] - E[e(G(z))])`` and stays in [0, 1]. Source: BEGAN: Boundary Equilibrium Generative Adversarial
    Networks, arXiv 1703.10717, equation 5. It reports ``k`` and ``M = E[e(x)] + |γ·E[e(x)] - E[e(G(z))]|``, which falls
    as the training converges. What is logged as D's accuracy means little here: in the equilibrium D rebuilds fakes
    better than real images.

    Args:
        gamma: the error of fakes over that of real images which is aimed at: more is more various.
        rate: of k.
    """

    boundary = None

    k: Tensor

    def __init__(self, *, gamma: float = 0.5, rate: float = 0.001) -> None:
        super().__init__()
        within("began:gamma", gamma, 0, 1)
        if rate <= 0:
            raise UsageError(f"began:rate={rate:g} does not work: k moves by it, so it is more than 0")
        self.gamma, self.rate = gamma, rate
        self.register_buffer("k", torch.zeros(()))

    def discriminator(self, ctx: TurnContext) -> Tensor:
        """The weighted difference of errors, with k as it was; moves k."""
        real, fake = (-ctx.discriminate(x).score for x in (ctx.real, ctx.fake))
        loss = real.mean() - self.k.clone() * fake.mean()  # the clone: k moves before the backward pass
        with torch.no_grad():
            real_error, fake_error = global_mean(real), global_mean(fake)
            balance = self.gamma * real_error - fake_error
            self.k.add_(self.rate * balance).clamp_(0, 1)
        ctx.report("k", self.k)
        ctx.report("convergence", real_error + balance.abs())
        return loss

    def generator(self, ctx: TurnContext) -> Tensor:
        """The mean error of fakes."""
        return -ctx.discriminate(ctx.fake).score.mean()
