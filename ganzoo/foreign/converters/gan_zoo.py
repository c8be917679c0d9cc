"""Files of Facebook's pytorch_GAN_zoo: its PGAN, DCGAN and StyleGAN.

``{config, netG, netD, avgG}``; ``avgG``, the average of G, is taken where there is one. PGAN is ``formatLayer``,
``groupScale0``, ``scaleLayers.{i}.{0, 1}`` and ``toRGBLayers.{i}``: widths, size, channels and noise are read from
shapes. Its layers multiply by √2 over the root of the fan-in, biases too; ours have the √2 behind the activation, and
leave biases alone. DCGAN is ``formatLayer`` and ``main``, with names in place of numbers. StyleGAN has ``adain00``; it
doubles its maps without smoothing them (``blur=false``), and draws at a truncation of 0.5 unless told otherwise.

What no shape tells is taken from ``config`` where it can be read, else for the project's defaults: slopes of 0.2,
norms of each pixel, learning rates equalised, images without tanh (PGAN, WGAN-GP) or with it (DCGAN), and grown to
their end. D of PGAN and of StyleGAN is left out: it sees an unbiased variance of groups of images, and lays it beside
others. StyleGAN's layers draw their noise anew for every picture; ours keeps one picture of noise for each layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.foreign.converter import Converted, Converter, state_dicts
from ganzoo.foreign.converters.gan_zoo_style import stylegan
from ganzoo.foreign.files.recorded import Recorded
from ganzoo.foreign.keys import Line, highest, line, renamed

NAME = "pytorch_GAN_zoo"
LOWEST = 4  # pixels across the map that noise becomes
PGAN, DCGAN, STYLEGAN = "groupScale0.0.weight", "main.outlayer.weight", "adain00.styleModulator.weight"
ASSUMED: Mapping[str, Mapping[str, Any]] = {
    PGAN: {
        "leakyReluLeak": 0.2,
        "perChannelNormalization": True,
        "equalizedlR": True,
        "lossCriterion": "WGANGP",
        "alpha": 0,
    },
    DCGAN: {"lossCriterion": "DCGAN"},
    STYLEGAN: {"leakyReluLeak": 0.2, "lossCriterion": "WGANGP", "alpha": 0},
}
NOISE = "Its code draws noise in its layers anew for every picture; here each layer keeps one picture of noise."
TRUNCATION = 0.5  # that its StyleGAN draws at, unless its config says another

State = dict[str, Tensor]


class GANZoo(Converter):
    """PGAN, DCGAN and StyleGAN of Facebook's pytorch_GAN_zoo."""

    url = "https://github.com/facebookresearch/pytorch_GAN_zoo"
    example = "celebaHQ_s6_i80000-6196db68.pth"
    found = "torch.hub fetches PGAN and DCGAN to ~/.cache/torch/hub/checkpoints; a training writes output_networks"
    becomes = "pggan, dcgan or stylegan"
    left_out = "D of PGAN and of StyleGAN, which takes another variance over a batch"
    checked = "lists of names and shapes, and networks written after its description; not tried on a published file"

    def fits(self, content: object) -> bool:
        """Whether one of its tables is such a G."""
        return any(_kind(state) for _, state in _tables(content))

    def convert(self, content: object) -> Converted:
        """The average of G, else G; and D of DCGAN.

        Raises:
            ModelError: its config says what ours does not compute.
        """
        tables = _tables(content)
        places = [(place, state) for place, state in tables if _kind(state)]
        _, g = next((pair for pair in places if pair[0].endswith("avgG")), places[0])
        kind = _kind(g)
        notes = _checked(_config(content), kind)
        d = next((state for place, state in tables if place.endswith("netD")), None)
        left_out = () if d is None else ("D is left out: it takes another variance over the images of a batch.",)
        if kind == PGAN:
            return _progressive(g, (*notes, *left_out))
        if kind == STYLEGAN:
            psi = _config(content).get("phiTruncation", TRUNCATION)
            usual = f"Its own code draws at a truncation of {quoted(str(psi))}; here you say it: --truncation."
            return stylegan(NAME, g, (*notes, *left_out, NOISE, usual))
        return _convolutional(g, d, notes)


def _tables(content: object) -> list[tuple[str, State]]:
    """Tables of tensors, without the word that wraps layers of a scaled learning rate."""
    return [
        (place, {name.replace(".module.", "."): tensor for name, tensor in state.items()})
        for place, state in state_dicts(content)
    ]


def _kind(state: Mapping[str, Tensor]) -> str:
    """The tensor that tells which G it is; empty for none."""
    if STYLEGAN in state:
        return STYLEGAN
    known = "formatLayer.weight" in state and (("toRGBLayers.0.weight" in state) or ("main.batchNorm0.weight" in state))
    return next((name for name in (PGAN, DCGAN) if known and name in state), "")


def _config(content: object) -> Mapping[Any, Any]:
    """What the file says of its settings; nothing where that cannot be read."""
    found = content.get("config") if isinstance(content, Mapping) else None
    found = found.state if isinstance(found, Recorded) else found
    return found if isinstance(found, Mapping) else {}


