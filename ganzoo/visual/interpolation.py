"""Interpolation between samples of a model, in its noise (latent) space."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN


def walk(gan: GAN, rows: int, steps: int, seed: int, numbers: Tensor | None, truncation: float | None = None) -> Tensor:
    """Bytes ``(rows * steps, C, H, W)``, row by row; row i goes from sample 2i to sample 2i + 1 in ``steps`` images."""
    import torch

    from ganzoo.images import to_uint8

    ends = gan.noise(2 * rows, seed, truncation)
    z = torch.stack([gan.interpolate(ends[0::2], ends[1::2], step / (steps - 1)) for step in range(steps)], dim=1)
    y = gan.label_vectors(numbers, rows).repeat_interleave(steps, 0)
    return to_uint8(gan.generate(z.flatten(0, 1), y), low=0)
