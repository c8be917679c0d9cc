"""CartoonGAN: photos turned into cartoons, learnt from photos and cartoon frames that are no pairs.

CartoonGAN: Generative Adversarial Networks for Photo Cartoonization (Chen et al. 2018, CVPR,
doi:10.1109/CVPR.2018.00986), figure 2. How ours differs: norms are instance norms, the paper does not say which; below
128 pixels maps are half as wide, and below 64 there are 4 residual blocks in place of 8; content is compared in any
network of timm where the paper has VGG-19, and its weight is that of a mean; real images count twice in D's loss, once
against what G made and once against smoothed edges, so that every loss of the zoo fits; ``color`` is an option of ours.
Data is photos of which half are filtered (``cartoon:cifar10``), or two folders of pictures (``folders:FOLDER``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Kit, within
from ganzoo.layers import Conv2d, Unchanged
from ganzoo.parts import SOURCE, Batch, TurnContext
from ganzoo_translate.patches import PatchDiscriminator, planes, site
from ganzoo_translate.sizes import whole_halves, width
from ganzoo_translate.translator import Attended, Block, Chain, Mirrored, Translator, Unit, doubling
from ganzoo_translate.warmed import WarmedGame

COARSE = 4  # side of the squares of pixels whose mean colours are compared
EDGE = 100 / 127.5  # slope from which a pixel is on an edge: 100 of 255, as is usual for Canny's lower threshold
SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


# --- networks -----------------------------------------------------------------------------------------------


def trunk(kit: Kit, ch: int, blocks: int) -> nn.Module:
    """A flat convolution, two halvings, residual blocks, two doublings, a flat convolution."""
    wide = [ch, 2 * ch, 4 * ch]
    half, quarter = kit.resolution // 2, kit.resolution // 4

    def same(channels: int) -> nn.Module:
        return Conv2d(channels, channels, 3, padding=1, bias=kit.bias)

    layers: list[nn.Module] = [Unit(kit, ch, Mirrored(kit.inputs, ch, 7, bias=kit.bias))]
    layers += [Unit(kit, b, Conv2d(a, b, 3, stride=2, padding=1), same(b)) for a, b in pairwise(wide)]
    layers += [Block(kit, wide[2], same(wide[2]), same(wide[2])) for _ in range(blocks)]
    layers.append(Attended(kit, wide[2], quarter, own=True))
    first, second = doubling(wide[::-1])
    layers += [Unit(kit, wide[1], first, same(wide[1])), Attended(kit, wide[1], half)]
    return Chain([*layers, Unit(kit, ch, second, same(ch))], Mirrored(ch, kit.channels, 7))


class EdgeTrunk(nn.Module):
    """A shallow critic's convolutions, which see clear edges or their absence: two halvings.

    Args:
        kit: of side ``"d"``.
        ch: maps of the first layer; the last has 8 times as many.
    """

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__()
        wide = [planes(kit), ch, 2 * ch, 4 * ch, 4 * ch, 8 * ch, 8 * ch]
        halves, normed = (1, 3), (2, 4, 5)  # positions of convolutions that halve the map, and that have a norm
        self.features = wide[-1]
        self.convs = nn.ModuleList(
            Conv2d(a, b, 3, stride=2 if k in halves else 1, padding=1, bias=kit.bias or k not in normed)
            for k, (a, b) in enumerate(pairwise(wide))
        )
        self.norms = nn.ModuleList(kit.norm(b) if k in normed else Unchanged() for k, b in enumerate(wide[1:]))
        sites = {2: kit.resolution // 2, 5: kit.resolution // 4}
        self.attentions = nn.ModuleList(
            site(kit, b, sites[k]) if k in sites else nn.Identity() for k, b in enumerate(wide[1:])
        )

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.convs, self.norms, self.attentions, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, F, R/4, R/4)`` of images ``(B, inputs, R, R)``."""
        for conv, norm, attention in zip(self.convs, self.norms, self.attentions, strict=True):
            x = attention(F.leaky_relu(norm(conv(x), y), 0.2))
        return x


