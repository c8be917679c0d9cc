"""A zip of pictures: of NVIDIA's StyleGAN tools, or with a folder for each class. Nothing is ever unpacked."""

from __future__ import annotations

import io
import struct
import zipfile
from array import array
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo.data.decode import UNREADABLE, open_picture
from ganzoo.data.formats import SUFFIXES, hidden, is_picture, suffix_of
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, plain_name, read_labels
from ganzoo.data.layout import classes_of, index_above, relative
from ganzoo.data.pictures import Pictures
from ganzoo.data.walk import Listing, left_alone
from ganzoo.data.zips import LOCKED, Directory
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
            self.archive = Directory(path)
        except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{path} is not a whole zip ({reason}): truncated? copy or download it again") from error
        members, said = _members(self.archive, str(path))
        locked = min((name for name, number in members.items() if self.archive.flags[number] & LOCKED), default=None)
        if locked is not None:
            raise DataError(f"{path} is encrypted (such as {locked!r}); write it without a password")
        found = _listing(self.archive, members)
        index, outside = index_above(found.names, [name for name in members if _last(name) == INDEX])
        if index is None:
            labels, of_classes = classes_of(path, found, packed=True)
            outside += of_classes
        else:
            labels = _labels(self.archive, members[index], relative(found.names, index), str(path))
        self.numbers = array("L", (members[name] for name in found.names))  # in the zip, of each picture
        labelled = (labels.values, labels.class_names, labels.kind) if labels else ()
        remarks = [*left_alone(str(path), found.left), *said, *outside, *(labels.remarks if labels else ())]
        super().__init__(str(path), found.names, *labelled, left=found.left, remarks=remarks)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`; the zip's checksum is checked."""
        return open_picture(io.BytesIO(self._content(index)), self.names[index])

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`; the zip's checksum is checked."""
        return sha256(self._content(index)).digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`: name, size and CRC-32."""
        number = self.numbers[index]
        return f"{self.archive.names[number]}\0{self.archive.sizes[number]}\0{self.archive.sums[number]:08x}"

    def encoded_bytes(self, index: int) -> int:
        """See :meth:`Pictures.encoded_bytes`."""
        return self.archive.packed[self.numbers[index]]

    def _content(self, index: int) -> bytes:
        return self.archive.read(self.numbers[index], MAX_MEMBER_BYTES)


def _members(archive: Directory, where: str) -> tuple[dict[str, int], list[str]]:
    """Members by their names with ``/``, where some tools write ``\\``, folders with one at the end; and remarks.

    Of two files of one name the last is read, as every program that unpacks does.
    """
    found, twice = dict[str, int](), list[str]()
    for number, written in enumerate(archive.names):
        name, folder = plain_name(written), archive.is_folder(number)
        twice += [name] if name in found and not folder else []
        found[f"{name}/" if folder else name] = number
    if not twice:
        return found, []
    more = "" if len(twice) == 1 else f", and {len(twice) - 1:,} more"
    return found, [f"{where} holds {quoted(twice[0])} twice{more}: the last one is read"]


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _listing(archive: Directory, members: Mapping[str, int]) -> Listing:
    """Which members are pictures, which are left alone, and what folders there are."""
    found, known = Listing(), dict[str, bool]()  # folders, and whether something in them is hidden
    for name, number in members.items():
        folder, _, last = name.removesuffix("/").rpartition("/")
        if folder not in known:
            known[folder] = any(hidden(part) for part in folder.split("/") if part != "..")
        if known[folder] or (hidden(last) and last != ".."):
            continue
        if archive.is_folder(number):
            found.folders.append(name.removesuffix("/"))
        elif last != INDEX:
            (found.names if _is_picture(archive, name, number) else found.left).append(name)
    above = {str(path) for folder, out in known.items() if folder and not out for path in _and_above(folder)}
    found.folders = [name for name in {*found.folders, *above} if name not in ("/", ".", "")]
    return found.sort()


def _and_above(folder: str) -> list[PurePosixPath]:
    path = PurePosixPath(folder)
    return [path, *(one for one in path.parents if one.parts)]


def _is_picture(archive: Directory, name: str, number: int) -> bool:
    if suffix_of(name) in SUFFIXES:
        return True
    try:
        return is_picture(io.BytesIO(archive.read(number, MAX_MEMBER_BYTES)))
    except UNREADABLE:
        return False


def _labels(archive: Directory, index: int, names: list[str], where: str) -> Labels | None:
    """From a ``dataset.json``; ``names`` are relative to its own folder."""
    try:
        text = archive.read(index, MAX_INDEX_BYTES)
    except UNREADABLE as error:
        raise DataError(f"{where}: {archive.names[index]!r} cannot be read: {error}") from error
    return read_labels(text, names, where)
