"""Label vectors of the training, kept in the folder of a model whose labels are not classes: ``examples/label.json``.

Samples without labels of their own take these in turn, so that what they show has the labels that the data has.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.errors import ModelError
from ganzoo.files.untrusted import field, read_json
from ganzoo.files.write import make_folder, write_json
from ganzoo.folder.layout import EXAMPLE_LABELS, EXAMPLES, LARGEST_INSIDE
from ganzoo.gan.gan import GAN
from ganzoo.registry.labels import LABEL

MOST = 1_000
MOST_NUMBERS = 1_000_000  # in all: as JSON they have some 35 bytes each, which LARGEST_INSIDE holds
GOLDEN = 0.6180339887498949


def choose(data: ImageData) -> tuple[Tensor, ...]:
    """Label vectors of the data, float ``(L,)`` each, at most :data:`MOST`; none where labels are classes.

    They stand at even distances in the data, in an order in which any few that follow each other do so too: a data set
    may be sorted by its labels.
    """
    if data.labels is None or data.label_kind == "class":
        return ()
    count = max(1, min(MOST, data.count, MOST_NUMBERS // data.labels.shape[1]))
    even = torch.arange(count) * data.count // count
    return data.labels[even[torch.argsort(torch.arange(count, dtype=torch.float64) * GOLDEN % 1)]].unbind()


def write(folder: Path, gan: GAN) -> None:
    """Write the label vectors of a GAN, if it has any, in one piece."""
    if gan.label_rows:
        make_folder(folder / EXAMPLES)
        write_json(folder / EXAMPLES / EXAMPLE_LABELS, {LABEL: [row.tolist() for row in gan.label_rows]})


def read(folder: Path, gan: GAN) -> tuple[Tensor, ...]:
    """The label vectors in a stranger's folder, float ``(L,)`` each; none where the file is not there.

    Raises:
        ModelError: for a file that cannot be label vectors of this model.
    """
    path = folder / EXAMPLES / EXAMPLE_LABELS
    if not os.path.lexists(path):
        return ()
    rows = field(read_json(path, largest=LARGEST_INSIDE), LABEL, list, path)
    if not 0 < len(rows) <= MOST:
        raise ModelError(f"{path} has {len(rows)} label vectors; it has 1 to {MOST}")
    for row in rows:
        if not isinstance(row, list) or len(row) != gan.classes or not all(type(n) in (int, float) for n in row):
            raise ModelError(f"{path}: a label vector of this model is {gan.classes} numbers")
    try:
        found = torch.tensor([[float(number) for number in row] for row in rows], dtype=torch.float64).float()
    except OverflowError:
        raise ModelError(f"{path} has a number that is too large") from None
    if not found.isfinite().all():
        raise ModelError(f"{path} has a number that is infinite or too large")
    if gan.label_kind == "multilabel" and not ((found == 0) | (found == 1)).all():
        raise ModelError(f"{path}: multilabel vectors hold 0 and 1 alone")
    return found.unbind()
