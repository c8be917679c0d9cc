"""ESRGAN: small pictures made large.

ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks (Wang et al. 2018, arXiv 1809.00219), and the form of
its generator that enlarges less, of Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833): residual dense blocks within
residual blocks and no norm, 16.70 million parameters. How ours differs: below 128 pixels there are 6 blocks in place of
23, below 64 two; D is a PatchGAN that judges many windows in place of a VGG that judges one; what a picture shows is
compared in any network of timm, in place of VGG-19; small pictures are those of the data, or the means of its pixels
where the data's are as large as the images. Pairs of both are made of any pictures (``pairs:downscale:cifar10``).

Inside, G computes with pixels in [0, 1], beyond whose edges lies black.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Kit, within
from ganzoo.layers import Conv2d
from ganzoo.parts import SOURCE, Batch, NotNegative, NotNegativeInt, TurnContext
from ganzoo_translate.patches import PatchDiscriminator, PatchTrunk, halvings, planes
from ganzoo_translate.sizes import whole_halves
from ganzoo_translate.translator import Translator, filled
from ganzoo_translate.warmed import WarmedGame

Scale = Literal["1", "2", "4"]
STEP = 4  # a side of an image is a multiple of it: maps are a quarter as large, whatever the scale
RESIDUAL = 0.2  # what a branch counts beside its shortcut
DENSE, WITHIN = 5, 3  # convolutions of a dense block, and dense blocks of a block


# --- networks -----------------------------------------------------------------------------------------------


class DenseBlock(nn.Module):
    """Convolutions that each see the input and what those before made of it, beside a shortcut.

    Args:
        width: maps of the input.
        growth: maps that each convolution but the last adds.
    """

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        outputs = [growth] * (DENSE - 1) + [width]
        self.convs = nn.ModuleList(Conv2d(width + k * growth, out, 3, padding=1) for k, out in enumerate(outputs))

    def forward(self, h: Tensor) -> Tensor:
        """``(B, width, H, W)`` to the same."""
        *inner, last = self.convs
        maps = h
        for conv in inner:
            maps = torch.cat([maps, F.leaky_relu(conv(maps), 0.2)], 1)
        return h + RESIDUAL * last(maps)


class Block(nn.Module):
    """Dense blocks one after the other, beside a shortcut (RRDB)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(WITHIN)))

    def forward(self, h: Tensor) -> Tensor:
        """``(B, width, H, W)`` to the same."""
        return h + RESIDUAL * self.dense(h)


