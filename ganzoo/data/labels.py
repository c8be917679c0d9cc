"""``dataset.json``, as NVIDIA's StyleGAN tools write it beside the images of a zip or folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.errors import DataError

INDEX = "dataset.json"
MAX_INDEX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Labels:
    """Class numbers of pictures, in the order asked for, and the names of the classes."""

    numbers: list[int]
    class_names: tuple[str, ...]


def _class_names(value: object, count: int, where: str) -> tuple[str, ...]:
    if value is None:
        return tuple(str(number) for number in range(count))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise DataError(f"{where}: `classes` in {INDEX} must be a list of names")
    if len(value) < count:
        raise DataError(f"{where}: {INDEX} names {len(value)} classes but has labels up to {count - 1}")
    return tuple(value)


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, list | tuple) or len(entry) != 2:
        return False
    name, label = entry
    return isinstance(name, str) and isinstance(label, int) and not isinstance(label, bool) and label >= 0


def read_labels(text: bytes, names: Sequence[str], where: str) -> Labels | None:
    """The labels of ``names`` in a ``dataset.json``.

    Args:
        text: the file: ``{"labels": [[name, class number], …] or null, "classes": [names]}``.
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
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise DataError(
            f"{where}: `labels` in {INDEX} must be null or [[name, class number], …]; label vectors are not read"
        )
    known = {name.replace("\\", "/"): label for name, label in entries}
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(
            f"{where}: {INDEX} has no label for {len(missing)} of {len(names)} pictures, such as {missing[0]!r}; "
            'add them, or write "labels": null to train without'
        )
    numbers = [known[name] for name in names]
    return Labels(numbers, _class_names(content.get("classes"), max(numbers, default=-1) + 1, where))
