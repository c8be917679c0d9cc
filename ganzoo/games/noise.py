"""The game of Goodfellow 2014: G turns noise into images, D tells them from real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.gan import GAN, Batch, Critic, Game, Round, Turn
from ganzoo.kit import Output


class NoiseGame(Game):
    """Noise to image, with or without labels."""

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}

    def __init__(self, gan: GAN) -> None:
        super().__init__(gan)
        self._round: Round | None = None
        self._scores: tuple[Tensor, Tensor] | None = None

    def turns(self) -> list[Turn]:
        """D judges, then G answers."""
        return [Turn("d", self.judge, after=self.after), Turn("g", self.create)]

    def judge(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: real up, fake down, plus penalties."""
        round = self.round(batch, step, "d")
        loss = {"loss": self.gan.parts.loss.d(round.critic, round.real, round.fake)}
        terms = {**loss, **self.extras(round), **self.penalties(round)}
        self._scores = (round.critic(round.real).detach(), round.critic(round.fake).detach())
        for augment in self.gan.parts.augments.values():
            if hasattr(augment, "observe"):
                augment.observe(round)
        return terms

    def create(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: fake up."""
        round = self.round(batch, step, "g")
        return {"loss": self.gan.parts.loss.g(round.critic, round.real, round.fake), **self.extras(round)}

    def round(self, batch: Batch, step: int, side: str) -> Round:
        """Draw this turn's noise and make its fakes; they take the labels of the real batch."""
        gan: Any = self.gan
        real, rng = batch["image"], torch.default_generator
        y = gan.one_hot(batch.get("label"), len(real)).to(real.device)
        z = gan.G.prior(len(real), rng).to(real.device)
        round = Round(batch, step, side, rng, y, real, z, fake=real, critic=Critic(self.view, y=y), generate=gan.G)
        self._round = round
        with torch.set_grad_enabled(side == "g"):
            round.fake = gan.G(self.refined(round), y).float()
        for augment in gan.parts.augments.values():
            if hasattr(augment, "reals"):
                round.real = augment.reals(round)
        return round

    def view(self, x: Tensor, y: Tensor) -> Output:
        """What D says of ``x`` as this turn's augmentations show it."""
        gan: Any = self.gan
        round = self._round
        augments = gan.parts.augments.values()
        for augment in augments:
            x = augment.images(x, round) if hasattr(augment, "images") else x
        output = gan.D(x, y)
        for augment in augments:
            if hasattr(augment, "scores"):
                output = Output(augment.scores(output.scores, round), output.features, output.extras)
        return output

    def refined(self, round: Round) -> Tensor:
        """The noise after every auxiliary that moves it."""
        for auxiliary in self.gan.parts.auxiliaries.values():
            if hasattr(auxiliary, "refine"):
                round.z = auxiliary.refine(round)
        return round.z

    def extras(self, round: Round) -> dict[str, Tensor]:
        """Terms of D's conditioning and of the auxiliaries whose turn it is."""
        gan: Any = self.gan
        terms: dict[str, Tensor] = {}
        if hasattr(gan.D.conditioning, "terms"):
            terms |= gan.D.conditioning.terms(round)
        for auxiliary in gan.parts.auxiliaries.values():
            if auxiliary.player == round.side and round.step % auxiliary.every == 0:
                terms |= auxiliary.terms(round)
        return terms

    def penalties(self, round: Round) -> dict[str, Tensor]:
        """Penalties that are due, times the rounds that they stand for, in full precision."""
        due = {name: part for name, part in self.gan.parts.penalties.items() if round.step % part.every == 0}
        with exact(round.real.device):
            return {name: part.every * penalise(part, round) for name, part in due.items()}

    def after(self) -> None:
        """What the loss does to D once it has stepped, such as weight clipping."""
        if hasattr(self.gan.parts.loss, "after"):
            self.gan.parts.loss.after(self.gan.D)

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals scored above 0 and of the last fakes scored below."""
        if self._scores is None:
            return None
        real, fake = self._scores
        return (real > 0).float().mean().item(), (fake < 0).float().mean().item()


def penalise(part: Any, round: Round) -> Tensor:
    """One penalty, in whichever of the two forms it is written."""
    if hasattr(part, "penalise"):
        return part.penalise(round)
    return part(round.critic, round.real, round.fake)


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Autocast off: a gradient penalty in bf16 is wrong."""
    with torch.autocast(device.type, enabled=False):
        yield
