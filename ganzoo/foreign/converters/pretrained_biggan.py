"""State dicts of ``pytorch-pretrained-biggan``: the published BigGAN-deep of 128, 256 and 512 pixels, G alone.

A bare table of tensors: ``embeddings``, ``generator.gen_z``, ``generator.layers.{i}`` (bottlenecks, and attention as a
layer among them) under torch's spectral norm, and batch norms with rows of running statistics for truncations from 0
to 1. Any unit of width, length of the noise, number of classes and of rows, and place of the attention.

What is laid out otherwise: the first layer makes pixels before channels; the last makes as many maps as it is given,
of which the first three are the picture. Norms add 1e-4 to variances, as in all published configurations: the file
does not say. Its blocks double their maps in turns, the second of each two, as the published ones do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter, state_dicts
from ganzoo.foreign.keys import Line, highest, line, renamed
from ganzoo.foreign.spectral import plain_spectral

NAME = "pytorch-pretrained-biggan"
DEPTH = 2  # blocks for each width
COLOURS = 3
EPS = 1e-4
LOWEST = 4  # pixels across the first map
FIRST = "generator.gen_z.weight_orig"
CLASSES, ROWS = "embeddings.weight", "generator.bn.running_means"
MULTIPLES: Mapping[int, tuple[int, ...]] = {  # widths by doublings, the first of 4x4 pixels
    4: (16, 8, 4, 2, 1),
    5: (16, 16, 8, 4, 2, 1),
    6: (16, 16, 8, 8, 4, 2, 1),
    7: (16, 16, 8, 8, 4, 2, 1, 1),
}


class PretrainedBigGAN(Converter):
    """The BigGAN-deep of ``pytorch-pretrained-biggan``, made of DeepMind's modules: 128, 256 and 512 pixels."""

    url = "https://github.com/huggingface/pytorch-pretrained-BigGAN"
    example = "biggan-deep-256-pytorch_model.bin"
    found = "the package fetches it at the first use"
    becomes = "biggan-deep"
    left_out = "nothing: its files have no D"
    checked = "the package's own class, at small sizes; lists of names and shapes; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables has the first layer, the class embedding and rows of statistics."""
        return any(_is_generator(state) for _, state in state_dicts(content))

    def convert(self, content: object) -> Converted:
        """G, with all rows of its running statistics."""
        found = next(state for _, state in state_dicts(content) if _is_generator(state))
        state = plain_spectral(found)
        z_dim, classes = state[CLASSES].shape
        rows, ch = state[ROWS].shape
        attention = [place for place in range(_layers(state)) if f"generator.layers.{place}.gamma" in state]
        blocks = [place for place in range(_layers(state)) if place not in attention]
        doublings = len(blocks) // DEPTH
        _refuse_other_widths(state, blocks, ch)
        maps = [LOWEST << _stage_before(place, blocks) for place in attention]
        recipe = f"biggan-deep:ch={ch},shared={z_dim}+ccbn@g:eps={EPS},rows={rows}{_attention_words(maps)}"
        size = {
            "resolution": LOWEST << doublings,
            "channels": COLOURS,
            "classes": classes,
            "z_dim": z_dim,
            "settings": {"prior": "truncated-normal"},
        }
        notes = (
            f"--truncation chooses among {rows} rows of running statistics, and is 1 by default.",
            f"Norms add {EPS:g} to variances, as in every published configuration: the file does not say.",
        )
        return Converted(recipe, size, {"G": renamed(state, _table(blocks, attention, state), NAME)}, notes=notes)


def _is_generator(state: Mapping[str, Tensor]) -> bool:
    shapes = {name: state[name].ndim if name in state else 0 for name in (FIRST, CLASSES, ROWS)}
    return all(count == 2 for count in shapes.values()) and "generator.layers.0.conv_0.weight_orig" in state


def _layers(state: Mapping[str, Tensor]) -> int:
    """How many entries ``generator.layers`` has, attention among them."""
    return 1 + max(highest(state, "generator.layers.{i}.gamma"), highest(state, "generator.layers.{i}.conv_0.weight"))


