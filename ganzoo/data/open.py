"""What ``--data`` and ``ganzoo.train(data=…)`` take."""

from __future__ import annotations

import inspect
import re
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.archive import ZipPictures
from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData, choose_split
from ganzoo.data.folder import FolderPictures
from ganzoo.data.memory import ARRAYS, array_file, dataset_data, tensor_data
from ganzoo.data.packed import PACKED, packed_file
from ganzoo.data.pictures import Pictures
from ganzoo.data.shards import ShardPictures, shards_at
from ganzoo.data.values import highest, said_of_range
from ganzoo.errors import DataError, GanzooError, RecipeError, UsageError, either
from ganzoo.files.paths import to_path
from ganzoo.registry.loading import log, registry
from ganzoo.registry.lookup import known_provider
from ganzoo.registry.sizes import size_text, square_side

FORMS = (
    "a name from `ganzoo list dataset`, a folder of images, a .zip or .tar files of them, a .npy, a file of "
    "`ganzoo data pack`, or hf:org/name"
)
WHOLE = (ARRAYS, PACKED)  # suffixes of files that hold images rather than pictures


def open_data(value: str | Path | Tensor | Any, request: DataRequest | None = None) -> ImageData:
    """Open a data set and decode its images.

    Args:
        value: the name of a registered data set with an optional ``:argument``, a folder, a ``.zip`` or a ``.npy``; a
            uint8 or uint16 tensor or array ``(N, C, H, W)``; a torch data set with ``len``; or data that is open
            already. Text that is no registered name and contains ``/`` or ``.``, or exists on disk, is a path; write
            ``./digits`` for a folder called like a data set.
        request: size, channels, split, and so on.

    Raises:
        DataError: there is no such data, or it cannot be used; the message says why.
        UsageError: ``value`` is of another type.
    """
    data = _opened(value, request := request or DataRequest())
    if data.labels is not None and request.label_kind not in (None, data.label_kind):
        raise UsageError(f"the labels of {data.name} are of the kind {data.label_kind}, not {request.label_kind}")
    if not isinstance(value, ImageData):
        _say_range(data)
    return data


def _say_range(data: ImageData) -> None:
    """Say so where images are next to black."""
    with suppress(DataError):  # a picture that cannot be decoded is named when it is met
        for text in said_of_range(data.name, highest(data.images), data.bits):
            log.warning("%s", text)


def _opened(value: Any, request: DataRequest) -> ImageData:
    if isinstance(value, ImageData):
        return _as_asked(value, request)
    if isinstance(value, str):
        return _open_text(value, request)
    if isinstance(value, Path):
        return _open_path(to_path(value, "data"), request)
    if isinstance(value, Tensor):
        return tensor_data(value, request)
    if isinstance(value, np.ndarray):
        return tensor_data(_tensor(value), request, name="array")
    if hasattr(value, "__getitem__") and hasattr(value, "__len__"):
        return dataset_data(value, request)
    raise UsageError(
        f"data is {FORMS}, a uint8 or uint16 tensor (N, C, H, W), or a torch data set with len(), not a "
        f"{type(value).__name__}"
    )


def _tensor(array: np.ndarray) -> Tensor:
    """An array of images as a tensor."""
    try:
        return torch.from_numpy(np.ascontiguousarray(array))
    except TypeError as error:
        raise DataError(f"an array of images is uint8 or uint16, not {array.dtype}") from error


def _as_asked(data: ImageData, request: DataRequest) -> ImageData:
    """``data``, once it is known to have the size that is asked for.

    Raises:
        UsageError: it has another one.
    """
    asked = {"resolution": request.size, "channels": request.channels, "bits": request.bits}
    for (what, wanted), has in zip(asked.items(), (data.size, data.channels, data.bits), strict=True):
        if wanted is not None and wanted != has:
            raise UsageError(f"{data.name} is open already, with {what}={has}, not {wanted}: open it at that {what}")
    return data


def _named(text: str) -> bool:
    """Whether ``text`` starts with the name of a registered data set."""
    head = text.partition(":")[0]
    return any(head in (entry.name, *entry.aliases) for entry in registry().entries("dataset"))


def _open_text(text: str, request: DataRequest) -> ImageData:
    if _named(text):
        head, _, argument = text.partition(":")
        entry = registry().find(head, kinds=("dataset",), what="data set")
        data: ImageData = entry.load()(argument, request)
        _refuse_other_shape(data, request)
        return replace(data, train=entry.train, split=request.split)
    return _open_path(as_path(text), request)


