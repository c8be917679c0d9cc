"""TensorFlow.js' layers models: JSON that lists layers, and numbers in files beside it (shards)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ModelError, UsageError
from ganzoo.files.untrusted import open_regular, quoted
from ganzoo.foreign.files.archives import size_of

if TYPE_CHECKING:
    from torch import Tensor

MANIFEST = b'"weightsManifest"'
LARGEST_TEXT = 16 << 20
LARGEST_NUMBERS = 8 << 30
MOST_WEIGHTS, MOST_SHARDS, MOST_DIMENSIONS = 20_000, 4096, 8
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}")  # of a file in the same folder: no separator, no dot in front
WIDTHS = {"float32": 4, "int32": 4}
QUANTISED = {"uint8": 1, "uint16": 2, "float16": 2}
PLAIN = (bool, int, float, str, type(None))
Spec = tuple[str, list[int], int, Callable[[bytes], "Tensor"]]  # of a weight: name, shape, bytes, and what reads them


def read_tfjs(text: bytes, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The layers that the text lists, the weights, and the digests of the files that hold their numbers.

    Args:
        text: of the JSON file.
        folder: where it lies, and its shards.

    Returns:
        ``{"layers": [...], "outputs": [...], "weights": {...}}`` and sha256 by file. A layer is a table of ``class``,
        ``name``, ``inputs`` (names of layers) and ``config`` (numbers, texts and lists of these); weights are float32
        tensors by name, dequantised, as Keras lays them out: kernels of convolutions are ``(height, width, in, out)``.

    Raises:
        UsageError: it is a graph model, which names no layers.
        ModelError: it claims other numbers than there are, or shards outside of its folder.
    """
    if len(text) > LARGEST_TEXT:
        raise ModelError(f"its text is larger than {LARGEST_TEXT >> 20} MB")
    model = json.loads(text.decode("utf-8"))
    if model.get("format") == "graph-model":
        raise UsageError(
            "it is a graph model of TensorFlow.js, whose layers have lost their names: layers models are read"
        )
    topology = model["modelTopology"]
    config = topology.get("model_config", topology)["config"]
    layers = [_layer(layer) for layer in (config["layers"] if isinstance(config, Mapping) else config)]
    if twice := next((name for name, count in Counter(layer["name"] for layer in layers).items() if count > 1), None):
        raise ModelError(f"it lists the layer {quoted(twice)} twice")
    weights, digests = dict[str, "Tensor"](), dict[str, str]()
    groups = [(_paths(group), _specs(group)) for group in model["weightsManifest"]]
    _check_groups(groups)
    for paths, specs in groups:
        data = _joined(folder, paths, sum(size for _, _, size, _ in specs), digests)
        place = 0
        for name, shape, size, made in specs:
            if name in weights:
                raise ModelError(f"it lists the weight {quoted(name)} twice")
            weights[name] = made(data[place : place + size]).reshape(shape)
            place += size
    outputs = [_reference(one) for one in (config.get("output_layers", []) if isinstance(config, Mapping) else [])]
    return {"layers": layers, "outputs": outputs, "weights": weights}, digests


def _check_groups(groups: Sequence[tuple[Sequence[str], Sequence[Spec]]]) -> None:
    """Refuse what would be more numbers than there are files for, before one is opened.

    Raises:
        ModelError: they are too many, or a file is listed twice, which would make much of little.
    """
    paths = [path for names, _ in groups for path in names]
    specs = [spec for _, listed in groups for spec in listed]
    if len(specs) > MOST_WEIGHTS or len(paths) > MOST_SHARDS:
        raise ModelError(f"it lists over {MOST_WEIGHTS:,} weights or {MOST_SHARDS:,} files of numbers")
    if twice := next((path for path, count in Counter(paths).items() if count > 1), None):
        raise ModelError(f"it lists the file of numbers {quoted(twice)} twice")
    if (total := sum(spec[2] for spec in specs)) > LARGEST_NUMBERS:
        raise ModelError(f"its weights take {total:,} bytes; {LARGEST_NUMBERS:,} are read at most")


