"""The one walker over folders of pictures: which files are pictures, and which were left alone."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.data.formats import SUFFIXES, hidden, is_picture, suffix_of
from ganzoo.errors import DataError
from ganzoo.files.untrusted import quoted

KINDS_SHOWN = 6  # suffixes of files left alone, before the rest is only counted


@dataclass
class Listing:
    """What is in a folder or zip; names are relative to it, with ``/``, and in order.

    Attributes:
        names: of pictures, those that cannot be read among them where their suffix says what they are meant to be.
        left: of files that are no pictures; hidden ones are not mentioned.
        folders: that are not hidden, pictures in them or not.
        again: folders that were looked into under another name: links, which may lead round in a circle.
    """

    names: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)

    def sort(self) -> Listing:
        """This listing, in order."""
        for names in (self.names, self.left, self.folders, self.again):
            names.sort()
        return self


def walk(folder: Path, known: Collection[str] = ()) -> Listing:
    """All pictures in a folder and those below it; links to folders are followed, loops are not.

    Args:
        folder: where to begin.
        known: names and suffixes of other files that belong there, which are neither pictures nor left alone.

    Raises:
        DataError: a folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise DataError(f"cannot read the folder {error.filename}: {error.strerror}") from error

    found, seen = Listing(), set[tuple[int, int]]()
    for path, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        status, relative = os.stat(path), Path(path).relative_to(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            found.again.append(relative.as_posix())
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not hidden(name))
        found.folders += [relative.as_posix()] if relative.parts else []
        within = f"{relative.as_posix()}/" if relative.parts else ""
        for name in files:
            suffix = suffix_of(name)
            if hidden(name) or name in known or suffix in known:
                continue
            picture = suffix in SUFFIXES or _is_picture(Path(path, name))
            (found.names if picture else found.left).append(within + name)
    return found.sort()


def _is_picture(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            return False
        with path.open("rb") as file:
            return is_picture(file)
    except OSError:
        return False


def left_alone(where: str, left: Collection[str]) -> list[str]:
    """A sentence about the files that are no pictures; none where there are none.

    Args:
        where: what the message calls their folder or zip.
        left: their names.
    """
    if not left:
        return []
    counted = Counter(suffix_of(name) or "without suffix" for name in left).most_common()
    kinds = [f"{count:,} {quoted(kind)[1:-1]}" for kind, count in counted[:KINDS_SHOWN]]
    kinds += [f"{sum(count for _, count in counted[KINDS_SHOWN:]):,} others"] if len(counted) > KINDS_SHOWN else []
    what = "1 file" if len(left) == 1 else f"{len(left):,} files"
    said = f"{where}: {what} left alone, no pictures that can be read: {', '.join(kinds)}, such as {quoted(min(left))}"
    return [said]


def linked_again(where: str, again: Collection[str]) -> list[str]:
    """A sentence about the folders that are links to others, as :func:`left_alone` makes one about files."""
    if not again:
        return []
    what = "1 folder is a link" if len(again) == 1 else f"{len(again):,} folders are links"
    return [f"{where}: {what} to where was looked already, and left out, such as {quoted(min(again))}"]
