"""Reading a folder that nobody vouches for: regular files only, opened once, checked before they are believed."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ganzoo.errors import ModelError
from ganzoo.errors import printable as printable  # the one escaper, beside the readers of what it escapes
from ganzoo.files.parse import parse_json

if TYPE_CHECKING:  # imported when tensors are read, so that commands that only read JSON start without torch
    from torch import Tensor

LARGEST_JSON = 1 << 20
LARGEST_HEADER = 16 << 20
SHARED = re.compile(r"[0-9a-f]{64}")  # a blob of the store that the models of a Hub cache share
DTYPES: Mapping[str, str] = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "U16": "uint16",
    "BOOL": "bool",
}
CODES = {f"torch.{dtype}": code for code, dtype in DTYPES.items()}


def quoted(text: object, longest: int = 80) -> str:
    """Text from a folder as it may be shown: quoted, escaped, on one line and not endless."""
    shown = ascii(str(text)[: longest + 1])
    return shown if len(str(text)) <= longest else f"{shown[:longest]}...'"


def _blob_of_cache(path: Path) -> Path | None:
    """Where a link of the Hub's cache leads: from ``snapshots/<revision>/`` into ``blobs/`` of the same model.

    A blob that came by Xet may itself be a link into the store that all models of the cache share.
    """
    root = next((p.parent for p in path.absolute().parents if p.name == "snapshots"), None)
    if root is None:
        return None
    target, blobs = Path(os.path.realpath(path)), Path(os.path.realpath(root / "blobs"))
    shared = blobs.parent.parent / "blobs"
    stored = root.name.startswith("models--") and target.parent.parent == shared and SHARED.fullmatch(target.name)
    return target if target.parent == blobs or stored else None


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; links count only inside the Hub's cache.

    Raises:
        ModelError: when there is no such file, or when it is a link, a pipe, a device or a folder.
    """
    try:
        real = _blob_of_cache(path) if path.is_symlink() else path
        if real is None:
            raise ModelError(f"{path} is a link; a model folder holds regular files only")
        # Without O_NONBLOCK the opening of a named pipe would wait for a writer for ever. The type is asked of the open
        # descriptor, not of the path, so that nothing can be put in its place between check and use.
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ModelError(f"{path.parent} has no {path.name}; it is not a whole model or run") from None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelError(f"{path} is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def is_regular(path: Path) -> bool:
    """Whether a regular file is there, that may be read."""
    try:
        with open_regular(path):
            return True
    except ModelError:
        return False


def file_digest(path: Path) -> str:
    """sha256 of a regular file, in hex.

    Raises:
        ModelError: when it is missing or no regular file.
    """
    digest = sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_state(path: Path) -> tuple[int, ...]:
    """What is another once a file has been written to or replaced: device, inode, size, and both times.

    Raises:
        ModelError: there is no such file.
    """
    try:
        about = path.stat()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def read_json(path: Path, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """A JSON object of at most ``largest`` bytes; 1 MB by default.

    Raises:
        ModelError: for anything else.
    """
    with open_regular(path) as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ModelError(f"{path} is larger than {largest >> 20} MB; no {path.name} is")
    try:
        value = parse_json(data)
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {quoted(error)}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold a JSON object")
    return value


def field(values: Mapping[str, Any], name: str, kind: type | tuple[type, ...], path: Path) -> Any:
    """One required field of a JSON object, of the type ``kind``; a bool is no number.

    Raises:
        ModelError: when it is missing or of another type.
    """
    if name not in values:
        raise ModelError(f"{path} has no {name!r}")
    value = values[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ModelError(f"{path}: {name} is {quoted(json.dumps(value))}, of the wrong type")
    return value


METADATA = "__metadata__"  # of a safetensors file, among the entries of its header


def _header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file without its metadata, and the number of bytes that follow it."""
    header, size = _whole_header(file, path)
    header.pop(METADATA, None)
    return header, size


def _whole_header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= LARGEST_HEADER:
        raise ModelError(f"{path} is not a safetensors file")
    try:
        header = parse_json(file.read(length))
    except ValueError:
        raise ModelError(f"{path} is not a safetensors file: its header cannot be read") from None
    if not isinstance(header, dict) or not all(isinstance(entry, dict) for entry in header.values()):
        raise ModelError(f"{path} is not a safetensors file: its header is no table")
    return header, os.fstat(file.fileno()).st_size - 8 - length


def read_metadata(path: Path) -> dict[str, str]:
    """The texts by name that a safetensors file has beside its tensors; none where it has none.

    Raises:
        ModelError: it is no safetensors file, or what stands there is no text.
    """
    with open_regular(path) as file:
        header, _ = _whole_header(file, path)
    found = header.get(METADATA, {})
    if not all(isinstance(text, str) for text in found.values()):
        raise ModelError(f"{path} is not a safetensors file: its metadata is no text")
    return found


def _list(names: Mapping[str, Any] | set[str]) -> str:
    shown = ", ".join(quoted(name) for name in sorted(names)[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check_names(header: Mapping[str, Any], expected: Mapping[str, Tensor], path: Path) -> None:
    missing, extra = expected.keys() - header.keys(), header.keys() - expected.keys()
    if missing:
        raise ModelError(f"{path} lacks the tensor {_list(missing)}, which its recipe has")
    if extra:
        raise ModelError(f"{path} holds the tensor {_list(extra)}, which its recipe does not have")


def _check_entry(entry: Mapping[str, Any], like: Tensor, name: str, path: Path) -> tuple[int, int]:
    """First and last byte of one tensor, once its header entry says what the network expects."""
    code, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if code != CODES[str(like.dtype)]:
        raise ModelError(f"{path}: {quoted(name)} is {quoted(code)}; its recipe says {CODES[str(like.dtype)]}")
    if shape != list(like.shape):
        raise ModelError(f"{path}: {quoted(name)} is {quoted(shape)}; its recipe says {list(like.shape)}")
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(byte) is int for byte in offsets)):
        raise ModelError(f"{path}: {quoted(name)} has no offsets")
    if offsets[1] - offsets[0] != prod(like.shape) * like.element_size():
        raise ModelError(f"{path}: {quoted(name)} is not as long as its shape says")
    return offsets[0], offsets[1]


def _layout(header: Mapping[str, Any], expected: Mapping[str, Tensor], size: int, path: Path) -> list[str]:
    """Names in the order of their bytes, which must follow each other without a gap up to the end of the file.

    Overlaps and gaps are how a small file claims to be a large one, or hides what nobody checks.
    """
    spans = {name: _check_entry(header[name], like, name, path) for name, like in expected.items()}
    order = sorted(spans, key=lambda name: spans[name])
    end = 0
    for name in order:
        if spans[name][0] != end:
            raise ModelError(f"{path}: the bytes of {quoted(name)} do not follow those before")
        end = spans[name][1]
    if end != size:
        raise ModelError(f"{path} is torn: {size:,} bytes of tensors where its header says {end:,}")
    return order


def _read_tensor(file: BinaryIO, like: Tensor, name: str, path: Path) -> Tensor:
    import torch

    tensor = torch.empty(like.shape, dtype=like.dtype)
    if tensor.numel():
        raw = memoryview(tensor.reshape(-1).view(torch.uint8).numpy().data)
        if file.readinto(raw) != len(raw):  # type: ignore[attr-defined]
            raise ModelError(f"{path} ended in the middle of {quoted(name)}")
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise ModelError(f"{path}: {quoted(name)} holds NaN or infinite numbers")
    return tensor


def read_tensors(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a safetensors file, which must be exactly those of ``expected``.

    Args:
        path: of the file.
        expected: tensors by name, on the ``meta`` device if you like; only shapes and dtypes are looked at.

    Raises:
        ModelError: before memory is taken when a name, shape, dtype or length differs; also for NaN and infinity.
    """
    with open_regular(path) as file:
        header, size = _header(file, path)
        _check_names(header, expected, path)
        order = _layout(header, expected, size, path)
        return {name: _read_tensor(file, expected[name], name, path) for name in order}


def read_shapes(path: Path) -> dict[str, Tensor]:
    """What a safetensors file says it holds, as ``meta`` tensors, to be compared and then read.

    Raises:
        ModelError: for a file whose header makes no sense.
    """
    import torch

    with open_regular(path) as file:
        header, size = _header(file, path)
    try:
        shapes = {
            name: torch.empty(tuple(entry["shape"]), dtype=getattr(torch, DTYPES[entry["dtype"]]), device="meta")
            for name, entry in header.items()
        }
    except (KeyError, TypeError, RuntimeError, ValueError):
        raise ModelError(f"{path} is not a safetensors file: its header makes no sense") from None
    _layout(header, shapes, size, path)
    return shapes


def read_places(path: Path) -> dict[str, int]:
    """The byte of a safetensors file at which each of its tensors begins, once :func:`read_shapes` has nothing to say.

    Raises:
        ModelError: for a file whose header makes no sense.
    """
    names = read_shapes(path)
    with open_regular(path) as file:
        header, _ = _header(file, path)
        first = file.tell()
    return {name: first + header[name]["data_offsets"][0] for name in names}
