"""StyleGAN2's checkpoints of rosinality's stylegan2-pytorch, and of the many projects that took its networks over.

Tables ``g_ema``, ``g`` and ``d``, and ``latent_avg`` where a file of NVIDIA's was made one of these. The networks are
StyleGAN2's, so that names are changed to those of its authors' files and the rest is as for these: ``convs`` are the
convolutions of all maps in a row, with a dimension of 1 before the others; filters that double are four times as large.
Without ``latent_avg`` truncation draws to a mean of w that is taken over draws, as there. Files older than ``noises``
have no noise constants: other ones are drawn, always the same.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.foreign.converter import Converted, Converter
from ganzoo.foreign.converters.styled import LOWEST, MEAN, Network, State, networks
from ganzoo.foreign.converters.stylegan2 import converted
from ganzoo.foreign.keys import Line, line, renamed
from ganzoo.layers.filters import BINOMIAL, binomial_kernel

NAME = "rosinality's StyleGAN2"
G = {"input.input", "style.1.weight", "conv1.conv.modulation.weight", "to_rgb1.conv.weight"}
D = {"convs.0.0.weight", "final_conv.0.weight", "final_linear.1.weight"}
AVERAGE = "latent_avg"
MOST = 10  # doublings; noise constants are drawn for each, four times as many as for the one before
DOUBLING = 4  # what its filters are multiplied by that put zeros between pixels


class Rosinality(Converter):
    """StyleGAN2 of rosinality's stylegan2-pytorch, and of those that follow it (StyleCLIP, StyleGAN-NADA, JoJoGAN)."""

    url = "https://github.com/rosinality/stylegan2-pytorch"
    example = "550000.pt"
    found = "its README links one of FFHQ; a training writes checkpoint/*.pt"
    becomes = "stylegan2"
    left_out = "optimisers and ADA's p"
    checked = "names from threads about its files, and a network written from the paper; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(network.state.keys() >= G for network in networks(content))

    def convert(self, content: object) -> Converted:
        """G, of the moving average where the file has one, and D."""
        tables = [network.plain() for network in networks(content)]
        average = next((network.state[AVERAGE] for network in tables if AVERAGE in network.state), None)
        found, notes = list[Network](), list[str]()
        for network in tables:
            if network.state.keys() >= G:
                found.append(Network(network.place, generator(network.state, average)))
            elif network.state.keys() >= D:
                try:
                    found.append(Network(network.place, discriminator(network.state)))
                except ModelError as error:
                    notes.append(f"D is not the file's: {error}.")
        if not any(name.startswith("noises.") for network in tables for name in network.state):
            notes.append("The file has no noise constants: others were drawn, always the same.")
        made = converted(NAME, found)
        return replace(made, notes=[*made.notes, *notes])


def drawn(state: State) -> State:
    """Noise constants for layers that have strengths alone."""
    rng, made = torch.Generator().manual_seed(0), State()
    for name in state:
        constant = f"{name.removesuffix('strength')}const"
        if name.endswith(".noise_strength") and constant not in state:
            side = int(name.split(".")[1].removeprefix("b"))
            made[constant] = torch.randn(side, side, generator=rng)
    return made


def first(tensor: Tensor) -> Tensor:
    """A tensor without its first dimension, of 1."""
    return tensor.flatten(0, 1) if tensor.dim() > 1 and tensor.shape[0] == 1 else tensor


def counted(state: State, name: str, start: int) -> int:
    """How many names in a row there are, from a number on: what comes after a gap has no place."""
    return next(i for i in count() if name.format(start + i) not in state)


