"""Images beside each other: real ones and what is rebuilt of them, or the two images of a pair."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo import GAN, UsageError
from ganzoo.data import ImageData, to_uint8
from ganzoo_classics.metrics import batches, evaluating

BATCH = 64


@torch.no_grad()
def rebuilt(gan: GAN, data: ImageData, count: int) -> Tensor:
    """The first images of data, each followed by what is rebuilt of it: uint8 ``(2n, C, H, W)``.

    Raises:
        UsageError: the model takes labels, and the data has none.
    """
    if gan.classes and data.labels is None:
        raise UsageError(f"this model was trained with labels, and {data.name} has none: give labelled data")
    game: Any = gan.game
    with evaluating(gan):
        sides = [(x.cpu(), game.reconstruct(x, y).float().cpu()) for x, y, _ in batches(gan, data, count, BATCH)]
    return beside(sides)


@torch.no_grad()
def drawn_pairs(gan: GAN, count: int, seed: int) -> Tensor:
    """Images of the first domain, each followed by that of the second: uint8 ``(2n, C, H, W)``."""
    game: Any = gan.game
    device, sides = next(gan.parameters()).device, []
    with evaluating(gan):
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            given = gan.inputs(size, seed, gan.default_labels(size, start), start=start)
            first, second = game.pair(given["z"].to(device), given["y"].to(device))
            sides.append((first.float().cpu(), second.float().cpu()))
    return beside(sides)


def beside(sides: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Images in [-1, 1] in turn, as bytes."""
    left, right = (torch.cat(column) for column in zip(*sides, strict=True))
    return to_uint8(torch.stack([left, right], 1).flatten(0, 1), low=-1)
