"""Which Training Methods for GANs do actually Converge?, Mescheder et al. 2018, arXiv 1801.04406."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.gradient import GradientPenalty, ScoreFunction, check_every, gradient
from ganzoo.parts import TurnContext


class R1(GradientPenalty):
    """D is to be flat at real images (R1, Mescheder et al. 2018).

    ``γ/2·E[‖∇D(x)‖₂²]`` over real images. Source: arXiv 1801.04406, equation 9, with the γ of 10 of its experiments.
    ``every=16`` is the lazy form of StyleGAN2, arXiv 1912.04958. Of patch scores, the slope of their mean.
    """

    name = "r1"

    def __init__(self, *, gamma: float = 10.0, every: int = 1) -> None:
        self.gamma, self.every = gamma, check_every(self.name, every)

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar."""
        return self.gamma / 2 * gradient(critic, real).square().sum(1).mean()


class R2(R1):
    """D is to be flat at fake images (R2, Mescheder et al. 2018).

    ``γ/2·E[‖∇D(G(z))‖₂²]``: ``r1`` over fakes. Source: arXiv 1801.04406, equation 10. G is not trained by it.
    """

    name = "r2"

    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar."""
        return super().__call__(critic, fake, real)

    def labels(self, ctx: TurnContext) -> Tensor:
        """Those of fakes."""
        return ctx.y_fake
