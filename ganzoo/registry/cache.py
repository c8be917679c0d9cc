"""Where caches are; and that of what each installed plugin registered, so that ``ganzoo list`` and ``--help`` need not
import it.

Plugins import torch, which takes seconds. An entry of the cache is keyed by distribution, version and files: the hash
of the RECORD, and for editable installs, whose RECORD does not change, the times and sizes of the modules. Whatever is
wrong in the cache is ignored, and the plugin imported.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError
from ganzoo.files.kept import keep_json, kept_json
from ganzoo.files.paths import home, to_path, user_cache
from ganzoo.registry.declarations import DECLARATIONS, make_entry
from ganzoo.registry.docstrings import source_file
from ganzoo.registry.entry import Entry
from ganzoo.registry.hookspecs import PLUGIN_API

CACHE, DATA = "GANZOO_CACHE", "GANZOO_DATA"
CACHE_FORMAT = 1
LARGEST_FILE = 64 << 20  # bytes
LARGEST = 256  # entry points remembered; the oldest go first


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/ganzoo``, or ``~/.cache/ganzoo``."""
    return user_cache() / "ganzoo"


def cache_for(what: str) -> Path:
    """Where results that can be computed again are kept: the folder ``what`` in ``$GANZOO_CACHE``, or in ganzoo's own.

    Args:
        what: such as ``scores``; the folder need not be there.
    """
    given = os.environ.get(CACHE)
    return (to_path(given, CACHE) if given else cache_folder()) / what


def default_root() -> Path:
    """Where data sets are downloaded to: ``$GANZOO_DATA``, else ``~/.cache/ganzoo/data``."""
    given, own = os.environ.get(DATA), home()
    if given:
        return to_path(given, DATA)
    return (user_cache() if own is None else own / ".cache") / "ganzoo" / "data"


class Registrations:
    """The cached registrations of plugins; :meth:`save` writes the file if something was added."""

    def __init__(self, ganzoo_version: str) -> None:
        self.path = cache_folder() / "plugins.json"
        self.ganzoo_version = ganzoo_version
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.changed = False
        with suppress(GanzooError, OSError, ValueError, TypeError, KeyError):
            stored = kept_json(self.path, LARGEST_FILE)
            if stored["format"] == CACHE_FORMAT:
                self.known = dict(stored["plugins"])

    def recall(self, entry_point: EntryPoint, source: dict[str, Any]) -> tuple[Entry, ...] | None:
        """What the entry point registered when its files were last these; None if that is not known."""
        found = self.known.get(self._key(entry_point))
        if found is None:
            return None
        # Checked as if it were registered now: the file may be old, or somebody else's.
        with suppress(GanzooError, TypeError, ValueError, KeyError, AttributeError):
            return tuple(_decoded(described, source) for described in found)
        return None

    def remember(self, entry_point: EntryPoint, entries: tuple[Entry, ...]) -> None:
        """Keep what was registered, unless a part can only be had by importing the plugin."""
        described = [_encoded(entry) for entry in entries]
        # Out and in again, so that the newest is last, and save() drops the oldest.
        self.known.pop(key := self._key(entry_point), None)
        if None not in described:
            self.known[key] = [one for one in described if one is not None]
            self.changed = True

    def save(self) -> None:
        """Write the cache if something was added; a folder that cannot be written is no error."""
        if not self.changed:
            return
        newest = dict(list(self.known.items())[-LARGEST:])
        with suppress(OSError, GanzooError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            keep_json(self.path, {"format": CACHE_FORMAT, "plugins": newest})

    def _key(self, entry_point: EntryPoint) -> str:
        dist = entry_point.dist
        # Whatever could make the same files register something else, ganzoo's and Python's versions included.
        state = [
            self.ganzoo_version,
            str(PLUGIN_API),
            sys.version,
            entry_point.name,
            entry_point.value,
            *([dist.name, dist.version, *_files(dist, entry_point)] if dist else ()),
        ]
        return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def _files(dist: Distribution, entry_point: EntryPoint) -> list[str]:
    """Texts of which one changes when the plugin's code does.

    Found without importing the plugin, not even its parent package, whose ``__init__`` may import torch.
    """
    record = dist.read_text("RECORD") or ""
    editable = '"editable": true' in (dist.read_text("direct_url.json") or "") or not record
    module = source_file(entry_point.module)
    files = [module] if module else []
    top = source_file(entry_point.module.partition(".")[0])
    if editable and top is not None and top.name == "__init__.py":
        files = sorted(top.parent.rglob("*.py"))
    return [hashlib.sha256(record.encode()).hexdigest(), *map(_state, files)]


def _state(path: Path) -> str:
    with suppress(OSError):
        stat = path.stat()
        return f"{path} {stat.st_mtime_ns} {stat.st_size}"
    return str(path)


def _encoded(entry: Entry) -> dict[str, Any] | None:
    """What was declared, as JSON has it; None if it cannot be written down."""
    described = {name: getattr(entry, name) for name in ("kind", "name", "build", *DECLARATIONS)}
    described = {name: value for name, value in described.items() if value}
    described["kind"] = entry.form or entry.kind
    for name in {"build", "game", "generator", "discriminator"} & described.keys():
        described[name] = _reference(described[name])
        if described[name] is None:
            return None
    for name in {"requires", "provides"} & described.keys():
        described[name] = sorted(described[name])
    # There and back, so that what is kept is what would be read: tuples as lists, and nothing that JSON lacks.
    with suppress(TypeError, ValueError):
        return dict(json.loads(json.dumps(described, allow_nan=False)))
    return None


def _decoded(described: dict[str, Any], source: dict[str, Any]) -> Entry:
    train = {
        name: tuple(value) if isinstance(value, list) else value for name, value in described.get("train", {}).items()
    }
    return dataclasses.replace(make_entry(**{**described, "train": train}), **source)


def _reference(build: object) -> str | None:
    """``"module:Name"`` of what was registered; None if it is not to be found under such a name."""
    if isinstance(build, str):
        return build
    module, qualname = getattr(build, "__module__", None), getattr(build, "__qualname__", None)
    found: object = sys.modules.get(str(module))
    for attribute in str(qualname).split("."):
        found = getattr(found, attribute, None)
    # Only where the name leads to this very object: a function made inside another has a name that leads nowhere.
    return f"{module}:{qualname}" if found is build else None