def _refuse_other_shape(data: ImageData, request: DataRequest) -> None:
    """Refuse a data set that does not know of what is not square, or not 8 bits, where that is asked for."""
    if request.bits == 16 != data.bits:
        raise UsageError(f"{data.name} has 8 bits, not 16: leave bits out")
    if isinstance(request.size, tuple) and data.size != request.size:
        raise UsageError(f"{data.name} has squares, not {size_text(request.size)}: a resolution of one number works")


def as_path(text: str) -> Path:
    """The path that ``text`` means, or the error for a word that is neither a data set nor a path."""
    path, (head, _, rest) = to_path(text), text.partition(":")
    if not path.exists() and (meant := _forms(head)):
        written = [shlex.quote(f"{name}:{head}:{rest}" if rest else f"{name}:{head}") for name in meant]
        raise DataError(f"there is no folder, zip or data set {text}; did you mean {either(written)}?")
    if path.exists() or (("/" in text or "." in text) and known_provider("dataset", head) is None):
        return path
    try:
        registry().find(head, kinds=("dataset",), what="data set")
    except RecipeError as error:
        raise DataError(f"{error}; data is {FORMS}") from error
    return path


def _forms(word: str) -> list[str]:
    """The data sets that take ``word`` behind their colon, as ``name:word`` in their documentation says."""
    found = []
    for entry in registry().entries("dataset"):
        with suppress(GanzooError, ImportError):
            said = inspect.getdoc(entry.load()) or ""
            if re.search(rf"(?<![\w:-]){re.escape(entry.name)}:{re.escape(word)}(?![\w-])", said):
                found.append(entry.name)
    return found


def pictures_at(path: Path) -> Pictures:
    """The pictures of a folder, a zip, or shards.

    Raises:
        DataError: there is nothing at ``path``, or something else.
    """
    if shards := shards_at(path):
        return ShardPictures(shards, str(path))
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise DataError(f"cannot look at {path}: {error.strerror}") from error
    if is_folder:
        return FolderPictures(path)
    if is_file and (path.suffix.lower() == ".zip" or is_zipfile(path)):
        return ZipPictures(path)
    if is_file:
        raise DataError(f"{path} is neither a folder nor a .zip, .tar or .npy; data is {FORMS}")
    raise DataError(f"there is no folder or zip {path}; data is {FORMS}")


def _open_path(path: Path, request: DataRequest) -> ImageData:
    choose_split(str(path), request.split, ("train", "all"))
    if path.suffix.lower() == ARRAYS and path.is_file():
        return array_file(path.resolve(), request)
    if path.suffix.lower() == PACKED and path.is_file():
        return packed_file(path.resolve(), request)
    pictures = pictures_at(path)
    path = path.resolve()
    pattern = not path.exists()  # shards/{000..127}.tar, which are called as their folder is
    return collect_pictures(pictures, request, name=_name(path.parent if pattern else path))


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def is_path(text: str) -> bool:
    """Whether ``--data TEXT`` means a folder or zip rather than a registered data set."""
    return not _named(text)


def open_inner(text: str, request: DataRequest, before: str) -> ImageData:
    """The data called SOURCE in ``--data before:SOURCE``, which is the ``text``, as ``request`` wants it.

    It comes in squares of 8 bits. A folder or zip is taken whole, whatever the split, as everywhere; other data is
    asked for the split.

    Raises:
        UsageError: SOURCE is missing, or has no such split.
        DataError: there is no such data.
    """
    if not text:
        raise UsageError(f"{before} needs data to be made from: {before}:SOURCE, such as {before}:cifar10")
    if isinstance(request.size, tuple) or request.channels not in (None, 1, 3):
        raise UsageError(f"{before} makes squares of 1 or 3 channels: a resolution of one number works")
    request = replace(request, bits=8)
    value: str | Path = text
    if is_path(text):
        value = as_path(text)
        choose_split(f"{before}:{value.name}", request.split, ("train", "test", "all"))
        request = replace(request, split="all")
    data = open_data(value, request)
    if isinstance(data.size, tuple):  # only where nobody said a size
        data = open_data(value, replace(request, resolution=square_side(data.size)))
    return data
