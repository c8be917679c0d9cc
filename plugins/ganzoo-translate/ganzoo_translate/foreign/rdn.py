"""RDN of UpscalerJS' ``esrgan-slim``: a layers model of TensorFlow.js, ``model.json`` beside its numbers.

``F_m1``, ``F_0``, ``F_{i}_{j}`` and ``LFF_{i}`` of the dense blocks, ``GFF_1``, ``GFF_2``, ``UPN1`` to ``UPN3`` and
``SR``, as idealo's image-super-resolution calls them. What each layer does, and how they are linked, is compared with
that network's. Width, growth, blocks, convolutions, planes and scale are read. Its pixels are 0 to 255, those of ours 0
to 1, which is in the first convolution and the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ganzoo import ModelError
from ganzoo.foreign import Converted, Converter, highest, line, renamed

NAME = "an RDN of UpscalerJS"
SIDE = 64  # of the small picture that the model's samples have; its network takes pictures of any size
SCALES = (1, 2, 3, 4, 8)
END = "SR"
WHITE = 255  # of its pixels
MOST = 64  # blocks, and convolutions of one
State = Mapping[str, Tensor]


class UpscalerRDN(Converter):
    """The residual dense networks of UpscalerJS (``@upscalerjs/esrgan-slim``), of TensorFlow.js."""

    url = "https://github.com/thekevinscott/UpscalerJS"
    example = "package/models/x4/model.json"
    found = "npm pack @upscalerjs/esrgan-slim, and unpack what it fetches"
    becomes = "rdn"
    left_out = "nothing: its files have no D"
    given = "--input photo.png"
    license = "MIT"
    checked = "the published files (npm's @upscalerjs/esrgan-slim 1.0.0), whose graphs a test evaluates layer by layer"

    def fits(self, content: object) -> bool:
        """Whether its weights and layers have such a G's names."""
        if not isinstance(content, Mapping) or not isinstance(content.get("layers"), list):
            return False
        weights = content.get("weights")
        names = ("F_m1/kernel", "F_0/kernel", "LFF_1/kernel", "GFF_1/kernel", "UPN3/kernel", "SR/kernel")
        return isinstance(weights, Mapping) and all(
            isinstance(weights.get(name), Tensor) and weights[name].ndim == 4 for name in names
        )

    def convert(self, content: Any) -> Converted:
        """G.

        Raises:
            ModelError: a layer does another thing, or takes others, than those of this network.
        """
        state: State = content["weights"]
        blocks, convs = highest(state, "LFF_{i}/kernel"), highest(state, "F_1_{i}/kernel")
        first, last = state["F_m1/kernel"], state["SR/kernel"]
        channels, scale = last.shape[3], _scale(content["layers"])
        if not (0 < blocks <= MOST and 0 < convs <= MOST):
            raise ModelError(f"{NAME}: its names are of {blocks} blocks of {convs} convolutions; 1 to {MOST} are read")
        expected = dict(_expected(blocks, convs, scale))
        found = {layer["name"]: _does(layer) for layer in content["layers"] if layer["class"] != "InputLayer"}
        if other := sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)):
            raise ModelError(f"{NAME}: its layer {other[0][:80]!a} does or takes something else than that of an RDN")
        if (ends := content.get("outputs", [])) not in ([], [END]):
            raise ModelError(f"{NAME}: its result is that of {str(ends)[:80]!a}, and an RDN's that of '{END}'")
        if first.shape[2] != channels:
            raise ModelError(f"{NAME}: images of {first.shape[2]} planes go in, and images of {channels} come out")
        g = renamed(state, _table(blocks, convs), NAME)
        g["trunk.first.weight"] = g["trunk.first.weight"] * WHITE
        g |= {name: g[name] / WHITE for name in ("trunk.image.weight", "trunk.image.bias")}
        given = {"ch": first.shape[3], "growth": state["F_1_1/kernel"].shape[3], "blocks": blocks, "convs": convs}
        given |= {"up.ch": state["UPN1/kernel"].shape[3], "scale": scale, "up": "nearest"}
        recipe = "rdn:" + ",".join(f"{name}={value}" for name, value in given.items())
        notes = [
            f"It enlarges pictures of any size by {scale}.",
            "Networks that the file does not have start anew; only training uses them.",
        ]
        return Converted(recipe, {"resolution": SIDE * scale, "channels": channels}, {"G": g}, notes=notes)


