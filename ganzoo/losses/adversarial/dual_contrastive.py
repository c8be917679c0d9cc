"""Dual Contrastive Loss and Attention for GANs, Yu et al. 2021, arXiv 2103.16748."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganzoo.losses.adversarial.scores import of_images
from ganzoo.parts import Loss, ScoreFunction, gather


class DualContrastive(Loss):
    """Each real image is to stand out from all fakes, and each fake from all real images (Yu et al. 2021).

    ``d = E_i[ln(1 + Σ_j exp(D(G(z_j)) - D(x_i)))] + E_j[ln(1 + Σ_i exp(D(G(z_j)) - D(x_i)))]``, and ``g`` the same with
    real and fake exchanged. Source: arXiv 2103.16748, equations 2 to 5. Sums run over the global batch; of patch
    scores, an image's is their mean. Its attention is another part.
    """

    boundary = None

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Cross-entropy of each real image among all fakes, and of each fake among all real ones."""
        return contrast(of_images(critic(real)), of_images(critic(fake)))

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss with real and fake exchanged."""
        return contrast(of_images(critic(fake)), of_images(critic(real)))


def contrast(high: Tensor, low: Tensor) -> Tensor:
    """Low where every score of ``high`` ``(B,)`` is above every one of ``low`` ``(B,)``."""
    return outstanding(high, gather(low)) + outstanding(-low, -gather(high))


def outstanding(own: Tensor, others: Tensor) -> Tensor:
    """The mean cross-entropy of each score ``(B,)`` beside all of the others ``(N,)``."""
    gaps = others[None] - own[:, None]
    return F.pad(gaps, (1, 0)).logsumexp(1).mean()  # the own gap, 0, beside them
