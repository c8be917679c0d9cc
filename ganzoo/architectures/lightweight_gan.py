"""lightweight-gan: FastGAN as a well-known repository has it, with blurred resampling, global context and attention.

The paper is FastGAN's (Liu et al. 2021, arXiv 2101.04775); what differs is of github.com/lucidrains/lightweight-gan
(version 1.2). Multiples of ``ch`` (64) by the side of a map; beyond 256 pixels maps have the image's channels:

| | 4 | 8 | 16 | 32 | 64 | 128 | 256 |
|---|---|---|---|---|---|---|---|
| G | 4 | 8 | 8 | 4 | 2 | 1 | 1/2 |
| D | | 8 | 4 | 2 | 1 | 1/2 | (1/4) |

A stage of G shuffles channels to pixels, blurs by [1, 2, 1], and has one 4x4 convolution, noise, batch norm and a gated
linear unit. Maps of 128 pixels and more are gated by those an eighth of their size, by global context (GCNet, arXiv
1904.11492). D has no norm: a block adds a branch that shuffles pixels to channels to one that pools, both blurred; then
it decides once, or by 5x5 windows of its 8x8 map (``decisions=windows``). A second one, which has linear attention in
it (arXiv 1812.01243), decides by the image at 32 pixels. Both networks have that attention at 32 pixels, by the
attention slot. The regularizer ``reconstruction`` decodes the last map, and of images of 512 pixels and more a part of
the one before; a slope of 1 at real images is asked for in every fourth update.

How ours differs: the loss is the mean over both decisions, where the repository adds them; EMA moves at every step;
frequency channel attention and attention in G's upsampling, which are its options, are left out. Four more things are
those of its code with ``exact=true`` alone, for weights that it trained: the first map has length 1 at each pixel, the
larger side of a 4x4 kernel's padding comes first, gates see a map before its own gate and attention, and the latter
comes before the next doubling and not after the last. There blurs are reflected at the border, or left out (``blur``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.architectures.fastgan import smallest, wide
from ganzoo.errors import within
from ganzoo.gan.kit import Generator, Kit
from ganzoo.layers.attention import LinearAttention
from ganzoo.layers.conv import Conv2d
from ganzoo.layers.excitation import GlobalContextExcitation, Unexcited
from ganzoo.layers.filters import Filtered
from ganzoo.layers.noise import NoiseInput
from ganzoo.layers.patches import PatchHead, together
from ganzoo.layers.resample import ShuffledUp
from ganzoo.parts import Encoding, Output, as_weights

NAME = "lightweight-gan"
FULL = 6  # doublings of 4 pixels to 256, beyond which maps have the image's channels
REACH = 3  # doublings between the maps of a gate
FIRST_SOURCE = 2  # doublings of the smallest map that gates another: 16 pixels
MOST = 8  # times ``ch``, at most
ATTENTION = 32  # height of the map where attention stands unless a recipe says a number; half of a smaller image
SHAPE = 32  # side of the image that the second discriminator sees
WINDOW = 4
SLOPE = 0.1
BLUR = (1.0, 2.0, 1.0)

Decisions = Literal["one", "windows"]
Blur = Literal["zeros", "reflected", "none"]
BLURS: Mapping[Blur, Callable[[], nn.Module]] = {
    "zeros": lambda: Filtered(BLUR, 1),
    "reflected": lambda: nn.Sequential(nn.ReflectionPad2d(1), Filtered(BLUR)),
    "none": nn.Identity,
}
PADDINGS = {False: (1, 2, 1, 2), True: (2, 1, 2, 1)}  # of a 4x4 kernel, by ``exact``


def leaky(x: Tensor) -> Tensor:
    """The activation of both networks where no gated linear unit stands."""
    return F.leaky_relu(x, SLOPE)


@dataclass(frozen=True)
class Look:
    """How G is made: see :func:`generator` for each."""

    ch: int
    first: int | None = None
    most: int | None = None
    blur: Blur = "zeros"
    exact: bool = False

    def width(self, kit: Kit, i: int) -> int:
        """Channels of G's maps after ``i`` doublings of 4 pixels."""
        if i > FULL:
            return kit.channels
        if not i:
            return self.first or wide(self.ch, MOST / 2)
        return min(wide(self.ch, 32 / (1 << i)), self.most or wide(self.ch, MOST))


class UnitLength(nn.Module):
    """Scales the vector of channels at each pixel to length 1."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return F.normalize(x, dim=1)


class Stage(nn.Module):
    """What doubles a map of G.

    Args:
        kit: of side ``g``.
        inputs, outputs: channels before and after.
        size: height and width after it.
        look: of the network.
    """

    def __init__(self, kit: Kit, inputs: int, outputs: int, size: tuple[int, int], look: Look) -> None:
        super().__init__()
        self.up = nn.Sequential(ShuffledUp(inputs), BLURS[look.blur](), nn.ZeroPad2d(PADDINGS[look.exact]))
        self.conv, self.noise = Conv2d(inputs, 2 * outputs, 4), NoiseInput(size)
        self.norm = kit.norm(2 * outputs)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, 2H, 2W)`` under contexts ``(B, c_dim)``."""
        return F.glu(self.norm(self.noise(self.conv(self.up(x))), c), 1)


