"""Checkpoints of lightweight-gan: ``{GAN: tensors of G, D and GE, version, G_scaler, D_scaler}``.

GE, the moving average, is taken (or a G in a file of its own). Names are ``initial_conv``, ``layers.i.0`` for what
doubles a map, ``layers.i.1`` for the gate that it is the source of, ``layers.i.2`` for attention before it, and
``out_conv``. Widths, size, channels, noise, the places of attention and whether there are blurs are read. Pictures are
in 0 to 1 there and in -1 to 1 here, which is in the last convolution. Noise is drawn anew there for every picture; ours
keeps one picture of noise for each layer, here of a fixed seed. Gates of frequency channel attention are refused. D is
left out: it sees the image at 32 pixels by other means, and compares pictures of 0 to 1 with zeros around them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.architectures.lightweight_gan import FIRST_SOURCE, FULL, MOST, REACH
from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, averaged
from ganzoo.foreign.converters.styled import State, shape
from ganzoo.foreign.keys import Line, highest, line, renamed

NAME = "lightweight-gan"
UP = "layers.{i}.0.0.net.0.weight"
HEADS, HEAD = 8, 64  # of its attention
LOWEST, LARGEST = 4, 8  # pixels of the first map, and doublings
NOTES = (
    "Its code draws noise in its layers anew for every picture; here each layer keeps one picture of noise.",
    "Its D was left out: it also sees the image at 32 pixels, made by other means than ganzoo's.",
)


class LightweightGAN(Converter):
    """lightweight-gan's generator (version 1), of any width, size and places of attention."""

    url = "https://github.com/lucidrains/lightweight-gan"
    example = "model_100.pt"
    found = "a training writes models/default"
    becomes = "lightweight-gan"
    left_out = "D, optimisers and scalers"
    checked = "its own classes (lightweight-gan 1.2.1), which made the checkpoint"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G, or has one as GE or G."""
        return any(_is_generator(state) for state in _tables(content))

    def convert(self, content: object) -> Converted:
        """The moving average of G, or a G that lies alone.

        Raises:
            ModelError: frequency channel attention, attention at 4 pixels or of other heads, or other widths.
        """
        g = next(filter(_is_generator, _tables(content)))
        layers = highest(g, UP) + 1
        shape(NAME, g, "out_conv.bias", 1)
        z_dim, first = shape(NAME, g, "initial_conv.0.weight", 4)[0], shape(NAME, g, UP.format(i=0), 4)[1]
        widths = [shape(NAME, g, f"layers.{i}.0.2.1.weight", 4)[0] // 2 for i in range(layers)]
        blurred = "layers.0.0.1.f" in g
        attention = _attention(g, layers)
        renewed = renamed(g, generator(layers), NAME)
        size = {"resolution": LOWEST << layers, "channels": shape(NAME, g, "out_conv.weight", 4)[0], "z_dim": z_dim}
        wide = _widths(widths)
        options = {**wide, "blur": "reflected" if blurred else "none", "exact": "true"}
        options |= {"first": first} if first != wide["ch"] * MOST // 2 else {}
        recipe = f"{NAME}:{','.join(f'{name}={value}' for name, value in options.items())}{attention}"
        return Converted(recipe, size, {"G": _completed(renewed, layers)}, notes=NOTES)


def _tables(content: object) -> list[State]:
    """What may be a G: GE of a table, its G, and the table itself."""
    found = averaged(content)
    inner = [
        {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        for prefix in ("GE.", "G.")
        for state in found
    ]
    return [*inner, *found]


def _is_generator(state: State) -> bool:
    return "initial_conv.0.weight" in state and "out_conv.weight" in state and 0 <= highest(state, UP) < LARGEST


def _widths(widths: list[int]) -> dict[str, int]:
    """The options ``ch`` and ``most`` that give the maps' channels up to 256 pixels.

    Raises:
        ModelError: none do.
    """
    seen = widths[:FULL]
    most = max(seen)
    for ch in {max(1, (seen[-1] << len(seen)) // 32), *(most * (1 << i) // 32 for i in range(1, FULL + 1))}:
        if ch and [min(max(1, ch * 32 >> i), most) for i in range(1, len(seen) + 1)] == seen:
            return {"ch": ch, **({} if most == MOST * ch else {"most": most})}
    raise ModelError(
        f"{NAME}: maps of {', '.join(map(str, seen))} channels, and ganzoo's halve with each doubling from some on"
    )


def _attention(g: State, layers: int) -> str:
    """What a recipe says of G's attention."""
    query = "layers.{i}.2.fn.to_q.weight"
    places = [i for i in range(layers) if query.format(i=i) in g]
    if not places:
        return "+attention/none@g"
    if places[0] == 0:
        raise ModelError(f"{NAME}: {query.format(i=0)} is of attention at 4 pixels, which ganzoo's G does not have")
    inner = shape(NAME, g, query.format(i=places[0]), 4)[0]
    if inner != HEADS * HEAD:
        raise ModelError(f"{NAME}: {query.format(i=places[0])} makes {inner} numbers, where it makes {HEADS * HEAD}")
    at = ",".join(str(LOWEST << i) for i in places)
    return f"+linear@g,{at}:heads={HEADS},width={HEAD},local=3,edge=zeros"


