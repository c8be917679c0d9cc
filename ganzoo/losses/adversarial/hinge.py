"""Geometric GAN, Lim & Ye 2017, arXiv 1705.02894."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzoo.parts import Loss, ScoreFunction


class Hinge(Loss):
    """A margin of 1 on either side for D; G raises its scores (Lim & Ye 2017; Miyato et al. 2018).

    ``d = E[max(0, 1-D(x))] + E[max(0, 1+D(G(z)))]`` and ``g = -E[D(G(z))]``. Source: arXiv 1705.02894, and arXiv
    1802.05957, equations 16 and 17. The first of them also decays D's weights, as a support vector machine would; here
    as in the second that is left to the weight slot.
    """

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """How far real scores are below 1, plus how far fake scores are above -1."""
        return F.relu(1 - critic(real)).mean() + F.relu(1 + critic(fake)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Minus the mean fake score."""
        return -critic(fake).mean()