def _stage_before(place: int, blocks: list[int]) -> int:
    """How often the map is doubled where an attention stands.

    Raises:
        ModelError: it stands between the two blocks of one width, where ours has none.
    """
    before = sum(block < place for block in blocks)
    if not before or before % DEPTH:
        raise ModelError(
            f"{NAME}: generator.layers.{place} is attention behind {before} blocks, and ganzoo's biggan-deep has it"
            f" behind {DEPTH}, {2 * DEPTH}, ... of them: this variant cannot be imported"
        )
    return before // DEPTH


def _refuse_other_widths(state: Mapping[str, Tensor], blocks: list[int], ch: int) -> None:
    """Refuse blocks whose widths are none of the published."""
    multiples = MULTIPLES.get(len(blocks) // DEPTH, ())
    wide = [width * ch for width in multiples for _ in range(DEPTH)][: len(blocks)]
    if len(wide) != len(blocks):
        raise ModelError(
            f"{NAME}: generator.layers has {len(blocks)} blocks, and models of 64 to 512 pixels have 8, 10, 12 or 14"
        )
    for place, width in zip(blocks, wide, strict=True):
        name = f"generator.layers.{place}.bn_0.running_means"
        if name not in state or state[name].shape[-1] != width:
            there = state[name].shape[-1] if name in state else "nothing"
            raise ModelError(f"{NAME}: {name} has {there} maps where ganzoo's biggan-deep of ch={ch} has {width}")


def _attention_words(maps: list[int]) -> str:
    return "".join(f"+sa@g,{size}" for size in maps) if maps else "+attention/none@g"


def _table(blocks: list[int], attention: list[int], state: Mapping[str, Tensor]) -> list[Line]:
    """The table of a G whose blocks and attentions are these of ``generator.layers``."""
    wide = state["generator.gen_z.bias"].numel() // LOWEST**2
    table = [
        line("embeddings.weight", "trunk.shared.embedding.weight"),
        line("generator.gen_z.{any}", "trunk.project.{any}", _channels_first(wide)),
        line("generator.bn.running_means", "trunk.norm.running_mean"),
        line("generator.bn.running_vars", "trunk.norm.running_var"),
        line("generator.bn.{any}", "trunk.norm.{any}"),
        line("generator.conv_to_rgb.{any}", "trunk.image.{any}", lambda tensor: tensor[:COLOURS].contiguous()),
    ]
    for number, place in enumerate(blocks):
        theirs, ours = f"generator.layers.{place}", f"trunk.stages.{number // DEPTH}.{number % DEPTH}"
        table += [
            line(f"{theirs}.conv_{{i}}.{{any}}", f"{ours}.convs.{{i}}.{{any}}"),
            line(f"{theirs}.bn_{{i}}.running_means", f"{ours}.norms.{{i}}.running_mean"),
            line(f"{theirs}.bn_{{i}}.running_vars", f"{ours}.norms.{{i}}.running_var"),
            line(f"{theirs}.bn_{{i}}.scale.weight", f"{ours}.norms.{{i}}.gain.weight"),
            line(f"{theirs}.bn_{{i}}.offset.weight", f"{ours}.norms.{{i}}.shift.weight"),
        ]
    for place in attention:
        theirs, ours = f"generator.layers.{place}", f"trunk.attentions.{_stage_before(place, blocks) - 1}"
        layers = {"theta": "query", "phi": "key", "g": "value", "o_conv": "out"}
        table += [line(f"{theirs}.snconv1x1_{old}.weight", f"{ours}.{new}.weight") for old, new in layers.items()]
        table.append(line(f"{theirs}.gamma", f"{ours}.gamma", lambda gamma: gamma.reshape(())))
    return table


def _channels_first(wide: int) -> Callable[[Tensor], Tensor]:
    """Rows of a layer that makes 4x4 pixels of ``wide`` channels, as one that makes ``wide`` maps of 4x4."""

    def change(tensor: Tensor) -> Tensor:
        return tensor.unflatten(0, (LOWEST**2, wide)).transpose(0, 1).flatten(0, 1).contiguous()

    return change
