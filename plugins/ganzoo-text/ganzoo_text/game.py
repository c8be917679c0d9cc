"""The game of StackGAN: each stage against its own critic, which must also tell a caption from a wrong one.

StackGAN (Zhang et al. 2017, arXiv 1612.03242). How ours differs: the paper trains Stage-I to its end and then Stage-II
on it, which is what the option ``stage=N`` does; without it both learn at once, Stage-II from Stage-I's images as they
are at that step. Either way Stage-II's turn changes nothing of Stage-I and of the text encoder.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo import GAN, Adversary, Batch, Game, Turn, TurnContext, within
from ganzoo.parts import gather, global_draw
from ganzoo_text.encoders import trimmed
from ganzoo_text.networks import Code


class StackGame(Game):
    """Text to image in two stages.

    Args:
        gan: the networks.
        stage: steps that Stage-I learns alone; then Stage-II learns and Stage-I rests. 0 for both at once.
        kl: weight of the divergence of a caption's law from N(0, 1). A mean over its dimensions as in the authors'
            code, which has 2; the paper writes a sum, and 1.
        mismatch: share of D's loss on fakes that goes to real images with a caption of another; the rest goes to
            generated ones. Half of it as the authors' code.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D1", "D2"), "g": ("G",)}
    critics: ClassVar[tuple[str, ...]] = ("D1", "D2")
    inputs: ClassVar[frozenset[str]] = frozenset({"z", "text"})

    def __init__(self, gan: GAN, *, stage: int = 0, kl: float = 2.0, mismatch: float = 0.5) -> None:
        super().__init__(gan)
        within("stackgan:stage", stage, 0)
        within("stackgan:kl", kl, 0)
        within("stackgan:mismatch", mismatch, 0, 1)
        self.stage, self.kl, self.mismatch = stage, kl, mismatch
        self.one, self.two = StageOneTurns(self, "D1"), StageTwoTurns(self, "D2")

    def turns(self) -> list[Turn]:
        """Both critics, then both stages; those of Stage-II from step ``stage`` on, and those of Stage-I until then."""
        one, two, stop = self.one, self.two, self.stage or None
        return [
            Turn("d", one.discriminator_loss, "d1", stop=stop, after=one.adversary.after),
            Turn("d", two.discriminator_loss, "d2", start=self.stage, after=two.adversary.after),
            Turn("g", one.generator_loss, "g1", stop=stop),
            Turn("g", two.generator_loss, "g2", start=self.stage, after=self.show),
        ]

    @torch.no_grad()
    def show(self) -> None:
        """From now on samples are Stage-II's."""
        generator: Any = self.gan.G
        generator.shown.fill_(1.0)

    def accuracy(self) -> tuple[float, float] | None:
        """Of Stage-II's critic once it has moved, else of Stage-I's."""
        return self.two.adversary.accuracy() or self.one.adversary.accuracy()


class StageTurns(ABC):
    """The turns of one stage and its critic.

    Args:
        game: says the weights.
        critic: name of the critic's network.
    """

    def __init__(self, game: StackGame, critic: str) -> None:
        self.game, self.adversary = game, Adversary(game.gan, critic)
        self.generator: Any = game.gan.G

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The critic's turn: real images up; generated ones, and real ones with another's caption, down."""
        ctx, _ = self.context(batch, step, "d")
        terms, share = self.adversary.discriminator_loss(ctx), self.game.mismatch
        other = copy(ctx)
        other.fake = mismatched(batch, ctx.real, ctx.fake)
        wrong = self.adversary.parts.loss.discriminator(other)
        return {**terms, "loss": (1 - share) * terms["loss"], "mismatch": share * wrong}

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The stage's turn: its images up, and the law of its captions towards N(0, 1)."""
        ctx, code = self.context(batch, step, "g")
        return {**self.adversary.generator_loss(ctx), "kl": self.game.kl * code.divergence()}

    def context(self, batch: Batch, step: int, side: str) -> tuple[TurnContext, Code]:
        """Draw noise and what the captions become, and make this turn's fakes of them."""
        real, text = self.real(batch["image"]), trimmed(batch["text"])
        z = global_draw(lambda n: self.generator.prior(n, torch.default_generator), len(real)).to(
            real.device, non_blocking=True
        )
        with torch.set_grad_enabled(side == "g"):
            code, generate = self.prepare(text)
        return self.adversary.context(batch, step, side, real, z, generate, text=text), code

    @abstractmethod
    def real(self, images: Tensor) -> Tensor:
        """Real images as large as this stage's."""

    @abstractmethod
    def prepare(self, text: Tensor) -> tuple[Code, Callable[[Tensor, Tensor], Tensor]]:
        """What captions become in this stage, and how images are made with that."""


class StageOneTurns(StageTurns):
    """Small images; the text encoder learns here."""

    def real(self, images: Tensor) -> Tensor:
        """The means of squares."""
        return F.avg_pool2d(images, self.generator.ratio)

    def prepare(self, text: Tensor) -> tuple[Code, Callable[[Tensor, Tensor], Tensor]]:
        """See :meth:`StageTurns.prepare`."""
        code = self.generator.augment_one(self.generator.embed(text))
        return code, lambda z, y: self.generator.small(z, y, code)


class StageTwoTurns(StageTurns):
    """Large images of small ones, which are given here."""

    def real(self, images: Tensor) -> Tensor:
        """As they are."""
        return images

    def prepare(self, text: Tensor) -> tuple[Code, Callable[[Tensor, Tensor], Tensor]]:
        """See :meth:`StageTurns.prepare`."""
        with torch.no_grad():
            said = self.generator.embed(text)
            first = self.generator.augment_one(said)
        code = self.generator.augment_two(said)

        def generate(z: Tensor, y: Tensor) -> Tensor:
            with torch.no_grad():
                small = self.generator.small(z, y, first)
            return self.generator.large(small, z, y, code)

        return code, generate


@torch.no_grad()
def mismatched(batch: Batch, real: Tensor, fake: Tensor) -> Tensor:
    """For each caption of the batch a real image ``(B, C, H, W)`` that it does not describe.

    One of another class where there are labels, else one with another caption. A caption that describes every image of
    the batch gets the generated one in its place.
    """
    mine = batch["label"][:, None] if "label" in batch else batch["text"]
    theirs = gather(mine)
    differ = (mine[:, None] != theirs[None]).any(2)  # (B here, B of all)
    chance = global_draw(torch.rand, len(mine), len(theirs)).to(differ.device, non_blocking=True)
    chosen = chance.masked_fill(~differ, -1.0).argmax(1)
    return torch.where(differ.any(1)[:, None, None, None], gather(real)[chosen], fake.to(real.dtype))
