"""A zip of pictures in the layout of NVIDIA's StyleGAN tools. Members are read in place; nothing is ever unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo.data.collect import Pictures
from ganzoo.data.decode import UNREADABLE, open_picture
from ganzoo.data.formats import SUFFIXES, hidden, is_picture, suffix_of
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, read_labels
from ganzoo.data.walk import Listing, left_alone
from ganzoo.errors import DataError

MAX_MEMBER_BYTES = 256 * 2**20
"""A picture that unpacks to more is refused unread."""


class ZipPictures(Pictures):
    """The pictures of a zip, in order of their names, in whatever folders; hidden ones and ``__MACOSX`` left out.

    What is a picture is told by content. Labels come from ``dataset.json`` alone: its folders ``00000/`` are no
    classes.

    Raises:
        DataError: it is not a whole zip, or is encrypted.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path} is not a whole zip ({reason}): truncated? copy or download it again") from error
        members = {info.filename: info for info in self.archive.infolist() if not info.is_dir()}
        locked = next((name for name in sorted(members) if members[name].flag_bits & 1), None)
        if locked is not None:
            raise DataError(f"{path} is encrypted (such as {locked!r}); write it without a password")
        found = _listing(self.archive, members)
        labels = _labels(self.archive, found.names, str(path))
        labelled = (labels.values, labels.class_names, labels.kind) if labels else ()
        remarks = left_alone(str(path), found.left)
        super().__init__(str(path), found.names, *labelled, left=found.left, remarks=remarks)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`; the zip's checksum is checked."""
        name = self.names[index]
        return open_picture(io.BytesIO(_bounded(self.archive, name, MAX_MEMBER_BYTES)), name)

    def peek(self, index: int) -> Image.Image:
        """See :meth:`Pictures.peek`; reads no more of the member than its header."""
        return open_picture(self.archive.open(self.names[index]), self.names[index])

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`; the zip's checksum is checked."""
        return sha256(_bounded(self.archive, self.names[index], MAX_MEMBER_BYTES)).digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`: name, size and CRC-32."""
        info = self.archive.getinfo(self.names[index])
        return f"{info.filename}\0{info.file_size}\0{info.CRC:08x}"


def _listing(archive: zipfile.ZipFile, members: Iterable[str]) -> Listing:
    """Which members are pictures, and which are left alone."""
    found = Listing()
    for name in members:
        path = PurePosixPath(name)
        if path.name == INDEX or any(hidden(part) for part in path.parts if part != ".."):
            continue
        (found.names if _is_picture(archive, name) else found.left).append(name)
    return found.sort()


def _is_picture(archive: zipfile.ZipFile, name: str) -> bool:
    if suffix_of(name) in SUFFIXES:
        return True
    try:
        with archive.open(name) as member:
            return is_picture(member)
    except UNREADABLE:
        return False


def _bounded(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A member's bytes; the size in the directory is the most that zipfile unpacks."""
    size = archive.getinfo(name).file_size
    if size > limit:
        raise ValueError(f"unpacks to {size >> 20} MB, more than {limit >> 20} MB")
    return archive.read(name)


def _labels(archive: zipfile.ZipFile, names: list[str], where: str) -> Labels | None:
    """From the ``dataset.json`` nearest the top; its names are relative to its own folder."""
    indices = [name for name in archive.namelist() if PurePosixPath(name).name == INDEX]
    if not indices:
        return None
    index = min(indices, key=lambda name: (name.count("/"), name))
    base = index[: -len(INDEX)]
    try:
        text = _bounded(archive, index, MAX_INDEX_BYTES)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: {index!r} cannot be read: {error}") from error
    return read_labels(text, [name.removeprefix(base) for name in names], where)
