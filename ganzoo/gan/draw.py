"""A generator's images, a piece of the batch at a time."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def draw(generator: nn.Module, z: Tensor, y: Tensor, batch: int, conditions: Mapping[str, Tensor]) -> list[Tensor]:
    """Images in [-1, 1], float32 on the CPU: pieces ``(batch, C, H, W)``, of which the last may be smaller.

    Args:
        generator: put into eval mode, and back into that which it was in.
        z: noise, or source images, with a row for each image.
        y: label vectors ``(n, y_dim)``.
        batch: how many go through the generator at once.
        conditions: its further inputs by name, with a row for each image; those of whole numbers stay such.
    """
    weights = next(generator.parameters())
    was_training = generator.training
    generator.eval()
    try:
        return [
            generator(
                z[i : i + batch].to(weights),
                y[i : i + batch].to(weights),
                **{name: rows[i : i + batch].to(weights.device) for name, rows in conditions.items()},
            )
            .float()
            .cpu()
            for i in range(0, len(z), batch)
        ]
    finally:
        generator.train(was_training)
