"""Attention maps: the weights of a generator's self-attention layers, laid over its samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor, nn

from ganzoo.errors import ModelError, PluginError, UsageError, either
from ganzoo.gan.gan import GAN
from ganzoo.images import magnify, tile, to_pil, to_uint8, visible

INKS = ((230, 57, 70), (29, 140, 230), (46, 160, 67), (245, 159, 0), (157, 78, 221), (0, 180, 180))
HEAT = ((0, 0, 0), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))  # dark to light, even in brightness
CLEAR = 3.0
TILE = 160  # pixels on a side of one picture, about


@dataclass
class Maps:
    """Samples and the attention that made them.

    Attributes:
        images: bytes ``(N, C, R, R)``.
        weights: ``(N, H, W, h, w)``: for each of ``H`` by ``W`` positions, its weights over ``h`` by ``w`` others.
        layer: the dotted name of the attention layer in G.
    """

    images: Tensor
    weights: Tensor
    layer: str


def attention_layers(generator: nn.Module) -> dict[str, nn.Module]:
    """The layers of ``generator`` that can show their map, by name."""
    return {name: module for name, module in generator.named_modules() if hasattr(module, "attention_map")}


def capture(gan: GAN, n: int, seed: int, labels: Tensor | None = None, layer: str | None = None) -> Maps:
    """Draw ``n`` samples and keep the maps of one attention layer, the one with the most positions by default.

    Raises:
        ModelError: when no layer of G can show a map; names the parts that can.
        UsageError: for a ``layer`` that is not an attention layer of G.
    """
    found = attention_layers(gan.G)  # type: ignore[arg-type]
    if not found:
        raise ModelError(f"{gan.plan.recipe} has no attention layer in G that shows its map; {_who_has_one()}")
    if layer is not None and layer not in found:
        raise UsageError(f"there is no attention layer {layer!r}; this model has {either(found, 'and')}")
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: Any, inputs: tuple[Tensor, ...]) -> None:
            seen[name] = on_grid(module.attention_map(inputs[0]), inputs[0].shape).float().cpu()

        return hook

    hooks = [module.register_forward_pre_hook(keep(name)) for name, module in found.items()]
    try:
        images = gan.generate(**gan.inputs(n, seed, labels), batch=n)
    finally:
        for hook in hooks:
            hook.remove()
    chosen = layer or max(seen, key=lambda name: seen[name].shape[1])
    return Maps(to_uint8(images, low=0), seen[chosen], chosen)


def on_grid(weights: Tensor, shape: Sequence[int]) -> Tensor:
    """``(B, H*W, K)`` as ``(B, H, W, h, w)`` for an input of ``shape`` ``(B, C, H, W)``; keys lie on a like grid."""
    count, (height, width) = len(weights), shape[2:]
    shrink = max(1, math.isqrt(height * width // weights.shape[2]))
    if weights.shape[1:] != (height * width, (height // shrink) * (width // shrink)):
        got = " x ".join(map(str, weights.shape[1:]))
        raise PluginError(f"an attention_map of {got} weights does not fit an input of {height} x {width} positions")
    return weights.reshape(count, height, width, height // shrink, width // shrink)


def _who_has_one() -> str:
    from ganzoo.registry.loading import registry

    able = [entry.name for entry in registry().entries("attention") if hasattr(entry.load(), "attention_map")]
    known = [entry for entry in registry().entries("architecture") if entry.complete]
    heads = [entry.name for entry in known if set(able) & set(entry.implies)]
    return f"models of {either(heads)} have one, and those of any recipe with +{either(able)}"


def default_points(height: int, width: int) -> list[tuple[int, int]]:
    """Four pixels to ask at: about where the eyes, the middle and the chin of something in the picture are."""
    return [(int(x * width), int(y * height)) for x, y in ((0.34, 0.34), (0.66, 0.34), (0.5, 0.55), (0.5, 0.85))]


def picture(maps: Maps, points: Sequence[tuple[int, int]]) -> Image.Image:
    """One row for each sample: the sample with coloured dots, then for each dot what its position attends to.

    Args:
        maps: of :func:`capture`.
        points: pixels ``(x, y)`` of the image.

    Raises:
        UsageError: for a point outside the image.
    """
    high, wide = maps.images.shape[2:]
    for x, y in points:
        if not (0 <= x < wide and 0 <= y < high):
            ends = f"both go from 0 to {wide - 1}" if wide == high else f"x goes to {wide - 1}, y to {high - 1}"
            raise UsageError(f"--at {x},{y} is outside the image: {ends}")
    factor = max(1, TILE // wide)
    tiles = []
    for index, sample in enumerate(to_pil(visible(maps.images))):
        large = magnify(sample.convert("RGB"), factor)
        tiles.append(_dotted(large, points, factor, INKS))
        for number, (x, y) in enumerate(points):
            height, width = maps.weights.shape[1:3]
            heat = maps.weights[index, y * height // high, x * width // wide]
            ink = INKS[number % len(INKS)]
            tiles.append(_dotted(overlay(large, heat), [(x, y)], factor, [ink]))
    return tile(tiles, columns=1 + len(points), pad=4)


def overlay(image: Image.Image, heat: Tensor) -> Image.Image:
    """``image`` in dim grey under the colours of ``heat`` ``(h, w)``: weights that sum to 1.

    The largest weight is the brightest; but a map that hardly prefers anything stays dark, as full brightness takes
    ``CLEAR`` times an even share.
    """
    width, height = image.size
    top = heat.max().clamp_min(CLEAR / heat.numel())
    grown = nn.functional.interpolate((heat / top)[None, None], (height, width), mode="bilinear", align_corners=False)[
        0, 0
    ].numpy()
    stops = np.linspace(0, 1, len(HEAT))
    colours = np.stack([np.interp(grown, stops, [stop[plane] for stop in HEAT]) for plane in range(3)], axis=-1)
    grey = np.asarray(image.convert("L").convert("RGB"), dtype=np.float64)
    share = 0.35 + 0.45 * grown[..., None]
    return Image.fromarray(((1 - share) * grey + share * colours).round().clip(0, 255).astype(np.uint8))


def _dotted(
    image: Image.Image, points: Sequence[tuple[int, int]], factor: int, inks: Sequence[tuple[int, int, int]]
) -> Image.Image:
    dotted = image.copy()
    pen, radius = ImageDraw.Draw(dotted), max(4, image.width // 26)
    for number, (x, y) in enumerate(points):
        centre_x, centre_y = (x + 0.5) * factor, (y + 0.5) * factor
        box = (centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius)
        pen.ellipse(box, fill=inks[number % len(inks)], outline=(255, 255, 255), width=2)
    return dotted
