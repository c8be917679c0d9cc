"""Statistics of real images, classifiers of them, and floors, kept on disk: they depend on no model.

Every file has a digest of its content: one that is damaged is said to be so once, and measured anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.files.kept import keep_json, kept_json
from ganzoo.files.write import make_folder
from ganzoo.folder.scores import Score
from ganzoo.folder.weights import keep_tensors, kept_tensors
from ganzoo.metrics.statistic import Wanted, kept_name, statistic
from ganzoo.registry.cache import cache_for

log = logging.getLogger("ganzoo")
VERSION = 2  # raised when what is kept is computed in another way


def folder() -> Path:
    """``$GANZOO_CACHE``, else ``~/.cache/ganzoo`` (or below ``$XDG_CACHE_HOME``); in it, ``scores``."""
    return cache_for("scores")


def _path(kind: str, ending: str, *key: object) -> Path:
    digest = sha256(json.dumps([VERSION, kind, *key]).encode()).hexdigest()
    return folder() / f"{kind}-{digest[:32]}{ending}"


def recall(wanted: Wanted, *key: object) -> Any:
    """A statistic of real images; None when it is not kept, or cannot be read."""
    path = _path(kept_name(wanted), ".safetensors", *key)
    if not path.is_file():
        return None
    try:
        return statistic(wanted).unpack(kept_tensors(path))
    except (GanzooError, KeyError, ValueError) as error:
        _not_used(path, error)
    return None


def _not_used(path: Path, error: Exception) -> None:
    log.warning("a file of the cache is not used, and what it held is measured anew: %s", str(error) or path)


def remember(result: Any, wanted: Wanted, *key: object) -> None:
    """Keep a statistic of real images, if it can be packed; a folder that cannot be written to is no error."""
    packed = statistic(wanted).pack(result)
    if packed is None:
        return
    with suppress(GanzooError, OSError):
        path = _path(kept_name(wanted), ".safetensors", *key)
        make_folder(path.parent)
        keep_tensors(path, packed)


# --- networks that metrics train ----------------------------------------------------------------------------


def kept_weights(kind: str, *key: object) -> dict[str, Tensor] | None:
    """The weights of a network that learnt real images; None when they are not kept, or cannot be read.

    Args:
        kind: of the network.
        key: what its weights depend on, as JSON.
    """
    path = _path(kind, ".safetensors", *key)
    if not path.is_file():
        return None
    try:
        return kept_tensors(path)
    except GanzooError as error:
        _not_used(path, error)
    return None


def keep_weights(weights: Mapping[str, Tensor], kind: str, *key: object) -> None:
    """Keep the weights of a network for :func:`kept_weights`; a folder that cannot be written to is no error."""
    with suppress(GanzooError, OSError):
        path = _path(kind, ".safetensors", *key)
        make_folder(path.parent)
        keep_tensors(path, weights)


# --- floors -------------------------------------------------------------------------------------------------


def floor_of(protocol: tuple[str, ...]) -> float | None:
    """What real images scored under a protocol; None where nobody has measured it on this machine."""
    path = _path("floor", ".json", *protocol)
    if not path.is_file():
        return None
    try:
        return float(kept_json(path)["value"])
    except (GanzooError, KeyError, TypeError, ValueError) as error:
        _not_used(path, error)
    return None


def keep_floor(score: Score) -> None:
    """Remember the score of real images as the floor of its protocol."""
    with suppress(GanzooError, OSError):
        path = _path("floor", ".json", *score.protocol)
        make_folder(path.parent)
        keep_json(path, {"key": score.key, "value": score.value})
