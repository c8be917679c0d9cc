"""What two run folders have in common: everything but clocks, hosts, releases, cards and the texts of events."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CARD = {"README.md", "curves.png"}  # the card and its plot, which has words in it
CLOCK_AND_HOST = {"seconds", "device", "processor", "threads", "processes", "torch", "host", "python"}


def contents(folder: Path) -> dict[str, Any]:
    """The files of a run by name: JSON without what may differ, tensors by ``file: tensor``, all else as bytes.

    Args:
        folder: a run, or anything with runs in it; cards and locks are left out.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name in CARD or path.name.endswith("lock"):
            continue
        if path.suffix == ".safetensors":
            found |= {f"{name}: {key}": value for key, value in tensors(path.read_bytes()).items()}
        elif path.suffix in (".json", ".jsonl"):
            found[name] = READERS.get(path.name, json.loads)(path.read_text(encoding="utf-8"))
        else:
            found[name] = path.read_bytes()
    return found


def tensors(raw: bytes) -> dict[str, Any]:
    """Dtype, shape and bytes of each tensor of a safetensors file, and its ``__metadata__`` if it has some."""
    (length,) = struct.unpack("<Q", raw[:8])
    header, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    metadata = {"__metadata__": header.pop("__metadata__")} if "__metadata__" in header else {}
    read = {
        name: (about["dtype"], tuple(about["shape"]), body[slice(*about["data_offsets"])])
        for name, about in header.items()
    }
    return {**metadata, **read}


def without(*keys: str) -> Callable[[str], dict[str, Any]]:
    """A reader of JSON objects that leaves out some keys."""
    return lambda text: {key: value for key, value in json.loads(text).items() if key not in keys}


def read_log(text: str) -> list[dict[str, Any]]:
    """Lines of a log without the clock and without the words of events."""
    lines = []
    for line in text.splitlines():
        record = {key: value for key, value in json.loads(line).items() if key != "clock"}
        if isinstance(record.get("event"), dict):
            record["event"] = {key: value for key, value in record["event"].items() if key != "text"}
        lines.append(record)
    return lines


def read_config(text: str) -> dict[str, Any]:
    """A model's config but for the release of ganzoo and of plugins."""
    config = without("ganzoo")(text)
    return {**config, "plugins": sorted(config.get("plugins", ()))}


def read_run(text: str) -> dict[str, Any]:
    """What a run keeps of its machine and of where it comes from, without the machine and without paths of folders."""
    run = without(*CLOCK_AND_HOST)(text)
    return dict(stripped(run, "path"))


def read_metrics(text: str) -> Any:
    """Scores without the seconds that they took."""
    return stripped(json.loads(text), "seconds")


def stripped(value: Any, key: str) -> Any:
    """JSON without a key, wherever it stands."""
    if isinstance(value, dict):
        return {name: stripped(each, key) for name, each in value.items() if name != key}
    return [stripped(each, key) for each in value] if isinstance(value, list) else value


READERS: Mapping[str, Callable[[str], Any]] = {
    "log.jsonl": read_log,
    "config.json": read_config,
    "metrics.json": read_metrics,
    "run.json": read_run,
}


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of a run, as far as :func:`contents` reads it."""
    files: dict[str, Any] = {}
    for name, value in contents(folder).items():
        file, _, key = name.partition(": ")
        if key:
            files.setdefault(file, {})[key] = value
        else:
            files[file] = value
    return {name: hashlib.sha256(canonical(value)).hexdigest() for name, value in files.items()}


def canonical(value: Any) -> bytes:
    """Bytes that are the same for the same value."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict) and any(isinstance(each, tuple) for each in value.values()):
        parts = [(key, each) for key, each in sorted(value.items())]
        return b"".join(key.encode() + repr(each).encode() for key, each in parts)
    return json.dumps(value, sort_keys=True).encode()


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two folders, a line each: a file, a tensor, or a value by its path in a JSON file."""
    first, second = contents(one), contents(other)
    lines = [f"{name} is only in {one}" for name in first.keys() - second.keys()]
    lines += [f"{name} is only in {other}" for name in second.keys() - first.keys()]
    for name in sorted(first.keys() & second.keys()):
        lines += [f"{name}{path}: {what}" for path, what in apart(first[name], second[name])]
    return sorted(lines)


def apart(one: Any, other: Any, path: str = "") -> list[tuple[str, str]]:
    """Where two values differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [found for key in keys for found in apart(one.get(key), other.get(key), f"{path}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for index, (a, b) in pairs for found in apart(a, b, f"{path}/{index}")]
    if one == other or (one != one and other != other):
        return []
    if isinstance(one, bytes) and isinstance(other, bytes):
        return [(path, f"{len(one)} and {len(other)} bytes that differ")]
    if isinstance(one, tuple):
        return [(path, f"{one[:2]} and {other[:2]}, numbers differ")]
    return [(path, f"{one!r} and {other!r}"[:200])]
