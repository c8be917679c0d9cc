"""Walks through the noise of a model: what lies between two samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN


def walk(gan: GAN, rows: int, steps: int, seed: int, numbers: Tensor | None, truncation: float | None = None) -> Tensor:
    """Bytes ``(rows * steps, C, H, W)``, row by row; row i goes from sample 2i to sample 2i + 1."""
    import torch

    from ganzoo.images import to_uint8

    ends = gan.noise(2 * rows, seed, truncation)
    between = slerp if gan.plan["prior"] == "normal" else lerp
    z = torch.stack([between(ends[0::2], ends[1::2], step / (steps - 1)) for step in range(steps)], dim=1)
    y = gan.one_hot(numbers, rows).repeat_interleave(steps, 0)
    return to_uint8(gan.generate(z.flatten(0, 1), y), low=0)


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from ``a`` to ``b`` on a straight line."""
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from each row of ``a`` to that of ``b``, turning at an even speed.

    Normal noise has almost one length, and a straight line would leave it (Sampling Generative Networks, White 2016,
    arXiv 1609.04468). Rows that point the same way or in opposite ones have no one arc between them: they go straight.
    """
    import torch

    cosine = torch.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine
    return torch.where(sine > 1e-4, arc, lerp(a, b, t))
