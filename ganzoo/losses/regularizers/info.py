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
from ganzoo.parts import Entrance, Regularizer, TurnContext

MOST = 4096  # categories of a code, and codes


class Info(nn.Module, Regularizer):
    """G is told codes that a network Q is to read off its images: classes and numbers that nobody labelled (InfoGAN).

    Beside the noise G gets ``categorical`` one-hot codes of ``classes`` each, and ``continuous`` ones from U(-1, 1). Q
    is a linear map of what D's head sees. The terms, in both players' updates, are the cross-entropy of each categorical
    code and ``weight.c`` times the negative log-likelihood of each continuous one under a Gaussian whose mean and
    deviation Q says; D's updates train Q and D's trunk, as Q shares it, and G's updates G. Source: arXiv 1606.03657,
    section 5.

    Args:
        categorical: how many categorical codes.
        classes: of each.
        continuous: how many continuous codes.
        inject: ``"behind"``: G's first layer sees codes behind the noise, as in the paper; ``"concat"``: a linear map
            mixes them with the noise first, as in PyTorch-StudioGAN.
        weight: of categorical codes.
        weight_c: of continuous ones.
        every: it acts in every so-manieth update.
    """

    players, owner = ("d", "g"), "d"

    def __init__(
        self,
        *,
        categorical: int = 1,
        classes: int = 10,
        continuous: int = 0,
        inject: Literal["behind", "concat"] = "behind",
        weight: float = 1.0,
        weight_c: float = 0.1,
        every: int = 1,
    ) -> None:
        super().__init__()
        within("info:categorical", categorical, 0, MOST)
        within("info:classes", classes, 2, MOST)
        within("info:continuous", continuous, 0, MOST)
        if not categorical + continuous:
            raise UsageError("info:categorical=0 needs codes of the other kind: give info:continuous=2, say")
        self.categorical, self.classes, self.continuous = categorical, classes, continuous
        self.weight, self.weight_c, self.every = weight, weight_c, check_every("info", every)
        self.codes = categorical * classes + continuous
        self.entrance = Entrance(inject)

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Build Q for the features of D's head."""
        self.reader = nn.LazyLinear(self.categorical * self.classes + 2 * self.continuous, bias=False)
