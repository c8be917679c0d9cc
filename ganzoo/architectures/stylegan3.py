"""StyleGAN3: a generator whose every layer stands for a continuous signal, so that what it draws moves as one.

Alias-Free Generative Adversarial Networks (Karras et al. 2021, arXiv 2106.12423), sections 2 and 3. Noise, and the
label where there is one, are mapped by ``mapping`` (2) layers to w. G starts from waves of random frequencies that w
turns and shifts; ``layers`` (14) modulated convolutions follow, each with a leaky ReLU between two low-pass filters,
and a 1x1 convolution to an image. There are no noise inputs, no mixing of styles, and no images of smaller maps.

Layer i of N, with the image's shorter side s, in cycles and pixels a side:

| | first | goes geometrically to, at layer N - 2, and stays |
|---|---|---|
| cutoff | 2 | s / 2 |
| stopband | 2^2.1 | s / 2 · 2^0.3 |
| rate | the power of two from 2 · stopband up | at most s |
| half the transition | | max(rate / 2, stopband) - cutoff |
| channels | ``ch`` (512) | ch · full / (2 · cutoff), where that is less |

Beyond the borders each map goes on for ``margin`` (10) pixels, the last one excepted. The input takes the first row of
w, layer i row i + 1, the convolution to an image the last: N + 2 rows. ``config=r``, which is equivariant to rotation
too, has 1x1 convolutions, twice the channels, and filters behind the leaky ReLU that are the same in all directions,
but for the last two layers. D is StyleGAN2's; that of ``stylegan3-r`` sees blurred images at first (``blur``).

How ours differs: the window of a filter that is the same in all directions is the product of one along each axis; the
image is what the last convolution makes, at its own scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.architectures.stylegan2 import ToImage as PlainToImage
from ganzoo.errors import within
from ganzoo.gan.kit import Kit
from ganzoo.gan.style import Mean, StyleGenerator
from ganzoo.layers.alias_free import AliasFreeLeakyReLU, Band, Magnitude
from ganzoo.layers.conv import conv2d
from ganzoo.layers.fourier import FourierInput
from ganzoo.layers.mapping import MOST_LAYERS, MappingNetwork, check_style
from ganzoo.layers.modulated import DemodulatedConv2d
from ganzoo.layers.sizes import rectangle

Config = Literal["t", "r"]

CRITICAL = 2  # last layers, whose cutoff is half of their rate
FIRST_CUTOFF, FIRST_STOPBAND = 2.0, 2**2.1
LAST_STOPBAND = 2**0.3  # over the last cutoff
MOST_MARGIN = 64


@dataclass(frozen=True)
class Stage:
    """What one layer makes.

    Attributes:
        band: frequencies that its maps carry.
        size: height and width of its maps.
        channels: how many maps.
        critical: whether the cutoff is half of the rate.
    """

    band: Band
    size: tuple[int, int]
    channels: int
    critical: bool


def stages(image: tuple[int, int], layers: int, margin: int, channels: Callable[[float], int]) -> list[Stage]:
    """The layers by the table above; the input is made as the first one is.

    Args:
        image: height and width in pixels; a power of two, and a multiple of a sixteenth of it.
        layers: how many, not counting the one to an image.
        margin: pixels around each map but the last.
        channels: of a layer, by its cutoff.
    """
    side, made = min(image), []
    for i in range(layers):
        share = min(i / (layers - CRITICAL), 1)
        cutoff = FIRST_CUTOFF * (side / 2 / FIRST_CUTOFF) ** share
        stopband = FIRST_STOPBAND * (side / 2 * LAST_STOPBAND / FIRST_STOPBAND) ** share
        rate = min(1 << math.ceil(math.log2(2 * stopband)), side)
        around = 0 if i == layers - 1 else 2 * margin
        height, width = (pixels * rate // side + around for pixels in image)
        band = Band(rate, cutoff, max(rate / 2, stopband) - cutoff)
        made.append(Stage(band, (height, width), channels(cutoff), i >= layers - CRITICAL))
    return made


def width(cutoff: float, wide: int, full: int) -> int:
    """Channels of a layer.

    Args:
        cutoff: its own, in cycles a side.
        wide: channels of the widest.
        full: side up to which maps are that wide, as far as their cutoff goes.
    """
    return max(1, min(round(wide * full / (2 * cutoff)), wide))


class WideConv2d(DemodulatedConv2d):
    """A modulated convolution that keeps all it reaches: maps grow by the kernel's side less one."""

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Scaled maps ``(B, C, H, W)`` to ``(B, out, H + k - 1, W + k - 1)``."""
        return conv2d(x, kernel, None, stride=1, padding=kernel.shape[2] - 1)


class Layer(nn.Module):
    """A modulated convolution of maps of usual magnitude, a bias, and a leaky ReLU between two filters.

    Args:
        before, after: what it gets, and what it makes.
        kernel: side of the convolution's kernel.
        w_dim: length of the style.
        radial: whether the second filter is the same in all directions.
    """

    def __init__(self, before: Stage, after: Stage, kernel: int, w_dim: int, radial: bool) -> None:
        super().__init__()
        self.magnitude = Magnitude()
        self.conv = WideConv2d(before.channels, after.channels, kernel, w_dim)
        self.bias = nn.Parameter(torch.zeros(after.channels))
        height, width = before.size
        self.act = AliasFreeLeakyReLU(
            before.band,
            after.band,
            size_before=(height + kernel - 1, width + kernel - 1),
            size_after=after.size,
            radial=radial,
        )

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``(B, C, *before.size)`` under styles ``(B, w_dim)`` to ``(B, out, *after.size)``."""
        x = self.conv(self.magnitude(x), w)
        return self.act(x + self.bias[:, None, None].to(x.dtype))


