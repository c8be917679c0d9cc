"""SimGAN: a refiner that makes simulated images look real, and leaves what they show where it is.

Learning from Simulated and Unsupervised Images through Adversarial Training (Shrivastava et al. 2017, arXiv
1612.07828). How ours differs: D has one score for each patch where the paper has two classes, which is the same; losses
are means over patches and pixels, where the paper sums, so the weight of the self-regularisation is another number; an
old fake that D was shown leaves the history (:mod:`ganzoo_translate.history`); and Adam stands for SGD, from orthogonal
weights. Simulated digits are drawn from fonts (``rendered-digits:mnist``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo import GAN, Adversary, Game, Kit, Turn, within
from ganzoo.layers import Conv2d
from ganzoo.parts import SOURCE, Batch, TurnContext
from ganzoo_translate.history import History, size_of_batch
from ganzoo_translate.patches import PatchDiscriminator, planes, site
from ganzoo_translate.sizes import whole_halves, width
from ganzoo_translate.translator import Attended, Block, Chain, Translator, Unit


def refiner(kit: Kit, ch: int, blocks: int) -> nn.Module:
    """A 3x3 convolution, residual blocks, a 1x1 convolution: nothing is halved, so what is seen stays where it is."""

    def same(inputs: int) -> nn.Module:
        return Conv2d(inputs, ch, 3, padding=1, bias=kit.bias)

    layers: list[nn.Module] = [Unit(kit, ch, same(kit.inputs))]
    layers += [Block(kit, ch, same(ch), same(ch)) for _ in range(blocks)]
    return Chain([*layers, Attended(kit, ch, kit.resolution, own=True)], Conv2d(ch, kit.channels, 1))


class LocalTrunk(nn.Module):
    """Convolutions of 96, 64, 32 and 32 maps that halve an image twice: features of small patches.

    Args:
        kit: of side ``"d"``.
        ch: maps of the first layer.
    """

    def __init__(self, kit: Kit, ch: int) -> None:
        super().__init__()
        widths = [ch, max(1, 2 * ch // 3), max(1, ch // 3), max(1, ch // 3)]
        shapes = ((3, 2, 1), (3, 2, 1), (3, 1, 1), (1, 1, 0))  # size, stride, padding
        self.features = widths[-1]
        self.convs = nn.ModuleList(
            Conv2d(a, b, *shape, bias=kit.bias)
            for (a, b), shape in zip(pairwise([planes(kit), *widths]), shapes, strict=True)
        )
        self.norms = nn.ModuleList(kit.norm(b) for b in widths)
        second = nn.Sequential(site(kit, widths[1], kit.resolution // 4), nn.MaxPool2d(3, stride=1, padding=1))
        self.between = nn.ModuleList([site(kit, ch, kit.resolution // 2), second, nn.Identity(), nn.Identity()])

    @property
    def feature_blocks(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of each block, from the image on."""
        return list(zip(self.convs, self.norms, self.between, strict=True))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Features ``(B, F, R/4, R/4)`` of images ``(B, inputs, R, R)``."""
        for conv, norm, between in zip(self.convs, self.norms, self.between, strict=True):
            x = between(F.relu(norm(conv(x), y)))
        return x


def simgan(
    g: Kit, d: Kit, *, ch: int | None = None, ch_d: int | None = None, blocks: int | None = None
) -> dict[str, nn.Module]:
    """A refiner at full size, and a critic of small patches (Shrivastava et al. 2017, arXiv 1612.07828).

    The attention sites are the image's own size in G, and a half and a quarter of it in D.

    Args:
        g, d: kits of the two sides.
        ch: channels of G; 64 from 128 pixels up, 32 below.
        ch_d: channels of D's first map; one and a half times those of G by default.
        blocks: residual blocks; 10 from 128 pixels up, 4 below.
    """
    within("simgan:ch", ch, 1)
    within("simgan:ch.d", ch_d, 1)
    within("simgan:blocks", blocks, 0, 64)
    whole_halves("simgan", g.resolution, 4, 8)
    ch = width(ch, g.resolution)
    deep = (10 if g.resolution >= 128 else 4) if blocks is None else blocks
    local = LocalTrunk(d, 3 * ch // 2 if ch_d is None else ch_d)
    return {"G": Translator(g, refiner(g, ch, deep)), "D": PatchDiscriminator(d, local, window=1, margin=0)}


class RefinerGame(Game):
    """G makes sources look real and changes them little; D sees new and old fakes.

    Args:
        gan: whose networks play.
        reg: weight of the mean absolute difference between an image and its source (self-regularisation).
        pool: fakes of the past that D is shown in place of half of the new ones; none where labels are told.
        warmup: steps in which G only learns to leave sources as they are.
        warmup_d: steps after those in which only D learns.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}
    inputs: ClassVar[frozenset[str]] = frozenset({SOURCE})

    def __init__(
        self, gan: GAN, *, reg: float = 10.0, pool: int = 512, warmup: int = 1000, warmup_d: int = 200
    ) -> None:
        super().__init__(gan)
        within("simgan:reg", reg, 0)
        within("simgan:pool", pool, 0, 10_000)
        within("simgan:warmup", warmup, 0)
        within("simgan:warmup.d", warmup_d, 0)
        self.reg, self.warmup, self.warmup_d, self.adversary = reg, warmup, warmup_d, Adversary(gan)
        self.history = History(gan, pool)

    def turns(self) -> list[Turn]:
        """G warms up, then D; then D judges and G answers."""
        return [
            Turn("g", self.keep, name="warm-up", stop=self.warmup),
            Turn("d", self.discriminator_loss, start=self.warmup, after=self.adversary.after),
            Turn("g", self.refine, start=self.warmup + self.warmup_d),
        ]

    def keep(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn while it warms up: an image is like its source."""
        ctx = self.context(batch, step, "g")
        return {"self": (ctx.fake - batch[SOURCE]).abs().mean()}

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: real up; fakes, half of them old ones, down."""
        ctx = self.context(batch, step, "d")
        n = size_of_batch(ctx.fake)
        ctx.fake = self.history(ctx.fake, torch.arange(n) < n // 2)
        return self.adversary.discriminator_loss(ctx)

    def refine(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: fakes up, and like their sources."""
        ctx = self.context(batch, step, "g")
        return {**self.adversary.generator_loss(ctx), "self": self.reg * (ctx.fake - batch[SOURCE]).abs().mean()}

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Refine this turn's sources."""
        gan: Any = self.gan
        return self.adversary.context(batch, step, side, batch["image"], batch[SOURCE], gan.G)

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes that D told apart."""
        return self.adversary.accuracy()
