"""A zip of pictures: of NVIDIA's StyleGAN tools, or with a folder for each class. Nothing is ever unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo.data.pictures import Pictures
from ganzoo.data.decode import UNREADABLE, open_picture
from ganzoo.data.formats import SUFFIXES, hidden, is_picture, suffix_of
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, plain_name, read_labels
from ganzoo.data.layout import classes_of, index_above, relative
from ganzoo.data.walk import Listing, left_alone
from ganzoo.errors import DataError
from ganzoo.files.untrusted import quoted

MAX_MEMBER_BYTES = 256 * 2**20
"""A picture that unpacks to more is refused unread."""


class ZipPictures(Pictures):
    """The pictures of a zip, in order of their names, in whatever folders; hidden ones and ``__MACOSX`` left out.

    What is a picture is told by content. Labels come from the ``dataset.json`` nearest the top where there is one, else
    from sub-folders, as those of a folder do; ``00000/`` of the StyleGAN tools are no classes.

    Raises:
        DataError: it is not a whole zip, is encrypted, or holds splits.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path} is not a whole zip ({reason}): truncated? copy or download it again") from error
        self.members, said = _members(self.archive, str(path))
        locked = next((name for name in sorted(self.members) if self.members[name].flag_bits & 1), None)
        if locked is not None:
            raise DataError(f"{path} is encrypted (such as {locked!r}); write it without a password")
        found = _listing(self.archive, self.members)
        index, outside = index_above(found.names, [name for name in self.members if _last(name) == INDEX])
        if index is None:
            labels, of_classes = classes_of(path, found, packed=True)
            outside += of_classes
        else:
            labels = _labels(self.archive, self.members[index], relative(found.names, index), str(path))
        labelled = (labels.values, labels.class_names, labels.kind) if labels else ()
        remarks = [*left_alone(str(path), found.left), *said, *outside, *(labels.remarks if labels else ())]
        super().__init__(str(path), found.names, *labelled, left=found.left, remarks=remarks)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`; the zip's checksum is checked."""
        name = self.names[index]
        return open_picture(io.BytesIO(_bounded(self.archive, self.members[name], MAX_MEMBER_BYTES)), name)

    def peek(self, index: int) -> Image.Image:
        """See :meth:`Pictures.peek`; reads no more of the member than its header."""
        name = self.names[index]
        return open_picture(self.archive.open(self.members[name]), name)

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`; the zip's checksum is checked."""
        return sha256(_bounded(self.archive, self.members[self.names[index]], MAX_MEMBER_BYTES)).digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`: name, size and CRC-32."""
        info = self.members[self.names[index]]
        return f"{info.filename}\0{info.file_size}\0{info.CRC:08x}"


def _members(archive: zipfile.ZipFile, where: str) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    """Members by their names with ``/``, where some tools write ``\\``, folders with one at the end; and remarks.

    Of two files of one name the last is read, as every program that unpacks does.
    """
    found, twice = dict[str, zipfile.ZipInfo](), list[str]()
    for info in archive.infolist():
        name = plain_name(info.filename)
        twice += [name] if name in found and not info.is_dir() else []
        found[f"{name}/" if info.is_dir() else name] = info
    if not twice:
        return found, []
    more = "" if len(twice) == 1 else f", and {len(twice) - 1:,} more"
    return found, [f"{where} holds {quoted(twice[0])} twice{more}: the last one is read"]


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _listing(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> Listing:
    """Which members are pictures, which are left alone, and what folders there are."""
    found, folders = Listing(), set[str]()
    for name, info in members.items():
        path = PurePosixPath(name)
        if any(hidden(part) for part in path.parts if part != ".."):
            continue
        folders |= {str(path)} if info.is_dir() else set()
        folders |= {str(folder) for folder in path.parents if folder.parts}
        if not info.is_dir() and path.name != INDEX:
            (found.names if _is_picture(archive, name, info) else found.left).append(name)
    found.folders = [name for name in folders if name != "/"]
    return found.sort()


def _is_picture(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bool:
    if suffix_of(name) in SUFFIXES:
        return True
    try:
        with archive.open(info) as member:
            return is_picture(member)
    except UNREADABLE:
        return False


def _bounded(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """A member's bytes; the size in the directory is the most that zipfile unpacks."""
    if info.file_size > limit:
        raise ValueError(f"unpacks to {info.file_size >> 20} MB, more than {limit >> 20} MB")
    return archive.read(info)


def _labels(archive: zipfile.ZipFile, index: zipfile.ZipInfo, names: list[str], where: str) -> Labels | None:
    """From a ``dataset.json``; ``names`` are relative to its own folder."""
    try:
        text = _bounded(archive, index, MAX_INDEX_BYTES)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: {index.filename!r} cannot be read: {error}") from error
    return read_labels(text, names, where)
