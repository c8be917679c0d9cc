"""FastGAN: a light generator whose small maps gate its large ones, and a discriminator that has to encode images.

Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis (Liu et al. 2021, arXiv
2101.04775), section 3. Multiples of ``ch`` (64) by the side of a map:

| | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 512 | 1024 |
|---|---|---|---|---|---|---|---|---|---|
| G | 16 | 8 | 4 | 2 | 2 | 1 | 1/2 | 1/4 | 1/8 |
| D | | 8 | 4 | 2 | 1 | 1/2 | 1/4 | 1/8 | |

G doubles its maps by nearest neighbours; a size has one 3x3 convolution, or two with noise behind each, in turns, a
norm and a gated linear unit. Skip-layer excitation leads from 4 to 64 pixels, from 8 to 128, and so on up to 512. D
brings images of 512 and 1024 pixels to 256 by strides, then halves them by residual blocks down to 8x8, which are gated
in the same way from eight times their size, and judges windows of 4x4 there: 5x5 decisions. The regularizer
``reconstruction`` decodes D's maps into the real image.

What the paper leaves open is taken from copies of its code, such as their sizes, a second trunk of D that sees the
image at half of its size (of 128 pixels at most), and batch norm beside spectral norm. How ours differs: both trunks
see one image, where G of the copies draws the smaller one by a layer of its own; the last convolution of G has a bias,
as Projected GAN's (arXiv 2111.01007, whose networks have ``ch=128`` and one convolution a size, ``form=lite``, or two,
``form=double``); the hinge has its margin of 1, which the copies draw from 0.8 to 1 anew for each decision. Images of
less than 64 pixels, for which the paper has no networks, have one gate in either network, from the 4x4 maps of G and
from the largest ones of D.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.architectures.fastgan_trunks import ATTENTION, BigTrunk, Layer, SmallTrunk, wide
from ganzoo.errors import ResolutionError, within
from ganzoo.gan.kit import Generator, Kit
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.excitation import SkipLayerExcitation, Unexcited
from ganzoo.layers.noise import NoiseInput
from ganzoo.layers.patches import PatchHead
from ganzoo.layers.resample import NearestUpConv2d
from ganzoo.layers.sizes import rectangle
from ganzoo.parts import Conditioning, Encoding, Output, as_weights

Form = Literal["full", "lite", "double"]
Gate = Literal["leaky", "swish"]

G_WIDTHS = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # by doublings of 4 pixels
RICH: Mapping[Form, tuple[bool, bool]] = {"full": (True, False), "lite": (False, False), "double": (True, True)}
MOST = 8  # doublings: 1024 pixels
WINDOW = 4
G_REACH = 4  # doublings between the maps of a gate
LAST_GATED = 7  # doublings of G's largest gated map


def smallest(kit: Kit, name: str = "fastgan") -> tuple[tuple[int, int], int]:
    """Height and width of G's smallest map, and how often it is doubled.

    Args:
        kit: of either side.
        name: of the architecture, for messages.

    Raises:
        ResolutionError: for a size that 4 pixels do not double to, or beyond 1024.
    """
    bottom, k = rectangle(name, (kit.height, kit.width))
    if k > MOST:
        raise ResolutionError(
            f"{name} makes images of up to {4 << MOST} pixels, not {kit.height}x{kit.width}: "
            f"try --resolution {4 << MOST}",
            nearest=(4 << MOST,),
        )
    return bottom, k


class GatedConv(nn.Module):
    """A convolution to twice the channels, noise or none, a norm and a gated linear unit.

    Args:
        kit: of side ``g``.
        conv: from the maps before to twice ``channels``.
        channels: of the maps after.
        noise: what is called before the norm.
    """

    def __init__(self, kit: Kit, conv: nn.Module, channels: int, noise: nn.Module) -> None:
        super().__init__()
        self.conv, self.noise, self.norm = conv, noise, kit.norm(2 * channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Maps under contexts ``(B, c_dim)``."""
        return F.glu(self.norm(self.noise(self.conv(x)), c), 1)


