"""pix2pix: translation learnt from pairs.

Image-to-Image Translation with Conditional Adversarial Networks (Isola et al. 2017, arXiv 1611.07004): a U-Net, and a
PatchGAN that sees the source too. As the paper's appendix 6.1 at 256 pixels. How ours differs: at other sizes the U-Net
halves as often as the size can be halved, up to 8 times, and the critic's patches are no larger than the image; below
128 pixels maps are half as wide; dropout acts in training only, so that a source always gives the same image, where the
paper keeps it on as its noise; D's loss is not halved, to which Adam is blind. Pairs are made of any
pictures (``pairs:gray:cifar10``), or are two folders (``pairs:two:FOLDER``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Adversary, Game, Kit, Turn, within
from ganzoo.layers import Conv2d, Dropout, TransposedConv2d, Unchanged
from ganzoo.parts import SOURCE, Batch, TurnContext
from ganzoo_translate.patches import DEEPEST, PairDiscriminator, PatchTrunk, halvings, planes, site
from ganzoo_translate.sizes import whole_halves, width
from ganzoo_translate.translator import Translator

LEAST, MOST = 4, 8  # times that the U-Net halves an image
DROPPED = 3  # of its lowest doublings


class Down(nn.Module):
    """LeakyReLU(0.2), 4x4 convolution of stride 2, norm."""

    def __init__(self, inputs: int, outputs: int, norm: nn.Module, bias: bool) -> None:
        super().__init__()
        self.conv, self.norm = Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=bias), norm

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, H/2, W/2)``."""
        return self.norm(self.conv(F.leaky_relu(h, 0.2)), y)


class Up(nn.Module):
    """ReLU, transposed 4x4 convolution of stride 2, norm, dropout, attention."""

    def __init__(self, kit: Kit, inputs: int, outputs: int, resolution: int, dropout: float) -> None:
        super().__init__()
        self.conv, self.norm = TransposedConv2d(inputs, outputs, bias=kit.bias), kit.norm(outputs)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.attention = site(kit, outputs, resolution)

    def forward(self, h: Tensor, y: Tensor) -> Tensor:
        """``(B, inputs, H, W)`` to ``(B, outputs, 2H, 2W)``."""
        return self.attention(self.dropout(self.norm(self.conv(F.relu(h)), y)))


class UNet(nn.Module):
    """Halvings, then doublings that each also see the map of their size from before.

    Args:
        kit: of side ``"g"``.
        ch: channels of the first map; they double with every halving, up to 8 times.
        dropout: of values in the lowest three of the doublings.
        depth: how often it halves; None for as often as the size can be halved, up to 8 times.
    """

    def __init__(self, kit: Kit, ch: int, dropout: float, depth: int | None = None) -> None:
        super().__init__()
        least = 1 << (LEAST if depth is None else depth)
        whole_halves("pix2pix", kit.resolution, least, least)
        if depth is None:
            depth = next(k for k in range(MOST, 0, -1) if kit.resolution % (1 << k) == 0)
        wide = [ch * min(1 << k, DEEPEST) for k in range(depth)]
        self.first = Conv2d(kit.inputs, ch, 4, stride=2, padding=1)
        self.down = nn.ModuleList()
        for k in range(1, depth):
            inner = k < depth - 1  # the paper has no norm at the bottom, which may be a single pixel
            norm = kit.norm(wide[k]) if inner else Unchanged()
            self.down.append(Down(wide[k - 1], wide[k], norm, bias=kit.bias or not inner))
        self.up = nn.ModuleList()
        for k in range(depth - 1, 0, -1):
            inputs = wide[k] if k == depth - 1 else 2 * wide[k]
            low = k > depth - 1 - DROPPED
            self.up.append(Up(kit, inputs, wide[k - 1], kit.resolution >> k, dropout if low else 0.0))
        self.image = nn.ConvTranspose2d(2 * ch, kit.channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Images ``(B, C, R, R)`` in [-1, 1] of images ``(B, inputs, R, R)``."""
        h = self.first(x)
        before = []
        for down in self.down:
            before.append(h)
            h = down(h, y)
        for up in self.up:
            h = torch.cat([up(h, y), before.pop()], 1)
        return torch.tanh(self.image(F.relu(h)))


def pix2pix(
    g: Kit,
    d: Kit,
    *,
    ch: int | None = None,
    ch_d: int | None = None,
    layers: int | None = None,
    dropout: float = 0.5,
    depth: int | None = None,
) -> dict[str, nn.Module]:
    """A U-Net, and a PatchGAN that sees source and image (Isola et al. 2017, arXiv 1611.07004).

    Attention sites are all maps between 8 pixels and half of the image; own ones are at half of it, 32 at most.

    Args:
        g, d: kits of the two sides.
        ch: channels of G's first map; 64 from 128 pixels up, 32 below.
        ch_d: channels of D's first map; as G's by default.
        layers: halvings in D, for patches of 16, 34, 70, ... pixels; 3, or as many as leave them within the image.
        dropout: probability that G drops a value of its lowest maps.
        depth: how often G halves an image, whose side is a multiple of ``2 ** depth``; as often as it can be halved, up
            to 8 times, by default.
    """
    within("pix2pix:ch", ch, 1)
    within("pix2pix:ch.d", ch_d, 1)
    within("pix2pix:dropout", dropout, 0, 1)
    within("pix2pix:depth", depth, 2, 16)
    ch = width(ch, g.resolution)
    net = UNet(g, ch, dropout, depth)
    trunk = PatchTrunk(d, planes(d, 2), ch if ch_d is None else ch_d, halvings("pix2pix", layers, d.resolution), d.bias)
    return {"G": Translator(g, net), "D": PairDiscriminator(d, trunk)}


class Pix2PixGame(Game):
    """D tells pairs from pairs with a made image; G is also held to the target.

    Args:
        gan: whose networks play.
        l1: weight of the mean absolute difference between what G makes and the target.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}
    inputs: ClassVar[frozenset[str]] = frozenset({SOURCE})

    def __init__(self, gan: GAN, *, l1: float = 100.0) -> None:
        super().__init__(gan)
        within("pix2pix:l1", l1, 0)
        self.l1, self.adversary = l1, Adversary(gan)

    def turns(self) -> list[Turn]:
        """D judges, then G answers."""
        return [Turn("d", self.discriminator_loss, after=self.adversary.after), Turn("g", self.generator_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: true pairs up, made ones down."""
        return self.adversary.discriminator_loss(self.context(batch, step, "d"))

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: made pairs up, and near to the target."""
        ctx = self.context(batch, step, "g")
        return {**self.adversary.generator_loss(ctx), "l1": self.l1 * (ctx.fake - batch["image"]).abs().mean()}

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Translate this turn's sources; D sees them too."""
        gan: Any = self.gan
        source = batch[SOURCE]
        return self.adversary.context(batch, step, side, batch["image"], source, gan.G, source=source)

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes that D told apart."""
        return self.adversary.accuracy()