def _completed(g: State, layers: int) -> State:
    """G's tensors, with pictures in -1 to 1 and a picture of noise for each layer."""
    rng = torch.Generator().manual_seed(0)
    made = dict(g)
    made["trunk.image.weight"] = 2 * g["trunk.image.weight"]
    made["trunk.image.bias"] = 2 * g["trunk.image.bias"] - 1
    for i in range(layers):
        side = LOWEST << (i + 1)
        made[f"trunk.stages.{i}.noise.constant"] = torch.randn(side, side, generator=rng)
    return made


def _kernel(f: Tensor) -> Tensor:
    """The filter of a blur, of its weights along one axis."""
    return torch.outer(f, f) / f.sum() ** 2


def _scalar(tensor: Tensor) -> Tensor:
    return tensor.reshape(())


def generator(layers: int) -> list[Line]:
    """The table of a G with so many doublings; a gate stands with the map that it scales."""
    lines = [
        line("initial_conv.0.{any}", "trunk.first.{any}"),
        line("initial_conv.1.{any}", "trunk.norm.{any}"),
        line("out_conv.{any}", "trunk.image.{any}"),
        line("layers.{i}.0.1.f", "trunk.stages.{i}.up.1.1.kernel", _kernel),
        line("layers.{i}.0.0.net.0.{any}", "trunk.stages.{i}.up.0.conv.{any}"),
        line("layers.{i}.0.2.1.{any}", "trunk.stages.{i}.conv.{any}"),
        line("layers.{i}.0.3.weight", "trunk.stages.{i}.noise.strength", _scalar),
        line("layers.{i}.0.4.{any}", "trunk.stages.{i}.norm.{any}"),
    ]
    for i in range(FIRST_SOURCE - 1, layers - REACH):
        theirs, ours = f"layers.{i}.1", f"trunk.gates.{i + REACH}"
        lines += [
            line(f"{theirs}.to_k.{{any}}", f"{ours}.place.{{any}}"),
            line(f"{theirs}.net.0.{{any}}", f"{ours}.squeeze.{{any}}"),
            line(f"{theirs}.net.2.{{any}}", f"{ours}.excite.{{any}}"),
        ]
    theirs, ours = "layers.{i+1}.2", "trunk.attentions.{i}"
    lines += [
        line(f"{theirs}.norm.g", f"{ours}.norm.weight", torch.flatten),
        line(f"{theirs}.norm.b", f"{ours}.norm.bias", torch.flatten),
        line(f"{theirs}.fn.to_lin_q.weight", f"{ours}.mixes.0.query.weight"),
        line(f"{theirs}.fn.to_lin_kv.net.0.weight", f"{ours}.mixes.0.around.weight"),
        line(f"{theirs}.fn.to_lin_kv.net.1.weight", f"{ours}.mixes.0.key_value.weight"),
        line(f"{theirs}.fn.to_q.weight", f"{ours}.mixes.1.query.weight"),
        line(f"{theirs}.fn.to_kv.weight", f"{ours}.mixes.1.key_value.weight"),
        line(f"{theirs}.fn.to_out.{{any}}", f"{ours}.out.{{any}}"),
    ]
    return lines
