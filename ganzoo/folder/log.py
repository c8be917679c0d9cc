"""Reading the log of a run: one JSON line per tick."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.folder.layout import LOG


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a record by path, such as ``losses/d/gp``; ``step`` is left out."""
    values: dict[str, float] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            values |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)) and key != "step":
            values[f"{prefix}{key}"] = float(value)
    return values


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; a torn last line is left out."""
    path = folder / LOG
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records
