"""Labelled data of which most labels are hidden, to learn classes from a few: ``few-labels:100:mnist``."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import torch
from torch import Tensor

from ganzoo import DataError, UsageError
from ganzoo.data import DataRequest, ImageData, derive, open_inner
from ganzoo_classics.sgan import LABELLED

FORM = "few-labels:N:SOURCE, such as few-labels:100:mnist"


def few_labels(argument: str, request: DataRequest) -> ImageData:
    """Data with N known labels: few-labels:100:SOURCE. Of each class as many; sgan learns without the others.

    Which images those are depends on N and the data alone. Labels stay, so that it can be counted how many are named;
    the column ``labelled`` says which are known.
    """
    number, colon, text = argument.partition(":")
    if not colon or not number.isdecimal() or int(number) < 1:
        raise UsageError(f"few-labels:{argument} does not work: give {FORM}")
    data = open_inner(text, request, f"few-labels:{number}")
    if data.labels is None or data.label_kind != "class":
        raise DataError(f"few-labels needs class labels, and {data.name} has none: give labelled data")
    known = chosen(data.labels, len(data.class_names), int(number), data.name)
    digest = sha256(data.fingerprint.encode() + known.numpy().tobytes()).hexdigest()
    kind = data.fingerprint.rpartition(":")[0]
    name = f"few-labels:{number}:{data.name}"
    return replace(data, name=name, paired={**data.paired, LABELLED: known}, fingerprint=f"{kind}:{digest}")


def chosen(labels: Tensor, classes: int, count: int, name: str) -> Tensor:
    """1 for ``count`` images, of each class as many or one more, and 0 for all others; uint8 ``(N,)``.

    Raises:
        DataError: there are fewer of some class.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(derive("few labels", count)))
    known = torch.zeros(len(labels), dtype=torch.uint8)
    for number in range(classes):
        wanted = count // classes + (number < count % classes)
        own = order[labels[order] == number][:wanted]
        if len(own) < wanted:
            raise DataError(f"few-labels:{count} takes {wanted} images of each class, and {name} has {len(own)} of one")
        known[own] = 1
    return known