class RRDBNet(nn.Module):
    """A picture of any size to one that is ``scale`` times as wide and high.

    Args:
        kit: of side ``"g"``.
        ch: maps.
        growth: maps that a convolution of a dense block adds.
        blocks: residual ones.
        scale: 1, 2 or 4. Maps are doubled twice, so below 4 a square of pixels becomes one with more planes first.
    """

    def __init__(self, kit: Kit, ch: int, growth: int, blocks: int, scale: int) -> None:
        super().__init__()
        self.square = STEP // scale
        self.first = Conv2d(kit.inputs * self.square**2, ch, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(ch, growth) for _ in range(blocks)))
        self.last = Conv2d(ch, ch, 3, padding=1)
        self.up = nn.ModuleList(Conv2d(ch, ch, 3, padding=1) for _ in range(2))
        self.large, self.image = Conv2d(ch, ch, 3, padding=1), Conv2d(ch, kit.channels, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Pictures ``(B, C, scale H, scale W)`` in [0, 1] or about it, of pictures ``(B, inputs, H, W)``."""
        h = self.first(F.pixel_unshuffle(x, self.square))
        h = h + self.last(self.blocks(h))
        for conv in self.up:
            h = F.leaky_relu(conv(F.interpolate(h, scale_factor=2.0, mode="nearest")), 0.2)
        return self.image(F.leaky_relu(self.large(h), 0.2))


class Enlarger(Translator):
    """A generator that takes pictures smaller than those it makes: ``shapes`` says how small.

    Args:
        kit: of side ``"g"``.
        trunk: called ``trunk(x, y)`` with pixels in [0, 1], as it returns them.
        scale: times that its images are as wide as what it takes.
        step: see :class:`Translator`.
    """

    def __init__(self, kit: Kit, trunk: nn.Module, scale: int, step: int = 1) -> None:
        super().__init__(kit, trunk, step)
        self.scale = scale
        self.shapes = ((kit.channels, kit.height // scale, kit.width // scale), (kit.y_dim,))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, scale H, scale W)`` in [-1, 1] or about it, of pictures ``(B, C, H, W)`` in [-1, 1]."""
        small = (x + 1) / 2
        whole = filled(small, self.step)
        made: Tensor = self.trunk(self.conditioning.embed(whole, y), y) * 2 - 1
        return made if whole is small else made[..., : self.scale * x.shape[2], : self.scale * x.shape[3]]


def esrgan(
    g: Kit,
    d: Kit,
    *,
    ch: int = 64,
    ch_d: int | None = None,
    growth: int | None = None,
    blocks: int | None = None,
    scale: Scale = "4",
    layers: int | None = None,
) -> dict[str, nn.Module]:
    """Residual dense blocks without norms, and a PatchGAN (Wang et al. 2018, arXiv 1809.00219).

    G has no attention sites; those of D are all maps from 8 pixels to a half.

    Args:
        g, d: kits of the two sides.
        ch: maps of G.
        ch_d: channels of D's first map; as G's by default.
        growth: maps that each convolution of a dense block adds; half of ``ch`` by default.
        blocks: residual blocks of three dense blocks; 23 from 128 pixels up, 6 from 64, as Real-ESRGAN for anime has, 2
            below.
        scale: times that an image is as wide and high as its source; 2 and 1 are Real-ESRGAN's.
        layers: halvings in D, for patches of 16, 34, 70, ... pixels; 3, or as many as leave them within the image.
    """
    for name, value in {"ch": ch, "ch.d": ch_d, "growth": growth}.items():
        within(f"esrgan:{name}", value, 1)
    within("esrgan:blocks", blocks, 0, 64)
    whole_halves("esrgan", g.resolution, STEP, 16)
    deep = usual_blocks(g.resolution) if blocks is None else blocks
    net = RRDBNet(g, ch, max(1, ch // 2) if growth is None else growth, deep, int(scale))
    trunk = PatchTrunk(d, planes(d), ch if ch_d is None else ch_d, halvings("esrgan", layers, d.resolution), d.bias)
    return {"G": Enlarger(g, net, int(scale), STEP // int(scale)), "D": PatchDiscriminator(d, trunk)}


def usual_blocks(resolution: int) -> int:
    """23 as in the paper, and fewer where images are too small to need them."""
    if resolution >= 128:
        return 23
    return 6 if resolution >= 64 else 2


# --- the game -----------------------------------------------------------------------------------------------


class EnlargingGame(WarmedGame):
    """D judges large pictures; G is also held to the pixels of the true one, and to what it shows.

    Args:
        gan: whose networks play.
        content: the network of timm that content is compared in; training needs its weights, samples do not.
        weight: of the mean absolute difference of content.
        l1: weight of the mean absolute difference of pixels.
        adversarial: weight of what D says.
        warmup: steps in which G learns from pixels alone, as the paper starts from.
    """

    def __init__(
        self,
        gan: GAN,
        *,
        content: str = "tf_efficientnet_lite0.in1k",
        weight: NotNegative = 1.0,
        l1: NotNegative = 0.01,
        adversarial: NotNegative = 0.005,
        warmup: NotNegativeInt = 0,
    ) -> None:
        super().__init__(gan, content if weight else None, warmup)
        self.weight, self.l1, self.adversarial = weight, l1, adversarial

    def warm_up(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn while it warms up: near to the true pixels."""
        ctx = self.context(batch, step, "g")
        return {"l1": (ctx.fake - ctx.real).abs().mean()}

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: pictures that D takes for true, near to the true one and showing the same."""
        ctx = self.context(batch, step, "g")
        terms = self.adversary.generator_loss(ctx)
        terms["loss"] = self.adversarial * terms["loss"]
        terms["l1"] = self.l1 * (ctx.fake - ctx.real).abs().mean()
        if self._seen is not None:
            with torch.no_grad():
                wanted = self._seen(ctx.real)
            terms["content"] = self.weight * (self._seen(ctx.fake) - wanted).abs().mean()
        return terms

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Enlarge this turn's small pictures."""
        gan: Any = self.gan
        small = F.interpolate(batch[SOURCE], size=tuple(gan.G.shapes[0][1:]), mode="area")
        return self.adversary.context(batch, step, side, batch["image"], small, gan.G)
