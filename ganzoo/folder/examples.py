"""What a model that takes more than noise is shown: rows of its data, kept in its folder as ``examples/``.

Source and target images are one lossless picture each, 8 by 8 without margins; captions are JSON. Grids, cards and
``sample`` without arguments use them, so that such a model says by itself what it does.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.data.dataset import taken
from ganzoo.data.decode import UNREADABLE, open_picture, why
from ganzoo.errors import ModelError, UsageError, either
from ganzoo.files.untrusted import field, open_regular, printable, read_json
from ganzoo.files.write import make_folder, write_json
from ganzoo.folder.layout import EXAMPLE_PICTURES, EXAMPLE_TEXTS, EXAMPLES
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import LONGEST_TEXT, MODES, NOISE, SOURCE, TARGET, TEXT, decode_text, encode_text
from ganzoo.images import save_png, to_pil

ROWS = COLUMNS = 8
COUNT = ROWS * COLUMNS
LARGEST_TEXTS = COUNT * (6 * LONGEST_TEXT + 8)  # JSON may spell a byte with six


def published(inputs: Collection[str]) -> tuple[str, ...]:
    """The files, below a model's folder, of the examples of a model that takes these."""
    files = {SOURCE: tuple(EXAMPLE_PICTURES.values()), TEXT: (EXAMPLE_TEXTS,)}
    return tuple(f"{EXAMPLES}/{file}" for name, own in files.items() if name in inputs for file in own)


def choose(data: ImageData, inputs: Collection[str]) -> dict[str, Tensor]:
    """Rows of every column that a model takes, and the targets where there are pairs: :data:`COUNT` of each.

    They stand at even distances in the data; a smaller data set repeats. Of texts alone there are as many as a grid
    has columns, of different classes as far as there are labels, and then again: each has a column of its own.
    """
    names = set(inputs) - {NOISE}
    if names == {TEXT}:
        return {TEXT: _captions(data).repeat(ROWS, 1)}
    found = {name: _some(data, name) for name in sorted(names)}
    if SOURCE in names and SOURCE in data.paired:
        found[TARGET] = data.images.fetch(_numbers(data.count))
    return found


def _numbers(count: int) -> Tensor:
    return torch.linspace(0, count - 1, COUNT).long()


def _some(data: ImageData, name: str) -> Tensor:
    column = data.column(name)
    return taken(column, _numbers(column.shape[0]))


def _captions(data: ImageData) -> Tensor:
    """:data:`COLUMNS` captions: those of new classes first, then other new ones, then any."""
    rows, numbers = _some(data, TEXT), _numbers(data.count)
    labels = [] if data.labels is None else data.labels[numbers].tolist()
    first = [place for place, label in enumerate(labels) if label not in labels[:place]]
    said = decode_text(rows)
    new = [place for place, text in enumerate(said) if text not in said[:place]]
    return rows[list(dict.fromkeys([*first, *new, *range(COUNT)]))[:COLUMNS]]


def captions(folder: Path) -> list[str]:
    """The texts among the examples in a stranger's folder; none where there are none.

    Raises:
        ModelError: for a file that cannot be examples.
    """
    path = folder / EXAMPLES / EXAMPLE_TEXTS
    return decode_text(_texts(path)) if os.path.lexists(path) else []


def write(folder: Path, gan: GAN) -> None:
    """Write the examples of a GAN, if it has any, each file in one piece."""
    if gan.examples:
        make_folder(folder / EXAMPLES)
    for name, rows in gan.examples.items():
        if name in EXAMPLE_PICTURES:
            sheet = rows.unflatten(0, (ROWS, COLUMNS)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
            save_png(to_pil(sheet[None])[0], folder / EXAMPLES / EXAMPLE_PICTURES[name])
        else:
            write_json(folder / EXAMPLES / EXAMPLE_TEXTS, {TEXT: decode_text(rows)})


def read(folder: Path, gan: GAN) -> dict[str, Tensor]:
    """The examples in a stranger's folder; nothing of those that are not there.

    Raises:
        ModelError: for files that cannot be examples of this model.
    """
    found: dict[str, Tensor] = {}
    for file in published(gan.input_names):
        path = folder / file
        if not os.path.lexists(path):
            continue
        if path.name == EXAMPLE_TEXTS:
            found[TEXT] = _texts(path)
        else:
            name = next(name for name, own in EXAMPLE_PICTURES.items() if own == path.name)
            found[name] = _images(path, gan.image)
    return found


def _texts(path: Path) -> Tensor:
    captions = field(read_json(path, largest=LARGEST_TEXTS), TEXT, list, path)
    if len(captions) != COUNT or not all(isinstance(one, str) for one in captions):
        raise ModelError(f"{path}: examples are {COUNT} texts")
    try:
        return encode_text(captions)
    except UsageError as error:
        raise ModelError(f"{path}: {printable(error)}") from error


def _images(path: Path, image: tuple[int, int, int]) -> Tensor:
    channels, height, width = image
    size = (COLUMNS * width, ROWS * height)
    try:
        with open_regular(path) as file:
            picture = open_picture(file, trusted=False)
            if picture.size != size:
                has = f"{picture.width} x {picture.height}"
                raise ValueError(f"it has {has} pixels, and examples of this model {size[0]} x {size[1]}")
            if channels not in MODES:
                raise ValueError(f"a picture has {either(MODES)} channels, and images of this model {channels}")
            pixels = np.asarray(picture.convert(MODES[channels]))
    except UNREADABLE as error:
        raise ModelError(f"{path} cannot be read: {why(error)}") from error
    sheet = torch.from_numpy(pixels.copy()).reshape(ROWS, height, COLUMNS, width, channels)
    return sheet.permute(0, 2, 4, 1, 3).flatten(0, 1).contiguous()
