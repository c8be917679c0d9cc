"""How the layers of ncnn's files are linked: these name layers by number, so that links tell which network it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LEAKY = (2, [0.2])  # ncnn's number of an activation, and its slope
PLAIN = (0, [])


def layers_of(content: object) -> list[Mapping[str, Any]] | None:
    """The layers of a content; None where it is none of ncnn's."""
    layers = content.get("layers") if isinstance(content, Mapping) else None
    return layers if isinstance(layers, list) and all(map(_is_layer, layers)) else None


def _is_layer(one: object) -> bool:
    """Whether it is what a reader of ncnn's files gives of a layer."""
    if not isinstance(one, Mapping) or not {"type", "inputs", "outputs", "params", "weights"} <= one.keys():
        return False
    names = (one["inputs"], one["outputs"])
    lists = all(isinstance(part, list) and all(isinstance(name, str) for name in part) for part in names)
    return lists and isinstance(one["params"], Mapping) and isinstance(one["weights"], Mapping)


def links_of(layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Each layer but splits: what it does, and the numbers of the layers that it takes from."""
    numbers: dict[str, int] = {}
    count = 0
    for layer in layers:
        taken = [numbers.get(name, -1) for name in layer["inputs"]]
        if layer["type"] == "Split":
            numbers.update(dict.fromkeys(layer["outputs"], *taken[:1]))
            continue
        numbers.update(dict.fromkeys(layer["outputs"], count))
        count += 1
        yield (*_does(layer), *taken)


def _does(layer: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a layer does, by its type and the settings that it has."""
    kind, has = layer["type"], layer["params"].get
    if kind == "Convolution":
        square = has(11, has(1)), has(12, has(2, 1)), has(13, has(3, 1)), has(14, has(4, 0))
        return kind, (has(1), has(2, 1), has(3, 1), has(4, 0)) == square == (3, 1, 1, 1), (has(9, 0), has(10, []))
    if kind == "Eltwise":
        return kind, has(0, 0), has(1, [])
    if kind == "Interp":
        return kind, has(0, 0), has(1, 1.0), has(2, 1.0)
    if kind == "Input":  # whose settings are a size, if any
        return kind, 0
    return kind, has(0, 0)