class ToImage(PlainToImage):
    """StyleGAN2's, of maps of usual magnitude.

    Args:
        channels: of the map.
        planes: of the image.
        w_dim: length of the style.
    """

    def __init__(self, channels: int, planes: int, w_dim: int) -> None:
        super().__init__(channels, planes, w_dim)
        self.magnitude = Magnitude()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to ``(B, planes, H, W)``."""
        return super().forward(self.magnitude(x), w)


class Synthesis(nn.Module):
    """w to images: see the table above.

    Args:
        kit: of G's side.
        made: the layers.
        config: ``t`` or ``r``.
        w_dim: length of each w.

    Attributes:
        count: how many w it takes.
    """

    def __init__(self, kit: Kit, made: list[Stage], config: Config, w_dim: int) -> None:
        super().__init__()
        first, kernel = made[0], 3 if config == "t" else 1
        self.input = FourierInput(first.channels, w_dim, first.size, first.band.rate, first.band.cutoff)
        pairs = zip([first, *made], made, strict=False)
        self.layers = nn.ModuleList(Layer(a, b, kernel, w_dim, config == "r" and not b.critical) for a, b in pairs)
        self.image = ToImage(made[-1].channels, kit.channels, w_dim)
        self.count = len(made) + 2

    def forward(self, w: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` of ``w`` ``(B, count, w_dim)``."""
        first, *rows, last = w.unbind(1)
        x = self.input(first)
        for layer, row in zip(self.layers, rows, strict=True):
            x = layer(x, row)
        return self.image(x, last)


def generator(
    kit: Kit,
    *,
    config: Config = "t",
    ch: int = 512,
    full: int = 64,
    layers: int = 14,
    margin: int = 10,
    mapping: int = 2,
    w_dim: int | None = None,
    w_mean: Mean = "class",
) -> StyleGenerator:
    """StyleGAN3: an alias-free generator that moves what it draws as one (Karras et al. 2021, arXiv 2106.12423).

    Args:
        kit: of G's side.
        config: equivariant to translation (``t``), or to rotation too (``r``), with twice the channels.
        ch: channels of the widest maps.
        full: side up to which maps are that wide, as far as their cutoff goes; beyond they shrink.
        layers: convolutions before the one to an image.
        margin: pixels around the maps.
        mapping: layers of the mapping network.
        w_dim: length of w; as ``ch`` by default.
        w_mean: of w that truncation draws to unless it says: for an image's label, or that of the whole training.
    """
    check_style("stylegan3", ch=ch, full=full, mapping=mapping, w_dim=w_dim)
    within("stylegan3:layers", layers, CRITICAL + 1, MOST_LAYERS)
    within("stylegan3:margin", margin, 0, MOST_MARGIN)
    image = kit.height, kit.width
    rectangle("stylegan3", image)
    wide, length = 2 * ch if config == "r" else ch, w_dim or ch

    style = MappingNetwork(kit.latent, kit.c_dim, length, mapping)
    trunk = Synthesis(kit, stages(image, layers, margin, lambda cutoff: width(cutoff, wide, full)), config, length)
    return StyleGenerator(kit, style, trunk, layers=trunk.count, w_dim=length, mean=w_mean)
