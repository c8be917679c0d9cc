"""PyTorch-StudioGAN's ``deep_conv``: its DCGAN, LSGAN and GGAN, of any width and size.

G is a linear layer, transposed 4x4 convolutions with norms, and a 3x3 one; D is that of ``sndcgan`` with ReLUs and a
sum over pixels. Labels and codes reach G by its norms, as in ``resnet``.
"""

from __future__ import annotations

from ganzoo.architectures.sndcgan import widths
from ganzoo.foreign.converters.studiogan import Side, StudioGAN, refuse_other_widths
from ganzoo.foreign.converters.studiogan_layers import LOWEST, Context, Layout, State, shape
from ganzoo.foreign.keys import Line, line


class StudioGANDeepConv(StudioGAN):
    """The plain convolutional networks of PyTorch-StudioGAN: DCGAN, LSGAN and GGAN."""

    architecture = "sndcgan"
    becomes = "sndcgan"
    image = "conv4"

    def is_generator(self, state: State) -> bool:
        """Transposed convolutions."""
        return all(shape(state, layer) for layer in ("linear0", "blocks.0.0.deconv0", "conv4"))

    def is_discriminator(self, state: State) -> bool:
        """Pairs of convolutions, and one behind them."""
        return all(shape(state, layer) for layer in ("blocks.0.0.conv0", "blocks.0.0.conv1", "conv1", "linear1"))

    def context(self, g: State, width: int) -> Context:
        """Codes, then the label itself."""
        gain = g.get("blocks.0.0.bn0.gain.weight")
        return Context(width, 0 if gain is None else gain.shape[1] - width)

    def generator(self, g: State, layout: Layout, context: Context) -> Side:
        """``sndcgan``'s."""
        layers = [f"blocks.{number}.0.deconv0" for number in layout.blocks]
        found, k = [g[f"{layer}.weight"].shape[1] for layer in layers], len(layers)
        first = g["linear0.weight"].shape[0] // LOWEST**2
        refuse_other_widths([first, *found], widths(found[-1], k)[::-1], ["linear0", *layers], LOWEST << k)
        lines = [
            *layout.lines(),
            line("linear0.{any}", "trunk.project.{any}"),
            line("conv4.{any}", "trunk.image.{any}"),
        ]
        for i, number in enumerate(layout.blocks):
            theirs, ours = f"blocks.{number}.0", f"trunk.stages.{i}"
            lines += [line(f"{theirs}.deconv0.{{any}}", f"{ours}.conv.{{any}}")]
            lines += context.lines(f"{theirs}.bn0", f"{ours}.norm")
        sites = layout.sites("g", [LOWEST << i for i in range(1, k + 1)])
        return Side([f"ch={found[-1]}", "pool=sum", "slope=0"], sites, lines)

    def discriminator(self, d: State, layout: Layout, made: Side, doublings: int) -> Side:
        """``sndcgan``'s, with ReLUs and a sum over pixels."""
        layers = [*(f"blocks.{number}.0.conv0" for number in layout.blocks), "conv1"]
        found = [d[f"{layer}.weight"].shape[0] for layer in layers]
        resolution = LOWEST << doublings
        refuse_other_widths(found, widths(found[0], doublings), layers, resolution)
        lines: list[Line] = [*layout.lines()]
        places = [(f"blocks.{number}.0.", f"trunk.stages.{i}") for i, number in enumerate(layout.blocks)]
        for theirs, ours in places:
            for j, stage in enumerate(("keep", "halve")):
                lines += [line(f"{theirs}conv{j}.{{any}}", f"{ours}.{stage}.conv.{{any}}")]
                lines += [line(f"{theirs}bn{j}.{{any}}", f"{ours}.{stage}.norm.{{any}}")]
        lines += [line("conv1.{any}", "trunk.last.conv.{any}"), line("bn1.{any}", "trunk.last.norm.{any}")]
        sites = layout.sites("d", [resolution >> i for i in range(1, doublings + 1)])
        return Side([f"ch.d={found[0]}"], sites, lines)
