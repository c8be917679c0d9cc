"""ncnn's two files: a text that lists layers, and numbers in the order of the layers."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.files.opcodes import Source

if TYPE_CHECKING:
    from torch import Tensor

MAGIC = b"7767517"
LARGEST_TEXT = 8 << 20
MOST_LAYERS = 20_000
HALF, FLOAT = (0x01306B47,), (0, 0x0002C056)  # what stands before numbers of two bytes, and of four
ARRAYS = -23300  # keys of arrays count down from here
WHOLE = re.compile(r"-?[0-9]{1,12}")
WITHOUT_NUMBERS = frozenset(
    {"BinaryOp", "Clip", "Concat", "Crop", "Dropout", "ELU", "Eltwise", "Flatten", "GELU", "HardSigmoid", "HardSwish"}
    | {"Input", "Interp", "Mish", "Noop", "Padding", "Permute", "PixelShuffle", "Pooling", "ReLU", "Reorg", "Reshape"}
    | {"Sigmoid", "Slice", "Softmax", "Split", "Swish", "TanH", "UnaryOp"}
)


def read_ncnn(text: bytes, numbers: Source) -> dict[str, Any]:
    """The layers that the text lists, each with its numbers.

    Args:
        text: of the ``.param`` file.
        numbers: the whole ``.bin`` file.

    Returns:
        ``{"layers": [...]}``; a layer is a table of ``type``, ``name``, ``inputs``, ``outputs`` (names of what flows),
        ``params`` (by ncnn's number of the setting) and ``weights`` (``weight``, ``bias`` or ``slope``, in float32).

    Raises:
        ModelError: a layer is not known here, or the numbers are fewer or more than the layers say.
    """
    if len(text) > LARGEST_TEXT:
        raise ModelError(f"its text is larger than {LARGEST_TEXT >> 20} MB")
    lines = [line for line in text.decode("utf-8").splitlines() if line.strip()]
    counts = lines[1].split()
    if len(counts) != 2 or not counts[0].isdigit() or int(counts[0]) != len(lines) - 2 or len(lines) > MOST_LAYERS:
        raise ModelError(f"its second line says {quoted(lines[1])}, and {len(lines) - 2:,} layers follow")
    layers = [_layer(line) for line in lines[2:]]
    for layer in layers:
        layer["weights"] = _weights(layer, numbers)
    if numbers.left:
        raise ModelError(f"its .bin file has {numbers.left:,} bytes more than its layers need")
    return {"layers": layers}


def _layer(line: str) -> dict[str, Any]:
    """One line: type, name, how many blobs come and go, their names, and settings."""
    words = line.split()
    if len(words) < 4 or not (words[2].isdigit() and words[3].isdigit()):
        raise ModelError(f"its line {quoted(line)} describes no layer")
    come, go = int(words[2]), int(words[3])
    blobs, settings = words[4 : 4 + come + go], words[4 + come + go :]
    if len(blobs) != come + go:
        raise ModelError(f"its line {quoted(line)} names fewer blobs than it says")
    return {
        "type": words[0],
        "name": words[1],
        "inputs": blobs[:come],
        "outputs": blobs[come:],
        "params": dict(_setting(word) for word in settings),
    }


def _setting(word: str) -> tuple[int, Any]:
    key, _, value = word.partition("=")
    if not WHOLE.fullmatch(key) or not value:
        raise ModelError(f"its setting {quoted(word)} makes no sense")
    if int(key) > ARRAYS:
        return int(key), _number(value)
    count, *items = map(_number, value.split(","))
    if count != len(items):
        raise ModelError(f"its setting {quoted(word)} has {len(items)} numbers")
    return ARRAYS - int(key), items


def _number(text: str) -> int | float:
    return int(text) if WHOLE.fullmatch(text) else float(text)


def _weights(layer: dict[str, Any], numbers: Source) -> dict[str, Tensor]:
    """What a layer reads from the file of numbers, in its order."""
    kind, params = layer["type"], layer["params"]
    if kind in WITHOUT_NUMBERS:
        return {}
    if kind == "PReLU":
        return {"slope": _floats(numbers, (_count(layer, 0),), False)}
    if kind in ("Convolution", "ConvolutionDepthWise", "Deconvolution", "InnerProduct"):
        dense = kind == "InnerProduct"
        out, total = _count(layer, 0), _count(layer, 2 if dense else 6)
        width = 1 if dense else _count(layer, 1)
        height = 1 if dense else _count(layer, 11, width)
        inner = total // max(1, out * width * height)
        if inner * out * width * height != total:
            raise ModelError(f"its layer {quoted(layer['name'])} has {total:,} numbers, which are no whole filters")
        shape = (out, inner) if dense else (out, inner, height, width)
        found = {"weight": _floats(numbers, shape, True)}
        if params.get(1 if dense else 5):
            found["bias"] = _floats(numbers, (out,), False)
        return found
    raise ModelError(f"its layer {quoted(layer['name'])} is a {quoted(kind)}, which no generator read here has")


def _count(layer: dict[str, Any], key: int, default: int = 0) -> int:
    value = layer["params"].get(key, default)
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise ModelError(f"its layer {quoted(layer['name'])} has the setting {key}={quoted(value)}")
    return value


def _floats(numbers: Source, shape: tuple[int, ...], flagged: bool) -> Tensor:
    """The next numbers, in float32. Those of filters say before them how many bytes each has."""
    import torch

    flag = int.from_bytes(numbers.read(4), "little") if flagged else 0
    if flag not in (*HALF, *FLOAT):
        raise ModelError(f"its numbers are packed in a way (0x{flag:08x}) that is not read here: fp32 and fp16 are")
    count, size = prod(shape), 2 if flag in HALF else 4
    if count * size > numbers.left:
        raise ModelError(f"its .bin file is torn: {count * size:,} bytes should follow where {numbers.left:,} do")
    data = numbers.read(count * size)
    numbers.skip(-len(data) % 4)
    if not data:
        return torch.empty(shape)
    return torch.frombuffer(bytearray(data), dtype=torch.float16 if size == 2 else torch.float32).float().reshape(shape)