def generator(state: State, average: Tensor | None) -> State:
    """A G by the names of StyleGAN2's authors; ``average`` is its mean of w, where a file has one."""
    lines = [
        line("style.{i+1}.{any}", "mapping.fc{i}.{any}"),
        line("input.input", "synthesis.b4.const", first),
        *layer("conv1", "noises.noise_0", "synthesis.b4.conv1"),
        *image("to_rgb1", "synthesis.b4"),
    ]
    doublings = counted(state, "to_rgbs.{}.conv.weight", 0)
    if doublings > MOST:
        raise ModelError(f"{NAME}: it doubles {doublings} times, and no image has over {LOWEST << MOST} pixels a side")
    kernels = dict[str, Tensor]()
    for i in range(doublings):
        at = f"synthesis.b{2 * LOWEST << i}"
        lines += [
            *layer(f"convs.{2 * i}", f"noises.noise_{2 * i + 1}", f"{at}.conv0"),
            *layer(f"convs.{2 * i + 1}", f"noises.noise_{2 * i + 2}", f"{at}.conv1"),
            *image(f"to_rgbs.{i}", at),
        ]
        names = (f"{at}.resample_filter", f"{at}.conv0.resample_filter")
        kernels |= {name: binomial_kernel(BINOMIAL) for name in names}  # some files leave them out
    made = {**kernels, **renamed(state, lines, NAME)}
    mean = {} if average is None else {MEAN: average.flatten()}
    return {**made, **drawn(made), **mean}


def layer(theirs: str, noise: str, ours: str) -> list[Line]:
    """The table of a modulated convolution."""
    return [
        line(f"{theirs}.conv.weight", f"{ours}.weight", first),
        line(f"{theirs}.conv.modulation.{{any}}", f"{ours}.affine.{{any}}"),
        line(f"{theirs}.conv.blur.kernel", f"{ours}.resample_filter", lambda kernel: kernel / DOUBLING),
        line(f"{theirs}.noise.weight", f"{ours}.noise_strength"),
        line(f"{theirs}.activate.bias", f"{ours}.bias"),
        line(noise, f"{ours}.noise_const", lambda constant: constant.flatten(0, -2)),
    ]


def image(theirs: str, ours: str) -> list[Line]:
    """The table of what makes an image of a map."""
    return [
        line(f"{theirs}.conv.weight", f"{ours}.torgb.weight", first),
        line(f"{theirs}.conv.modulation.{{any}}", f"{ours}.torgb.affine.{{any}}"),
        line(f"{theirs}.upsample.kernel", f"{ours}.resample_filter", lambda kernel: kernel / DOUBLING),
        line(f"{theirs}.bias", f"{ours}.torgb.bias", torch.flatten),
    ]


def discriminator(state: State) -> State:
    """A D by the names of StyleGAN2's authors."""
    blocks = counted(state, "convs.{}.conv1.0.weight", 1)
    top = LOWEST << max(blocks, 1)
    lines = [
        line("convs.0.0.weight", f"b{top}.fromrgb.weight"),
        line("convs.0.1.bias", f"b{top}.fromrgb.bias"),
        line("final_conv.0.weight", "b4.conv.weight"),
        line("final_conv.1.bias", "b4.conv.bias"),
        line("final_linear.0.{any}", "b4.fc.{any}"),
        line("final_linear.1.{any}", "b4.out.{any}"),
    ]
    for i in range(blocks):
        theirs, ours = f"convs.{i + 1}", f"b{top >> i}"
        lines += [
            line(f"{theirs}.conv1.0.weight", f"{ours}.conv0.weight"),
            line(f"{theirs}.conv1.1.bias", f"{ours}.conv0.bias"),
            line(f"{theirs}.conv2.0.kernel", f"{ours}.conv1.resample_filter"),
            line(f"{theirs}.conv2.1.weight", f"{ours}.conv1.weight"),
            line(f"{theirs}.conv2.2.bias", f"{ours}.conv1.bias"),
            line(f"{theirs}.skip.0.kernel", f"{ours}.skip.resample_filter"),
            line(f"{theirs}.skip.1.weight", f"{ours}.skip.weight"),
        ]
    return renamed(state, lines, NAME)
