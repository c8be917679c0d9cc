"""Twin Auxiliary Classifiers GAN, Gong et al. 2019, arXiv 1907.02690."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.parts import Conditioning, LinearHead, NotNegative, Output, TurnContext


class TwinClassifierHead(LinearHead):
    """A linear score, and logits ``(B, y_dim)`` of two classifiers: ``class_logits`` and ``twin_logits``."""

    def __init__(self, features: int, y_dim: int, bias: bool = True) -> None:
        super().__init__(features, bias)
        self.classifier = nn.Linear(features, y_dim, bias=False)
        self.twin = nn.Linear(features, y_dim, bias=False)

    def forward(self, features: Tensor, y: Tensor) -> Output:
        """Scores ``(B,)`` and both classifiers' logits of features."""
        plain, flat = super().forward(features, y), features.flatten(1)
        return Output(plain.scores, features, {"class_logits": self.classifier(flat), "twin_logits": self.twin(flat)})


class TwinAuxiliaryClassifier(Conditioning):
    """Two classifiers: one learns real images' classes, its twin those of fakes, which G is to leave undecided.

    ``D: CE(C(x), y) + CE(C'(G(z)), y')`` and ``G: CE(C(G(z)), y') - CE(C'(G(z)), y')``, weighted. Source: arXiv
    1907.02690, section 3.2. As the paper, with classifiers without biases, as in PyTorch-StudioGAN; there too D's first
    classifier does not learn from fakes.

    Args:
        y_dim: number of classes.
        weight: of the first classifier's cross-entropies, in both players' losses.
        weight_d: of the twin's in D's.
        weight_g: of the twin's in G's, which subtracts it.
    """

    def __init__(
        self, y_dim: int, *, weight: NotNegative = 1.0, weight_d: NotNegative = 1.0, weight_g: NotNegative = 1.0
    ) -> None:
        super().__init__(y_dim)
        self.weight, self.twin = weight, {"d": weight_d, "g": -weight_g}

    def head(self, features: int, bias: bool) -> nn.Module:
        """A :class:`TwinClassifierHead`."""
        return TwinClassifierHead(features, self.y_dim, bias)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The cross-entropies of both classifiers, weighted: ``class`` and ``twin``."""
        seen, labels = {"d": (ctx.real, ctx.y_real), "g": (ctx.fake, ctx.y_fake)}[ctx.player]
        fake = ctx.discriminate(ctx.fake).extras["twin_logits"]
        return {
            "class": self.weight * F.cross_entropy(ctx.discriminate(seen).extras["class_logits"], labels),
            "twin": self.twin[ctx.player] * F.cross_entropy(fake, ctx.y_fake),
        }
