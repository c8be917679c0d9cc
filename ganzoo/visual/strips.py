"""Pictures of directions: one image moved along each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.gan.gan import GAN
from ganzoo.gan.steering import Directions, Move
from ganzoo.images import to_uint8

STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # sigma


def strips(
    gan: GAN,
    found: Directions,
    seed: int = 0,
    labels: Tensor | None = None,
    truncation: Any = None,
    steps: Sequence[float] = STEPS,
) -> Tensor:
    """One image moved along each direction: bytes ``(k * steps, C, H, W)``, a row for each direction.

    Args:
        gan: the model that they were found in.
        found: the directions.
        seed: of the image.
        labels: of the rows; None for the model's first.
        truncation: as ``sample`` takes it.
        steps: how far, in sigma.
    """
    numbers = gan.default_labels(1) if labels is None else labels
    one = gan.inputs(1, seed, None if numbers is None else numbers[:1], truncation)
    inputs = {name: rows.expand(len(steps), *rows.shape[1:]) for name, rows in one.items()}
    rows = []
    for number, vector in enumerate(found.vectors):
        if labels is not None:
            inputs["y"] = gan.label_vectors(labels[[number % len(labels)]], 1).expand(len(steps), -1)
        shift = torch.tensor(steps)[:, None] * found.sigma[number] * vector
        move = Move(found.space, shift, found.layers)
        rows.append(gan.generate_moved(move, **inputs, batch=len(steps)))
    return to_uint8(torch.cat(rows), low=0)
