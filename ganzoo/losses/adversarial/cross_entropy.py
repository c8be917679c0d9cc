"""The losses of a discriminator that is a classifier, real against fake, by cross-entropy of its logits.

Generative Adversarial Networks, Goodfellow et al. 2014, arXiv 1406.2661. With σ the logistic function, ``-log σ(s)``
is ``softplus(-s)``, which is what we compute: no probability is ever formed, so nothing overflows.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzoo.parts import Loss, ScoreFunction, Share


class BCE(Loss):
    """Cross-entropy of real against fake; G maximises log D(G(z)) (non-saturating, Goodfellow 2014).

    ``d = -s·E[log σ(D(x))] - (1-s)·E[log(1-σ(D(x)))] - E[log(1-σ(D(G(z))))]`` and ``g = -E[log σ(D(G(z)))]``, with
    ``s = smooth``; 0.9 is the one-sided label smoothing of Improved Techniques for Training GANs, Salimans et al. 2016,
    arXiv 1606.03498: only D's target for real images moves. Source: arXiv 1406.2661, section 3, where G's
    objective is named as the one to train with.

    Args:
        smooth: D's target for real images; 1 does not smooth.
    """

    def __init__(self, *, smooth: Share = 1.0) -> None:
        self.smooth = smooth

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of real scores with the target ``smooth``, plus that of fake scores with 0."""
        real_scores = critic(real)
        as_real = F.softplus(-real_scores).mean() + (1 - self.smooth) * real_scores.mean()
        return as_real + F.softplus(critic(fake)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of fake scores with the target 1."""
        return F.softplus(-critic(fake)).mean()


class Minimax(Loss):
    """Cross-entropy of real against fake; G minimises log(1 - D(G(z))) (saturating, Goodfellow 2014).

    ``d`` is that of ``bce`` without smoothing; ``g = E[log(1-σ(D(G(z))))]``. Source: arXiv 1406.2661, equation 1, the
    game of the paper's theory. G's gradient vanishes where D is sure, so use it to see why ``bce`` is used.
    """

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of real scores with the target 1, plus that of fake scores with 0."""
        return F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Minus D's own loss on fakes; never above 0."""
        return -F.softplus(critic(fake)).mean()


class Logistic(Loss):
    """The non-saturating loss by the name it has beside r1: softplus(-D(x)) + softplus(D(G(z))).

    ``d = E[f(-D(x))] + E[f(D(G(z)))]`` and ``g = E[f(-D(G(z)))]``, f = softplus: the same function as ``bce`` with
    ``smooth=1``, kept as a name of its own because Which Training Methods for GANs do actually Converge?, Mescheder
    et al. 2018, arXiv 1801.04406 (f(t) = -log(1+exp(-t)) there) and StyleGAN, arXiv 1812.04948, call it so.
    """

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Softplus of minus real scores, plus softplus of fake scores."""
        return F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Softplus of minus fake scores."""
        return F.softplus(-critic(fake)).mean()
