"""CycleGAN: translation learnt from two sets of images without pairs.

Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (Zhu et al. 2017, arXiv 1703.10593),
appendix 7. The networks are those of the authors' code: at 256 pixels 11.38 and 2.76 million parameters, where instance
norm learns nothing and convolutions keep the biases that it takes out again. How ours differs: D moves before G, on
fakes of its own; below 256 pixels there are 6 residual blocks as in the paper, 3 below 64, and below 128 maps are half
as wide and patches no larger than the image.

G makes images of sources and D judges images; F makes sources of images and E judges sources. Labels, where a recipe
tells them, say what the images show, so E is told none. Data is two classes of
one data set (``classes:horse,deer:cifar10``) or two folders of pictures (``folders:FOLDER``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ganzoo import GAN, Adversary, Game, Kit, Turn, within
from ganzoo.layers import Conv2d
from ganzoo.parts import SOURCE, Batch, TurnContext
from ganzoo_translate.antialias import SmoothDouble, SmoothHalf
from ganzoo_translate.history import History, size_of_batch
from ganzoo_translate.patches import PatchDiscriminator, PatchTrunk, halvings, planes
from ganzoo_translate.sizes import whole_halves, width
from ganzoo_translate.translator import Attended, Block, Chain, Mirrored, Translator, Unit, doubling

Smooth = Literal["none", "down", "both"]
STEP = 4  # a side of an image is a multiple of it: maps are a quarter as large


def trunk(kit: Kit, ch: int, blocks: int, antialias: Smooth = "none", dropout: float = 0.0) -> nn.Module:
    """c7s1-64, d128, d256, R256 and so on, u128, u64, c7s1-3 of the paper, after Johnson et al. 2016 (1603.08155)."""
    wide = [ch, 2 * ch, 4 * ch]
    layers: list[nn.Module] = [Unit(kit, ch, Mirrored(kit.inputs, ch, 7))]
    layers += [halving(kit, a, b, smooth=antialias != "none") for a, b in pairwise(wide)]
    for _ in range(blocks):
        convs = (Mirrored(wide[2], wide[2], 3) for _ in range(2))
        layers.append(Block(kit, wide[2], *convs, dropout=dropout))
    layers.append(Attended(kit, wide[2], kit.resolution // 4, own=True))
    ups = smooth_doubling(wide[::-1]) if antialias == "both" else [(up,) for up in doubling(wide[::-1])]
    for b, up, side in zip(wide[1::-1], ups, (kit.resolution // 2, kit.resolution), strict=True):
        layers.append(Unit(kit, b, *up))
        layers += [Attended(kit, b, side)] if side < kit.resolution else []
    return Chain(layers, Mirrored(ch, kit.channels, 7))


def halving(kit: Kit, inputs: int, outputs: int, smooth: bool) -> Unit:
    """A 3x3 convolution of stride 2; or of stride 1, and what it makes is smoothed and halved."""
    conv = Conv2d(inputs, outputs, 3, stride=1 if smooth else 2, padding=1)
    return Unit(kit, outputs, conv, end=SmoothHalf() if smooth else None)


def smooth_doubling(widths: Sequence[int]) -> list[tuple[nn.Module, ...]]:
    """From each width to the next: a map is doubled smoothly and goes through a 3x3 convolution."""
    return [(SmoothDouble(), Conv2d(a, b, 3, padding=1)) for a, b in pairwise(widths)]


def cyclegan(
    g: Kit,
    d: Kit,
    *,
    ch: int | None = None,
    ch_d: int | None = None,
    blocks: int | None = None,
    layers: int | None = None,
    antialias: Smooth = "none",
    antialias_d: bool = False,
    dropout: float = 0.0,
) -> dict[str, nn.Module]:
    """Two ResNets that undo each other's work, and a PatchGAN for each (Zhu et al. 2017, arXiv 1703.10593).

    Attention sites of G are a quarter, its own, and half of the image; those of D all maps from 8 pixels to a half.

    Args:
        g, d: kits of the two sides.
        ch: channels of G's first map; 64 from 128 pixels up, 32 below.
        ch_d: channels of D's first map; as G's by default.
        blocks: residual blocks; 9 from 256 pixels up, 6 from 64, 3 below.
        layers: halvings in D, for patches of 16, 34, 70, ... pixels; 3, or as many as leave them within the image.
        antialias: where G smooths the maps that it halves, or both halves and doubles, as CUT does (Zhang 2019, arXiv
            1904.11486); ``none`` in CycleGAN.
        antialias_d: whether D smooths the maps that it halves.
        dropout: probability that G drops a value within a residual block in training; 0 in the paper.
    """
    within("cyclegan:ch", ch, 1)
    within("cyclegan:ch.d", ch_d, 1)
    within("cyclegan:blocks", blocks, 0, 64)
    within("cyclegan:dropout", dropout, 0, 1)
    whole_halves("cyclegan", g.resolution, STEP, 16)
    ch = width(ch, g.resolution)
    deep = usual_blocks(g.resolution) if blocks is None else blocks
    down = halvings("cyclegan", layers, d.resolution)
    d_ch = ch if ch_d is None else ch_d
    return {
        "G": Translator(g, trunk(g, ch, deep, antialias, dropout), STEP),
        "F": Translator(g, trunk(g, ch, deep, antialias, dropout), STEP),
        "D": PatchDiscriminator(d, PatchTrunk(d, planes(d), d_ch, down, bias=True, smooth=antialias_d)),
        "E": PatchDiscriminator(d, PatchTrunk(d, d.channels, d_ch, down, bias=True, smooth=antialias_d), labels=False),
    }


def usual_blocks(resolution: int) -> int:
    """9 and 6 as in the paper, and 3 where a map of the blocks has fewer than 16 pixels a side."""
    if resolution >= 256:
        return 9
    return 6 if resolution >= 64 else 3


class CycleGame(Game):
    """G and F each fool a critic, and undo each other.

    Args:
        gan: whose networks play.
        cycle: weight of the mean absolute difference between an image and what comes back of it.
        identity: weight of what G does to an image and F to a source, which should be nothing, as a share of ``cycle``.
        pool: fakes of the past that each critic is shown in place of half of the new ones; none where labels are told.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D", "E"), "g": ("G", "F")}
    critics: ClassVar[tuple[str, ...]] = ("D", "E")
    inputs: ClassVar[frozenset[str]] = frozenset({SOURCE})

    def __init__(self, gan: GAN, *, cycle: float = 10.0, identity: float = 0.5, pool: int = 50) -> None:
        super().__init__(gan)
        for name, value in {"cycle": cycle, "identity": identity, "pool": pool}.items():
            within(f"cyclegan:{name}", value, 0, 10_000 if name == "pool" else None)
        self.cycle, self.identity = cycle, identity
        self.adversaries = {"image": Adversary(gan, "D"), SOURCE: Adversary(gan, "E")}
        self.history = nn.ModuleDict({target: History(gan, pool) for target in self.adversaries})

    def turns(self) -> list[Turn]:
        """D and E judge, then G and F answer."""
        return [Turn("d", self.discriminator_loss, after=self.after), Turn("g", self.generator_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The critics' turn, on new fakes and old ones."""
        terms: dict[str, Tensor] = {}
        for target, adversary in self.adversaries.items():
            ctx = self.context(batch, step, "d", target)
            ctx.fake = self.history[target](ctx.fake, torch.rand(size_of_batch(ctx.fake)) < 0.5)
            terms |= named(target, adversary.discriminator_loss(ctx))
        return terms

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The generators' turn: each fools its critic, undoes the other, and leaves alone what needs no translation."""
        terms: dict[str, Tensor] = {}
        for target, adversary in self.adversaries.items():
            ctx = self.context(batch, step, "g", target)
            there, back = self.networks(target)
            own = adversary.generator_loss(ctx)
            own["cycle"] = self.cycle * (back(ctx.fake, ctx.y_fake) - batch[origin(target)]).abs().mean()
            if self.identity:
                weight = self.identity * self.cycle
                own["identity"] = weight * (there(batch[target], ctx.y_fake) - batch[target]).abs().mean()
            terms |= named(target, own)
        return terms

    def context(self, batch: Batch, step: int, side: str, target: str) -> TurnContext:
        """Translate this turn's images to ``target``: ``image`` or ``source``."""
        there, _ = self.networks(target)
        return self.adversaries[target].context(batch, step, side, batch[target], batch[origin(target)], there)

    def networks(self, target: str) -> tuple[Any, Any]:
        """What makes images of ``target``, and what makes them anew from those."""
        gan: Any = self.gan
        return (gan.G, gan.F) if target == "image" else (gan.F, gan.G)

    def after(self) -> None:
        """What the loss does to both critics once they have stepped."""
        for adversary in self.adversaries.values():
            adversary.after()

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last real images and fakes that D told apart."""
        return self.adversaries["image"].accuracy()


def origin(target: str) -> str:
    """What images of ``target`` are made from."""
    return SOURCE if target == "image" else "image"


def named(target: str, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Terms by name, those of the way back marked."""
    return {name if target == "image" else f"{name}_back": term for name, term in terms.items()}
