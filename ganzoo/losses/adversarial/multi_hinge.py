"""cGANs with Multi-Hinge Loss, Kavalerov et al. 2021, arXiv 1912.04216."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.parts import Loss, NotNegative, TurnContext


class MultiHingeLoss(Loss):
    """The logit of an image's class is to exceed every other by 1; for D the class of a fake is "fake".

    Crammer and Singer's hinge ``E[max(0, 1 - o_c + max_{k≠c} o_k)]`` over the K classes and "fake": D's of real images
    with c = y, plus that of fakes with c = "fake"; G's of fakes with c = y, times 0.05. Source: arXiv 1912.04216,
    section 3, with G's weight of PyTorch-StudioGAN, whose MHGAN adds feature matching (``fm``).

    Args:
        weight_g: of G's loss.
    """

    selectable = False

    def __init__(self, *, weight_g: NotNegative = 0.05) -> None:
        self.weight_g = weight_g

    def discriminator(self, ctx: TurnContext) -> Tensor:
        """The hinges of real images and of fakes."""
        real = ctx.discriminate(ctx.real).extras["class_logits"]
        fake = ctx.discriminate(ctx.fake).extras["class_logits"]
        return crammer_singer(real, with_fake(ctx.y_real, 0)) + crammer_singer(fake, with_fake(0 * ctx.y_fake, 1))

    def generator(self, ctx: TurnContext) -> Tensor:
        """The hinge of fakes under the labels that they were made for, weighted."""
        fake = ctx.discriminate(ctx.fake).extras["class_logits"]
        return self.weight_g * crammer_singer(fake, with_fake(ctx.y_fake, 0))


def with_fake(y: Tensor, fake: float) -> Tensor:
    """Label vectors ``(B, K)`` with an entry for "fake" behind them, ``(B, K + 1)``."""
    return torch.cat([y, y.new_full((len(y), 1), fake)], 1)


def crammer_singer(logits: Tensor, y: Tensor) -> Tensor:
    """The mean hinge of logits ``(B, K)`` under one-hot label vectors ``(B, K)``, a scalar."""
    own = (logits * y).sum(1)
    best = logits.masked_fill(y > 0, -torch.inf).amax(1)
    return (1 - own + best).clamp(min=0).mean()
