"""Labels as a person gives them: classes by number or name, several at once, or vectors of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, nearest
from ganzoo.files.names import as_text

Label = int | float | str | Sequence[float] | Tensor
"""Of one image: a class, a text that names several or holds numbers, or a label vector."""

NONE = "none"  # the text of a multilabel vector without any class
BETWEEN = "/"  # of the names, or the numbers, in the text of one label: no shell takes it for its own


def class_number(label: object, names: Sequence[str]) -> int:
    """The number of a class given by number or name.

    Raises:
        UsageError: there is no such class.
    """
    label = as_text(label) if isinstance(label, str) else label
    if label in names:
        return names.index(str(label))
    if str(label).isdecimal() and int(str(label)) < len(names):
        return int(str(label))
    near = ", ".join(nearest(str(label), names))
    raise UsageError(f"no class {label!r}: give a number from 0 to {len(names) - 1} or a name; nearest: {near}")


def one_for_each(labels: Any) -> list[Any]:
    """Labels of several images as a list, one for each.

    Raises:
        UsageError: a single label, whose letters or numbers would be taken for one each, or no list at all.
    """
    several = isinstance(labels, Iterable) and not isinstance(labels, (str, bytes, Mapping, Set))
    if not several or (isinstance(labels, Tensor | np.ndarray) and labels.ndim == 0):
        one = labels.item() if isinstance(labels, Tensor | np.ndarray) else labels
        raise UsageError(f"labels={one!r} is no list of labels: give one for each image, such as labels=[{one!r}] * 4")
    return labels.tolist() if isinstance(labels, Tensor | np.ndarray) else list(labels)


def read(labels: Iterable[Label] | Tensor, kind: str, names: Sequence[str]) -> Tensor:
    """Labels of images, each in any of the forms that its model's kind of labels has.

    A class is a number from 0 or a name. Several classes at once are a text, ``red/round``, or ``none``; continuous
    labels may be a text too, ``0.5/-1``. Any model takes label vectors, rows of as many numbers as there are names.

    Args:
        labels: of each image one; or a tensor ``(n,)`` of numbers or ``(n, L)`` of vectors.
        kind: ``class``, ``multilabel`` or ``continuous``.
        names: of the classes, or of the numbers in a vector.

    Returns:
        Class numbers, int64 ``(n,)``, where the model's labels are classes and all are given as such; else vectors,
        float ``(n, L)``.

    Raises:
        UsageError: naming a class that does not exist, or the vector that has another length, or holds NaN or infinity.
    """
    found = [_read(label, kind, names) for label in one_for_each(labels)]
    if kind == "class" and all(isinstance(one, int) for one in found):
        return torch.tensor(found, dtype=torch.int64)
    rows = [_single(one, len(names)) if isinstance(one, int) else one for one in found]
    return torch.stack(rows) if rows else torch.zeros(0, len(names))


def written(row: Tensor, kind: str, names: Sequence[str]) -> str:
    """A label vector ``(L,)`` as text, which :func:`read` makes it of again, to four digits."""
    if kind == "continuous":
        return BETWEEN.join(f"{number:.4g}" for number in row.tolist())
    return BETWEEN.join(name for name, number in zip(names, row.tolist(), strict=True) if number) or NONE


def _read(label: Any, kind: str, names: Sequence[str]) -> int | Tensor:
    if isinstance(label, Tensor | np.ndarray | np.generic):
        label = label.tolist()
    if isinstance(label, list | tuple):
        return _vector(label, label, names)
    if kind == "class":
        return class_number(label, names)
    if kind == "multilabel":
        return _several(label, names)
    if isinstance(label, str):
        return _vector([_number(word, label) for word in label.split(BETWEEN)], label, names)
    return _vector([label], label, names)


def _several(label: object, names: Sequence[str]) -> Tensor:
    """The vector of one class or more: a whole text may be the name of a class, ``/`` and all."""
    if label == NONE and NONE not in names:
        return torch.zeros(len(names))
    whole = label in names or not isinstance(label, str)
    words = [label] if whole else str(label).split(BETWEEN)
    return torch.stack([_single(class_number(word, names), len(names)) for word in words]).amax(0)


def _single(number: int, length: int) -> Tensor:
    return nn.functional.one_hot(torch.tensor(number), length).float()


def _number(word: str, label: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UsageError(f"label {label!r}: {word!r} is no number; write a vector as 0.5/-1") from None


def _vector(numbers: Sequence[Any], label: object, names: Sequence[str]) -> Tensor:
    if not all(isinstance(number, int | float) for number in numbers):
        raise UsageError(f"label {label!r} is no vector of numbers")
    if len(numbers) != len(names):
        raise UsageError(
            f"label {label!r} has {len(numbers)} numbers; a label vector of this model has {len(names)}"
            f" ({', '.join(names[:8])}{', …' if len(names) > 8 else ''})"
        )
    row = torch.tensor([float(number) for number in numbers], dtype=torch.float64).float()
    if not row.isfinite().all():
        raise UsageError(f"label {label!r} holds NaN, or a number that is infinite or too large")
    return row
