"""A folder of pictures, flat or with one sub-folder per class."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from ganzoo.data.collect import Pictures
from ganzoo.data.decode import SUFFIXES, open_picture
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, Labels, read_labels
from ganzoo.errors import DataError


class FolderPictures(Pictures):
    """The pictures in a folder and its sub-folders, in order of their paths; hidden files are left alone.

    Labels come from ``dataset.json`` where there is one. Otherwise, when every picture lies in a sub-folder and there
    are two or more of these, each is a class; a single sub-folder is looked into instead.

    Raises:
        DataError: the folder cannot be read, or mixes loose pictures with sub-folders.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = sorted(_walk(folder))
        labels = _from_index(folder, names) if (folder / INDEX).is_file() else _from_layout(folder, names)
        super().__init__(str(folder), names, *((labels.values, labels.class_names, labels.kind) if labels else ()))

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        return open_picture(self.folder / self.names[index])

    def stamp(self, index: int) -> str:
        """Name and size in bytes, from which the fingerprint of images that do not fit in memory is made."""
        return f"{self.names[index]}\0{(self.folder / self.names[index]).stat().st_size}"


def _walk(folder: Path) -> list[str]:
    """Relative paths, with ``/``, of all pictures; links to folders are followed, loops are not."""

    def fail(error: OSError) -> None:
        raise DataError(f"cannot read the folder {error.filename}: {error.strerror}") from error

    names: list[str] = []
    seen: set[tuple[int, int]] = set()
    for path, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = Path(path).relative_to(folder)
        names += [
            (relative / name).as_posix()
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES
        ]
    return names


def _from_index(folder: Path, names: list[str]) -> Labels | None:
    index = folder / INDEX
    if index.stat().st_size > MAX_INDEX_BYTES:
        raise DataError(f"{index} is larger than {MAX_INDEX_BYTES >> 20} MB")
    return read_labels(index.read_bytes(), names, str(folder))


def _from_layout(folder: Path, names: list[str]) -> Labels | None:
    """Classes from the first level of sub-folders at which there are several."""
    paths = [name.split("/") for name in names]
    depth = 0
    while paths and all(len(path) > depth + 1 for path in paths) and len({path[depth] for path in paths}) == 1:
        depth += 1
    loose = [path for path in paths if len(path) == depth + 1]
    if len(loose) == len(paths):
        return None
    inside = folder.joinpath(*paths[0][:depth])
    if loose:
        raise DataError(
            f"{inside} holds {len(loose)} loose pictures, such as {loose[0][-1]!r}, beside sub-folders with "
            f"{len(paths) - len(loose)} more: move all into one folder (no labels), or each into its class's sub-folder"
        )
    classes = sorted({path[depth] for path in paths})
    numbers = {name: number for number, name in enumerate(classes)}
    return Labels([numbers[path[depth]] for path in paths], tuple(classes))
