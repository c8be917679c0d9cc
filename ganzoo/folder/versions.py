"""The formats of ``config.json``: what each older one says, in the words of the newest. One function reads them all.

Format 2, since 0.2.0, beside what its names say:

- ``parts``: each with ``part`` as ``kind/name``, ``side``, ``resolutions``, ``options`` and ``reason``; the first is
  the architecture, with one side if another, with the other side, brings the second network.
- ``settings``: by name, ``value`` and ``reason``.
- ``height``, ``width``, ``channels``, ``bits``: of the images, in pixels, planes and bits of each value.
- ``label_kind``: ``class``, ``multilabel`` or ``continuous``; null without labels. ``class_counts``: images of each
  class, in order; null where that is not known.
- ``fingerprint_kind``: what the fingerprint of the data is made from, ``sha256`` or ``files-sha256``.
- ``selection``: ``chosen`` is ``best`` or ``last``, ``split`` the part of the data whose score chose, or null; then
  ``key`` is that of the score, and ``name``, ``fingerprint`` and ``count`` are those of the data.
- ``origin``: of weights that another library trained; null for our own. ``frozen``: sha256 of frozen weights by name.

Format 1, of 0.1.0, has one ``resolution``, ``because`` for a reason, a ``selection`` that is one word, kinds of parts
that are called otherwise now, and none of the rest. What chose the step may stand under ``selected_on``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from ganzoo.registry.recipe import kind_of

CONFIG_FORMAT = 2
IDENTITY = "identity"  # of a run that format 1 began: see identity_of


def upgraded(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a ``config.json`` of any format says, in format 2; what makes no sense is left as it is, for who checks it.

    The number that ``format`` has stays that of the file's own words where these are of format 2 or newer.
    """
    found = dict(config)
    if config.get("format") != 1 or isinstance(config.get("format"), bool):
        return found
    size, selection, by = found.pop("resolution", None), found.get("selection"), found.pop("selected_on", None)
    if isinstance(selection, str):
        selection = {"split": None, **(by if isinstance(by, dict) else {}), "chosen": selection}
    data = found.get("dataset")
    with suppress(KeyError, TypeError, AttributeError, ValueError):
        found[IDENTITY] = _identity_of_format_1(config)
    return {
        **found,
        "format": CONFIG_FORMAT,
        "parts": _renamed_parts(found.get("parts")),
        "settings": _renamed_settings(found.get("settings")),
        "height": size,
        "width": size,
        "bits": 8,
        "label_kind": "class" if found.get("classes") else None,
        "class_counts": None,
        "fingerprint_kind": kind_of_fingerprint(data.get("fingerprint") if isinstance(data, dict) else None),
        "selection": selection,
        "origin": None,
        "frozen": found.get("frozen", {}),
    }


def kind_of_fingerprint(fingerprint: object) -> str | None:
    """What stands before the colon of a fingerprint, such as ``sha256``; None for none."""
    return (fingerprint.partition(":")[0] or None) if isinstance(fingerprint, str) else None


def _renamed_parts(parts: Any) -> Any:
    if not isinstance(parts, list):
        return parts
    return [_renamed_part(part) if isinstance(part, dict) else part for part in parts]


def _renamed_part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind, slash, name = str(part.get("part", "")).partition("/")
    spelled = {"part": f"{kind_of(kind)}/{name}"} if slash else {}
    return {**_renamed_reason(part), **spelled}


def _renamed_settings(settings: Any) -> Any:
    if not isinstance(settings, dict):
        return settings
    return {name: _renamed_reason(row) if isinstance(row, dict) else row for name, row in settings.items()}


def _renamed_reason(row: Mapping[str, Any]) -> dict[str, Any]:
    return {("reason" if key == "because" else key): value for key, value in row.items()}


def identity_of(config: Mapping[str, Any]) -> str:
    """A digest of all that the tensors of a run depend on: parts, options, settings, sizes, seed and data.

    It is of what ``config.json`` says, and not of what a later release makes of that: an option that is new there does
    not make another run of it.
    """
    known = config.get(IDENTITY)
    if isinstance(known, str):
        return known
    parts = [[part[key] for key in ("part", "side", "resolutions", "options")] for part in config["parts"]]
    settings = {name: row["value"] for name, row in config["settings"].items()}
    sizes = [config[name] for name in ("height", "width", "channels", "bits", "classes", "label_kind", "z_dim")]
    facts = [config["recipe"], parts, settings, sizes, config["seed"], config["dataset"].get("fingerprint")]
    return _digest([*facts, config.get("forked_from")])


def _identity_of_format_1(config: Mapping[str, Any]) -> str:
    """The digest that 0.1.0 made, of what it wrote. Frozen: checkpoints of its runs hold it."""
    parts = []
    for part in config["parts"]:
        kind, _, name = part["part"].partition("/")
        parts.append([kind, part["side"], name, part["resolutions"], part["options"]])
    settings = {name: row["value"] for name, row in config["settings"].items()}
    plan = sha256(json.dumps([config["recipe"], parts, settings], sort_keys=True).encode()).hexdigest()
    sizes = [config[name] for name in ("resolution", "channels", "classes", "z_dim", "seed")]
    facts: list[Any] = [plan, sizes, config["dataset"].get("fingerprint")]
    if "forked_from" in config:
        facts.append(config["forked_from"])
    return sha256(json.dumps(facts).encode()).hexdigest()


def _digest(facts: object) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
