"""PyTorch-StudioGAN's ``big_resnet``: its BigGAN, ContraGAN, ReACGAN, MHGAN, ADCGAN and others, of any width and size.

Told from its ``resnet`` by norms that see a piece of the noise, beside the class embedding ``shared`` where G has one.
In their layers the piece comes last, in ours first. D is that of ``resnet``.
"""

from __future__ import annotations

from ganzoo.architectures.biggan import d_shape, g_multiples
from ganzoo.foreign.converters.studiogan import Side, StudioGAN, refuse_other_widths, shortcuts
from ganzoo.foreign.converters.studiogan_layers import LOWEST, Context, Layout, State, turned
from ganzoo.foreign.converters.studiogan_resnet import (
    convolutions,
    discriminator_lines,
    generator_lines,
    residual_discriminator,
    residual_generator,
    sees_noise,
)
from ganzoo.foreign.keys import line


class StudioGANBigGAN(StudioGAN):
    """The BigGAN networks of PyTorch-StudioGAN, with each of its heads."""

    architecture = "biggan"
    becomes = "biggan"
    claims = False  # a D of ``resnet`` looks the same

    def is_generator(self, state: State) -> bool:
        """Residual blocks whose norms see noise."""
        return residual_generator(state) and sees_noise(state)

    def is_discriminator(self, state: State) -> bool:
        """Residual blocks: those of ``resnet`` are the same."""
        return residual_discriminator(state)

    def context(self, g: State, width: int) -> Context:
        """Codes, the embedding of the label, a piece of the noise."""
        shared = g.get("shared.weight")
        return Context(width, 0 if shared is None else shared.shape[1], g["linear0.weight"].shape[1])

    def z_dim(self, g: State, context: Context, doublings: int) -> int:
        """All pieces of the noise."""
        return context.noise * (doublings + 1)

    def classes(self, g: State, context: Context) -> int:
        """As many as have an embedding."""
        return g["shared.weight"].shape[0] if "shared.weight" in g else 0

    def generator(self, g: State, layout: Layout, context: Context) -> Side:
        """``biggan``'s."""
        (widths, layers), k = convolutions(g, layout), len(layout.blocks)
        resolution, multiples = LOWEST << k, g_multiples(k, "studiogan")
        ch = max(1, widths[-1] // multiples[-1])
        first = g["linear0.weight"].shape[0] // LOWEST**2
        refuse_other_widths([first, *widths], [ch * times for times in multiples], ["linear0", *layers], resolution)
        sites = layout.sites("g", [LOWEST << i for i in range(1, k + 1)])
        options = [f"ch={ch}", *([f"shared={context.labels}"] if context.labels else [])]
        label = line("shared.weight", "trunk.shared.embedding.weight", turned)
        return Side(options, sites, [label, *generator_lines(layout, context)])

    def discriminator(self, d: State, layout: Layout, made: Side, doublings: int) -> Side:
        """``biggan``'s."""
        (widths, layers), resolution = convolutions(d, layout), LOWEST << doublings
        multiples, halvings = d_shape(doublings)
        expected = [widths[0] * times // multiples[0] for times in multiples]
        refuse_other_widths(widths, expected, layers, resolution)
        sites = layout.sites("d", [resolution >> min(i, halvings) for i in range(1, len(widths) + 1)])
        return Side([f"ch.d={widths[0]}", shortcuts(d)], sites, list(discriminator_lines(layout, halvings)))
