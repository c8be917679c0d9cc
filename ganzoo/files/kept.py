"""JSON that is kept to save work, with its own digest, so that a damaged file is worked out anew and never believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import LARGEST_JSON, read_json
from ganzoo.files.write import write_text

DIGEST = "sha256"  # what the digest is called among the values


def _digest(values: Mapping[str, Any]) -> str:
    return sha256(json.dumps(values, sort_keys=True, allow_nan=False).encode()).hexdigest()


def keep_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replace the file at ``path`` by a JSON object and its sha256.

    Raises:
        ValueError, TypeError: for what JSON does not have, NaN included.
        RunError: it cannot be written.
    """
    write_text(path, json.dumps({**values, DIGEST: _digest(json.loads(json.dumps(values)))}, allow_nan=False) + "\n")


def kept_json(path: Path, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """What :func:`keep_json` wrote.

    Args:
        path: of the file.
        largest: bytes that it may have.

    Raises:
        ModelError: it is not there, or not as it was written.
    """
    values = read_json(path, largest)
    if values.pop(DIGEST, None) != _digest(values):
        raise ModelError(f"{path} is damaged: its content is not that of its {DIGEST}")
    return values
