"""A folder of pictures, flat or with one sub-folder per class."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from PIL import Image

from ganzoo.data.collect import Pictures
from ganzoo.data.decode import open_picture
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, read_labels
from ganzoo.data.walk import Listing, left_alone, walk
from ganzoo.errors import DataError
from ganzoo.files.untrusted import quoted


class FolderPictures(Pictures):
    """The pictures in a folder and its sub-folders, in order of their paths; hidden files are passed over.

    What is a picture is told by content. Labels come from ``dataset.json`` where there is one. Otherwise, when every
    picture lies in a sub-folder and there are two or more of these, each sub-folder is a class, one without pictures
    too, so that no number depends on what the others hold; a single one with pictures is looked into instead.

    Args:
        folder: where they are.
        known: names and suffixes of files beside the pictures that are read by whoever asks, such as ``.txt``.

    Raises:
        DataError: the folder cannot be read, or mixes loose pictures with sub-folders.
    """

    def __init__(self, folder: Path, known: Collection[str] = ()) -> None:
        self.folder = folder
        found = walk(folder, {INDEX, *known})
        empty = list[str]()
        if (folder / INDEX).is_file():
            labels = _from_index(folder, found.names)
        else:
            labels, empty = _from_layout(folder, found)
        remarks = [*left_alone(str(folder), found.left), *empty]
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
        return f"{self.names[index]}\0{(self.folder / self.names[index]).stat().st_size}"


def _from_index(folder: Path, names: list[str]) -> Labels | None:
    index = folder / INDEX
    if index.stat().st_size > MAX_INDEX_BYTES:
        raise DataError(f"{index} is larger than {MAX_INDEX_BYTES >> 20} MB")
    return read_labels(index.read_bytes(), names, str(folder))


def _from_layout(folder: Path, found: Listing) -> tuple[Labels | None, list[str]]:
    """Classes from the first level of sub-folders at which there are several with pictures; and what to say of it."""
    paths = [name.split("/") for name in found.names]
    depth, empty = 0, list[str]()
    while paths and all(len(path) > depth + 1 for path in paths) and len({path[depth] for path in paths}) == 1:
        empty += _beside(found, paths[0][:depth], {paths[0][depth]})
        depth += 1
    loose = [path for path in paths if len(path) == depth + 1]
    if len(loose) == len(paths):
        return None, [f"{folder}: the folder {quoted(name)} holds no pictures that can be read" for name in empty]
    inside = folder.joinpath(*paths[0][:depth])
    if loose:
        raise DataError(
            f"{inside} holds {len(loose)} loose pictures, such as {loose[0][-1]!r}, beside sub-folders with "
            f"{len(paths) - len(loose)} more: move all into one folder (no labels), or each into its class's sub-folder"
        )
    held = {path[depth] for path in paths}
    without = _beside(found, paths[0][:depth], held)
    classes = sorted({*held, *(name.rpartition("/")[2] for name in without)})
    numbers = {name: number for number, name in enumerate(classes)}
    said = [
        f"{folder}: the folder {quoted(name)} holds no pictures that can be read; it stays class "
        f"{numbers[name.rpartition('/')[2]]}, so that the others keep their numbers: remove it if it is no class"
        for name in without
    ]
    return Labels([numbers[path[depth]] for path in paths], tuple(classes)), said


def _beside(found: Listing, above: list[str], held: Collection[str]) -> list[str]:
    """The folders in ``above`` other than those called ``held``."""
    parts = [name.split("/") for name in found.folders]
    return ["/".join(own) for own in parts if own[:-1] == above and own[-1] not in held]
