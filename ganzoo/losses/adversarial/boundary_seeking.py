"""Boundary-Seeking Generative Adversarial Networks, Hjelm et al. 2018, arXiv 1702.08431."""

from __future__ import annotations

from torch import Tensor

from ganzoo.losses.adversarial.cross_entropy import BCE
from ganzoo.parts import ScoreFunction, Share


class BoundarySeeking(BCE):
    """G looks for images of which D cannot say what they are, and goes no farther (Hjelm et al. 2018).

    ``d`` is that of ``bce``; ``g = ½·E[(log σ(s) - log(1-σ(s)))²] = ½·E[D(G(z))²]``. Source: arXiv 1702.08431, section
    3 (continuous variables). Its importance weights for discrete images are not here.

    Args:
        smooth: D's target for real images, as in ``bce``.
    """

    def __init__(self, *, smooth: Share = 1.0) -> None:
        super().__init__(smooth=smooth)

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Half the mean squared logit of fakes, which is 0 on D's boundary."""
        return 0.5 * critic(fake).square().mean()
