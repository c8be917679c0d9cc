"""Real images beside a model: as its networks take them, with labels numbered as its own are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import signed
from ganzoo.metrics.subjects import match
from ganzoo.scoring.score import open_real
from ganzoo.seeding import derive

FEWEST = 2


def real_images(gan: GAN, data: Any, n: int, split: str | None = None, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Some real images that a model is compared with.

    Args:
        gan: the model.
        data: as ``--data`` takes it.
        n: how many; all where there are fewer.
        split: of the data, ``train`` by default; what a folder or zip is.
        seed: by which they are drawn.

    Returns:
        Images ``(m, C, H, W)`` in [-1, 1], and label vectors ``(m, classes)``.

    Raises:
        UsageError: there are too few, or their labels are not the model's.
        DataError: there is no such data.
    """
    opened, _ = open_real(data, split, gan)
    found = match(gan, opened)
    if found.problem:
        raise UsageError(found.problem)
    real = found.data
    if real.count < FEWEST:
        raise UsageError(f"{real.name} has {real.count} images: give {FEWEST} at least")
    if gan.classes and (real.labels is None or real.label_kind != gan.label_kind):
        raise UsageError(f"this model has labels, and {real.name} has none of that kind: give other data")
    rows = torch.randperm(real.count, generator=torch.Generator().manual_seed(derive("reals", seed)))[:n]
    labels = real.labels[rows] if gan.classes and real.labels is not None else None
    return signed(real.images.fetch(rows)), gan.label_vectors(labels, len(rows))
