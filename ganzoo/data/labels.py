"""Labels of pictures: class numbers or label vectors; and ``dataset.json``, which NVIDIA's StyleGAN tools write."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from ganzoo.errors import DataError, counted, either
from ganzoo.files.untrusted import quoted
from ganzoo.registry.labels import LABEL_KINDS

INDEX = "dataset.json"
MAX_INDEX_BYTES = 256 * 2**20
LARGEST = 3.4e38  # of a float32
FEW = 1_000  # classes without names that any data may have
PER_PICTURE = 10  # such classes for each picture, beyond which numbers are hardly classes
MOST = 1_000_000  # such classes, of however many pictures

_ODD = re.compile(r"\\|//|/\.|/$")  # what may have to be written in another way

Label = int | tuple[float, ...]
"""The number of a class, or a label vector."""


@dataclass(frozen=True)
class Labels:
    """Labels of pictures, in the order asked for.

    Attributes:
        values: class numbers; or label vectors, all of one length.
        class_names: of the classes; of the numbers in a label vector.
        kind: one of ``class``, ``multilabel``, ``continuous``.
        remarks: what a person should know of them, in sentences.
    """

    values: Sequence[Label]
    class_names: tuple[str, ...]
    kind: str = "class"
    remarks: tuple[str, ...] = ()


def _class_names(value: object, count: int, kind: str, where: str) -> tuple[str, ...]:
    if value is None:
        return tuple(str(number) for number in range(count))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise DataError(f"{where}: `classes` in {INDEX} must be a list of names")
    if kind != "class" and len(value) != count:
        raise DataError(
            f"{where}: {INDEX} names {counted(len(value), 'class')} but has label vectors of {count} numbers"
        )
    if len(value) < count:
        raise DataError(f"{where}: {INDEX} names {counted(len(value), 'class')} but has labels up to {count - 1}")
    return tuple(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_class(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _vector(value: object, kind: str | None) -> tuple[float, ...] | None:
    """A label as a vector; None if it is none. One number is a vector of one where labels are continuous."""
    numbers = (value,) if kind == "continuous" and _is_number(value) else value
    if not isinstance(numbers, list | tuple) or not numbers or not all(map(_is_number, numbers)):
        return None
    return tuple(float(number) if abs(number) <= LARGEST else math.nan for number in numbers)


def read_values(
    values: Sequence[object], kind: str | None, names: Sequence[str], where: str, place: str
) -> tuple[Sequence[Label], str]:
    """Labels and their kind: what is said of it, else classes for whole numbers, multilabel for vectors of 0 and 1.

    Args:
        values: of each picture a class number, or a list or tuple of numbers.
        kind: as it is said; None where nothing says it.
        names: of the pictures.
        where: what messages call the data.
        place: where the kind can be said, for messages.

    Raises:
        DataError: a label is neither, or not of that kind, or a vector has another length than the first; or vectors of
            other numbers than 0 and 1 whose kind nothing says.
    """
    if kind is not None and kind not in LABEL_KINDS:
        raise DataError(f"{where}: label_kind is {kind!r}; it is {either(LABEL_KINDS)}")
    if kind in (None, "class") and all(map(_is_class, values)):
        return values, "class"  # type: ignore[return-value]
    vectors: list[tuple[float, ...]] = []
    for name, value in zip(names, values, strict=True):
        vector = None if kind == "class" else _vector(value, kind)
        if vector is None:
            wanted = "class numbers from 0" + ("" if kind == "class" else ", or vectors of numbers for all pictures")
            raise DataError(f"{where} has a label {value!r}, of {name!r}; labels are {wanted}")
        if len(vector) != len(first := vectors[0] if vectors else vector):
            raise DataError(f"{where}: the label vector of {name!r} has {len(vector)} numbers, others {len(first)}")
        if not all(map(math.isfinite, vector)):
            raise DataError(f"{where}: the label vector of {name!r} holds NaN, an infinite or too large a number")
        vectors.append(vector)
    return vectors, kind if kind == "continuous" else _multilabel(vectors, kind, names, where, place)


def _multilabel(
    vectors: Sequence[tuple[float, ...]], kind: str | None, names: Sequence[str], where: str, place: str
) -> str:
    """``multilabel``, once all the vectors are known to hold 0 and 1 alone."""
    for name, vector in zip(names, vectors, strict=True):
        if not set(vector) <= {0.0, 1.0}:
            other = next(number for number in vector if number not in (0.0, 1.0))
            said = f"the label vector of {name!r} holds {other:g}"
            if kind is None:
                raise DataError(f'{where}: {said}; for real numbers as labels write {place} "continuous"')
            raise DataError(f"{where}: {said}; multilabel vectors hold 0 and 1 alone")
    return "multilabel"


def read_labels(text: bytes, names: Sequence[str], where: str) -> Labels | None:
    """The labels of ``names`` in a ``dataset.json``.

    Args:
        text: the file: ``{"labels": [[name, label], …] or null, "classes": [names], "label_kind": kind}``. A label is a
            class number or a list of numbers; without ``label_kind``, lists of 0 and 1 are multilabel.
        names: of the pictures, relative to the file, with ``/``.
        where: what messages call the data.

    Returns:
        None when its labels are null or missing.

    Raises:
        DataError: it is not such a file, or has no label for some of the pictures.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: {INDEX} is not JSON ({error}); write it anew or remove it") from error
    if not isinstance(content, dict):
        raise DataError(f"{where}: {INDEX} must hold an object with `labels`")
    entries = content.get("labels")
    if entries is None:
        return None
    if not isinstance(entries, list) or not all(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) for entry in entries
    ):
        raise DataError(f"{where}: `labels` in {INDEX} must be null or [[name, label], …]")
    known = _by_name(entries, where)
    own = [plain_name(name) for name in names]
    missing = [name for name, plain in zip(names, own, strict=True) if plain not in known]
    if missing:
        raise DataError(
            f"{where}: {INDEX} has no label for {len(missing)} of {len(names)} pictures, such as {missing[0]!r}; "
            'add them, or write "labels": null to train without'
        )
    values, kind = read_values(
        [known[name] for name in own], content.get("label_kind"), names, where, f'into {INDEX} "label_kind":'
    )
    if content.get("classes") is None:
        refuse_identifiers(values, where, f'list names in {INDEX} under "classes"')
    strange = sorted(known.keys() - set(own))
    said = f"{where}: {INDEX} has labels of {len(strange):,} pictures that are not there, such as " if strange else ""
    remarks = (f"{said}{quoted(strange[0])}",) if strange else ()
    return Labels(values, _class_names(content.get("classes"), length(values), kind, where), kind, remarks)


