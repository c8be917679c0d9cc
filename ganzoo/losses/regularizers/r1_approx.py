"""Diffusion Adversarial Post-Training for One-Step Video Generation, Lin et al. 2025, arXiv 2501.08316."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegativeNumber, Regularizer, TurnContext, exact, global_draw


class ApproximateR1(Regularizer):
    """D is to say the same of a real image and of it under a little noise: R1 without a second derivative.

    ``γ/2·E[((D(x) - D(x + σε))/σ)²]``, ε from N(0, 1): for small σ that is R1's ``γ/2·E[‖∇D(x)‖²]``. Source: arXiv
    2501.08316, section 4.3, written with R1's γ; its σ of 0.01 and weight of 100 are a γ of 0.02. Both passes are in
    float32, as the difference of bf16 scores is noise.

    Args:
        gamma: weight, or a schedule of it.
        sigma: of the noise, for images in [-1, 1].
        every: it acts once in so many updates.
    """

    name = "r1_approx"

    def __init__(self, *, gamma: NotNegativeNumber = 0.02, sigma: float = 0.01, every: int = 1) -> None:
        part = self.name.replace("_", "-")
        if sigma <= 0:
            raise UsageError(f"{part}:sigma={sigma:g} does not work: it is more than 0")
        self.gamma, self.sigma, self.every = gamma, sigma, check_every(part, every)

    def seen(self, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """The images that it looks at, and their label vectors."""
        return ctx.real, ctx.y_real

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty in this update, by the γ of its step."""
        x, y = self.seen(ctx)
        x = x.detach()
        noisy = x + self.sigma * global_draw(torch.randn, *x.shape).to(x, non_blocking=True)
        with exact(x.device):
            here, there = (ctx.discriminate(images, exact=True, y=y).score for images in (x, noisy))
            slope = ((here - there) / self.sigma).square().mean()
        return {self.name: ctx.now(self.gamma) / 2 * slope}


class ApproximateR2(ApproximateR1):
    """D is to say the same of a fake and of it under a little noise: R2 without a second derivative.

    ``γ/2·E[((D(G(z)) - D(G(z) + σε))/σ)²]``, ε from N(0, 1): ``r1-approx`` over fakes. Source: arXiv 2501.08316,
    section 4.3. G is not trained by it.

    Args:
        gamma: weight, or a schedule of it.
        sigma: of the noise, for images in [-1, 1].
        every: it acts once in so many updates.
    """

    name = "r2_approx"

    def seen(self, ctx: TurnContext) -> tuple[Tensor, Tensor]:
        """Fakes and their label vectors."""
        return ctx.fake, ctx.y_fake
