"""The directory of a zip as columns of numbers, and its members read from several threads at once.

Python's ``zipfile`` makes an object of a kilobyte for each member, and lets one thread read at a time: for a million
small pictures that is a gigabyte, and most of the time of decoding them.
"""

from __future__ import annotations

import os
import struct
import weakref
import zipfile
import zlib
from array import array
from pathlib import Path

END, END_64, LOCATOR_64, ENTRY, LOCAL = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2", b"PK\3\4"
_END = struct.Struct("<4s4H2LH")
_LOCATOR_64 = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_IN_64 = 0xFFFFFFFF  # stands for a number that is in the extra field
MAX_DIRECTORY_BYTES = 1 << 30
"""Of the directory of a zip: ten million names of a hundred letters."""
STORED, DEFLATED = 0, 8
LOCKED, UTF8 = 1, 0x800  # bits of a member's flags


class Directory:
    """The members of a zip, in the order of its directory.

    Args:
        path: of the zip.

    Attributes:
        names: of the members, as they are written; folders end in ``/``.
        sizes: of each in bytes, unpacked.
        sums: CRC-32 of each.
        flags: of each, as the format has them.

    Raises:
        BadZipFile: it is none, or cut short.
        OSError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.names = path, list[str]()
        self.starts, self.packed, self.sizes = array("Q"), array("Q"), array("Q")
        self.sums, self.methods, self.flags = array("L"), array("H"), array("H")
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close).atexit = False  # at exit a thread may still read
        self._size = os.fstat(self._file.fileno()).st_size
        start, length, before = self._find()
        self._read_entries(self._at(start, length), before)

    def __len__(self) -> int:
        return len(self.names)

    def is_folder(self, number: int) -> bool:
        """Whether a member is a folder."""
        return self.names[number].endswith("/")

    def read(self, number: int, limit: int) -> bytes:
        """The bytes of a member, whose checksum is checked.

        Raises:
            ValueError: it says that it unpacks to more than ``limit``.
            BadZipFile: it is damaged.
        """
        size, packed, method = self.sizes[number], self.packed[number], self.methods[number]
        if size > limit:
            raise ValueError(f"unpacks to {size >> 20} MB, more than {limit >> 20} MB")
        if method not in (STORED, DEFLATED):  # rare, and zipfile knows them
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(archive.infolist()[number])
        if packed > limit + (limit >> 10) + 1024:  # what cannot be packed grows by a little
            raise ValueError(f"takes {packed >> 20} MB, more than {limit >> 20} MB")
        content = self._at(self._data_start(number), packed)
        if method == DEFLATED:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, size + 1)
        if len(content) != size or zlib.crc32(content) != self.sums[number]:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {self.names[number]!r}")
        return content

    def _data_start(self, number: int) -> int:
        start = self.starts[number]
        mark, *_, name, extra = _LOCAL.unpack(self._at(start, _LOCAL.size))
        if mark != LOCAL:
            raise zipfile.BadZipFile("Bad magic number for file header")
        return start + _LOCAL.size + name + extra

    def _at(self, start: int, length: int) -> bytes:
        """So many bytes of the file from ``start`` on; threads do not wait for each other here."""
        if start < 0 or start + length > self._size:
            raise zipfile.BadZipFile("it ends before what its directory says")
        parts = []
        while length > 0:
            part = os.pread(self._file.fileno(), min(length, 1 << 30), start)
            if not part:
                raise zipfile.BadZipFile("it ends before what its directory says")
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _find(self) -> tuple[int, int, int]:
        """Start and length of the directory, and how many bytes something else put before the zip."""
        tail_start = max(0, self._size - _END.size - 0xFFFF)
        tail = self._at(tail_start, self._size - tail_start)
        place = tail.rfind(END)
        while place >= 0 and not _is_end(tail, place):  # a comment after it may hold anything
            place = tail.rfind(END, 0, place)
        if place < 0:
            raise zipfile.BadZipFile("File is not a zip file")
        end = tail_start + place
        *_, length, start, _ = _END.unpack_from(tail, place)
        if end >= _LOCATOR_64.size and self._at(end - _LOCATOR_64.size, 4) == LOCATOR_64:
            end -= _LOCATOR_64.size + _END_64.size
            mark, *_, length, start = _END_64.unpack(self._at(end, _END_64.size))
            if mark != END_64:
                raise zipfile.BadZipFile("the end record of a large zip is not where it should be")
        before = end - length - start
        if before < 0 or length > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("Bad offset or size for central directory")
        return start + before, length, before

    def _read_entries(self, content: bytes, before: int) -> None:
        place = 0
        while place < len(content):
            if place + _ENTRY.size > len(content):
                raise zipfile.BadZipFile("Truncated central directory")
            fields = _ENTRY.unpack_from(content, place)
            mark, flags, method, start = fields[0], fields[3], fields[4], fields[-1]
            crc, packed, size, name, extra, comment = fields[7:13]
            if mark != ENTRY:
                raise zipfile.BadZipFile("Bad magic number for central directory")
            place += _ENTRY.size
            written = content[place : place + name]
            if _IN_64 in (packed, size, start):
                more = content[place + name : place + name + extra]
                size, packed, start = _from_extra(more, size, packed, start)
            place += name + extra + comment
            self.names.append(_text(written, flags))
            self.starts.append(start + before)
            self.packed.append(packed)
            self.sizes.append(size)
            self.sums.append(crc)
            self.methods.append(method)
            self.flags.append(flags)


def _is_end(tail: bytes, place: int) -> bool:
    """Whether an end record with its comment has room from ``place`` on."""
    room = len(tail) - place - _END.size
    return room >= 0 and _END.unpack_from(tail, place)[-1] <= room


def _text(written: bytes, flags: int) -> str:
    """The name of a member, up to a zero byte as ``zipfile`` has it."""
    if written.isascii() and b"\0" not in written:  # nearly all, and much faster
        return written.decode("ascii")
    return written.decode("utf-8" if flags & UTF8 else "cp437", "replace").partition("\0")[0]


def _from_extra(extra: bytes, *numbers: int) -> list[int]:
    """Size, packed size and start of a member, those that do not fit taken from its extra field."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            count = min(length, len(extra) - place - 4) // 8
            wide = iter(struct.unpack_from(f"<{count}Q", extra, place + 4))
            found = [next(wide, 1 << 63) if number == _IN_64 else number for number in numbers]
            if max(found) < 1 << 63:
                return found
            break
        place += 4 + length
    raise zipfile.BadZipFile("Corrupt zip64 extra field")
