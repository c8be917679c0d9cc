"""Conditional GANs with Auxiliary Discriminative Classifier, Hou et al. 2022, arXiv 2107.10060."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.layers.conditioning import ClassifierHead
from ganzoo.parts import Conditioning, NotNegative, TurnContext


def real_and_fake(y: Tensor) -> tuple[Tensor, Tensor]:
    """Label vectors ``(B, 2K)`` of "a real image of class y" (entry 2y), and of "a fake one" (2y + 1)."""
    none = torch.zeros_like(y)
    return torch.stack([y, none], 2).flatten(1), torch.stack([none, y], 2).flatten(1)


class DiscriminativeClassifier(Conditioning):
    """A classifier that tells real from fake images of each class: 2K classes of which G is drawn to the real half.

    ``D: CE(C(x), 2y) + CE(C(G(z)), 2y'+1)`` and ``G: CE(C(G(z)), 2y') - CE(C(G(z)), 2y'+1)``, weighted. Source: arXiv
    2107.10060, section 3; as the paper, with a classifier without bias as in PyTorch-StudioGAN.

    Args:
        y_dim: number of classes.
        weight: of the terms of D.
        weight_g: of the terms of G.
    """

    def __init__(self, y_dim: int, *, weight: NotNegative = 1.0, weight_g: NotNegative = 1.0) -> None:
        super().__init__(y_dim)
        self.weights = {"d": (weight, weight), "g": (weight_g, -weight_g)}

    def head(self, features: int, bias: bool) -> nn.Module:
        """A linear score, and a classifier of ``2 * y_dim`` logits."""
        return ClassifierHead(features, 2 * self.y_dim, bias, classifier_bias=False)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The cross-entropies under the real and under the fake half of the classes: ``class_real``, ``class_fake``."""
        real, fake = self.weights[ctx.player]
        seen, labels = {"d": (ctx.real, ctx.y_real), "g": (ctx.fake, ctx.y_fake)}[ctx.player]
        as_real, as_fake = real_and_fake(labels)[0], real_and_fake(ctx.y_fake)[1]
        return {
            "class_real": real * F.cross_entropy(ctx.discriminate(seen).extras["class_logits"], as_real),
            "class_fake": fake * F.cross_entropy(ctx.discriminate(ctx.fake).extras["class_logits"], as_fake),
        }
