"""A data set in one file that is mapped into memory: ``ganzoo data pack``.

The file is a safetensors file, which other programs read too: ``images``, uint8 or uint16 ``(N, C, H, W)``, first, then
``labels`` where there are some, and what else is known of the data as JSON in the metadata. Nothing in it is ever
executed, and every size in its header is compared with the size of the file before memory is taken.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import PIXELS, DataRequest, ImageData, available_memory, fingerprint
from ganzoo.data.images import MappedImages
from ganzoo.data.memory import ItemPictures, is_channels_first
from ganzoo.data.progress import progress_bar
from ganzoo.errors import DataError, ModelError, counted
from ganzoo.files.names import as_text
from ganzoo.files.parse import parse_json
from ganzoo.files.untrusted import CODES, METADATA, open_regular, quoted, read_metadata, read_places, read_shapes
from ganzoo.files.write import atomic, check_writable
from ganzoo.registry.labels import LABEL_KINDS
from ganzoo.registry.sizes import height_width, size_of

PACKED = ".safetensors"
"""The suffix of such a file."""
ABOUT, FORMAT = "ganzoo.data", 1
IMAGES, LABELS = "images", "labels"
BLOCK = 32 * 2**20  # bytes of images that are made at once
_BLANK = f"{PIXELS}:{'0' * 64}"  # where the fingerprint goes, which is known at the end
_FINGERPRINT = re.compile(rf"{PIXELS}:[0-9a-f]{{64}}")


@dataclass(frozen=True)
class Packed:
    """What the header of a packed data set says.

    Attributes:
        path: of the file.
        shape: ``(N, C, H, W)`` of the images.
        bits: of each value, 8 or 16.
        labels: their shape; None without.
        class_names, label_kind, flip, licence, fingerprint: see :class:`ImageData`.
        native: height and width of the pictures that it was made from.
        start, labels_start: the bytes at which images and labels begin; the latter is 0 without labels.
    """

    path: Path
    shape: tuple[int, int, int, int]
    bits: int
    labels: tuple[int, ...] | None
    class_names: tuple[str, ...]
    label_kind: str
    flip: bool
    licence: str
    fingerprint: str
    native: tuple[int, int]
    start: int
    labels_start: int

    @property
    def image_bytes(self) -> int:
        """How many bytes the images are."""
        return prod(self.shape) * self.bits // 8

    def images(self) -> Tensor:
        """The images ``(N, C, H, W)``, mapped: what is written to them does not reach the file."""
        dtype = "<u2" if self.bits == 16 else "u1"
        return torch.from_numpy(np.memmap(self.path, dtype, "c", self.start, self.shape))

    def read_labels(self) -> Tensor | None:
        """Class numbers int64 ``(N,)``, or label vectors float32 ``(N, L)``.

        Raises:
            DataError: they would not fit in memory.
        """
        if self.labels is None:
            return None
        dtype = np.dtype("<i8" if self.label_kind == LABEL_KINDS[0] else "<f4")
        size = prod(self.labels) * dtype.itemsize
        if size > available_memory() // 2:
            raise DataError(f"{self.path} has {size >> 20:,} MB of labels, for which there is no room in memory")
        with open_regular(self.path) as file:
            file.seek(self.labels_start)
            content = bytearray(file.read(size))
        if len(content) != size:
            raise DataError(f"{self.path} is cut short: copy or pack it again")
        return torch.from_numpy(np.frombuffer(content, dtype).reshape(self.labels))

    def as_json(self) -> dict[str, Any]:
        """As ``ganzoo data info --json`` prints it."""
        n, channels, height, width = self.shape
        return {
            "format": FORMAT,
            "count": n,
            "channels": channels,
            "height": height,
            "width": width,
            "bits": self.bits,
            "bytes": self.image_bytes,
            "label_kind": self.label_kind if self.labels else None,
            "classes": list(self.class_names),
            "flip": self.flip,
            "licence": self.licence,
            "fingerprint": self.fingerprint,
        }


# --- writing ------------------------------------------------------------------------------------------------


def pack(data: ImageData, out: Path) -> Packed:
    """Write a data set to one file, which appears when it is whole.

    Args:
        data: with images and labels, and no further columns.
        out: the file; its name ends in :data:`PACKED`.

    Raises:
        DataError: there are further columns, no room on the disk, or a picture that cannot be read.
        RunError: the folder cannot be written to.
    """
    refuse_columns(data)
    check_writable(out.parent)
    out.parent.mkdir(parents=True, exist_ok=True)
    size, room = prod(data.images.shape) * data.bits // 8, shutil.disk_usage(out.parent).free
    if size > room:
        raise DataError(f"{out} takes {size >> 20:,} MB, and {room >> 20:,} MB are free there: choose another disk")
    with atomic(out) as temporary:
        with temporary.open("wb") as file:
            file.write(_header(data, _BLANK))
            _write_images(file, data, f"packing {data.name}")
            if data.labels is not None:
                dtype = "<i8" if data.label_kind == LABEL_KINDS[0] else "<f4"
                file.write(data.labels.numpy().astype(dtype).tobytes())
        written = read_header(temporary)
        # Of what is on the disk, so that it is looked at once before anybody relies on it.
        known = fingerprint(MappedImages(written.images()), written.read_labels())
        with temporary.open("r+b") as file:
            file.write(_header(data, known))
    return read_header(out)


def refuse_columns(data: ImageData) -> None:
    """Raise DataError for data that has more than images and labels."""
    if others := [*data.paired, *data.unpaired]:
        raise DataError(f"{data.name} has {', '.join(others)} beside its images: images and labels alone are packed")


def _write_images(file: BinaryIO, data: ImageData, what: str) -> None:
    n, *shape = data.images.shape
    at_once = max(1, BLOCK // (prod(shape) * data.bits // 8))
    with progress_bar(what, n) as advance:
        for rows in torch.arange(n).split(at_once):
            file.write(data.images.fetch(rows).numpy().astype("<u2" if data.bits == 16 else "u1", copy=False).tobytes())
            advance(len(rows))


def _header(data: ImageData, known: str) -> bytes:
    """The start of the file, up to the first image; as long for any fingerprint."""
    about = {
        "format": FORMAT,
        "class_names": list(data.class_names),
        "label_kind": data.label_kind,
        "flip": data.flip,
        "licence": as_text(data.licence),
        "native": list(data.native),
        "fingerprint": known,
    }
    end = prod(data.images.shape) * data.bits // 8
    entries: dict[str, Any] = {METADATA: {ABOUT: json.dumps(about)}}
    entries[IMAGES] = _entry("U16" if data.bits == 16 else "U8", data.images.shape, 0, end)
    if data.labels is not None:
        classes = data.label_kind == LABEL_KINDS[0]
        after = end + data.labels.numel() * (8 if classes else 4)
        entries[LABELS] = _entry("I64" if classes else "F32", data.labels.shape, end, after)
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4096 + 4096 - 8)  # images begin at a page of memory
    return len(text).to_bytes(8, "little") + text


def _entry(code: str, shape: tuple[int, ...], start: int, stop: int) -> dict[str, Any]:
    return {"dtype": code, "shape": list(shape), "data_offsets": [start, stop]}


# --- reading ------------------------------------------------------------------------------------------------


def read_header(path: Path) -> Packed:
    """What a packed data set is, by its header, once that agrees with the size of the file.

    Raises:
        DataError: it is no packed data set, damaged, or of a newer ganzoo.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}: `ganzoo data pack` writes one")
    try:
        said, shapes = read_metadata(path).get(ABOUT), read_shapes(path)
        about = parse_json(said.encode()) if said is not None else None
        places = read_places(path)
    except ModelError as error:
        raise DataError(f"{path} is no packed data set: {error}") from error
    except ValueError as error:
        raise DataError(f"{path} is no packed data set: what it says of itself is not JSON") from error
    if not isinstance(about, dict):
        raise DataError(f"{path} is a safetensors file, but no data set that `ganzoo data pack` wrote")
    if type(about.get("format")) is not int or about["format"] != FORMAT:
        newer = type(about.get("format")) is int and about["format"] > FORMAT
        way = "install a newer ganzoo" if newer else "pack it again"
        raise DataError(f"{path} is of format {quoted(about.get('format'))}; this ganzoo reads {FORMAT}: {way}")
    return _checked(path, about, shapes, places)


