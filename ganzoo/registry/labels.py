"""What labels can be, and the keys by which data say so and parts ask for it."""

from __future__ import annotations

from collections.abc import Collection

LABEL = "label"
LABEL_KINDS = ("class", "multilabel", "continuous")
"""A label is one class, any number of classes at once, or a vector of real numbers."""
LONGEST_NAME = 200  # of a class, in config.json: longer ones are cut there
LABEL_KEYS = frozenset({LABEL, *(f"{LABEL}-{kind}" for kind in LABEL_KINDS)})


def label_keys(kind: str) -> frozenset[str]:
    """What data with labels of a kind provide: ``label``, and ``label-class`` or the like."""
    return frozenset({LABEL, f"{LABEL}-{kind}"})


def with_kind(keys: Collection[str]) -> frozenset[str]:
    """The keys of data, and ``label-class`` where they have ``label`` and no kind: labels are classes, if none says."""
    known = frozenset(keys)
    return known | label_keys("class") if LABEL in known and not known & (LABEL_KEYS - {LABEL}) else known


def without_class(keys: Collection[str]) -> frozenset[str]:
    """The keys as ``config.json`` has them, which :func:`with_kind` completes: ``label-class`` goes without saying."""
    return frozenset(keys) - {f"{LABEL}-class"}


def kind_in(keys: Collection[str]) -> str:
    """The kind of labels that data with these keys have; ``class`` too where they have none, or any."""
    others = [kind for kind in LABEL_KINDS[1:] if f"{LABEL}-{kind}" in keys]
    return others[0] if others and f"{LABEL}-class" not in keys else LABEL_KINDS[0]
