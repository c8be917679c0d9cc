"""PyTorch-StudioGAN's ``big_resnet_deep`` in both forms: its BigGAN-Deep and ReACGAN-Deep, of any width and size.

Bottlenecks of four convolutions. Its second form has a convolution in every shortcut of G (``form=studiogan``), the
legacy one in none. How many blocks a width has (``depth``) is told by the widths, or at 32 pixels, where all are alike,
by the three doublings that its G has there. What its norms and its first layer see are codes, the class embedding, the
noise, in ours the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from ganzoo.architectures.biggan import G_WIDTHS, g_multiples
from ganzoo.architectures.biggan_deep import Form, d_shape
from ganzoo.errors import ModelError
from ganzoo.foreign.converters.studiogan import Side, StudioGAN, refuse_other_widths, shortcuts
from ganzoo.foreign.converters.studiogan_layers import LOWEST, NAME, Context, Layout, State, shape, turned
from ganzoo.foreign.keys import Line, line

DOUBLINGS = (3, *G_WIDTHS)  # of its networks: of 32 pixels to 512
LAST = "conv2d4"  # of a block


def maps(state: State, layout: Layout) -> list[tuple[int, int]]:
    """The maps before and after each block."""
    ends = [(f"blocks.{n}.0.conv2d1.weight", f"blocks.{n}.0.{LAST}.weight") for n in layout.blocks]
    return [(state[first].shape[1], state[last].shape[0]) for first, last in ends]


def in_stages(widths: Sequence[int], depth: int, early: bool) -> list[tuple[int, int]]:
    """The maps before and after each of ``depth`` blocks for each width, which the first changes, or the last."""
    pairs = [(a, b, i) for a, b in pairwise(widths) for i in range(depth)]
    return [(b if i else a, b) if early else (a, b if i == depth - 1 else a) for a, b, i in pairs]


def convolved(state: State, layout: Layout) -> Form:
    """The form of a G: every shortcut has a convolution, or none."""
    return "studiogan" if f"blocks.{layout.blocks[0]}.0.conv2d0.weight" in state else "paper"


class StudioGANBigGANDeep(StudioGAN):
    """BigGAN-deep of PyTorch-StudioGAN, in its legacy form and in its own."""

    architecture = "biggan-deep"
    becomes = "biggan-deep"

    def is_generator(self, state: State) -> bool:
        """Bottlenecks behind a linear layer."""
        return all(shape(state, layer) for layer in ("linear0", "conv2d5", "blocks.0.0.conv2d4"))

    def is_discriminator(self, state: State) -> bool:
        """Bottlenecks behind a convolution."""
        return all(shape(state, layer) for layer in ("input_conv", "linear1", "blocks.0.0.conv2d4"))

    def context(self, g: State, width: int) -> Context:
        """Codes, the embedding of the label, the noise."""
        labels = g["shared.weight"].shape[1] if "shared.weight" in g else 0
        return Context(width, labels, g["linear0.weight"].shape[1] - labels - width)

    def z_dim(self, g: State, context: Context, doublings: int) -> int:
        """As norms see it."""
        return context.noise

    def classes(self, g: State, context: Context) -> int:
        """As many as have an embedding."""
        return g["shared.weight"].shape[0] if "shared.weight" in g else 0

    def doublings(self, g: State, layout: Layout) -> int:
        """Told by the widths of its blocks.

        Raises:
            ModelError: they are those of no size.
        """
        found = maps(g, layout)
        for k in DOUBLINGS:
            depth, rest = divmod(len(found), k)
            multiples = g_multiples(k, "studiogan")
            unit = found[-1][1] // multiples[-1]
            if not rest and found == in_stages([unit * times for times in multiples], depth, early=False):
                return k
        raise ModelError(f"{NAME}: the widths of its blocks ({LAST}.weight) are those of no size that ours has")

    def generator(self, g: State, layout: Layout, context: Context) -> Side:
        """``biggan-deep``'s."""
        k = self.doublings(g, layout)
        depth, form = len(layout.blocks) // k, convolved(g, layout)
        multiples, first = g_multiples(k, "studiogan"), g["linear0.weight"].shape[0] // LOWEST**2
        ch = maps(g, layout)[-1][1] // multiples[-1]
        refuse_other_widths([first], [ch * multiples[0]], ["linear0"], LOWEST << k)
        lines: list[Line] = [*layout.lines(depth)]
        for i, number in enumerate(layout.blocks):
            theirs, ours = f"blocks.{number}.0", f"trunk.stages.{i // depth}.{i % depth}"
            for j in range(4):
                lines += [line(f"{theirs}.conv2d{j + 1}.{{any}}", f"{ours}.convs.{j}.{{any}}")]
                lines += context.lines(f"{theirs}.bn{j + 1}", f"{ours}.norms.{j}")
            lines += [line(f"{theirs}.conv2d0.{{any}}", f"{ours}.shortcut.1.{{any}}")]
        lines += [
            line("shared.weight", "trunk.shared.embedding.weight", turned),
            line("linear0.weight", "trunk.project.weight", context.ordered),
            line("linear0.bias", "trunk.project.bias"),
            line("bn4.{any}", "trunk.norm.{any}"),
            line("conv2d5.{any}", "trunk.image.{any}"),
        ]
        options = [f"ch={ch}", f"depth={depth}", f"form={form}"]
        options += [f"shared={context.labels}"] if context.labels else []
        return Side(options, layout.sites("g", [LOWEST << i for i in range(1, k + 1)], depth), lines)

    def discriminator(self, d: State, layout: Layout, made: Side, doublings: int) -> Side:
        """``biggan-deep``'s."""
        chosen = dict(option.split("=") for option in made.options)
        depth, form, resolution = int(chosen["depth"]), cast(Form, chosen["form"]), LOWEST << doublings
        multiples, halvings = d_shape(doublings, form)
        found, first = maps(d, layout), d["input_conv.weight"].shape[0]
        expected = in_stages([first * times // multiples[0] for times in multiples], depth, early=True)
        layers = [f"blocks.{n}.0.{LAST}" for n in layout.blocks]
        refuse_other_widths([b for _, b in found], [b for _, b in expected], layers, resolution)
        lines: list[Line] = [*layout.lines(depth), line("input_conv.{any}", "trunk.image.{any}")]
        for i, number in enumerate(layout.blocks):
            theirs, ours = f"blocks.{number}.0", f"trunk.stages.{i // depth}.{i % depth}"
            for j in range(4):
                lines += [line(f"{theirs}.conv2d{j + 1}.{{any}}", f"{ours}.convs.{j}.{{any}}")]
                lines += [line(f"{theirs}.bn{j + 1}.{{any}}", f"{ours}.norms.{j}.{{any}}")]
            more = "" if form == "studiogan" else "conv."
            lines += [line(f"{theirs}.conv2d0.{{any}}", f"{ours}.shortcut.1.{more}{{any}}")]
        sites = layout.sites("d", [resolution >> min(i, halvings) for i in range(1, len(multiples))], depth)
        return Side([f"ch.d={first // multiples[0]}", shortcuts(d)], sites, lines)
