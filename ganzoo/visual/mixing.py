"""Style mixing: images of which some layers take the w of other images (Karras et al. 2019, arXiv 1812.04948)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN
    from ganzoo.gan.style import Truncation

WHITE = 255


def mixed(
    gan: GAN,
    rows: int,
    columns: int,
    seed: int,
    numbers: Tensor | None,
    *,
    layers: tuple[int, int] | None = None,
    truncation: float | Truncation | None = None,
) -> tuple[Tensor, tuple[int, int]]:
    """A table of images: what rows and columns begin with, and each row's image with some layers of each column's.

    Args:
        gan: the model.
        rows, columns: how many of each, without the sources.
        seed: of the noise: the sources of rows are its first samples, those of columns the next.
        numbers: labels of the sources, rows first; None for none.
        layers: the first and the last that are the column's; the coarser half by default.
        truncation: as ``sample`` takes it.

    Returns:
        Bytes ``((rows + 1) * (columns + 1), C, H, W)``, row by row, the corner white; and the layers.

    Raises:
        UsageError: the model has no w, or not these layers.
    """
    import torch

    from ganzoo.gan.style import cross
    from ganzoo.images import to_uint8

    gan.refuse_without_w()
    count = rows + columns
    w = gan.styles(gan.noise(count, seed, truncation), gan.label_vectors(numbers, count))
    first, last = layers if layers is not None else (0, max(0, w.shape[1] // 2 - 1))
    down, across = w[:rows], w[rows:]
    crossed = cross(down.repeat_interleave(columns, 0), across.repeat(rows, 1, 1), first, last + 1)
    images = to_uint8(gan.synthesize(torch.cat([w, crossed])), low=0)
    corner = torch.full_like(images[:1], WHITE)
    table = [corner, images[rows:count]]
    for row in range(rows):
        start = count + row * columns
        table += [images[row : row + 1], images[start : start + columns]]
    return torch.cat(table), (first, last)
