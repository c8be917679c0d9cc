"""Softmax GAN, Lin 2017, arXiv 1704.06191."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.losses.adversarial.scores import of_images
from ganzoo.parts import Loss, ScoreFunction, gather


class Softmax(Loss):
    """All images of a batch share a probability of 1: D gives it to the real ones, G wants an equal share (Lin 2017).

    With ``Z = ln Σ exp s`` over real and fake scores: ``d = Z - E[D(x)]``, and ``g = Z - E[s]``, the mean over real and
    fake together. Source: arXiv 1704.06191, equations 5 and 6, whose energies are minus our scores. The sum runs over
    the global batch; of patch scores, an image's is their mean.
    """

    boundary = None

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of the shares with equal ones of the real images."""
        real_scores, fake_scores = of_images(critic(real)), of_images(critic(fake))
        return total(real_scores, fake_scores) - real_scores.mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of the shares with equal ones of all images."""
        real_scores, fake_scores = of_images(critic(real)), of_images(critic(fake))
        return total(real_scores, fake_scores) - torch.cat([real_scores, fake_scores]).mean()


def total(real: Tensor, fake: Tensor) -> Tensor:
    """The logarithm of the summed exponentials of all scores of the global batch, each given as ``(B,)``."""
    return torch.cat([gather(real), gather(fake)]).logsumexp(0)
