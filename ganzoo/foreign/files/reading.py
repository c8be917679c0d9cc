"""A file of weights that others' code wrote, recognised by its content and read without running anything of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ganzoo.errors import GanzooError, ModelError, UsageError
from ganzoo.files.untrusted import file_state, open_regular, quoted, read_shapes, read_tensors
from ganzoo.foreign.files import legacy, ncnn, tfjs
from ganzoo.foreign.files.archives import entries, first_of_tar, size_of
from ganzoo.foreign.files.opcodes import Source
from ganzoo.foreign.files.strangers import refuse_archive, refuse_stranger
from ganzoo.foreign.files.torchfiles import read_legacy, read_zip
from ganzoo.foreign.files.unpickle import read_pickle

Form = Literal["torch", "torch-legacy", "pickle", "safetensors", "ncnn", "tfjs"]
LARGEST = 32 << 30
HEAD = 4096


@dataclass(frozen=True)
class ForeignFile:
    """What a file of weights holds, and which file it was.

    Attributes:
        path: as it was given.
        sha256: of the file's bytes, in hex.
        size: of the file, in bytes.
        form: how it was written.
        content: tables, lists, tuples, numbers, texts, None, tensors on the CPU, and
            :class:`~ganzoo.foreign.Recorded` for objects of classes that only their own code knows. It nests
            at most so deep, contains nothing twice within itself, and may be walked through without care.
        beside: sha256 of further files that belong to it, by name: those with the numbers of ncnn's layers, or of
            TensorFlow.js'.
    """

    path: Path
    sha256: str
    size: int
    form: Form
    content: Any
    beside: Mapping[str, str] = field(default_factory=dict)


def read_foreign(path: Path) -> ForeignFile:
    """Read a file of weights that others' code wrote; nothing of it is run, whatever it says.

    Args:
        path: a regular file, or a link to one.

    Raises:
        UsageError: there is no such file, or it is none of weights; the text says what it is and what to do.
        ModelError: it is broken, claims more than it has, or names what would have to run.
    """
    path = Path(path)
    real = _regular(path)
    with said_of(path), _broken(), open_regular(real) as file:
        before = file_state(real)
        size = size_of(file)
        if size > LARGEST:
            raise ModelError(f"it has {size:,} bytes; no file of weights is larger than {LARGEST:,}")
        form, content, beside = _read(file, size, real)
        digest = _digest(file)
        if file_state(real) != before:
            raise ModelError("it was written to while it was read: try again once it is whole")
    return ForeignFile(path, digest, size, form, content, beside)


def _regular(path: Path) -> Path:
    """Where a person's path leads to; links are theirs to set, pipes and devices would never end."""
    try:
        real = Path(os.path.realpath(path))
        if real.is_dir():
            raise UsageError(f"{path} is a folder: give the file of weights in it")
        if not real.exists():
            raise UsageError(f"there is no file {path}")
        if not real.is_file():
            raise UsageError(f"{path} is a pipe or a device, not a file of weights")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from None
    return real


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    """Errors that name the file first, whatever was found in it: people import many at once."""
    try:
        yield
    except GanzooError as error:
        kind = UsageError if isinstance(error, UsageError) else ModelError
        said = str(error)
        raise kind(said if said.startswith(str(path)) else f"{path}: {said}") from error


@contextmanager
def _broken() -> Iterator[None]:
    """Whatever a broken file makes Python or torch stumble over is said to be just that."""
    try:
        yield
    except GanzooError:
        raise
    except Exception as error:  # a stranger's bytes may be wrong in any way that there is
        first = str(error).strip().split("\n")[0]
        raise ModelError(f"it is broken or torn ({type(error).__name__}: {quoted(first, 120)})") from error


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _read(file: BinaryIO, size: int, path: Path) -> tuple[Form, Any, Mapping[str, str]]:
    """Form and content of an open file, and the digests of what lies beside it."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    file.seek(0)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        listed = entries(file, size)
        if not any(name.count("/") == 1 and name.endswith("/data.pkl") for name in listed):
            refuse_archive(list(listed))
        return "torch", read_zip(file, size, listed), {}
    if head.startswith(legacy.MAGIC):
        if first_of_tar(head) is not None:
            raise ModelError("it is a file of torch and a tar archive at once, which readers would differ about")
        return "torch-legacy", read_legacy(file, size), {}
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle", read_pickle(Source(file, size)), {}
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        return "safetensors", read_tensors(path, read_shapes(path)), {}
    if head.startswith(ncnn.MAGIC):
        return _read_ncnn(file, path)
    if head.lstrip()[:1] == b"{":
        text = file.read(tfjs.LARGEST_TEXT + 1)
        if tfjs.MANIFEST in text:
            return "tfjs", *tfjs.read_tfjs(text, path.parent)
    if path.suffix == ".bin" and _starts_ncnn(path.with_suffix(".param")):
        raise UsageError(f"it has the numbers of {path.with_suffix('.param').name}: give that")
    refuse_stranger(head, tail)


def _starts_ncnn(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(len(ncnn.MAGIC)) == ncnn.MAGIC
    except ModelError:
        return False


def _read_ncnn(file: BinaryIO, path: Path) -> tuple[Form, Any, Mapping[str, str]]:
    numbers = path.with_suffix(".bin")
    text = file.read(ncnn.LARGEST_TEXT + 1)
    if not numbers.is_file():
        raise UsageError(f"it lists layers of ncnn, whose numbers lie in {numbers.name} beside it: there is none")
    with open_regular(numbers) as beside:
        content = ncnn.read_ncnn(text, Source(beside, size_of(beside)))
        digest = _digest(beside)
    return "ncnn", content, {numbers.name: digest}