def _layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer, whose settings are only those that are plain."""
    config = {key: value for key, value in layer["config"].items() if _is_plain(value)}
    nodes = layer.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise ModelError(f"its layer {quoted(str(layer.get('name')))} is used {len(nodes)} times")
    inputs = [_reference(one) for one in (nodes[0] if nodes else [])]
    return {"class": str(layer["class_name"]), "name": str(config["name"]), "inputs": inputs, "config": config}


def _is_plain(value: object) -> bool:
    flat = (
        [inner for one in value for inner in (one if isinstance(one, list) else [one])]
        if isinstance(value, list)
        else [value]
    )
    return all(isinstance(one, PLAIN) for one in flat)


def _reference(one: Sequence[Any]) -> str:
    """The name of the layer that a reference such as ``["F_0", 0, 0]`` is to."""
    if not isinstance(one, list) or not one or not isinstance(one[0], str) or any(index != 0 for index in one[1:3]):
        raise ModelError(f"it refers to {quoted(str(one))}, which is not the first result of a layer")
    return one[0]


def _paths(group: Mapping[str, Any]) -> list[str]:
    """Names of the files of a group.

    Raises:
        ModelError: one lies elsewhere.
    """
    paths: list[str] = group["paths"]
    for path in paths:
        if not isinstance(path, str) or not NAME.fullmatch(path):
            raise ModelError(f"it takes numbers from {quoted(str(path))}, which is no file beside it")
    return paths


def _specs(group: Mapping[str, Any]) -> list[Spec]:
    return [_spec(spec) for spec in group["weights"]]


def _spec(spec: Mapping[str, Any]) -> Spec:
    name, shape, packed = spec["name"], spec["shape"], spec.get("quantization")
    if not isinstance(name, str) or not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise ModelError(f"it lists a weight {quoted(str(name))} of the shape {quoted(str(shape))}")
    if any(type(side) is not int or not 0 <= side < 1 << 40 for side in shape):
        raise ModelError(f"its weight {quoted(name)} has the shape {quoted(str(shape))}")
    kind = spec["dtype"] if packed is None else packed["dtype"]
    width = (WIDTHS if packed is None else QUANTISED).get(kind)
    if width is None:
        raise ModelError(
            f"its weight {quoted(name)} holds {quoted(str(kind))}; float32, int32 and quantised ones are read"
        )
    scale, least = _range(name, packed) if packed is not None and kind != "float16" else (1.0, 0.0)
    return name, shape, width * prod(shape), lambda data: _numbers(data, kind, scale, least)


def _range(name: str, packed: Mapping[str, Any]) -> tuple[float, float]:
    scale, least = packed["scale"], packed["min"]
    if any(type(one) not in (int, float) or not isfinite(one) for one in (scale, least)):
        raise ModelError(f"its weight {quoted(name)} is quantised from {quoted(str(least))} by {quoted(str(scale))}")
    return float(scale), float(least)


def _numbers(data: bytes, kind: str, scale: float, least: float) -> Tensor:
    """Little-endian numbers as float32: integers times ``scale`` from ``least`` on."""
    import numpy as np
    import torch

    if not data:
        return torch.empty(0)
    found = np.frombuffer(data, dtype=np.dtype(kind).newbyteorder("<")).astype(np.float32)
    return torch.from_numpy(found * np.float32(scale) + np.float32(least) if (scale, least) != (1.0, 0.0) else found)


def _joined(folder: Path, paths: Sequence[str], wanted: int, digests: dict[str, str]) -> bytes:
    """The bytes of the files of a group, one behind the other; they are counted before they are read.

    Raises:
        ModelError: there are fewer or more than its weights take.
    """
    if missing := [path for path in paths if not (folder / path).is_file()]:
        raise UsageError(
            f"it lists layers of TensorFlow.js, whose numbers lie in {missing[0]} beside it: there is none"
        )
    sizes = [_size(folder / path) for path in paths]
    if sum(sizes) != wanted:
        raise ModelError(f"its weights take {wanted:,} bytes, and {', '.join(paths[:3])} have {sum(sizes):,}")
    parts = list[bytes]()
    for path, size in zip(paths, sizes, strict=True):
        with open_regular(folder / path) as file:
            parts.append(file.read(size))
        digests[path] = sha256(parts[-1]).hexdigest()
    if sum(map(len, parts)) != wanted:
        raise ModelError("its files of numbers were written to while they were read: try again once they are whole")
    return b"".join(parts)


def _size(path: Path) -> int:
    with open_regular(path) as file:
        return size_of(file)
