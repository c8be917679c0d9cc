"""The relativistic discriminator, Jolicoeur-Martineau 2018, arXiv 1807.00734."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from ganzoo.parts import Loss, ScoreFunction, global_mean


def saturating(margin: Tensor) -> Tensor:
    """``softplus(-margin)``."""
    return F.softplus(-margin)


def squared(margin: Tensor) -> Tensor:
    """``(margin - 1)²``."""
    return (margin - 1).square()


def hinged(margin: Tensor) -> Tensor:
    """``max(0, 1 - margin)``."""
    return F.relu(1 - margin)


# Functions with names, so that a GAN that holds one can be pickled.
SHAPES: Mapping[str, Callable[[Tensor], Tensor]] = {"bce": saturating, "ls": squared, "hinge": hinged}


class Relativistic(Loss):
    """How much more real each real image looks than the fake it is paired with (RSGAN, RpGAN).

    ``d = E[f(D(G(z)) - D(x))]`` and ``g = E[f(D(x) - D(G(z)))]``, f = softplus, the i-th real image paired with the
    i-th fake. Source: arXiv 1807.00734, section 4.1; the loss of R3GAN, Huang et al. 2024, arXiv 2501.05441, which
    adds ``r1`` and ``r2``. Patch scores are paired patch by patch.
    """

    boundary, selectable = None, False

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Softplus of how far a fake's score is above its real partner's."""
        return F.softplus(critic(fake) - critic(real)).mean()

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Softplus of how far a real image's score is above its fake partner's."""
        return F.softplus(critic(real) - critic(fake)).mean()


class RelativisticAverage(Loss):
    """How much more real images look than the average fake, and fakes less than the average real one (RaGAN).

    With ``r = D(x) - E[D(G(z))]`` and ``s = D(G(z)) - E[D(x)]``: ``d = E[f(r)] + E[f(-s)]`` and
    ``g = E[f(s)] + E[f(-r)]``, where f(m) by ``form`` is softplus(-m) (``bce``, RaSGAN), (m-1)² (``ls``, RaLSGAN)
    or max(0, 1-m) (``hinge``). Source: arXiv 1807.00734, section 4.2 and its appendix. As there, without the factor
    ½ of the authors' code.
    Averages run over the global batch, and over patches where there are any.

    Args:
        form: of f.
    """

    boundary = None

    def __init__(self, *, form: Literal["bce", "ls", "hinge"] = "bce") -> None:
        self.form = form
        self.shape = SHAPES[form]

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """Low where real scores are above the mean fake score, and fake scores below the mean real one."""
        return self.apart(critic(real), critic(fake))

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss with real and fake exchanged."""
        return self.apart(critic(fake), critic(real))

    def apart(self, high: Tensor, low: Tensor) -> Tensor:
        """The loss that is low where ``high`` is above the mean of ``low``, and ``low`` below that of ``high``."""
        return self.shape(high - global_mean(low)).mean() + self.shape(global_mean(high) - low).mean()
