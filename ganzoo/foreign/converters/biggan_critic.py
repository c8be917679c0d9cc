"""D of BigGAN-PyTorch: residual blocks ``blocks.{i}.0`` of two or four convolutions, and a projection of the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ganzoo.architectures import biggan, biggan_deep, sngan
from ganzoo.errors import ModelError
from ganzoo.foreign.converters.biggan_parts import (
    MORE_VECTORS,
    NAME,
    Side,
    State,
    attention_lines,
    places_of,
    sites,
    turned,
)
from ganzoo.foreign.keys import Line, highest, line

HEAD = (
    *MORE_VECTORS,
    line("linear.{any}", "head.score.{any}"),
    line("embed.weight", "head.embedding.weight", turned),
)


def critic(d: State, g: Side) -> Side:
    """A D in our terms: the options, words and lines that it adds to those of its G.

    Raises:
        ModelError: ours cannot be built like it, with the tensor that tells.
    """
    if d["linear.weight"].shape[0] != 1:
        raise ModelError(f"{NAME}: D's linear.weight has {d['linear.weight'].shape[0]} outputs, and ganzoo's D one")
    if d["embed.weight"].shape[0] != g.classes:
        raise ModelError(f"{NAME}: embed.weight has {d['embed.weight'].shape[0]} classes, and G {g.classes}")
    deep = "input_conv.weight" in d
    if deep != (g.architecture == "biggan-deep"):
        raise ModelError(f"{NAME}: G and D are of BigGAN and of BigGAN-deep (input_conv.weight)")
    options, words, lines = _deep(d, g) if deep else _plain(d, g)
    return replace(g, options=options, lines=[*HEAD, *lines], words=words)


def _plain(d: State, g: Side) -> tuple[list[str], list[str], list[Line]]:
    """Options, words and lines of a D of two convolutions a block."""
    count = highest(d, "blocks.{i}.0.conv1.weight") + 1
    widths = [d[f"blocks.{n}.0.conv2.weight"].shape[0] for n in range(count)]
    for number, width in enumerate(widths):
        if d[f"blocks.{number}.0.conv1.weight"].shape[0] != width:
            raise ModelError(
                f"{NAME}: blocks.{number}.0.conv1.weight does not widen the map as conv2 does (D_wide off), which"
                " ganzoo's D does not compute"
            )
    looked_up = "biggan" not in g.architecture
    if looked_up:
        large: sngan.Widths = "studiogan" if "widths=studiogan" in g.options else "even"
        ours, halvings = sngan.d_shape(widths[0], g.resolution, g.doublings, large)
    else:
        multiples, halvings = biggan.d_shape(g.doublings)
        ours = [widths[0] * times // multiples[0] for times in multiples]
    _refuse_other_widths(widths, ours)
    last = halvings if looked_up else count  # sagan's D has attention behind the blocks that halve alone
    heights = {n: g.resolution >> min(n + 1, halvings) for n in range(min(last, count))}
    lines = [
        line(f"blocks.{n}.0.conv_sc.{{any}}", f"trunk.blocks.{n}.shortcut.{{any}}") for n in range(halvings, count)
    ]
    lines += [
        line("blocks.{i}.0.conv_sc.{any}", "trunk.blocks.{i}.shortcut.1.{any}"),
        line("blocks.{i}.0.conv{j}.{any}", "trunk.blocks.{i}.conv{j}.{any}"),
        *attention_lines("blocks.{i}.1", "trunk.attentions.{i}"),
    ]
    options = [f"ch.d={widths[0]}", *(["wide=true"] if looked_up else [])]
    return options, sites("d", places_of(d, 1), heights), lines


def _deep(d: State, g: Side) -> tuple[list[str], list[str], list[Line]]:
    """Options, words and lines of a D of four convolutions a block."""
    count = highest(d, "blocks.{i}.0.conv1.weight") + 1
    depth = 1 + highest(d, "blocks.0.{i}.conv1.weight")
    if f"depth={depth}" not in g.options:
        raise ModelError(f"{NAME}: D has {depth} blocks of each width (blocks.0.{depth - 1}), and G another number")
    widths = [d["input_conv.weight"].shape[0]] + [d[f"blocks.{n}.0.conv4.weight"].shape[0] for n in range(count)]
    multiples, halvings = biggan_deep.d_shape(g.doublings, "paper")
    _refuse_other_widths(widths, [widths[0] * times // multiples[0] for times in multiples])
    heights = {n: g.resolution >> min(n + 1, halvings) for n in range(count)}
    lines = [line("input_conv.{any}", "trunk.image.{any}")]
    lines += [
        line("blocks.{i}.{j}.conv_sc.{any}", "trunk.stages.{i}.{j}.shortcut.1.conv.{any}"),
        *(
            line(f"blocks.{{i}}.{{j}}.conv{n + 1}.{{any}}", f"trunk.stages.{{i}}.{{j}}.convs.{n}.{{any}}")
            for n in range(4)
        ),
        *attention_lines(f"blocks.{{i}}.{depth}", "trunk.attentions.{i}"),
    ]
    return [f"ch.d={widths[0] // multiples[0]}"], sites("d", places_of(d, depth), heights), lines


def _refuse_other_widths(found: Sequence[int], ours: Sequence[int]) -> None:
    if list(found) != list(ours):
        raise ModelError(f"{NAME}: the maps of D are {list(found)} wide (blocks.*.0.conv2.weight), and ganzoo's {ours}")