class GTrunk(nn.Module):
    """``(B, latent)`` to an image ``(B, C, H, W)``, which nothing but training bounds.

    Args:
        kit: of side ``g``.
        look: how it is made.
    """

    def __init__(self, kit: Kit, look: Look) -> None:
        super().__init__()
        bottom, k = smallest(kit, NAME)
        widths = [look.width(kit, i) for i in range(k + 1)]
        self.first = nn.ConvTranspose2d(kit.latent, 2 * widths[0], bottom)
        self.norm = kit.norm(2 * widths[0])
        sizes = [(bottom[0] << i, bottom[1] << i) for i in range(1, k + 1)]
        self.stages = nn.ModuleList(
            Stage(kit, *channels, size, look) for channels, size in zip(pairwise(widths), sizes, strict=True)
        )
        self.sources = [i - REACH if i - REACH >= FIRST_SOURCE else 0 for i in range(1, k + 1)]
        self.gates = nn.ModuleList(
            GlobalContextExcitation(widths[source], width) if source else Unexcited()
            for source, width in zip(self.sources, widths[1:], strict=True)
        )
        self.attentions = kit.attentions(widths[1:], [height for height, _ in sizes], min(ATTENTION, kit.height // 2))
        self.image = Conv2d(widths[-1], kit.channels, 3, padding=1)

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise ``(B, latent)`` under contexts ``(B, c_dim)``."""
        maps = [F.glu(self.norm(self.first(h[:, :, None, None]), c), 1)]
        for stage, gate, source, attention in zip(self.stages, self.gates, self.sources, self.attentions, strict=True):
            maps.append(attention(gate(stage(maps[-1], c), maps[source])))
        return self.image(maps[-1])


class ExactTrunk(GTrunk):
    """The same, in the order of the repository's code."""

    def __init__(self, kit: Kit, look: Look) -> None:
        super().__init__(kit, look)
        self.unit = UnitLength()

    def forward(self, h: Tensor, c: Tensor) -> Tensor:
        """Images of noise ``(B, latent)`` under contexts ``(B, c_dim)``."""
        x = self.unit(F.glu(self.norm(self.first(h[:, :, None, None]), c), 1))
        seen = [x]
        for stage, gate, source, attention in zip(self.stages, self.gates, self.sources, self.attentions, strict=True):
            seen.append(stage(x, c))
            x = attention(gate(seen[-1], seen[source]))
        return self.image(x)


class DBlock(nn.Module):
    """Halves a map twice over, after a blur, and adds both: by a shuffle of pixels to channels, and by mean pooling.

    Args:
        inputs, outputs: channels before and after.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.blur = Filtered(BLUR, 1)
        self.shuffled = Conv2d(4 * inputs, outputs, 1)
        self.again = Conv2d(outputs, outputs, 3, padding=1)
        self.pooled = Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H/2, W/2)``."""
        x = self.blur(x)
        main = leaky(self.again(leaky(self.shuffled(F.pixel_unshuffle(x, 2)))))
        return main + leaky(self.pooled(F.avg_pool2d(x, 2)))


class Opening(nn.Module):
    """Brings images of more than 256 pixels to that size, by strides.

    Args:
        planes: of the image.
        width: channels of what it makes.
        halvings: at least one.
    """

    def __init__(self, planes: int, width: int, halvings: int) -> None:
        super().__init__()
        channels = [*[planes] * halvings, width]
        self.blur = Filtered(BLUR, 1)
        self.convs = nn.ModuleList(Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(B, width, H/2^n, W/2^n)`` of images."""
        for conv in self.convs:
            x = leaky(conv(self.blur(x)))
        return x


class ShapeTrunk(nn.Module):
    """The image at 32 pixels, at most, to maps of 4x4: two attentions, with a halving between them.

    Args:
        planes: of the image.
        ch: channels of its first map, and numbers of each head of its attention.
    """

    def __init__(self, planes: int, ch: int) -> None:
        super().__init__()
        self.features = max(1, ch // 2)
        attend = lambda width: LinearAttention(width, heads=8, width=ch, local=3)  # noqa: E731
        self.first = Conv2d(planes, ch, 3, padding=1)
        self.layers = nn.Sequential(attend(ch), DBlock(ch, self.features), attend(self.features))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, features, 4, 4)`` of images ``(B, planes, H, W)``, or more where a side is no multiple of 8."""
        height, width = (min(side, SHAPE * side // min(x.shape[2:])) for side in x.shape[2:])
        small = F.interpolate(x, (height, width), mode="bilinear", align_corners=False)
        made = self.layers(self.first(small))
        # Not adaptive_avg_pool2d, whose exporter asks for sizes that those of F.interpolate are not.
        return F.avg_pool2d(made, [max(1, int(side) // WINDOW) for side in made.shape[2:]])


class LightDiscriminator(nn.Module):
    """D of lightweight-gan: blocks down to 8x8 and a decision there, beside one on the image at 32 pixels.

    Args:
        kit: of side ``d``.
        ch: unit of width.
        decisions: see :func:`discriminator`.

    Attributes:
        encodings: the maps in ``extras["encodings"]`` of what it says, by name; ``extras["seen"]`` is the image that
            they are maps of, ``(B, C, H, W)``.
        features: of both heads: the means of the maps that they see.
    """

    def __init__(self, kit: Kit, ch: int, decisions: Decisions) -> None:
        super().__init__()
        _, k = smallest(kit, NAME)
        self.y_dim, self.shapes = kit.y_dim, (kit.image, (kit.y_dim,))
        self.conditioning = kit.condition()
        entry = max(0, k - FULL)
        first = wide(ch, 1 / 4) if entry else kit.inputs
        self.opening = Opening(kit.inputs, first, entry) if entry else nn.Identity()
        heights = [kit.height >> i for i in range(entry + 1, k)]
        widths = [wide(ch, MOST / (1 << i)) for i in range(len(heights))][::-1]
        self.blocks = nn.ModuleList(DBlock(a, b) for a, b in pairwise([first, *widths]))
        self.attentions = kit.attentions(widths, heights, min(ATTENTION, kit.height // 2))
        last = widths[-1]
        self.encodings: Mapping[str, Encoding] = {"whole": Encoding(last, 1 << (k - 1))}
        if entry:
            self.encodings = {**self.encodings, "part": Encoding(widths[-2], 1 << (k - 2), cropped=True)}
        self.last = Conv2d(last, last, 1) if decisions == "windows" else Conv2d(last, last, 3, stride=2, padding=1)
        self.shape = ShapeTrunk(kit.inputs, ch)
        self.features = last + self.shape.features
        self.head = PatchHead(self.conditioning, last, (WINDOW, WINDOW))
        self.shape_head = PatchHead(self.conditioning, self.shape.features, (WINDOW, WINDOW))

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [(self.opening,), *zip(self.blocks, self.attentions, strict=True)]

    def forward(self, x: Tensor, y: Tensor) -> Output:
        """Judge images ``(B, C, H, W)`` in [-1, 1] under label vectors ``(B, y_dim)``: scores of two heads."""
        shown = self.conditioning.embed(x, y)
        maps = [self.opening(shown)]
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            maps.append(attention(block(maps[-1])))
        last, shape = leaky(self.last(maps[-1])), self.shape(shown)
        with torch.autocast(x.device.type, enabled=False):  # bf16 would leave a score three digits
            heads = ((self.head, last), (self.shape_head, shape))
            said = together([head(*as_weights(head, features, y)) for head, features in heads])
        found = dict(zip(self.encodings, reversed(maps), strict=False))
        return Output(said.scores, said.features, {**said.extras, "encodings": found, "seen": x})


def generator(
    kit: Kit,
    *,
    ch: int = 64,
    first: int | None = None,
    most: int | None = None,
    blur: Blur = "zeros",
    exact: bool = False,
) -> Generator:
    """lightweight-gan: FastGAN with blurred shuffling, gates of global context, linear attention (lucidrains 2020).

    Attention sites: behind each doubling. Own one: 32 pixels, or half of a smaller image.

    Args:
        kit: of G's side.
        ch: unit of width, that of maps of 128 pixels.
        first: channels of the map of 4 pixels; 4 ``ch`` by default.
        most: channels of others, at most; 8 ``ch`` by default.
        blur: what blurs see beyond the border, or ``"none"`` for no blurs, as the repository has it by default.
        exact: compute what the repository's code does where ours differs, for weights that it trained.
    """
    within(f"{NAME}:ch", ch, 1)
    within(f"{NAME}:first", first, 1)
    within(f"{NAME}:most", most, 1)
    look = Look(ch, first, most, blur, exact)
    return Generator(kit, ExactTrunk(kit, look) if exact else GTrunk(kit, look))


def discriminator(
    kit: Kit, *, ch: int = 64, ch_d: int | None = None, decisions: Decisions = "one"
) -> LightDiscriminator:
    """D of lightweight-gan: two branches a block, a decision at full size and one at 32 pixels.

    Args:
        kit: of D's side.
        ch: unit of width, that of maps of 64 pixels.
        ch_d: D's own; ``ch`` by default.
        decisions: ``"one"`` for the image, or ``"windows"``, one for each of its last map.
    """
    within(f"{NAME}:ch", ch, 1)
    within(f"{NAME}:ch.d", ch_d, 1)
    return LightDiscriminator(kit, ch_d or ch, decisions)
