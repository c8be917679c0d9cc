"""Wasserstein GAN, Arjovsky et al. 2017, arXiv 1701.07875."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.parts import Loss, Positive, ScoreFunction


class Wasserstein(Loss):
    """The difference of mean scores; D must be kept smooth by a penalty (Arjovsky et al. 2017).

    ``d = E[D(G(z))] - E[D(x)]`` and ``g = -E[D(G(z))]``. Source: arXiv 1701.07875, equation 2. D estimates the
    earth mover's distance only as far as something bounds its slope: ``gp`` here, the clipping of ``wgan-clip`` there.
    """

    boundary = None

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Mean fake score minus mean real score."""
        return critic(fake).mean() - critic(real).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Minus the mean fake score."""
        return -critic(fake).mean()


class ClippedWasserstein(Wasserstein):
    """The difference of mean scores, with D's parameters clipped to ±clip after its step (Arjovsky et al. 2017).

    ``d = E[D(G(z))] - E[D(x)]`` and ``g = -E[D(G(z))]``, as ``wgan``; then line 7 of the paper's algorithm 1, arXiv
    1701.07875, with its clip of 0.01. Every parameter is clipped, those of normalizations too, as the authors' code
    does.

    Args:
        clip: the largest absolute value of a parameter of D.
    """

    def __init__(self, *, clip: Positive = 0.01) -> None:
        self.clip = clip

    @torch.no_grad()
    def after(self, net: nn.Module) -> None:
        """Clip every parameter of D, in place."""
        for parameter in net.parameters():
            parameter.clamp_(-self.clip, self.clip)