def _scale(layers: list[Mapping[str, Any]]) -> int:
    sizes = [layer["config"].get("size") for layer in layers if layer["class"] == "UpSampling2D"]
    found = next((scale for scale in SCALES if sizes == [[scale, scale]]), None)
    if found is None:
        raise ModelError(f"{NAME}: its layers enlarge by {str(sizes)[:80]}, and ganzoo's by one of {SCALES}")
    return found


def _table(blocks: int, convs: int) -> list[Any]:
    """What each weight becomes; kernels are height, width, inputs, outputs."""
    ours = {"F_m1": "first", "F_0": "second", "GFF_1": "join", "GFF_2": "last", "SR": "image"}
    ours |= {f"UPN{i + 1}": f"up.{i}" for i in range(3)}
    ours |= {f"LFF_{i + 1}": f"blocks.{i}.join" for i in range(blocks)}
    ours |= {f"F_{i + 1}_{j + 1}": f"blocks.{i}.convs.{j}" for i in range(blocks) for j in range(convs)}
    return [
        one
        for theirs, mine in ours.items()
        for one in (
            line(f"{theirs}/kernel", f"trunk.{mine}.weight", lambda kernel: kernel.permute(3, 2, 0, 1).contiguous()),
            line(f"{theirs}/bias", f"trunk.{mine}.bias"),
        )
    ]


def _does(layer: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a layer does, and of what."""
    kind, has, taken = layer["class"], layer["config"].get, layer["inputs"]
    if has("data_format", "channels_last") != "channels_last":
        return kind, "channels_first"
    if kind == "Conv2D":
        size, usual = has("kernel_size"), (has("strides"), has("dilation_rate"), has("activation"), has("groups", 1))
        same = has("padding") == "same" or size == [1, 1]
        plain = usual == ([1, 1], [1, 1], "linear", 1) and has("use_bias") is True and same
        return kind, size, plain, taken
    if kind == "Activation":
        return kind, has("activation"), taken
    if kind == "Concatenate":
        return kind, has("axis") in (3, -1), taken
    if kind == "UpSampling2D":
        return kind, has("size"), has("interpolation", "nearest"), taken
    return kind, sorted(taken)


def _expected(blocks: int, convs: int, scale: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """What :func:`_does` gives of each layer of such a network, by name."""

    def conv(name: str, size: int, taken: str) -> tuple[str, tuple[Any, ...]]:
        return name, ("Conv2D", [size, size], True, [taken])

    yield conv("F_m1", 3, "LR")
    yield conv("F_0", 3, "F_m1")
    block = "F_0"
    for i in range(1, blocks + 1):
        joined = block
        for j in range(1, convs + 1):
            yield conv(f"F_{i}_{j}", 3, joined)
            yield f"F_{i}_{j}_Relu", ("Activation", "relu", [f"F_{i}_{j}"])
            yield f"RDB_Concat_{i}_{j}", ("Concatenate", True, [joined, f"F_{i}_{j}_Relu"])
            joined = f"RDB_Concat_{i}_{j}"
        yield conv(f"LFF_{i}", 1, joined)
        yield f"LRL_{i}", ("Add", sorted([f"LFF_{i}", block]))
        block = f"LRL_{i}"
    if blocks > 1:
        yield "LRLs_Concat", ("Concatenate", True, [f"LRL_{i}" for i in range(1, blocks + 1)])
        block = "LRLs_Concat"
    yield conv("GFF_1", 1, block)
    yield conv("GFF_2", 3, "GFF_1")
    yield "FDF", ("Add", sorted(["GFF_2", "F_m1"]))
    taken = "FDF"
    for i, size in enumerate((5, 3), start=1):
        yield conv(f"UPN{i}", size, taken)
        yield f"UPN{i}_Relu", ("Activation", "relu", [f"UPN{i}"])
        taken = f"UPN{i}_Relu"
    yield conv("UPN3", 3, taken)
    yield "UPsample", ("UpSampling2D", [scale, scale], "nearest", ["UPN3"])
    yield conv(END, 3, "UPsample")