class Stage(nn.Module):
    """What doubles a map of G.

    Args:
        kit: of side ``g``.
        inputs, outputs: channels before and after.
        size: height and width after it.
        rich: two convolutions and noise, not one and none.
    """

    def __init__(self, kit: Kit, inputs: int, outputs: int, size: tuple[int, int], rich: bool) -> None:
        super().__init__()
        noises = [NoiseInput(size) if rich else nn.Identity() for _ in range(2)]
        layers = [GatedConv(kit, NearestUpConv2d(inputs, 2 * outputs, bias=kit.bias), outputs, noises[0])]
        if rich:
            again = Conv2d(outputs, 2 * outputs, 3, padding=1, bias=kit.bias)
            layers.append(GatedConv(kit, again, outputs, noises[1]))
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, 2H, 2W)``."""
        for layer in self.layers:
            x = layer(x, c)
        return x


class UnitNoise(nn.Module):
    """Scales vectors to a mean square of 1."""

    def forward(self, h: Tensor) -> Tensor:
        """``(B, latent)`` to the same shape."""
        return h * torch.rsqrt(h.square().mean(1, keepdim=True) + 1e-8)


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)`` in [-1, 1].

    Args:
        kit: of side ``g``.
        ch: unit of width.
        form, gate, bound, unit: see :func:`generator`.
    """

    def __init__(self, kit: Kit, ch: int, *, form: Form, gate: Gate, bound: bool, unit: bool) -> None:
        super().__init__()
        bottom, k = smallest(kit)
        widths = [wide(ch, multiple) for multiple in G_WIDTHS[: k + 1]]
        first = nn.ConvTranspose2d(kit.latent, 2 * widths[0], bottom, bias=kit.bias)
        self.first = GatedConv(kit, first, widths[0], nn.Identity())
        sizes = [(bottom[0] << i, bottom[1] << i) for i in range(1, k + 1)]
        rich = [RICH[form][i % 2] for i in range(k)]
        self.stages = nn.ModuleList(
            Stage(kit, *channels, size, noisy)
            for channels, size, noisy in zip(pairwise(widths), sizes, rich, strict=True)
        )
        reach = min(G_REACH, k)
        gated = [reach <= i <= LAST_GATED for i in range(1, k + 1)]
        self.sources = [i - reach if scaled else 0 for i, scaled in enumerate(gated, start=1)]
        self.gates = nn.ModuleList(
            SkipLayerExcitation(widths[source], width, gate == "swish") if scaled else Unexcited()
            for source, width, scaled in zip(self.sources, widths[1:], gated, strict=True)
        )
        self.attentions = kit.attentions(widths[1:], [height for height, _ in sizes], ATTENTION)
        self.image = Conv2d(widths[-1], kit.channels, 3, padding=1)
        self.unit = UnitNoise() if unit else nn.Identity()
        self.bound = nn.Tanh() if bound else nn.Identity()

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise ``(B, latent)`` under contexts ``(B, c_dim)``."""
        maps = [self.first(self.unit(h)[:, :, None, None], c)]
        for stage, gate, source, attention in zip(self.stages, self.gates, self.sources, self.attentions, strict=True):
            maps.append(attention(gate(stage(maps[-1], c), maps[source])))
        return self.bound(self.image(maps[-1]))


class FastDiscriminator(nn.Module):
    """D of FastGAN: two trunks, and decisions on windows of their last maps.

    Labels are told to the head of the first; without any it is the convolution of the paper, as the second's always is.

    Args:
        kit: of side ``d``.
        ch: unit of width.

    Attributes:
        encodings: the maps in ``extras["encodings"]`` of what it says, by name; ``extras["seen"]`` is the image that
            they are maps of, ``(B, C, H, W)``.
        features: channels of the map that the first head sees, whose means are what regularizers read.
    """

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__()
        _, k = smallest(kit)
        self.y_dim, self.shapes = kit.y_dim, (kit.image, (kit.y_dim,))
        self.conditioning = kit.condition()
        self.big, self.small = BigTrunk(kit, ch, k), SmallTrunk(kit, ch, k)
        part, whole = self.big.widths[-2:]
        self.encodings: Mapping[str, Encoding] = {
            "part": Encoding(part, 1 << (k - 2), cropped=True),
            "whole": Encoding(whole, 1 << (k - 1)),
            "small": Encoding(self.small.widths[-1], self.small.scale),
        }
        self.last = Layer(kit, whole, 2 * whole, 1)
        self.features = 2 * whole
        self.head = PatchHead(self.conditioning, self.features, (WINDOW, WINDOW), bias=False)
        self.small_head = PatchHead(Conditioning(0), self.small.widths[-1], (WINDOW, WINDOW), bias=False)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block of the first trunk, from the image on."""
        return self.big.feature_blocks

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Judge images ``(B, C, H, W)`` in [-1, 1] under label vectors ``(B, y_dim)``: scores ``(B, P)``."""
        shown = self.conditioning.embed(x, y)
        part, whole = self.big(shown, y)
        small, last = self.small(shown, y), self.last(whole, y)
        with torch.autocast(x.device.type, enabled=False):  # bf16 would leave a score three digits
            heads = ((self.head, last), (self.small_head, small))
            said, other = (head(*as_weights(head, features, y)) for head, features in heads)
        seen = {"encodings": {"part": part, "whole": whole, "small": small}, "seen": x}
        return Output(torch.cat([said.scores, other.scores], 1), said.features, {**said.extras, **seen})


def generator(
    kit: Kit,
    *,
    ch: int = 64,
    form: Form = "full",
    gate: Gate = "leaky",
    bound: bool = True,
    unit: bool = False,
) -> Generator:
    """FastGAN: a light generator for few images, whose small maps gate its large ones (Liu et al. 2021).

    Attention sites: behind each doubling. Own one: 32 pixels.

    Args:
        kit: of G's side.
        ch: unit of width, that of maps of 128 pixels.
        form: ``"full"``, with two convolutions and noise at every other size; ``"double"``, at every one; ``"lite"``,
            with one convolution everywhere.
        gate: activation inside of gates: the paper's leaky ReLU, or ``"swish"``, as copies of its code have it.
        bound: end in a tanh, which those copies do at 1024 pixels alone, and Projected GAN nowhere.
        unit: scale the noise to a mean square of 1, as Projected GAN does.
    """
    within("fastgan:ch", ch, 1)
    return Generator(kit, GTrunk(kit, ch, form=form, gate=gate, bound=bound, unit=unit))


def discriminator(kit: Kit, *, ch: int = 64, ch_d: int | None = None) -> FastDiscriminator:
    """D of FastGAN: residual blocks, gated by larger maps, that judge windows and can be decoded.

    Args:
        kit: of D's side.
        ch: unit of width, that of maps of 64 pixels.
        ch_d: D's own; ``ch`` by default.
    """
    within("fastgan:ch", ch, 1)
    within("fastgan:ch.d", ch_d, 1)
    return FastDiscriminator(kit, ch_d or ch)
