"""Folders with two sides: which sub-folders they are, and how their pictures become images of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from ganzoo import DataError, UsageError
from ganzoo.data import DataRequest, FolderPictures, ImageData, Pictures, choose_split, collect_pictures, to_path

NAMES = (("A", "B"), ("source", "target"))
WAYS = ("{split}{side}", "{split}/{side}", "{side}/{split}")  # trainA, train/A, A/train
WHOLE = ("train", "all")  # the splits of a folder that has none
HINT = "sub-folders A and B (or source and target; or trainA, trainB, testA, testB)"


def open_folder(text: str, before: str) -> Path:
    """The folder FOLDER in ``--data before:FOLDER``.

    Raises:
        UsageError: it is missing.
        DataError: there is no such folder.
    """
    if not text:
        raise UsageError(f"{before} needs a folder: {before}:FOLDER")
    folder = to_path(text)
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}; {before}:FOLDER takes a folder with {HINT}")
    return folder.resolve()


def two_sides(folder: Path, split: str, name: str) -> tuple[Path, Path]:
    """The folders of the sources and of the images of a split.

    Raises:
        UsageError: the folder has other splits.
        DataError: one side is missing, or both.
    """
    for sides in NAMES:
        for way in WAYS:
            found = _both(folder, [way.format(split=split, side=side) for side in sides])
            if found:
                return found
    splits = _splits(folder)
    if splits:
        choose_split(name, split, splits)
    for sides in NAMES:
        found = _both(folder, sides)
        if found:
            choose_split(name, split, WHOLE)
            return found
    raise DataError(f"{folder} has no {HINT}")


def _both(folder: Path, names: Sequence[str]) -> tuple[Path, Path] | None:
    """Both folders; None if neither is there."""
    a, b = (folder / name for name in names)
    here = [path.is_dir() for path in (a, b)]
    if any(here) and not all(here):
        there, missing = names if here[0] else reversed(names)
        raise DataError(f"{folder} has {there} and no {missing}: the other side is missing")
    return (a, b) if all(here) else None


def _splits(folder: Path) -> list[str]:
    """The splits that a folder has: what stands before A, as in trainA, beside it, or in it."""
    found = set()
    for side in {name for names in NAMES for name in names}:
        for path in folder.iterdir():
            if path.name.startswith("."):
                continue
            if path.is_dir() and path.name.endswith(side) and path.name != side:
                found.add(path.name.removesuffix(side))
            if (path / side).is_dir():
                found.add(path.name)
    return sorted(found)


class ChosenPictures(Pictures):
    """Some of the pictures of a source, under other names.

    Args:
        pictures: the source.
        order: their numbers there.
        names: one for each.
    """

    def __init__(self, pictures: Pictures, order: Sequence[int], names: Sequence[str]) -> None:
        self.pictures, self.order = pictures, order
        labels = None if pictures.labels is None else [pictures.labels[index] for index in order]
        super().__init__(pictures.where, names, labels, pictures.class_names)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        return self.pictures.read(self.order[index])

    def peek(self, index: int) -> Image.Image:
        """See :meth:`Pictures.peek`."""
        return self.pictures.peek(self.order[index])

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`."""
        return self.pictures.digest(self.order[index])

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`."""
        return self.pictures.stamp(self.order[index])


def folder_pictures(folder: Path) -> FolderPictures:
    """The pictures of one side.

    Raises:
        DataError: there are none, or they cannot be listed.
    """
    found = FolderPictures(folder)
    if not len(found):
        raise DataError(f"{folder} has no pictures that can be read: one side is empty")
    return found


def both_sides(source: Pictures, target: Pictures, request: DataRequest, name: str) -> tuple[ImageData, ImageData]:
    """Both sides decoded to one size, which is the target's own unless the request has one, and equal channels."""
    half = replace(request, memory=request.memory // 2, bits=8)
    image = collect_pictures(target, half, name=name)
    given = collect_pictures(source, replace(half, resolution=image.size), name=name)
    if given.channels == image.channels:
        return given, image
    colour = replace(half, resolution=image.size, channels=3)
    return collect_pictures(source, colour, name=name), collect_pictures(target, colour, name=name)
