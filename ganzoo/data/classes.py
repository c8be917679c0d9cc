"""Classes of one data set where they meet those of another, or of a model: by name, never by number alone.

A class number says nothing outside the data that it was counted in: a folder without ``blue`` calls ``green`` 0. So
whoever puts labels of one beside labels of another lets :func:`matched` or :func:`adopted` number them first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from unicodedata import normalize

import torch
from torch import Tensor

from ganzoo.data.dataset import ImageData
from ganzoo.files.untrusted import quoted
from ganzoo.registry.labels import LABEL, LABEL_KINDS, LONGEST_NAME

SHOWN = 5  # names in a message before the rest is only counted
Key = tuple[str, int]


def unnamed(names: Sequence[str]) -> bool:
    """Whether classes have no names but their numbers, as where nothing named them."""
    return tuple(names) == tuple(str(number) for number in range(len(names)))


def _keys(names: Sequence[str]) -> list[Key]:
    """What classes are found by: a name as any system spells it, and its how-manieth class of that name each is."""
    plain = [normalize("NFC", name[:LONGEST_NAME]) for name in names]
    seen: dict[str, int] = {}
    found = []
    for name in plain:
        found.append((name, seen.get(name, 0)))
        seen[name] = seen.get(name, 0) + 1
    return found


def listed(names: Sequence[str]) -> str:
    """Some names for a message: ``'cat', 'dog' and 3 more``."""
    shown = ", ".join(quoted(name) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def pictured(data: ImageData) -> list[int]:
    """The classes, by number, that have pictures; of label vectors, every number."""
    if data.labels is None or data.label_kind != LABEL_KINDS[0]:
        return list(range(len(data.class_names)))
    return [number for number in data.labels.unique().tolist() if number < len(data.class_names)]


def empty_note(data: ImageData) -> list[str]:
    """What a person should know of the classes that no picture is of; nothing where there are none."""
    own = set(pictured(data))
    return said_of_empty(data.name, [name for number, name in enumerate(data.class_names) if number not in own])


def said_of_empty(where: str, empty: Sequence[str]) -> list[str]:
    """A sentence about classes without pictures; none where there are none.

    Args:
        where: what messages call the data.
        empty: names of the classes.
    """
    if not empty:
        return []
    have = "1 class has" if len(empty) == 1 else f"{len(empty):,} classes have"
    them = "it is" if len(empty) == 1 else "they are"
    return [f"{where}: {have} no pictures, {listed(empty)}: {them} drawn only where ganzoo sample asks by --label"]


@dataclass(frozen=True)
class Match:
    """Labels as somebody else numbers them.

    Attributes:
        data: with class numbers, or label vectors, in the order of the other's names; as it was where that cannot be.
        problem: why it cannot be, naming the classes; empty where it can.
        note: what differs without being a problem; empty where nothing does.
    """

    data: ImageData
    problem: str = ""
    note: str = ""


def matched(data: ImageData, names: Sequence[str], who: str, drawn: Collection[int] | None = None) -> Match:
    """Number the labels of ``data`` as somebody else's classes of the same names are numbered.

    The fingerprint stays, as the images are the same; :attr:`ImageData.numbering` says how they are numbered.

    Args:
        data: whose labels are to be understood.
        names: of the other's classes, or of the numbers in its label vectors.
        who: what messages call the other.
        drawn: the classes that the other has, by number; all by default.
    """
    if data.labels is None or not names:
        return Match(data)
    there = {key: number for number, key in enumerate(_keys(names)) if drawn is None or number in drawn}
    here = _keys(data.class_names)
    numbers = [there.get(key) for key in here]
    of_classes = data.label_kind == LABEL_KINDS[0]
    unknown = [data.class_names[number] for number in pictured(data) if numbers[number] is None] if of_classes else []
    own = set(here) if not of_classes else {here[number] for number in pictured(data)}
    absent = [names[number] for key, number in there.items() if key not in own]
    if unknown or (absent and not of_classes):
        return Match(data, _differ(data.name, unknown, absent, who))
    note = f"{data.name} has no pictures of {listed(absent)}, which {who} has" if absent else ""
    if tuple(data.class_names) == tuple(names):
        return Match(data, note=note)
    if not of_classes:
        places = [here.index(key) for key in _keys(names)]
        return Match(replace(data, labels=data.labels[:, places], class_names=tuple(names), numbering=_digest(names)))
    return Match(_renumbered(data, [number or 0 for number in numbers], names), note=note)


def _differ(where: str, unknown: Sequence[str], absent: Sequence[str], who: str) -> str:
    said = [f"{where} has {listed(unknown)}, which {who} does not"] if unknown else []
    said += [f"{who} has {listed(absent)}, which {where} does not"] if absent else []
    return f"the classes differ: {'; '.join(said)}: call the same classes by the same names"


def adopted(data: ImageData, names: Sequence[str], who: str) -> tuple[ImageData, list[str]]:
    """``data`` to go on learning from with networks that know classes of ``names`` by number.

    A class of the same name keeps its number. Where there are as many classes here as there, one of another name takes
    the number of one that is no longer there; where there are not, networks cannot be the same, and nothing is done.

    Args:
        data: what is learned from next.
        names: of the classes that the networks know.
        who: what messages call the model.

    Returns:
        The data, and what a person should know.
    """
    if data.labels is None or not names or tuple(data.class_names) == tuple(names):
        return data, []
    found = matched(data, names, who)
    if not found.problem:
        return found.data, []
    if len(data.class_names) != len(names) or data.label_kind != LABEL_KINDS[0]:
        return data, []
    there = {key: number for number, key in enumerate(_keys(names))}
    numbers = [there.get(key) for key in _keys(data.class_names)]
    free = iter(sorted(set(range(len(names))) - set(numbers)))
    placed = [next(free) if number is None else number for number in numbers]
    merged = dict(zip(placed, data.class_names, strict=True))
    new = tuple(merged[number] for number in range(len(names)))
    others = [(now, was) for now, was in zip(new, names, strict=True) if now != was]
    changed = [f"{quoted(now)} takes the place of {quoted(was)}" for now, was in others]
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    note = f"the classes are not those of {who}: {', '.join(changed[:SHOWN])}{more}"
    return _renumbered(data, placed, new), [note]


def _renumbered(data: ImageData, numbers: Sequence[int], names: Sequence[str]) -> ImageData:
    """The class of number k becomes ``numbers[k]``, of the images and of whatever else has their classes."""
    to = torch.tensor(numbers, dtype=torch.int64)

    def of(name: str, column: object) -> object:
        own = name == LABEL or name.endswith(f"_{LABEL}")
        return to[column] if own and isinstance(column, Tensor) and column.dtype == torch.int64 else column

    assert data.labels is not None
    return replace(
        data,
        labels=to[data.labels],
        class_names=tuple(names),
        paired={name: of(name, column) for name, column in data.paired.items()},  # type: ignore[misc]
        unpaired={name: of(name, column) for name, column in data.unpaired.items()},  # type: ignore[misc]
        numbering=_digest(names),
    )


def _digest(names: Sequence[str]) -> str:
    return sha256(repr(tuple(names)).encode()).hexdigest()
