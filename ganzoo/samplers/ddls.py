"""Your GAN is Secretly an Energy-based Model and You Should Use Discriminator Driven Latent Sampling.

Che et al. 2020, arXiv 2003.06060.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.errors import within
from ganzoo.parts import NotNegative, Sampler, ScoredGenerator

MOST = 100_000  # steps


class DDLS(Sampler):
    """Noise walks to where D takes its image for real, by Langevin steps (DDLS, Che et al. 2020).

    ``z ← z - step/2·∇E(z) + √step·n`` with ``n ~ N(0, I)`` and the energy ``E(z) = ½‖z‖² - weight·s(G(z))``, so that
    the images come from ``p_G(x)·exp(s(x))``, which is the data's own distribution where the score s is the logarithm
    of how much likelier an image is there. Noise that is uniform has no first term, and is reflected at its bounds.
    Source: arXiv 2003.06060, section 3 and algorithm 1. Each image has a chain of its own, which starts at the noise
    that it would have had. Scores of ``bce`` and ``logistic`` are such logarithms; those of other losses are taken as
    if they were, and ``weight`` may make up for it. Steps are not corrected by Metropolis and Hastings.

    Args:
        steps: of each image.
        step: the length of a step, as a variance.
        weight: of the score.
    """

    def __init__(self, *, steps: int = 100, step: float = 0.01, weight: NotNegative = 1.0) -> None:
        within("ddls:steps", steps, 1, MOST)
        within("ddls:step", step, 0)
        self.steps, self.step, self.weight = steps, step, weight

    def noise(self, model: ScoredGenerator, z: Tensor, y: Tensor, rngs: Sequence[torch.Generator]) -> Tensor:
        """The noise ``(B, z_dim)`` that chains from ``z`` end in."""
        n = model.noise_dim
        for _ in range(self.steps):
            kicks = torch.cat([torch.randn(1, n, generator=rng) for rng in rngs])
            moved = z[:, :n] - self.step / 2 * self.slope(model, z, y) + math.sqrt(self.step) * kicks
            z = torch.cat([model.fold(moved), z[:, n:]], 1)
        return z

    def slope(self, model: ScoredGenerator, z: Tensor, y: Tensor) -> Tensor:
        """The gradient ``(B, noise_dim)`` of the energy of each image in its noise."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            energy = model.prior_energy(z[:, : model.noise_dim]) - self.weight * model.scores(z, y)
            (slope,) = torch.autograd.grad(energy.sum(), z)
        return slope[:, : model.noise_dim]
