"""A folder of pictures, flat or with one sub-folder per class."""

from __future__ import annotations

import os
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from PIL import Image

from ganzoo.data.decode import open_picture
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, read_labels
from ganzoo.data.layout import classes_of, index_above, relative
from ganzoo.data.pictures import Pictures
from ganzoo.data.walk import left_alone, linked_again, walk
from ganzoo.errors import DataError


class FolderPictures(Pictures):
    """The pictures in a folder and its sub-folders, in order of their paths; hidden files are passed over.

    What is a picture is told by content. Labels come from the ``dataset.json`` nearest the top where there is one.
    Otherwise, when every picture lies in a sub-folder and there are two or more of these, each sub-folder is a class,
    one without pictures too, so that no number depends on what the others hold; a single one with pictures is looked
    into instead. Sub-folders such as ``train`` and ``test`` are no classes.

    Args:
        folder: where they are.
        known: names and suffixes of files beside the pictures that are read by whoever asks, such as ``.txt``.

    Raises:
        DataError: the folder cannot be read, mixes loose pictures with sub-folders, or holds splits.
    """

    def __init__(self, folder: Path, known: Collection[str] = ()) -> None:
        self.folder = folder
        found = walk(folder, {INDEX, *known})
        index, said = index_above(found.names, _indices(folder, found.folders))
        if index is None:
            labels, of_classes = classes_of(folder, found)
            said += of_classes
        else:
            labels = _from_index(folder, found.names, index)
        remarks = [
            *left_alone(str(folder), found.left),
            *linked_again(str(folder), found.again),
            *said,
            *(labels.remarks if labels else ()),
        ]
        labelled = (labels.values, labels.class_names, labels.kind) if labels else ()
        super().__init__(str(folder), found.names, *labelled, left=found.left, remarks=remarks)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        return open_picture(self.folder / self.names[index])

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`."""
        digest = sha256()
        with (self.folder / self.names[index]).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`: name and size in bytes."""
        return f"{self.names[index]}\0{self.encoded_bytes(index)}"

    def encoded_bytes(self, index: int) -> int:
        """See :meth:`Pictures.encoded_bytes`."""
        return os.stat(os.path.join(self.folder, self.names[index])).st_size  # no Path: there may be a million


def _from_index(folder: Path, names: list[str], index: str) -> Labels | None:
    file = folder / index
    if file.stat().st_size > MAX_INDEX_BYTES:
        raise DataError(f"{file} is larger than {MAX_INDEX_BYTES >> 20} MB")
    return read_labels(file.read_bytes(), relative(names, index), str(file.parent))


def _indices(folder: Path, folders: Collection[str]) -> list[str]:
    """Every ``dataset.json`` in a folder or below it."""
    names = [INDEX, *(f"{name}/{INDEX}" for name in folders)]
    return [name for name in names if (folder / name).is_file()]