def plain_name(name: str) -> str:
    """The one way to write the name of a picture: ``./a\\b.png`` is ``a/b.png``, however accents are spelled."""
    if name.isascii() and name[:1] not in ("", ".", "/", "\\") and not _ODD.search(name):
        return name
    return normalize("NFC", posixpath.normpath(name.replace("\\", "/")))


def _by_name(entries: Sequence[Sequence[Any]], where: str) -> dict[str, object]:
    """The label of each picture that is listed.

    Raises:
        DataError: one is listed with two labels.
    """
    known: dict[str, object] = {}
    for name, label in entries:
        plain = plain_name(name)
        if plain in known and known[plain] != label:
            raise DataError(
                f"{where}: {INDEX} lists {quoted(name)} with two labels, {quoted(known[plain])} and {quoted(label)}: "
                "leave one, or for several classes at once write lists of 0 and 1"
            )
        known[plain] = label
    return known


def refuse_identifiers(values: Sequence[Label], where: str, way: str) -> None:
    """Refuse class numbers so high that they can hardly be classes: each takes memory in every network.

    Args:
        values: labels of pictures; vectors are let through.
        where: what messages call the data.
        way: how to name the classes, if they are some.

    Raises:
        DataError: the highest is beyond all that so many pictures could have.
    """
    count, vectors = length(values), bool(values) and isinstance(values[0], tuple)
    if vectors or count <= min(MOST, max(FEW, PER_PICTURE * len(values))):
        return
    # A label may have thousands of digits, none of which says more than the first ones.
    highest, classes = (f"{number:,}" if number < 10**30 else "10^30 and more" for number in (count - 1, count))
    raise DataError(
        f"{where} has labels up to {highest} on {len(values):,} pictures, which would be {classes} classes, "
        f"{len(set(values)):,} of them with pictures: are they identifiers or dates? Number classes from 0, or {way}"
    )


def length(values: Sequence[Label]) -> int:
    """How many numbers label vectors of these labels have: of classes, one more than the highest."""
    if values and isinstance(values[0], tuple):
        return len(values[0])
    return max(values, default=-1) + 1  # type: ignore[type-var, operator, return-value]
