"""VICReg: Variance-Invariance-Covariance Regularization, Bardes et al. 2022, arXiv 2105.04906."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.losses.gradient import check_every
from ganzoo.losses.regularizers.fm import features_of
from ganzoo.parts import NotNegative, Regularizer, TurnContext, gather


class VICReg(Regularizer):
    """D's features of a batch vary, and each in its own way (Bardes et al. 2022, without its invariance).

    ``weight·(mean_d max(0, 1 - √(var_d + 1e-4)) + covariance·Σ_{d≠d'} cov²_{dd'}/F)`` over the F features of the images
    of a batch: of real and fake ones each in D's updates, of fakes in G's. Source: arXiv 2105.04906, equations 1 to 4,
    whose weights of 25 and 1 give ``covariance=0.04``. The invariance of two views has no counterpart here, as
    in HyperGAN, which has it against collapse. Variances are those of the global batch; over several heads the mean.

    Args:
        weight: of both terms.
        covariance: of the second in units of the first.
        every: it acts once in so many updates of a player.
    """

    players = ("d", "g")

    def __init__(self, *, weight: NotNegative = 1.0, covariance: NotNegative = 0.04, every: int = 1) -> None:
        self.weight, self.covariance, self.every = weight, covariance, check_every("vicreg", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted sum of both terms."""
        images = [ctx.real, ctx.fake] if ctx.player == "d" else [ctx.fake]
        seen = [gather(features) for x in images for features in features_of(ctx, x)]
        terms = torch.stack([spread(each) + self.covariance * correlation(each) for each in seen])
        return {"vicreg": self.weight * terms.mean()}


def spread(features: Tensor) -> Tensor:
    """How far the standard deviations of features ``(N, F)`` are below 1, on average."""
    deviation = (features.var(0, correction=min(len(features) - 1, 1)) + 1e-4).sqrt()
    return (1 - deviation).relu().mean()


def correlation(features: Tensor) -> Tensor:
    """The squared covariances of different features ``(N, F)``, summed and divided by F.

    By the products of images, which are fewer than features: ``‖XᵀX‖ = ‖XXᵀ‖``.
    """
    n, length = features.shape
    centred = (features - features.mean(0)) / max(n - 1, 1) ** 0.5
    own = centred.square().sum(0).square().sum()
    return ((centred @ centred.T).square().sum() - own) / length
