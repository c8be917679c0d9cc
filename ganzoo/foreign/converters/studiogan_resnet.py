"""PyTorch-StudioGAN's ``resnet``: its SNGAN, SAGAN, ACGAN-Mod, WGANs, LGAN, LOGAN and others, of any width and size.

G has batch norms, plain or with a linear layer of the one-hot label for gain and bias each, where ours has a row for
each label that the gain's 1 is added to. D has spectral norm, or batch norms. What tells it from ``big_resnet`` is that
norms do not see a piece of the noise: their layers are not as wide as labels and the first layer's input together. A G
whose labels are as many as its numbers of noise, and no codes, is taken for BigGAN without labels.

What no file says: LOGAN's noise is uniform in [-1, 1] where that of the others is normal.
"""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.architectures.sngan import d_shape, g_widths
from ganzoo.foreign.converters.studiogan import Side, StudioGAN, refuse_other_widths, shortcuts
from ganzoo.foreign.converters.studiogan_layers import LOWEST, Context, Layout, State, shape
from ganzoo.foreign.keys import Line, line


def residual_generator(state: State) -> bool:
    """Whether a table is a G of residual blocks of two convolutions."""
    needed = ("linear0", "conv2d5", "blocks.0.0.conv2d0", "blocks.0.0.conv2d2")
    return all(shape(state, layer) for layer in needed) and not shape(state, "blocks.0.0.conv2d4")


def residual_discriminator(state: State) -> bool:
    """Whether a table is a D of residual blocks of two convolutions."""
    needed = ("linear1", "blocks.0.0.conv2d0", "blocks.0.0.conv2d2")
    return all(shape(state, layer) for layer in needed) and not shape(state, "blocks.0.0.conv2d4")


def sees_noise(state: State) -> bool:
    """Whether the norms of a G of residual blocks see noise beside labels and codes."""
    shapes = [shape(state, layer) for layer in ("blocks.0.0.bn1.gain", "linear0", "shared", "info_proj_linear")]
    (gain, first), others = shapes[:2], shapes[2:]
    if any(len(each) != 2 for each in (gain, first, *filter(None, others))):
        return False
    label, info = others
    return gain[1] == first[1] + (label[1] if label else 0) + (info[0] if info else 0)


def generator_lines(layout: Layout, context: Context) -> Iterator[Line]:
    """The table of a G of residual blocks."""
    yield from layout.lines()
    for i, number in enumerate(layout.blocks):
        theirs, ours = f"blocks.{number}.0", f"trunk.blocks.{i}"
        for j in (1, 2):
            yield from context.lines(f"{theirs}.bn{j}", f"{ours}.norm{j}")
            yield line(f"{theirs}.conv2d{j}.{{any}}", f"{ours}.conv{j}.{{any}}")
        yield line(f"{theirs}.conv2d0.{{any}}", f"{ours}.shortcut.0.{{any}}")
    yield line("linear0.{any}", "trunk.project.{any}")
    yield line("bn4.{any}", "trunk.norm.{any}")
    yield line("conv2d5.{any}", "trunk.image.{any}")


def discriminator_lines(layout: Layout, halvings: int) -> Iterator[Line]:
    """The table of a D of residual blocks, of which the first ``halvings`` halve their map."""
    yield from layout.lines()
    for i, number in enumerate(layout.blocks):
        theirs, ours = f"blocks.{number}.0", f"trunk.blocks.{i}"
        yield line(f"{theirs}.conv2d0.{{any}}", f"{ours}.shortcut.{'1.' if i < halvings else ''}{{any}}")
        for j in (1, 2):
            yield line(f"{theirs}.conv2d{j}.{{any}}", f"{ours}.conv{j}.{{any}}")
            yield line(f"{theirs}.bn{j}.{{any}}", f"{ours}.norm{j if i else ''}.{{any}}")


def convolutions(state: State, layout: Layout) -> tuple[list[int], list[str]]:
    """The maps that each block makes, and the layers that make them."""
    layers = [f"blocks.{number}.0.conv2d2" for number in layout.blocks]
    return [state[f"{layer}.weight"].shape[0] for layer in layers], layers


class StudioGANResNet(StudioGAN):
    """The residual networks of PyTorch-StudioGAN: SNGAN, SAGAN, ACGAN, projection, WGAN and others."""

    architecture = "sngan"
    becomes = "sngan with StudioGAN's widths"

    def is_generator(self, state: State) -> bool:
        """Residual blocks whose norms see no noise."""
        return residual_generator(state) and not shape(state, "shared") and not sees_noise(state)

    def is_discriminator(self, state: State) -> bool:
        """Residual blocks: those of ``big_resnet`` are the same."""
        return residual_discriminator(state)

    def context(self, g: State, width: int) -> Context:
        """Codes, then the label itself."""
        gain = g.get("blocks.0.0.bn1.gain.weight")
        return Context(width, 0 if gain is None else gain.shape[1] - width)

    def generator(self, g: State, layout: Layout, context: Context) -> Side:
        """``sngan``'s."""
        (widths, layers), k = convolutions(g, layout), len(layout.blocks)
        resolution, ch = LOWEST << k, widths[-1]
        first = g["linear0.weight"].shape[0] // LOWEST**2
        expected = g_widths(ch, resolution, k, "studiogan")
        refuse_other_widths([first, *widths], expected, ["linear0", *layers], resolution)
        sites = layout.sites("g", [LOWEST << i for i in range(1, k + 1)])
        return Side([f"ch={ch}", "widths=studiogan"], sites, list(generator_lines(layout, context)))

    def discriminator(self, d: State, layout: Layout, made: Side, doublings: int) -> Side:
        """``sngan``'s, widened at once."""
        (widths, layers), resolution = convolutions(d, layout), LOWEST << doublings
        expected, halvings = d_shape(widths[0], resolution, doublings, "studiogan")
        refuse_other_widths(widths, expected, layers, resolution)
        sites = layout.sites("d", [resolution >> i for i in range(1, halvings + 1)])
        options = [f"ch.d={widths[0]}", "wide=true", shortcuts(d)]
        return Side(options, sites, list(discriminator_lines(layout, halvings)))
