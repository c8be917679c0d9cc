"""Data sets of the Hugging Face Hub, through the ``datasets`` library (extra ``ganzoo[hf]``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData
from ganzoo.data.decode import why
from ganzoo.data.memory import ItemPictures
from ganzoo.errors import DataError, UsageError
from ganzoo.registry.about import install

_ARGUMENT = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?::(?P<split>[^:]+))?")
_LABEL_NAMES = ("label", "labels", "fine_label", "class")


class _Column:
    """One column of a data set as a sequence of images."""

    def __init__(self, rows: Any, name: str) -> None:
        self.rows, self.name = rows, name

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.rows[index][self.name]


def _kind(feature: Any) -> str:
    return type(feature).__name__


def _image_column(features: Mapping[str, Any], name: str) -> str:
    found = [column for column, feature in features.items() if _kind(feature) == "Image"]
    if not found:
        raise DataError(f"the data set {name} has no column of images; its columns: {', '.join(features) or 'none'}")
    return found[0]


def _label_column(features: Mapping[str, Any]) -> str | None:
    """The column of class labels; one of the usual names before others."""
    found = [column for column, feature in features.items() if _kind(feature) == "ClassLabel"]
    return next((usual for usual in _LABEL_NAMES if usual in found), found[0] if found else None)


def _load(name: str, split: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        message = f"data sets of the Hub need the library datasets; type: {install('hf')}"
        raise DataError(message) from error
    try:
        return datasets.load_dataset(name, split=split)
    except Exception as error:  # the library and the network below it raise what they like
        raise DataError(
            f"cannot load {name} (split {split!r}) from the Hub: {why(error)}; check the name and the network, or "
            f"name another split: hf:{name}:SPLIT"
        ) from error


def hf(argument: str, request: DataRequest) -> ImageData:
    """A data set of the Hugging Face Hub: hf:org/name, or hf:org/name:split; its image and label columns are found."""
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise UsageError(f"hf:{argument} does not name a data set; write hf:org/name or hf:org/name:split")
    name, split = match["name"], match["split"] or request.split
    rows = _load(name, split)
    features: Mapping[str, Any] = rows.features
    label = _label_column(features)
    numbers = None if label is None else [int(number) for number in rows[label]]
    if numbers is None or min(numbers, default=-1) < 0:  # the Hub writes -1 for a label that is withheld
        numbers, classes = None, ()
    else:
        classes = tuple(features[str(label)].names)
    pictures = ItemPictures(_Column(rows, _image_column(features, name)), name, numbers, classes)
    licence = getattr(getattr(rows, "info", None), "license", "") or "unknown; see its page on the Hub"
    return collect_pictures(pictures, request, name=f"hf:{name}", licence=licence)
