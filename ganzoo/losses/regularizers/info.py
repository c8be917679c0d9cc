"""InfoGAN: Interpretable Representation Learning, Chen et al. 2016, arXiv 1606.03657."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.losses.gradient import check_every
from ganzoo.parts import Entrance, NotNegative, Regularizer, TurnContext, accurate, as_weights

MOST = 4096  # categories of a code, and codes


class Info(nn.Module, Regularizer):
    """G is told codes that a network Q is to read off its images: classes and numbers that nobody labelled (InfoGAN).

    Beside the noise G gets ``categorical`` one-hot codes of ``classes`` each, and ``continuous`` ones from U(-1, 1). Q
    is a linear map of what D's head sees. The terms, in both players' updates, are ``-weight·E[log Q(c|G(z, c))]`` of
    each categorical code, and ``weight.c`` times the same of each continuous one under a Gaussian whose mean μ and log
    deviation Q says: ``(c - μ)²/2σ² + log σ + log(2π)/2``. D's updates train Q and D's trunk, as Q shares it, and G's
    updates G. Source: arXiv 1606.03657, section 5.

    Args:
        categorical: how many categorical codes.
        classes: of each.
        continuous: how many continuous codes.
        inject: ``"behind"``: G's first layer sees codes behind the noise, as in the paper; ``"concat"``: a linear map
            mixes them with the noise first, as in PyTorch-StudioGAN.
        weight: of categorical codes.
        weight_c: of continuous ones.
        every: it acts once in so many updates.
    """

    players, owner = ("d", "g"), "d"
    name = "info"

    def __init__(
        self,
        *,
        categorical: int = 1,
        classes: int = 10,
        continuous: int = 0,
        inject: Literal["behind", "concat"] = "behind",
        weight: NotNegative = 1.0,
        weight_c: NotNegative = 0.1,
        every: int = 1,
    ) -> None:
        super().__init__()
        within(f"{self.name}:categorical", categorical, 0, MOST)
        within(f"{self.name}:classes", classes, 2, MOST)
        within(f"{self.name}:continuous", continuous, 0, MOST)
        if not categorical + continuous:
            part = self.name
            raise UsageError(f"{part}:categorical=0 needs codes of the other kind: give {part}:continuous=2, say")
        self.categorical, self.classes, self.continuous = categorical, classes, continuous
        self.weight, self.weight_c, self.every = weight, weight_c, check_every(self.name, every)
        self.codes = categorical * classes + continuous
        self.entrance = Entrance(inject)

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Build Q for the features of D's head.

        Raises:
            UsageError: where D does not say how many features its head sees.
        """
        features = getattr(networks["D"], "features", None)
        if not isinstance(features, int):
            raise UsageError(f"{self.name} needs a D that says how many features its head sees, such as that of sngan")
        self.reader = nn.Linear(features, self.categorical * self.classes + 2 * self.continuous, bias=False)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Codes ``(n, codes)``: one-hot ones, then numbers in [-1, 1]."""
        kinds = torch.randint(self.classes, (n, self.categorical), generator=rng)
        numbers = 2 * torch.rand(n, self.continuous, generator=rng) - 1
        return torch.cat([F.one_hot(kinds, self.classes).flatten(1).float(), numbers], 1)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The cross-entropies of categorical codes, and the likelihoods of continuous ones, weighted."""
        said = self.reader(*as_weights(self.reader, ctx.discriminate(ctx.fake).features.flatten(1)))
        kinds, mean, deviation = said.split([self.categorical * self.classes, self.continuous, self.continuous], 1)
        hot, numbers = accurate(ctx.codes(self)).split([self.categorical * self.classes, self.continuous], 1)
        logits = kinds.unflatten(1, (self.categorical, self.classes))
        entropy = -(logits.log_softmax(2) * hot.unflatten(1, (self.categorical, self.classes))).sum(2)
        likelihood = ((numbers - mean) / deviation.exp()).square() / 2 + deviation + math.log(2 * math.pi) / 2
        weighed = {"categorical": (self.weight, entropy), "continuous": (self.weight_c, likelihood)}
        return {
            f"info_{name}": weight * each.mean(0).sum() for name, (weight, each) in weighed.items() if each.shape[1]
        }


class InfoContext(Info):
    """``info`` with codes that reach G by the context of its norms, beside labels: StudioGAN's injection by cBN.

    ``-weight·E[log Q(c|G(z, c))]``, as ``info``. Source: arXiv 1606.03657 for the objective; the way in is
    PyTorch-StudioGAN's. It takes norms that are called with a context, ``ccbn``, which it brings.

    Args:
        categorical: how many categorical codes.
        classes: of each.
        continuous: how many continuous codes.
        width: of what a linear map makes of codes, for the norms.
        weight: of categorical codes.
        weight_c: of continuous ones.
        every: it acts once in so many updates.
    """

    name = "info-context"

    def __init__(
        self,
        *,
        categorical: int = 1,
        classes: int = 10,
        continuous: int = 0,
        width: int = 128,
        weight: NotNegative = 1.0,
        weight_c: NotNegative = 0.1,
        every: int = 1,
    ) -> None:
        super().__init__(
            categorical=categorical,
            classes=classes,
            continuous=continuous,
            weight=weight,
            weight_c=weight_c,
            every=every,
        )
        within("info-context:width", width, 1)
        self.entrance = Entrance("context", width)
