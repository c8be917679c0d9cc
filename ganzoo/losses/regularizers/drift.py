"""The drift term of Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196)."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext


class Drift(Regularizer):
    """Scores of real images are held near 0, from which losses that know only differences let them drift.

    ``weight·E[D(x)²]`` over real images, in D's updates. Source: arXiv 1710.10196, appendix A.1, with its weight; as
    the paper. Of patch scores, the square of their mean.

    Args:
        weight: of the mean square.
        every: it acts once in so many updates.
    """

    def __init__(self, *, weight: NotNegative = 1e-3, every: int = 1) -> None:
        self.weight, self.every = weight, check_every("drift", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted mean square of the real images' scores, a scalar."""
        return {"drift": self.weight * ctx.discriminate(ctx.real).score.square().mean()}
