"""What the sub-folders of a folder or zip mean: classes, splits, shards, or parts of one data set."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePath

from ganzoo.data.labels import INDEX, Labels
from ganzoo.data.walk import Listing
from ganzoo.errors import DataError, command, either
from ganzoo.files.untrusted import quoted

_SPLIT = re.compile(
    r"(?P<split>train|training|val|valid|validation|dev|eval|test|testing)([-_ ]?(set|images|imgs|data|split|\d+|a|b))?"
)
_ALIKE = {
    "training": "train",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "eval": "valid",
    "testing": "test",
}
_PART = re.compile(
    r"(jpeg|png)?(images?|imgs?|photos?|pictures?)|masks?|labels?|annotations?|segmentations?|depths?|edges|thumb(nail)?s?|"
    r"[ab]|sources?|targets?|inputs?|outputs?|[lh]r"
)
_SHARD, _IN_SHARD = re.compile(r"\d{5}"), re.compile(r"img\d{8}\.\w+")
FIRST = "train"  # the split that is named where there are several


def split_of(name: str) -> str | None:
    """The split that a folder called ``name`` is of: ``train``, ``valid`` or ``test``; None for any other name."""
    found = _SPLIT.fullmatch(name.lower())
    return found and _ALIKE.get(found["split"], found["split"])


def classes_of(where: PurePath, found: Listing, packed: bool = False) -> tuple[Labels | None, list[str]]:
    """Classes from the first level of sub-folders at which there are several with pictures; and what to say of it.

    Args:
        where: the folder or zip.
        found: what is in it.
        packed: whether it is a zip, which may mix loose pictures with sub-folders, and then has no classes.

    Raises:
        DataError: a folder mixes them, or sub-folders are splits.
    """
    depth, empty = 0, list[str]()
    while found.names and (only := _only_folder(found.names, depth)) is not None:
        empty += _beside(found, found.names[0].split("/")[:depth], {only})
        depth += 1
    loose = [name for name in found.names if name.count("/") == depth]
    if len(loose) == len(found.names):
        return None, [f"{where}: the folder {quoted(name)} holds no pictures that can be read" for name in empty]
    above = found.names[0].split("/")[:depth]
    inside = where.joinpath(*above)
    if loose:
        said = (
            f"{inside} holds {len(loose)} loose pictures, such as {quoted(_last(loose[0]))}, beside sub-folders with "
            f"{len(found.names) - len(loose)} more"
        )
        if packed:
            return None, [f"{said}: no folder of it is taken for a class"]
        raise DataError(f"{said}: move all into one folder (no labels), or each into its class's sub-folder")
    start = sum(len(name) + 1 for name in above)  # of the folder that is the class, in each name
    held = {name[start : name.index("/", start)] for name in found.names}
    without = [name.rpartition("/")[2] for name in _beside(found, above, held)]
    if _are_shards(found.names, depth):
        shown = either([quoted(name) for name in sorted(held)[:3]], "and")
        return None, [f"{where}: folders such as {shown} are taken for shards, not for classes; {INDEX} has the labels"]
    classes = sorted({*held, *without})
    _refuse_splits(inside, classes, packed)
    numbers = {name: number for number, name in enumerate(classes)}
    said_of = [
        f"{where}: the folder {quoted(name)} holds no pictures that can be read; it stays class {numbers[name]}, so "
        "that the others keep their numbers: remove it if it is no class"
        for name in without
    ]
    labels = Labels([numbers[name[start : name.index("/", start)]] for name in found.names], tuple(classes))
    below = {name[start:].rpartition("/")[0] for name in found.names}  # folders: far fewer than pictures
    return labels, said_of + _doubtful(where, classes, [folder.split("/")[1:] for folder in sorted(below)])


def _only_folder(names: Sequence[str], depth: int) -> str | None:
    """The folder so many levels down that all of these lie in; None where there are several, or loose ones."""
    first = names[0].split("/")
    if len(first) < depth + 2:
        return None
    start = "".join(f"{part}/" for part in first[: depth + 1])
    return first[depth] if all(name.startswith(start) for name in names) else None


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _beside(found: Listing, above: list[str], held: Collection[str]) -> list[str]:
    """The folders in ``above`` other than those called ``held``."""
    parts = [name.split("/") for name in found.folders]
    return ["/".join(own) for own in parts if own[:-1] == above and own[-1] not in held]


def _are_shards(names: Sequence[str], depth: int) -> bool:
    """Whether folders only hold so many pictures each, as those of NVIDIA's StyleGAN tools do."""
    parts = (name.split("/") for name in names)  # one at a time: there may be a million
    return all(
        len(path) == depth + 2 and _SHARD.fullmatch(path[depth]) and _IN_SHARD.fullmatch(path[-1]) for path in parts
    )


def _refuse_splits(inside: PurePath, classes: Sequence[str], packed: bool) -> None:
    """Refuse folders that are splits: a GAN would learn to draw ``test`` as a class.

    Raises:
        DataError: naming the folder to train on.
    """
    splits = {name: split for name in classes if (split := split_of(name))}
    if len(set(splits.values())) < 2:
        return
    first = next((name for name in classes if splits.get(name) == FIRST), next(iter(splits)))
    way = "unpack it, and train" if packed else "train"
    typed = command("train", "RECIPE", "--data", inside.with_suffix("") / first if packed else inside / first)
    raise DataError(
        f"{inside} holds {either([quoted(name) for name in splits], 'and')}, which are splits and not classes: {way} "
        f"on one of them ({typed}); if they are classes, list their pictures in a {INDEX}"
    )


def _doubtful(where: PurePath, classes: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """What to say of classes that may be none: parts of a data set, or folders with splits inside."""
    said = []
    if all(_PART.fullmatch(name.lower()) for name in classes):
        named = either([quoted(name) for name in classes], "and")
        said.append(
            f"{where}: {named} are taken for classes; if only one of them has the pictures, give that as --data"
        )
    inner = {split: part for parts in below for part in parts if (split := split_of(part))}
    if len(inner) > 1:
        named = either([quoted(part) for part in inner.values()], "and")
        said.append(f"{where}: the classes have folders {named} inside, whose pictures are all learned from alike")
    return said


def index_above(names: Sequence[str], indices: Sequence[str]) -> tuple[str | None, list[str]]:
    """The ``dataset.json`` nearest the top that lies above all pictures, if any; and what to say of others.

    Args:
        names: of the pictures, with ``/``.
        indices: of such files.
    """
    above = [one for one in indices if all(name.startswith(one[: -len(INDEX)]) for name in names)]
    if above:
        return min(above, key=lambda name: (name.count("/"), name)), []
    return None, [f"{quoted(one)} is not read, as some pictures lie outside its folder" for one in sorted(indices)[:1]]


def relative(names: Sequence[str], index: str) -> list[str]:
    """Names of pictures as the ``dataset.json`` called ``index`` has them: relative to its own folder."""
    return [name.removeprefix(index[: -len(INDEX)]) for name in names]
