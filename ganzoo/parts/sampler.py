"""What a sampler can do, and what it is handed: a generator, and the discriminator that it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ScoredGenerator:
    """A generator and its discriminator, in eval mode, as samplers see them. Noise and scores are float32 on the CPU.

    Attributes:
        draw: ``draw(rng)`` gives the noise ``(1, z_dim)`` of an image.
        labels: ``labels(n)`` gives the label vectors ``(n, classes)`` that n images have where nobody says others.
        scores: ``scores(z, y)`` gives the score ``(B,)`` of each image, higher for what looks real; it can be
            differentiated in the noise. An image's score depends on no other image.
        prior_energy: ``(B,)``, minus the logarithm of the density that noise ``(B, noise_dim)`` is drawn from, but for
            a constant.
        fold: ``fold(z)`` brings noise ``(B, noise_dim)`` that was moved back to where there is such, by reflection.
        noise_dim: how many of the first columns of z are noise; codes follow, which no step may blur.
    """

    draw: Callable[[torch.Generator], Tensor]
    labels: Callable[[int], Tensor]
    scores: Callable[[Tensor, Tensor], Tensor]
    prior_energy: Callable[[Tensor], Tensor]
    fold: Callable[[Tensor], Tensor]
    noise_dim: int


class Sampler:
    """Noise whose images are nearer the data than those of noise as it is drawn.

    Attributes:
        reals: how many real images it is calibrated with; 0 for none.
    """

    reals: int = 0

    def calibrate(self, model: ScoredGenerator, real: Tensor, rng: torch.Generator) -> None:
        """Learn what it needs before the first image; nothing by default.

        Args:
            model: what it will draw from.
            real: the scores of :attr:`reals` real images, or of as many as there are.
            rng: for whatever is drawn.
        """

    def noise(self, model: ScoredGenerator, z: Tensor, y: Tensor, rngs: Sequence[torch.Generator]) -> Tensor:
        """Noise ``(B, z_dim)`` in place of ``z``; ``z`` itself by default.

        Args:
            model: what images are drawn from.
            z: as it was drawn, ``(B, z_dim)``.
            y: label vectors ``(B, classes)`` that the images are to have.
            rngs: one for each image. What is drawn for an image is drawn from its own, so that it depends on the seed
                and on its number alone.
        """
        return z