def cartoongan(
    g: Kit, d: Kit, *, ch: int | None = None, ch_d: int | None = None, blocks: int | None = None
) -> dict[str, nn.Module]:
    """A ResNet, and a shallow critic of patches (Chen et al. 2018, doi:10.1109/CVPR.2018.00986).

    Attention sites of G are a quarter, its own, and half of the image; those of D a half, its own, and a quarter.

    Args:
        g, d: kits of the two sides.
        ch: channels of G's first map; 64 from 128 pixels up, 32 below.
        ch_d: channels of D's first map; half of G's by default.
        blocks: residual blocks; 8 from 64 pixels up, 4 below.
    """
    within("cartoongan:ch", ch, 1)
    within("cartoongan:ch.d", ch_d, 1)
    within("cartoongan:blocks", blocks, 0, 64)
    whole_halves("cartoongan", g.resolution, 4, 16)
    ch = width(ch, g.resolution)
    deep = (8 if g.resolution >= 64 else 4) if blocks is None else blocks
    edges = EdgeTrunk(d, max(1, ch // 2) if ch_d is None else ch_d)
    return {"G": Translator(g, trunk(g, ch, deep)), "D": PatchDiscriminator(d, edges, window=3)}


# --- the game -----------------------------------------------------------------------------------------------


class CartoonGame(WarmedGame):
    """G first learns to keep what a photo shows, then also to fool D, which knows cartoons by their clear edges.

    Args:
        gan: whose networks play.
        content: the network of timm that content is compared in; training needs its weights, samples do not.
        weight: of the mean absolute difference of content.
        warmup: steps in which G learns from content alone.
        edges: weight in D's loss of cartoons with smoothed edges, as fakes.
        color: weight of the mean absolute difference of colours, averaged over 4x4 pixels. The paper has none; it
            holds the colours of small photos, in which a network of features sees little of them.
    """

    def __init__(
        self,
        gan: GAN,
        *,
        content: str = "tf_efficientnet_lite0.in1k",
        weight: float = 10.0,
        warmup: int = 1000,
        edges: float = 1.0,
        color: float = 0.0,
    ) -> None:
        super().__init__(gan, content, warmup)
        for name, value in {"weight": weight, "warmup": warmup, "edges": edges, "color": color}.items():
            within(f"cartoongan:{name}", value, 0)
        self.weight, self.edges, self.color = weight, edges, color

    def warm_up(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn while it warms up: what it makes shows what the photo shows."""
        return self.kept(self.context(batch, step, "g"))

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: cartoons up; what G made, and cartoons with smoothed edges, down."""
        ctx = self.context(batch, step, "d")
        terms = self.adversary.discriminator_loss(ctx)
        if self.edges:
            smooth = smoothed(ctx.real)
            terms["edges"] = self.edges * self.adversary.parts.loss.d(ctx.critic, ctx.real, smooth)
        return terms

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: a cartoon that shows what the photo shows."""
        ctx = self.context(batch, step, "g")
        return {**self.adversary.generator_loss(ctx), **self.kept(ctx)}

    def kept(self, ctx: TurnContext) -> dict[str, Tensor]:
        """How far what G made is from showing what the photo shows."""
        assert self._seen is not None
        with torch.no_grad():
            wanted = self._seen(ctx.z)
        terms = {"content": self.weight * (self._seen(ctx.fake) - wanted).abs().mean()}
        if self.color:
            terms["color"] = self.color * F.avg_pool2d(ctx.fake.float() - ctx.z, COARSE).abs().mean()
        return terms

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Draw this turn's photos as cartoons."""
        gan: Any = self.gan
        return self.adversary.context(batch, step, side, batch["image"], batch[SOURCE], gan.G)


# --- edges --------------------------------------------------------------------------------------------------


@torch.no_grad()
def smoothed(images: Tensor) -> Tensor:
    """Images ``(B, C, R, R)`` in [-1, 1] with all edges, and what is near to them, blurred.

    The paper (section 3.2) makes them once from all cartoons; ours are made from each batch. Edges are pixels whose
    Sobel slope is steep, as for Canny, who thins them; they are widened next, so ours does not.
    """
    radius = max(1, images.shape[-1] // 128)
    with torch.autocast(images.device.type, enabled=False):  # whether a slope is steep is not for bf16 to say
        near = F.max_pool2d(outline(images).to(images.dtype), 2 * radius + 1, stride=1, padding=radius)
        return torch.lerp(images, blurred(images, radius), near)


def outline(images: Tensor) -> Tensor:
    """Which pixels of images in [-1, 1] are on an edge: bool ``(B, 1, R, R)``."""
    across = torch.tensor(SOBEL, dtype=images.dtype, device=images.device)
    kernels = torch.stack([across, across.t()])[:, None]
    slopes = F.conv2d(F.pad(images.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate"), kernels)
    return slopes.abs().sum(1, keepdim=True) > EDGE


def blurred(images: Tensor, radius: int) -> Tensor:
    """Images under a Gaussian of ``2 * radius + 1`` pixels, as wide as OpenCV makes it for that size."""
    sigma = 0.3 * (radius - 1) + 0.8
    weights = [math.exp(-(k**2) / (2 * sigma**2)) for k in range(-radius, radius + 1)]
    line = torch.tensor(weights, dtype=images.dtype, device=images.device) / sum(weights)
    kernel = torch.outer(line, line).expand(images.shape[1], 1, -1, -1)
    return F.conv2d(F.pad(images, (radius,) * 4, mode="replicate"), kernel, groups=images.shape[1])
