"""StyleGAN2's generators as stylegan2-ada-pytorch, stylegan3's ``stylegan2`` and PyTorch-StudioGAN save them.

State dicts, in a file of their own or under names such as ``G_ema``, and pickles of whole networks. Names are
``mapping.fcI``, ``mapping.w_avg`` and ``synthesis.bR.conv0``, ``.conv1`` and ``.torgb`` for maps of R pixels, from 4 to
1024. What differs in layout: the kernels of ``conv0``, which doubles a map, are turned by half a turn; one filter of
each layer serves where it resamples. A generator without noise inputs gets strengths of 0. ``w_avg`` is the mean that
truncation draws to (``w.mean=global``), as there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.foreign.converter import Converted, Converter
from ganzoo.foreign.converters.style_discriminator import Size, judge, widths_of
from ganzoo.foreign.converters.styled import (
    LOWEST,
    MEAN,
    Network,
    State,
    mapped,
    mapping,
    networks,
    options,
    remarks,
    resampling,
    shape,
    unkept,
    widest,
)
from ganzoo.foreign.keys import Line, highest, line, renamed

NAME = "StyleGAN2"
USUAL = {"full": 64, "mapping": 8, "form": "residual", "group": 4, "ch": 512, "ch.d": None, "w.mean": "class"}


class StyleGAN2(Converter):
    """StyleGAN2 of stylegan2-ada-pytorch, of stylegan3's code and of PyTorch-StudioGAN."""

    url = "https://github.com/NVlabs/stylegan2-ada-pytorch"
    example = "ffhq.pkl"
    found = (
        "its README links them (ffhq.pkl, metfaces.pkl, cifar10.pkl); a training writes "
        "network-snapshot-*.pkl; the Hub has StudioGAN's"
    )
    becomes = "stylegan2"
    left_out = (
        "a D with another head than its authors' two or another minibatch std (a note says which); "
        "ADA's augmentation and its probability"
    )
    checked = "lists of names and shapes, and a network written from the paper; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(is_generator(network.state) for network in networks(content))

    def convert(self, content: object) -> Converted:
        """G, of a moving average where the file has one, and D."""
        return converted(NAME, [network.plain() for network in networks(content)])


def converted(source: str, found: list[Network]) -> Converted:
    """The model of networks in float32 that go by these names, among which there is a G.

    Args:
        source: of the file, for messages.
        found: the networks, the G to take before others.
    """
    network = next(network for network in found if is_generator(network.state))
    state, sizes = network.state, mapped(source, network)
    largest = highest(state, "synthesis.b{i}.conv1.weight")
    sides = [LOWEST << i for i in range(max(largest.bit_length() - 2, 1))]
    widths = [shape(source, state, f"synthesis.b{side}.conv1.weight", 4)[0] for side in sides]
    channels = [shape(source, state, f"synthesis.b{side}.torgb.weight", 4)[0] for side in sides][-1]
    ch, full = widest(source, widths, lambda ch, full: widths_of(ch, full, len(widths)))
    made = {"G": generator(source, network, sides)}
    d, notes = judge(source, found, Size(sides[-1], channels, sizes.classes, ch, full))
    made |= {"D": d.tensors} if d.tensors else {}
    mean = "global" if MEAN in state else "class"
    given = {"ch": ch, "full": full, "mapping": sizes.layers, "w.dim": sizes.w_dim, "w.mean": mean, **d.options}
    recipe = f"stylegan2{options(given, {**USUAL, 'w.dim': ch})}{d.words}"
    size = {"resolution": sides[-1], "channels": channels, "classes": sizes.classes, "z_dim": sizes.z_dim}
    return Converted(recipe, size, made, notes=[*remarks(network), *notes])


def is_generator(state: State) -> bool:
    """Whether these are the tensors of such a G."""
    return {"synthesis.b4.const", "mapping.fc0.weight"} <= state.keys()


def generator(source: str, network: Network, sides: list[int]) -> dict[str, Tensor]:
    """Our tensors of a G."""
    state = network.state
    lines = [line("synthesis.b4.const", "trunk.constant", lambda const: const[None])]
    for i, side in enumerate(sides):
        at = f"synthesis.b{side}"
        lines += layer(f"{at}.conv1", f"trunk.layers.{i}")
        if i:
            kernel = resampling(4)  # pixels, of which three are zeros
            lines += [
                line(f"{at}.resample_filter", f"trunk.doublings.{i - 1}.kernel", kernel),
                line(f"{at}.conv0.resample_filter", f"trunk.ups.{i - 1}.conv.smooth.kernel", kernel),
                line(f"{at}.conv0.weight", f"trunk.ups.{i - 1}.conv.weight", lambda weight: weight.flip(2, 3)),
                *layer(f"{at}.conv0", f"trunk.ups.{i - 1}"),
            ]
        lines += [
            line(f"{at}.torgb.weight", f"trunk.images.{i}.conv.weight"),
            line(f"{at}.torgb.bias", f"trunk.images.{i}.bias"),
            line(f"{at}.torgb.affine.{{any}}", f"trunk.images.{i}.conv.affine.{{any}}"),
        ]
    ours = renamed(state, [*lines, *mapping(network), line("{any}.resample_filter", None)], source)
    places = [(f"trunk.layers.{i}", side) for i, side in enumerate(sides)]
    places += [(f"trunk.ups.{i}", side) for i, side in enumerate(sides[1:])]
    silent = {f"{place}.noise.constant": torch.zeros(side, side) for place, side in places}
    silent |= {f"{place}.noise.strength": torch.zeros(()) for place, _ in places}
    return {**silent, **unkept(state), **ours}


def layer(theirs: str, ours: str) -> list[Line]:
    """The table of a modulated convolution with noise and a bias."""
    return [
        line(f"{theirs}.weight", f"{ours}.conv.weight"),
        line(f"{theirs}.bias", f"{ours}.bias"),
        line(f"{theirs}.affine.{{any}}", f"{ours}.conv.affine.{{any}}"),
        line(f"{theirs}.noise_const", f"{ours}.noise.constant"),
        line(f"{theirs}.noise_strength", f"{ours}.noise.strength", lambda strength: strength.reshape(())),
    ]
