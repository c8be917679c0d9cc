"""Which Training Methods for GANs do actually Converge?, Mescheder et al. 2018, arXiv 1801.04406."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, check_every, gradient
from ganzoo.parts import NotNegativeNumber, TurnContext, exact, number_at


class R1(GradientPenalty):
    """D is to be flat at real images (R1, Mescheder et al. 2018).

    ``γ/2·E[‖∇D(x)‖₂²]`` over real images. Source: arXiv 1801.04406, equation 9, with the γ of 10 of its experiments.
    ``every=16`` is the lazy form of StyleGAN2, arXiv 1912.04958, which also takes a step of its own
    (``own.step=true``). Of patch scores, the slope of their mean.

    Args:
        gamma: γ, the weight of the penalty.
        every: it acts once in so many updates of D, and counts as often.
        own_step: whether it takes a step of its own of D's optimiser, with lr and betas as the paper corrects them;
            else it is added to D's loss.
    """

    name = "r1"

    def __init__(self, *, gamma: NotNegativeNumber = 10.0, every: int = 1, own_step: bool = False) -> None:
        self.gamma, self.every, self.own_step = gamma, check_every(self.name, every), own_step

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar, by the γ that a schedule begins with."""
        return number_at(self.gamma, step=0, horizon=1, images_seen=0) / 2 * self.slope(critic, real, fake)

    def slope(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The mean squared norm of the gradients, a scalar."""
        return gradient(critic, real).square().sum(1).mean()

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty in this update, in float32, by the γ of its step."""
        with exact(ctx.real.device):
            return {self.name: ctx.now(self.gamma) / 2 * self.slope(self.critic(ctx), ctx.real, ctx.fake)}


class R2(R1):
    """D is to be flat at fake images (R2, Mescheder et al. 2018).

    ``γ/2·E[‖∇D(G(z))‖₂²]``: ``r1`` over fakes, with its options. Source: arXiv 1801.04406, equation 10. G is not
    trained by it.

    Args:
        gamma: γ, the weight of the penalty.
        every: it acts once in so many updates of D, and counts as often.
        own_step: whether it takes a step of its own of D's optimiser: see ``r1``.
    """

    name = "r2"

    def slope(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The mean squared norm of the gradients, a scalar."""
        return super().slope(critic, fake, real)

    def labels(self, ctx: TurnContext) -> Tensor:
        """Those of fakes."""
        return ctx.y_fake