def _checked(config: Mapping[Any, Any], kind: str) -> tuple[str, ...]:
    """What a person should know of the settings.

    Raises:
        ModelError: one of them is not what ours computes.
    """
    for name, value in ASSUMED[kind].items():
        if name in config and config[name] != value:
            raise ModelError(f"{NAME}: its config has {name}={config[name]!r}, and ganzoo computes {value!r}")
    categories = config.get("categoryVectorDim")
    if isinstance(categories, int) and categories > 0:
        return (f"The last {categories} numbers of z are its categories, one-hot for each attribute.",)
    return () if config else ("Its config could not be read: settings are taken for the project's defaults.",)


def _progressive(g: State, notes: tuple[str, ...]) -> Converted:
    """PGAN."""
    last = highest(g, "toRGBLayers.{i}.weight")
    wide = [g[f"toRGBLayers.{i}.weight"].shape[1] for i in range(last + 1)]
    resolution = LOWEST << last
    full = _full(wide)
    state = _equalised(g)
    networks = {"G": renamed(state, _PROGRESSIVE, NAME) | {"trunk.growth.level": torch.tensor(float(last))}}
    size = {
        "resolution": resolution,
        "channels": g["toRGBLayers.0.weight"].shape[0],
        "z_dim": g["formatLayer.weight"].shape[1],
    }
    return Converted(f"pggan:biases=pixel,ch={wide[0]},full={full}", size, networks, notes=notes)


_PROGRESSIVE: tuple[Line, ...] = (
    line("formatLayer.weight", "trunk.start.layer.linear.weight"),
    line("formatLayer.bias", "trunk.start.layer.bias"),
    line("groupScale0.0.{any}", "trunk.second.layer.{any}"),
    line("scaleLayers.{i}.0.{any}", "trunk.blocks.{i}.first.layer.{any}"),
    line("scaleLayers.{i}.1.{any}", "trunk.blocks.{i}.second.layer.{any}"),
    line("toRGBLayers.{i}.{any}", "trunk.images.{i}.{any}"),
)


def _full(wide: list[int]) -> int:
    """The side up to which maps are as wide as the first.

    Raises:
        ModelError: further maps are not half as wide for each doubling.
    """
    full = LOWEST << (sum(width == wide[0] for width in wide) - 1)
    expected = [max(1, wide[0] * full // max(full, LOWEST << i)) for i in range(len(wide))]
    for number, (width, ours) in enumerate(zip(wide, expected, strict=True)):
        if width != ours:
            raise ModelError(
                f"{NAME}: toRGBLayers.{number}.weight sees {width} maps, and ganzoo's pggan has {ours} there: from"
                f" {full} pixels on it halves {wide[0]} at each size"
            )
    return full


def _equalised(g: State) -> State:
    """Biases as ours adds them, and the gain of layers without an activation in what they hold."""
    found = dict(g)
    for name, bias in g.items():
        if name.endswith(".bias"):
            weight = g[f"{name.removesuffix('bias')}weight"]
            found[name] = bias / math.sqrt(weight[0].numel())
    for name, tensor in g.items():
        if name.startswith("toRGBLayers."):
            found[name] = math.sqrt(2) * found.get(name, tensor)
    return found


def _convolutional(g: State, d: State | None, notes: tuple[str, ...]) -> Converted:
    """DCGAN."""
    doublings, image = highest(g, "main.convTranspose{i}.weight") + 1, g["main.outlayer.weight"]
    table = [
        line("formatLayer.weight", "trunk.project.weight", lambda weight: weight.flatten(1).T.contiguous()),
        line("main.batchNorm0.{any}", "trunk.norm.{any}"),
        line("main.convTranspose{i+1}.weight", "trunk.stages.{i}.conv.weight"),
        line("main.batchNorm{i+1}.{any}", "trunk.stages.{i}.norm.{any}"),
        line("main.outlayer.weight", "trunk.image.weight"),
    ]
    ch, networks = image.shape[0], {"G": renamed(g, table, NAME)}
    recipe = f"dcgan:ch={ch}"
    if d is not None and "main.convTranspose0.weight" in d and d["decisionLayer.weight"].shape[0] == 1:
        networks["D"], width = _critic(d)
        recipe += f",ch.d={width}" if width != ch else ""
    elif d is not None:
        notes = (*notes, "D is left out: its decisionLayer.weight tells categories, too.")
    size = {
        "resolution": LOWEST << doublings,
        "channels": image.shape[1],
        "z_dim": g["formatLayer.weight"].shape[0],
    }
    return Converted(recipe, size, networks, notes=notes)


def _critic(d: State) -> tuple[State, int]:
    """D of DCGAN, whose layers count down, and channels of its first map."""
    last = highest(d, "main.convTranspose{i}.weight")
    table = [line("decisionLayer.weight", "head.score.weight", lambda weight: weight.flatten(1))]
    for number in range(last + 1):
        ours = f"trunk.stages.{last - number}"
        table.append(line(f"main.convTranspose{number}.weight", f"{ours}.conv.weight"))
        table.append(line(f"main.batchNorm{number}.{{any}}", f"{ours}.norm.{{any}}"))
    width = d[f"main.convTranspose{last}.weight"].shape[0]
    return renamed(d, table, NAME) | {"trunk.stages.0.conv.bias": torch.zeros(width)}, width
