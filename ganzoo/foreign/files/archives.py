"""Archives: torch's own zip, checked before a byte of it is believed, and what others hold."""

from __future__ import annotations

import os
import stat
import struct
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted

LONGEST_DIRECTORY = 4 << 20
MOST_ENTRIES = 20_000
END = struct.Struct("<4s4H2IH")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")


def _directory(file: BinaryIO, size: int) -> None:
    """Refuse a zip whose directory is not where its end says, or too long: readers would differ about such ones."""
    tail_length = min(size, END.size + LOCATOR.size + END64.size)
    file.seek(size - tail_length)
    tail = file.read(tail_length)
    if len(tail) < END.size:
        raise ModelError("it is torn: it starts as a zip archive and has no end")
    mark, *_, count, length, offset, comment = END.unpack(tail[-END.size :])
    if mark != b"PK\x05\x06" or comment:
        raise ModelError("it is torn, or has something behind its end: it starts as a zip archive does")
    follows = size - END.size
    if tail[-END.size - LOCATOR.size :].startswith(b"PK\x06\x07"):
        _, _, place, _ = LOCATOR.unpack(tail[-END.size - LOCATOR.size : -END.size])
        mark, *_, count, length, offset = END64.unpack(tail[: END64.size])
        follows = size - tail_length
        if mark != b"PK\x06\x06" or place != follows:
            raise ModelError("it is a zip archive with two ends")
    if offset + length != follows:
        raise ModelError("it is a zip archive with something before or behind what its directory lists")
    if length > LONGEST_DIRECTORY or count > MOST_ENTRIES:
        raise ModelError(f"it is a zip archive of {count:,} files; no file of weights has over {MOST_ENTRIES:,}")


def entries(file: BinaryIO, size: int) -> dict[str, ZipInfo]:
    """What lies in a zip archive, by name; nothing is unpacked.

    Raises:
        ModelError: it is torn, too long a list, or has links, names that lead out of it, or one name twice.
    """
    _directory(file, size)
    file.seek(0)
    with ZipFile(file) as archive:
        listed = archive.infolist()
    if len({entry.filename.casefold() for entry in listed}) != len(listed):
        raise ModelError("it is a zip archive with one name twice")
    for entry in listed:
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ModelError(f"it is a zip archive with a link in it, {quoted(entry.filename)}")
        path = PurePosixPath(entry.orig_filename)
        odd = "\\" in entry.orig_filename or "\0" in entry.orig_filename or ":" in entry.orig_filename
        if odd or path.is_absolute() or ".." in path.parts:
            raise ModelError(f"it is a zip archive with a name that leads out of it, {quoted(entry.orig_filename)}")
    return {entry.filename: entry for entry in listed}


def check_stored(listed: dict[str, ZipInfo], size: int) -> None:
    """Refuse what torch never writes: entries that are packed, encrypted, or together larger than the file.

    Raises:
        ModelError: naming the entry.
    """
    for name, entry in listed.items():
        if entry.compress_type != ZIP_STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            raise ModelError(
                f"{quoted(name)} in it is packed, to {entry.compress_size:,} bytes of {entry.file_size:,}; torch "
                "stores tensors as they are. Load it in torch and save it again"
            )
    total = sum(entry.file_size for entry in listed.values())
    if total > size:
        raise ModelError(f"its entries claim {total:,} bytes together, and the file has {size:,}")


def first_of_tar(head: bytes) -> str | None:
    """The name of the first file in a tar archive that starts with ``head``; None where it is no tar archive."""
    try:
        return tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape").name
    except tarfile.HeaderError:
        return None


def first_of_gzip(head: bytes) -> str | None:
    """The first file of a tar archive that is packed by gzip; None where there is no tar archive within."""
    try:
        return first_of_tar(zlib.decompressobj(31).decompress(head, 512))
    except zlib.error:
        return None


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size
