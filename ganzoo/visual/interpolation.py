"""Interpolation between samples of a model, in the space of its noise or, where it has one, of w."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN
    from ganzoo.gan.style import Truncation


def walk(
    gan: GAN,
    rows: int,
    steps: int,
    seed: int,
    numbers: Tensor | None,
    truncation: float | Truncation | None = None,
    space: str | None = None,
) -> Tensor:
    """Bytes ``(rows * steps, C, H, W)``, row by row; row i goes from sample 2i to sample 2i + 1 in ``steps`` images.

    Args:
        gan: the model.
        rows, steps: see above.
        seed: of the samples.
        numbers: labels of the rows; None for none.
        truncation: as ``sample`` takes it.
        space: ``"w"`` for straight lines in w, ``"z"`` for ways of the noise; w where there is one by default.

    Raises:
        UsageError: ``"w"`` of a model that has none.
    """
    import torch

    from ganzoo.images import to_uint8

    ends = gan.noise(2 * rows, seed, truncation)
    a, b, y = ends[0::2], ends[1::2], gan.label_vectors(numbers, rows)
    if space == "w" or (space is None and gan.has_w):
        first, last = gan.styles(a, y), gan.styles(b, y)
        w = torch.stack([torch.lerp(first, last, step / (steps - 1)) for step in range(steps)], dim=1)
        return to_uint8(gan.synthesize(w.flatten(0, 1)), low=0)
    z = torch.stack([gan.interpolate(a, b, step / (steps - 1)) for step in range(steps)], dim=1)
    return to_uint8(gan.generate(z.flatten(0, 1), y.repeat_interleave(steps, 0)), low=0)
