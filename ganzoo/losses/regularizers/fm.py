"""Improved Techniques for Training GANs, Salimans et al. 2016, arXiv 1606.03498."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext, accurate, global_mean


def sum_of_squares(gap: Tensor) -> Tensor:
    """The squared length of a difference."""
    return gap.square().sum()


def mean_magnitude(gap: Tensor) -> Tensor:
    """The mean of the absolute values of a difference."""
    return gap.abs().mean()


class FeatureMatching(Regularizer):
    """G's images are to have the mean features of real ones, as D sees them (Salimans et al. 2016).

    ``weight·‖E f(x) - E f(G(z))‖²``, f what D's head sees. Source: arXiv 1606.03498, section 3.1. There it stands in
    place of G's loss; here it is added to it. ``norm=l1`` is the mean absolute difference, as in PyTorch-StudioGAN.

    Args:
        weight: of the distance.
        norm: ``"l2"``, the squared length of the difference, or ``"l1"``, its mean absolute value.
        every: it acts once in so many updates.
    """

    players = ("g",)

    def __init__(self, *, weight: NotNegative = 1.0, norm: Literal["l2", "l1"] = "l2", every: int = 1) -> None:
        self.weight, self.every = weight, check_every("fm", every)
        self.length = {"l2": sum_of_squares, "l1": mean_magnitude}[norm]

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted distance; over several heads the mean."""
        with torch.no_grad():
            real = features_of(ctx, ctx.real)
        gaps = [global_mean(a, 0) - global_mean(b, 0) for a, b in zip(real, features_of(ctx, ctx.fake), strict=True)]
        return {"fm": self.weight * torch.stack([self.length(gap) for gap in gaps]).mean()}


def features_of(ctx: TurnContext, x: Tensor) -> list[Tensor]:
    """What each head of D saw of images, ``(B, F)`` in float32."""
    features = ctx.discriminate(x).features
    return [accurate(each).flatten(1) for each in (features if isinstance(features, tuple) else (features,))]
