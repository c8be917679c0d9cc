"""Where the members of a tar lie, found without unpacking anything and without an object for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BLOCK = 512
MAX_WORDS = 1 << 16  # bytes of a long name, or of what a pax header says
_REGULAR, _LONG_NAME, _PAX, _PAX_ALL = (b"0", b"\0", b"7"), b"L", b"x", b"g"


class Damaged(ValueError):
    """A tar that ends too early, or is none."""


class Member(NamedTuple):
    """A regular file in a tar: its name, where its bytes are, and the first of them, at most :data:`BLOCK`."""

    name: str
    start: int
    size: int
    head: bytes


def members(descriptor: int) -> Iterator[Member]:
    """The regular files of an open tar, in order; links, folders and devices are passed over.

    Raises:
        Damaged: naming the member before which, or in which, it breaks off.
    """
    end, place, last, words = os.fstat(descriptor).st_size, 0, "its start", dict[str, str]()
    while place < end:
        # Header and first block at once: labels are shorter than that, so each costs one call.
        block = os.pread(descriptor, 2 * BLOCK, place)
        header = block[:BLOCK]
        if len(header) < BLOCK:
            raise Damaged(f"it is cut short after {last}")
        if header.count(0) == BLOCK:
            return
        name, size, kind = _header(header, last)
        start, place = place + BLOCK, place + BLOCK + -(-size // BLOCK) * BLOCK
        if kind in (_PAX, _PAX_ALL, _LONG_NAME):
            if size > MAX_WORDS:
                raise Damaged(f"after {last} it has a name of {size:,} bytes")
            words |= _words(os.pread(descriptor, size, start), kind)
            continue
        if "size" in words:
            size = _decimal(words["size"], last)
            place = start + -(-size // BLOCK) * BLOCK
        name, words = words.get("path", name), {}
        if start + size > end:
            raise Damaged(f"it is cut short in the middle of {name!r}")
        last = repr(name)
        if kind in _REGULAR:
            yield Member(name, start, size, block[BLOCK : BLOCK + min(size, BLOCK)])
    # A tar ends in blocks of zeros: one without was not written to its end, and nobody could tell how much is missing.
    raise Damaged(f"it is cut short after {last}")


def read(descriptor: int, start: int, size: int) -> bytes:
    """So many bytes; from several threads at once, as no position is shared.

    Raises:
        Damaged: the file ends before.
    """
    content = os.pread(descriptor, size, start)
    if len(content) != size:
        raise Damaged("its tar is cut short")
    return content


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a file for reading, for as long as the block runs."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _header(header: bytes, last: str) -> tuple[str, int, bytes]:
    """Name, size and kind of a member."""
    if header[257:262] != b"ustar" and not _sum_agrees(header):
        raise Damaged(f"what comes after {last} is no tar")
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    written = prefix + b"/" + name if prefix else name
    return written.decode("utf-8", "surrogateescape"), _size(header[124:136], last), header[156:157]


def _size(field: bytes, last: str) -> int:
    if field[0] == 0x80:  # of a file beyond 8 GB, in binary
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError as error:
        raise Damaged(f"what comes after {last} is no tar") from error


def _sum_agrees(header: bytes) -> bool:
    try:
        said = int(header[148:156].strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    return said == sum(header[:148]) + 8 * 32 + sum(header[156:])


def _words(content: bytes, kind: bytes) -> dict[str, str]:
    """What a header says of the next member: a long name, or the lines ``LENGTH KEY=VALUE`` of pax."""
    if kind == _LONG_NAME:
        return {"path": content.partition(b"\0")[0].decode("utf-8", "surrogateescape")}
    found = dict[str, str]()
    while content and kind == _PAX:
        length = content.partition(b" ")[0]
        if not length.isdigit() or not 0 < int(length) <= len(content):
            break
        line, content = content[: int(length)], content[int(length) :]
        key, _, value = line.partition(b" ")[2].rstrip(b"\n").partition(b"=")
        if key in (b"path", b"size"):
            found[key.decode()] = value.decode("utf-8", "surrogateescape")
    return found


def _decimal(text: str, last: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Damaged(f"after {last} it has a member of {text[:20]!r} bytes")
    return int(text)
