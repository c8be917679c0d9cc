"""Style mixing: images of which some layers take the w of other images (Karras et al. 2019, arXiv 1812.04948)."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.folder.directions import asked_move
from ganzoo.gan.style import cross
from ganzoo.gan.styled import layer_noise as noise_of_layers
from ganzoo.images import to_uint8
from ganzoo.visual.layers import Layers, chosen_layers, read_layers

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.steering import Directions, Move, Moves
    from ganzoo.gan.style import Truncation

WHITE = 255


def mixed(
    gan: GAN,
    rows: int,
    columns: int,
    seed: int,
    numbers: Tensor | None,
    *,
    layers: Layers | str | None = None,
    truncation: float | Truncation | None = None,
    move: Move | None = None,
) -> tuple[Tensor, Layers]:
    """A table of images: what rows and columns begin with, and each row's image with some layers of each column's.

    Args:
        gan: the model.
        rows, columns: how many of each, without the sources.
        seed: of the noise: the sources of rows are its first samples, those of columns the next.
        numbers: labels of the sources, rows first; None for none.
        layers: the first and the last that are the column's, or a word; see :func:`chosen_layers`.
        truncation: as ``sample`` takes it.
        move: of all sources, along directions.

    Returns:
        Bytes ``((rows + 1) * (columns + 1), C, H, W)``, row by row, the corner white; and the layers.

    Raises:
        UsageError: the model has no w, or not these layers.
    """
    gan.refuse_without_w()
    count = rows + columns
    z, y = gan.noise(count, seed, truncation), gan.label_vectors(numbers, count)
    w = gan.styles(move(z) if move is not None and move.space == "z" else z, y)
    if move is not None and move.space == "w":
        w = move(w)
    first, last = chosen_layers(layers, w.shape[1])
    down, across = w[:rows], w[rows:]
    crossed = cross(down.repeat_interleave(columns, 0), across.repeat(rows, 1, 1), first, last + 1)
    images = to_uint8(gan.synthesize(torch.cat([w, crossed])), low=0)
    corner = torch.full_like(images[:1], WHITE)
    table = [corner, images[rows:count]]
    for row in range(rows):
        start = count + row * columns
        table += [images[row : row + 1], images[start : start + columns]]
    return torch.cat(table), (first, last)


def mix(
    gan: GAN,
    size: tuple[int, int],
    layers: Layers | str | None,
    seed: int,
    numbers: Tensor | None,
    truncation: float | Truncation | None = None,
    *,
    direction: Moves | None = None,
    directions: str | PathLike[str] | Directions | None = None,
    layer_noise: int | None = None,
) -> Tensor:
    """What :meth:`GAN.mix` gives: images ``(rows + 1, columns + 1, C, H, W)`` in [0, 1]."""
    gan.refuse_without_w()
    chosen = read_layers(layers, words=True) if isinstance(layers, str) else layers
    move = asked_move(gan, direction, directions)
    with noise_of_layers(gan.get_submodule("G"), layer_noise):
        table, _ = mixed(gan, *size, seed, numbers, layers=chosen, truncation=truncation, move=move)
    return table.unflatten(0, (size[0] + 1, size[1] + 1)).float().div_(255)
