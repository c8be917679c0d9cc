"""StyleGAN3's generators, configurations T and R, as its own code and PyTorch-StudioGAN save them.

State dicts and pickles of whole networks, with the names ``mapping.fcI``, ``mapping.w_avg``, ``synthesis.input`` and
``synthesis.LI_S_C`` for layer I, whose maps have S pixels across, margins included, and C channels. Waves, filters and
usual magnitudes are the file's. ``w_avg`` is the mean that truncation draws to (``w.mean=global``), as there. An image
is a quarter of what the last convolution makes, which no shape tells: ours has that in its weights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.architectures.stylegan3 import CRITICAL, stages, width
from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.converter import Converted, Converter
from ganzoo.foreign.converters.style_discriminator import Size, judge
from ganzoo.foreign.converters.styled import (
    LOWEST,
    PASSES,
    Network,
    State,
    mapped,
    mapping,
    networks,
    options,
    remarks,
    shape,
    widest,
)
from ganzoo.foreign.keys import Line, line, renamed
from ganzoo.layers.mapping import MOST_LAYERS

NAME = "StyleGAN3"
LAYER = re.compile(r"synthesis\.L(\d{1,3})_(\d{1,6})_(\d{1,6})\.weight")
USUAL = {"config": "t", "ch": 512, "full": 64, "layers": 14, "margin": 10, "mapping": 2}
USUAL_D = {"form": "residual", "group": 4, "ch.d": None}
OUTPUT = 0.25  # what its images are of what the last convolution makes, unless the file says otherwise


class StyleGAN3(Converter):
    """StyleGAN3, T and R, of its own code and of PyTorch-StudioGAN."""

    url = "https://github.com/NVlabs/stylegan3"
    example = "stylegan3-r-ffhq-1024x1024.pkl"
    found = "its README links them; a training writes network-snapshot-*.pkl; the Hub has StudioGAN's"
    becomes = "stylegan3 with D of stylegan2"
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
        found = [network.plain() for network in networks(content)]
        network = next(network for network in found if is_generator(network.state))
        sizes, form = mapped(NAME, network), form_of(network.state)
        made = {"G": generator(network, form, mapping(network))}
        d, notes = judge(NAME, found, Size(form.resolution, form.planes, sizes.classes, form.ch, form.full))
        made |= {"D": d.tensors} if d.tensors else {}
        given = {**form.options, "mapping": sizes.layers, "w.dim": sizes.w_dim, "w.mean": "global", **d.options}
        recipe = f"stylegan3{options(given, {**USUAL, **USUAL_D, 'w.dim': form.ch})}{d.words}"
        size = {"resolution": form.resolution, "channels": form.planes, "classes": sizes.classes, "z_dim": sizes.z_dim}
        return Converted(recipe, size, made, notes=[*remarks(network), *notes])


def is_generator(state: State) -> bool:
    """Whether these are the tensors of such a G."""
    return {"synthesis.input.freqs", "mapping.fc0.weight", "mapping.w_avg"} <= state.keys()


@dataclass(frozen=True)
class Form:
    """What the names and shapes of a G say of its layers.

    Attributes:
        names: of the layers, the one to an image last.
        resolution, planes: of its images.
        config: ``t`` or ``r``.
        ch, full, margin: of its recipe.
    """

    names: list[str]
    resolution: int
    planes: int
    config: str
    ch: int
    full: int
    margin: int

    @property
    def options(self) -> dict[str, object]:
        """Of its recipe."""
        layers = len(self.names) - 1
        return {"config": self.config, "ch": self.ch, "full": self.full, "layers": layers, "margin": self.margin}


def form_of(state: State) -> Form:
    """The form of a G.

    Raises:
        ModelError: for layers that ganzoo does not have.
    """
    found = sorted(tuple(map(int, match.groups())) for match in map(LAYER.fullmatch, state) if match)
    sides, wide = [side for _, side, _ in found], [channels for _, _, channels in found[:-1]]
    layers = len(found) - 1
    if [i for i, _, _ in found] != list(range(layers + 1)) or not CRITICAL < layers <= MOST_LAYERS:
        raise ModelError(f"{NAME}: the file has {layers + 1} layers of a G, and not those from 0 on, each once")
    resolution = sides[-1]
    if resolution < LOWEST or resolution & (resolution - 1):
        raise ModelError(f"{NAME}: images of {resolution} pixels, which is no power of two from {LOWEST} up")
    names = [f"synthesis.L{i}_{side}_{channels}" for i, side, channels in found]
    config = config_of(state, names[0])
    bare = stages((resolution, resolution), layers, 0, lambda _: 1)
    margin = (sides[0] - bare[0].size[0]) // 2
    expected = [stage.size[0] + 2 * margin for stage in bare[:-1]] + [resolution]
    other = next((i for i, side in enumerate(sides[:-1]) if side != expected[i]), None)
    if other is not None:
        raise ModelError(
            f"{NAME}: maps of {quoted(names[other])} are {sides[other]} pixels across, and by the paper's table of"
            f" layers they would be {expected[other]}"
        )
    cutoffs = [stage.band.cutoff for stage in bare]
    most, full = widest(NAME, wide, lambda ch, full: [width(cutoff, ch, full) for cutoff in cutoffs])
    planes = shape(NAME, state, f"{names[-1]}.weight", 4)[0]
    ch = most // 2 if config == "r" else most
    return Form(names, resolution, planes, config, ch=ch, full=full, margin=margin)


def config_of(state: State, first: str) -> str:
    """The configuration, by the first layer's kernel and filter.

    Raises:
        ModelError: they are of neither.
    """
    kernel = shape(NAME, state, f"{first}.weight", 4)[2]
    radial = state.get(f"{first}.down_filter", torch.ones(())).dim() == 2
    config = {(3, False): "t", (1, True): "r"}.get((kernel, radial))
    if config is None:
        raise ModelError(
            f"{NAME}: {quoted(f'{first}.weight')} has kernels of {kernel} pixels beside a filter that is"
            f" {'' if radial else 'not '}the same in all directions: this is neither configuration T nor R"
        )
    return config


def generator(network: Network, form: Form, style: list[Line]) -> dict[str, Tensor]:
    """Our tensors of a G."""
    scale = network.argument("synthesis_kwargs", "output_scale", OUTPUT)
    lines = [
        line("synthesis.input.freqs", "trunk.input.frequencies"),
        line("synthesis.input.{any}", "trunk.input.{any}"),
    ]
    for i, name in enumerate(form.names[:-1]):
        lines += [
            *[line(f"{name}.{which}_filter", f"trunk.layers.{i}.act.{which}_filter") for which in ("up", "down")],
            *layer(name, f"trunk.layers.{i}"),
        ]
    image = form.names[-1]
    lines += [
        line(f"{image}.weight", "trunk.image.conv.weight", lambda weight: weight * scale),
        line(f"{image}.bias", "trunk.image.bias", lambda bias: bias * scale),
        *layer(image, "trunk.image"),
    ]
    return {**renamed(network.state, [*lines, *style], NAME), "w_passes": torch.tensor(PASSES)}


def layer(theirs: str, ours: str) -> list[Line]:
    """The table of a modulated convolution of maps of usual magnitude, and a bias."""
    return [
        line(f"{theirs}.weight", f"{ours}.conv.weight"),
        line(f"{theirs}.bias", f"{ours}.bias"),
        line(f"{theirs}.affine.{{any}}", f"{ours}.conv.affine.{{any}}"),
        line(f"{theirs}.magnitude_ema", f"{ours}.magnitude.mean_square", lambda mean: mean.reshape(())),
    ]