def _checked(path: Path, about: Mapping[str, Any], shapes: Mapping[str, Tensor], places: Mapping[str, int]) -> Packed:
    """The header, once its tensors and words are known to be such as :func:`pack` writes."""

    def refuse(what: str) -> DataError:
        return DataError(f"{path} is damaged: {what}; pack it again")

    images = shapes.get(IMAGES)
    if images is None or shapes.keys() - {IMAGES, LABELS}:
        raise refuse(f"it holds {quoted(', '.join(shapes))}, not images and labels")
    if images.dtype not in (torch.uint8, torch.uint16) or not is_channels_first(tuple(images.shape)):
        raise refuse(f"its images are {CODES.get(str(images.dtype))} of shape {tuple(images.shape)}")
    names, kind, native = about.get("class_names"), about.get("label_kind"), about.get("native")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or kind not in LABEL_KINDS:
        raise refuse("its classes make no sense")
    known, words = about.get("fingerprint"), (about.get("flip"), about.get("licence"))
    if not isinstance(known, str) or not _FINGERPRINT.fullmatch(known):
        raise refuse("it has no fingerprint")
    if not isinstance(words[0], bool) or not isinstance(words[1], str):
        raise refuse("what it says of the data makes no sense")
    if not isinstance(native, list) or len(native) != 2 or not all(type(side) is int and side > 0 for side in native):
        raise refuse("the size of its pictures makes no sense")
    labels = shapes.get(LABELS)
    n, channels, height, width = images.shape
    wanted = (torch.int64, (n,)) if kind == LABEL_KINDS[0] else (torch.float32, (n, len(names)))
    if labels is not None and (not names or (labels.dtype, tuple(labels.shape)) != wanted):
        named = f"{counted(len(names), 'name')} of classes"
        raise refuse(f"it has labels {tuple(labels.shape)} of {n:,} images, and {named}")
    return Packed(
        path=path,
        shape=(n, channels, height, width),
        bits=16 if images.dtype == torch.uint16 else 8,
        labels=None if labels is None else tuple(labels.shape),
        class_names=tuple(names),
        label_kind=kind,
        flip=words[0],
        licence=words[1],
        fingerprint=known,
        native=(native[0], native[1]),
        start=places[IMAGES],  # other programs that write the file anew put labels first
        labels_start=places.get(LABELS, 0),
    )


