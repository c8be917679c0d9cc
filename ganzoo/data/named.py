"""What the named data sets share: how they refuse a split or an argument that they do not have."""

from __future__ import annotations

from collections.abc import Collection

from ganzoo.errors import UsageError, either


def no_argument(name: str, argument: str) -> None:
    """Refuse ``name:argument`` for a data set that takes none."""
    if argument:
        raise UsageError(f"--data {name}:{argument}: {name} takes nothing after the colon; write --data {name}")


def choose_split(name: str, split: str, splits: Collection[str]) -> str:
    """``split``, if the data set ``name`` has it."""
    if split not in splits:
        raise UsageError(f"the data set {name} has no split {split!r}; it has {either(splits, 'and')}")
    return split
