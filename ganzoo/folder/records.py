"""Fields of records that a stranger may have written: each is of one form, or the file is refused.

Every function raises :class:`ganzoo.errors.ModelError`, naming the file, for a field that is missing or has another
form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import field as checked
from ganzoo.files.untrusted import quoted

LONGEST_TEXT = 200
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,120}")
HALF_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=,-]{0,240}")
HASH = re.compile(r"[0-9a-f]{64}")
FINGERPRINT = re.compile(r"(?:files-|listing-)?sha256:[0-9a-f]{64}")


def dataset_of(record: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The real images that a number rests on: ``name``, ``fingerprint``, ``split`` and ``count``."""
    name = checked(record, "name", str, path)
    if not 0 < len(name) <= LONGEST_TEXT:
        raise ModelError(f"{path}: {quoted(name)} is no name of a data set")
    return {
        "name": name,
        "fingerprint": text_of(record, "fingerprint", FINGERPRINT, path),
        "split": text_of(record, "split", WORD, path),
        "count": whole(record, "count", path),
    }


def network_of(record: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A feature network: ``name``, ``input`` in pixels, ``pretrained``, and ``sha256`` of its weights."""
    return {
        "name": text_of(record, "name", HALF_KEY, path),
        "input": whole(record, "input", path, 1),
        "pretrained": checked(record, "pretrained", bool, path),
        "sha256": text_of(record, "sha256", HASH, path),
    }


def text_of(record: Mapping[str, Any], name: str, form: re.Pattern[str], path: Path, joiner: str = "") -> str:
    """A short text of a given form; with a ``joiner``, two of them."""
    text = str(checked(record, name, str, path))
    halves = text.split(joiner, 1) if joiner else [text]
    if not all(form.fullmatch(half) for half in halves):
        raise ModelError(f"{path}: {name} is {quoted(text)}, which it cannot be")
    return text


def hash_of(record: Mapping[str, Any], name: str, path: Path) -> str:
    """A sha256 in hex; empty for what is not known."""
    return "" if record.get(name) == "" else text_of(record, name, HASH, path)


def real(record: Mapping[str, Any], name: str, path: Path) -> float:
    """A finite number."""
    value = checked(record, name, (int, float), path)
    if not abs(value) < 1e300:  # JSON's 1e999 is infinite, and its whole numbers know no bound
        raise ModelError(f"{path}: {name} is no finite number")
    return float(value)


def real_or_none(record: Mapping[str, Any], name: str, path: Path) -> float | None:
    """A finite number, or None where it is null or missing."""
    return None if record.get(name) is None else real(record, name, path)


def whole(record: Mapping[str, Any], name: str, path: Path, least: int = 0, most: int = 2**63 - 1) -> int:
    """A whole number from ``least`` to ``most``."""
    value = int(checked(record, name, int, path))
    if not least <= value <= most:
        raise ModelError(f"{path}: {name} is {quoted(value)}, out of range")
    return value
