"""Energy-based Generative Adversarial Networks, Zhao et al. 2017, arXiv 1609.03126."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzoo.losses.gradient import check_every
from ganzoo.losses.regularizers.fm import features_of
from ganzoo.parts import NotNegative, Regularizer, TurnContext, gather


class PullAway(Regularizer):
    """G's images are to point in different directions, as D sees them (Zhao et al. 2017).

    ``weight·1/(N(N-1))·Σ_{i≠j} cos²(f_i, f_j)`` over the N fakes of the global batch, f what D's head sees (the code of
    an autoencoder). Source: arXiv 1609.03126, section 2.4, with its weight of 0.1. Over several heads the mean.

    Args:
        weight: of the mean squared cosine.
        every: it acts once in so many updates.
    """

    players = ("g",)

    def __init__(self, *, weight: NotNegative = 0.1, every: int = 1) -> None:
        self.weight, self.every = weight, check_every("pull-away", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted mean of the squared cosines of pairs."""
        heads = [similarity(gather(features)) for features in features_of(ctx, ctx.fake)]
        return {"pull-away": self.weight * sum(heads[1:], heads[0]) / len(heads)}


def similarity(features: Tensor) -> Tensor:
    """The mean squared cosine of two different rows of features ``(N, F)``; 0 of a single one."""
    unit = F.normalize(features, dim=1)
    cosines = (unit @ unit.T).square()
    pairs = max(len(features) * (len(features) - 1), 1)
    return (cosines.sum() - cosines.diagonal().sum()) / pairs
