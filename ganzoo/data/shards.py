"""Shards: pictures in tar files as WebDataset writes them, ``key.png`` beside ``key.cls`` or ``key.json``.

Shards are looked through once, for where each picture lies; pictures are read when a batch asks for them. An epoch
takes the shards in an order that follows from the seed, and shuffles what is read within a window, so that each file is
read in one go; the order is a function of seed and epoch all the same, so that a run resumes exactly, and every process
reads the pictures of its own rows alone.
"""

from __future__ import annotations

import io
import json
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.data.archive import MAX_MEMBER_BYTES
from ganzoo.data.decode import open_picture
from ganzoo.data.formats import SUFFIXES, hidden, suffix_of
from ganzoo.data.images import DECODERS
from ganzoo.data.labels import INDEX, MAX_INDEX_BYTES, length, read_values, refuse_identifiers
from ganzoo.data.pictures import Pictures
from ganzoo.data.progress import progress_bar
from ganzoo.data.tars import BLOCK, Damaged, Member, members, opened, read
from ganzoo.data.walk import left_alone
from ganzoo.errors import DataError
from ganzoo.files.parse import parse_json
from ganzoo.files.untrusted import quoted

TAR = ".tar"
CLASS, FACTS = "cls", "json"  # the endings of files with a label
MAX_LABEL_BYTES = 1 << 16
MOST_SHARDS = 100_000
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def expanded_braces(text: str) -> list[str]:
    """``a-{000..012}.tar`` as thirteen names; text without braces is one.

    Raises:
        DataError: it stands for more than :data:`MOST_SHARDS` names, or counts backwards.
    """
    found = _BRACES.search(text)
    if found is None:
        return [text]
    first, last = int(found[1]), int(found[2])
    rest = expanded_braces(text[found.end() :])
    if last < first or (last - first + 1) * len(rest) > MOST_SHARDS:
        raise DataError(
            f"{text} counts from {first} to {last}: write the lower number first, and {MOST_SHARDS:,} at most"
        )
    return [
        f"{text[: found.start()]}{number:0{len(found[1])}}{end}" for number in range(first, last + 1) for end in rest
    ]


def shards_at(path: Path) -> list[Path]:
    """The shards that a path means: a tar, all of a pattern, or those of a folder that holds nothing else; or none.

    Raises:
        DataError: one of a pattern is not there.
    """
    if _BRACES.search(path.name):
        paths = [path.with_name(name) for name in expanded_braces(path.name)]
        absent = [one for one in paths if not one.is_file()]
        if absent:
            raise DataError(
                f"{path} means {len(paths):,} shards, of which {len(absent):,} are not there, such as {absent[0]}"
            )
        return paths
    if path.is_file():
        return [path] if path.suffix.lower() == TAR else []  # of any content: what is damaged is said to be so
    try:
        names = sorted(name for name in os.listdir(path) if not hidden(name) and name != INDEX)
    except OSError:
        return []  # whoever reads the folder says why it cannot
    return [path / name for name in names] if names and all(Path(name).suffix.lower() == TAR for name in names) else []


@dataclass
class _Shard:
    """What is in a shard: of each picture its name, place and size, and its label where there is one."""

    names: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    labels: list[Any] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class ShardPictures(Pictures):
    """The pictures of tar files, in the order of files and members.

    A member is known by its key, its name up to the first dot of its last part. A label is the number in ``KEY.cls``,
    or what ``KEY.json`` has under ``label`` or ``cls``. A ``dataset.json`` beside the shards names the classes.

    Args:
        paths: of the shards.
        where: what messages call them.

    Raises:
        DataError: one is damaged, or a label makes no sense or is missing.
    """

    def __init__(self, paths: Sequence[Path], where: str) -> None:
        self.paths = list(paths)
        shards = list(self._look(where))
        self.shard, self.starts, self.sizes = array("L"), array("Q"), array("Q")
        names, labels, left = list[str](), list[Any](), list[str]()
        for number, (path, one) in enumerate(zip(paths, shards, strict=True)):
            self.shard.extend([number] * len(one.names))
            self.starts.extend(one.starts)
            self.sizes.extend(one.sizes)
            names += [f"{path.name}:{name}" for name in one.names]
            labels += one.labels
            left += [f"{path.name}:{name}" for name in one.left]
        labelled = _labelled(labels, names, paths[0].parent / INDEX, where)
        runs = [len(one.names) for one in shards]
        super().__init__(where, names, *labelled, left=left, remarks=left_alone(where, left), runs=runs)

    def _look(self, where: str) -> Iterator[_Shard]:
        with ThreadPoolExecutor(DECODERS) as pool, progress_bar(f"looking through {where}", len(self.paths)) as advance:
            for shard in pool.map(_looked_through, self.paths):
                advance(1)
                yield shard

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        return open_picture(io.BytesIO(self._content(index)), self.names[index])

    def digest(self, index: int) -> bytes:
        """See :meth:`Pictures.digest`."""
        return sha256(self._content(index)).digest()

    def stamp(self, index: int) -> str:
        """See :meth:`Pictures.stamp`: name and size."""
        return f"{self.names[index]}\0{self.sizes[index]}"

    def encoded_bytes(self, index: int) -> int:
        """See :meth:`Pictures.encoded_bytes`."""
        return self.sizes[index]

    def _content(self, index: int) -> bytes:
        if self.sizes[index] > MAX_MEMBER_BYTES:
            raise ValueError(f"is {self.sizes[index] >> 20:,} MB, more than {MAX_MEMBER_BYTES >> 20}")
        # Opened for each picture: there may be more shards than files that a process may have open.
        with opened(self.paths[self.shard[index]]) as descriptor:
            return read(descriptor, self.starts[index], self.sizes[index])