def packed_file(path: Path, request: DataRequest) -> ImageData:
    """The data set in a packed file, mapped, or converted where another size or other channels are asked for.

    Raises:
        DataError: it is damaged, or holds what cannot be converted.
    """
    found = read_header(path)
    labels = found.read_labels()
    _, channels, height, width = found.shape
    wanted = (request.channels or channels, *height_width(request.size or size_of(height, width)))
    if wanted != found.shape[1:] or request.bits not in (None, found.bits):
        return _converted(found, labels, request)
    return ImageData(
        name=path.stem,
        images=MappedImages(found.images()),
        labels=labels,
        class_names=found.class_names,
        label_kind=found.label_kind,
        flip=found.flip,
        licence=found.licence,
        fingerprint=found.fingerprint,
        native=found.native,
        bits=found.bits,
    )


def _converted(found: Packed, labels: Tensor | None, request: DataRequest) -> ImageData:
    if found.bits == 16 or found.shape[1] not in (1, 3):
        _, channels, height, width = found.shape
        raise DataError(
            f"{found.path} holds {counted(channels, 'channel')} of {found.bits} bits, {height}x{width}, and only 1 or"
            " 3 channels of 8 bits are converted: leave the size out, or pack the pictures again"
        )
    values = None if labels is None else labels.tolist()
    pictures = ItemPictures(found.images(), str(found.path), values, found.class_names, found.label_kind)
    return collect_pictures(pictures, request, name=found.path.stem, licence=found.licence, flip=found.flip)


def verified(found: Packed) -> bool:
    """Whether images and labels are those that the fingerprint was made of; reads the whole file."""
    return fingerprint(MappedImages(found.images()), found.read_labels()) == found.fingerprint
