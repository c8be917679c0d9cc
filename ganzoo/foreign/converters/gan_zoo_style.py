"""StyleGAN of Facebook's pytorch_GAN_zoo.

``mapping.FC.{i}``, ``baseScale0``, ``adain00``, ``noiseMod00``, ``conv0``, ``adain01``, ``noiseMod01``, then for each
doubling ``scaleLayers.{i}.{0, 2}`` (convolutions), ``.{1, 3}`` (norms) and ``noiseModulators.{i}.{0, 1}``;
``toRGBLayers.{i}`` begins at 8 pixels. The convolutions' scale is no matter, as a norm stands behind each; what is
linear, its bias too, is multiplied by √2 over the root of its inputs, where ours leaves biases alone. Its norms
multiply by a number to which ours adds 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.foreign.converter import Converted
from ganzoo.foreign.converters.style_discriminator import widths_of
from ganzoo.foreign.converters.styled import PASSES, State, shape, widest
from ganzoo.foreign.keys import Line, highest, line, renamed

GAIN = math.sqrt(2)  # that its layers are multiplied by besides


def stylegan(source: str, g: State, notes: tuple[str, ...]) -> Converted:
    """The model of a G.

    Args:
        source: of the file, for messages.
        g: its tensors, without the word ``module``.
        notes: what a person should know already.
    """
    doublings = highest(g, "scaleLayers.{i}.0.weight") + 1
    ch = shape(source, g, "baseScale0", 4)[1]
    wide = [ch, *(shape(source, g, f"scaleLayers.{i}.0.weight", 4)[0] for i in range(doublings))]
    ch, full = widest(source, wide, lambda ch, full: widths_of(ch, full, len(wide)), first=32)
    mapping, z_dim = highest(g, "mapping.FC.{i}.weight") + 1, shape(source, g, "mapping.FC.0.weight", 2)[1]
    channels = shape(source, g, "toRGBLayers.0.weight", 4)[0]
    found = renamed(_scaled(g), _table(doublings, wide), source)
    found["trunk.images.0.weight"] = torch.zeros(channels, ch, 1, 1)
    found["trunk.images.0.bias"] = torch.zeros(channels)
    found["trunk.first.0.bias"] = torch.zeros(ch)
    rng = torch.Generator().manual_seed(0)
    for i in range(doublings + 1):
        for row in ("first", "second"):
            found[f"trunk.{row}.{i}.noise.constant"] = torch.randn(4 << i, 4 << i, generator=rng)
    found |= {"trunk.growth.level": torch.tensor(float(doublings)), "w_passes": torch.tensor(PASSES)}
    recipe = f"stylegan:ch={ch},full={full},mapping={mapping},blur=false,w.mean=global"
    size = {"resolution": 4 << doublings, "channels": channels, "z_dim": z_dim}
    return Converted(recipe, size, {"G": found}, notes=notes)


def _table(doublings: int, wide: list[int]) -> list[Line]:
    lines = [
        line("mapping.FC.{i}.{any}", "style.layers.layers.{i}.{any}"),
        line("mean_w", "w_mean", torch.flatten),
        line("baseScale0", "trunk.constant"),
        line("toRGBLayers.{i}.{any}", "trunk.images.{i+1}.{any}"),
        *_layer("", "noiseMod00", "adain00", "trunk.first.0", wide[0], "")[2:],  # it has no convolution
        *_layer("conv0", "noiseMod01", "adain01", "trunk.second.0", wide[0], "layer"),
    ]
    for i in range(doublings):
        at, noises, width = f"scaleLayers.{i}", f"noiseModulators.{i}", wide[i + 1]
        lines += _layer(f"{at}.0", f"{noises}.0", f"{at}.1", f"trunk.first.{i + 1}", width, "layer.1")
        lines += _layer(f"{at}.2", f"{noises}.1", f"{at}.3", f"trunk.second.{i + 1}", width, "layer")
    return lines


def _layer(conv: str, noise: str, norm: str, ours: str, width: int, made: str) -> list[Line]:
    """The table of a layer of so many maps; ``made`` is what ours calls its convolution."""
    return [
        line(f"{conv}.weight", f"{ours}.{made}.weight"),
        line(f"{conv}.bias", f"{ours}.bias"),
        line(f"{noise}.weight", f"{ours}.noise.strength", _for_each(width)),
        line(f"{norm}.styleModulator.{{any}}", f"{ours}.norm.style.{{any}}"),
    ]


def _for_each(width: int) -> Callable[[Tensor], Tensor]:
    """What makes of a layer's one strength of noise one for each of its maps."""
    return lambda strength: strength.reshape(1, 1, 1).repeat(width, 1, 1)


def _scaled(g: State) -> State:
    """Weights and biases as ours computes with them."""
    found = dict(g)
    for name, tensor in g.items():
        stem, _, kind = name.rpartition(".")
        weight = g.get(f"{stem}.weight")
        if weight is None or "noiseMod" in name:
            continue
        gain = 1.0 if stem.startswith("mapping.") else GAIN  # which ours has in the mapping's activation, too
        found[name] = gain * (tensor if kind == "weight" else tensor / math.sqrt(weight[0].numel()))
        if stem.endswith("styleModulator") and kind == "bias":
            found[name] = found[name] - (torch.arange(len(tensor)) < len(tensor) // 2).float()
    return found