def _looked_through(path: Path) -> _Shard:
    """What is in a shard.

    Raises:
        DataError: it is damaged, or cannot be read.
    """
    try:
        with opened(path) as descriptor:
            return _gathered(descriptor)
    except Damaged as error:
        raise DataError(f"{path} is no whole tar: {error}; copy or pack it again") from error
    except OSError as error:
        raise DataError(f"cannot read the shard {path}: {error.strerror}") from error


def _gathered(descriptor: int) -> _Shard:
    found = _Shard()
    key, picture, label = "", None, None

    def finish() -> None:
        if picture is not None:
            found.names.append(picture.name)
            found.starts.append(picture.start)
            found.sizes.append(picture.size)
            found.labels.append(label)

    for member in members(descriptor):
        own, ending = _split(member.name)
        if own is None:
            continue
        if own != key:
            finish()
            key, picture, label = own, None, None
        if suffix_of(member.name) in SUFFIXES and picture is None:
            picture = member
        elif ending == CLASS or (ending == FACTS and label is None):
            label = _label(descriptor, member, ending)
        else:
            found.left.append(member.name)
    finish()
    return found


def _split(name: str) -> tuple[str | None, str]:
    """Key and ending of a member; no key for what is passed over."""
    folder, _, last = name.rpartition("/")
    if hidden(last):
        return None, ""
    start, _, ending = last.partition(".")
    return f"{folder}/{start}", ending.lower()


def _label(descriptor: int, member: Member, ending: str) -> Any:
    """What a file with a label says.

    Raises:
        Damaged: it says nothing that could be one.
    """
    if member.size > MAX_LABEL_BYTES:
        raise Damaged(f"the label {member.name!r} is {member.size:,} bytes")
    content = member.head if member.size <= BLOCK else read(descriptor, member.start, member.size)
    try:
        if ending == CLASS:
            return int(content)
        said = parse_json(content)
        return next((said[key] for key in ("label", CLASS) if key in said), None) if isinstance(said, dict) else None
    except ValueError as error:
        raise Damaged(f"the label {member.name!r} is {quoted(content[:40].decode(errors='replace'))}") from error


def _labelled(labels: Sequence[Any], names: Sequence[str], index: Path, where: str) -> tuple[Any, ...]:
    """Labels, names of classes and kind, as :class:`Pictures` takes them; nothing where no picture has a label."""
    without = next((name for name, label in zip(names, labels, strict=True) if label is None), None)
    if without is not None:
        if any(label is not None for label in labels):
            raise DataError(
                f"{where}: {quoted(without)} has no label, and others have: add its .{CLASS}, or remove all"
            )
        return ()
    said = _index(index)
    values, kind = read_values(labels, said.get("label_kind"), names, where, f'into {INDEX} "label_kind":')
    count, classes = length(values), said.get("classes")
    if classes is None:
        refuse_identifiers(values, where, f'list names in a {INDEX} beside the shards under "classes"')
        classes = [str(number) for number in range(count)]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes) or len(classes) < count:
        raise DataError(f"{where}: `classes` in {index} must be a list of {count:,} names")
    return values, tuple(classes), kind


def _index(path: Path) -> dict[str, Any]:
    """The ``dataset.json`` beside the shards; empty where there is none."""
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_INDEX_BYTES:
        raise DataError(f"{path} is larger than {MAX_INDEX_BYTES >> 20} MB")
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}); write it anew or remove it") from error
    if not isinstance(said, dict):
        raise DataError(f"{path} must hold an object with `classes`")
    return said
