"""The game of Goodfellow 2014: G turns noise into images, D tells them from real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.gan.adversary import Contest
from ganzoo.gan.game import Game, Turn
from ganzoo.gan.gan import GAN
from ganzoo.gan.kit import whole_draw
from ganzoo.parts.context import Batch, Round


class NoiseGame(Game):
    """Noise to image, with or without labels."""

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}

    def __init__(self, gan: GAN) -> None:
        super().__init__(gan)
        self.contest = Contest(gan)

    def turns(self) -> list[Turn]:
        """D judges, then G answers."""
        return [Turn("d", self.judge, after=self.contest.after), Turn("g", self.create)]

    def judge(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: real up, fake down, plus penalties."""
        return self.contest.judge(self.round(batch, step, "d"))

    def create(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn: fake up."""
        return self.contest.answer(self.round(batch, step, "g"))

    def round(self, batch: Batch, step: int, side: str) -> Round:
        """Draw this turn's noise and make its fakes; they take the labels of the real batch."""
        gan: Any = self.gan
        real = batch["image"]
        z = whole_draw(lambda n: gan.G.prior(n, torch.default_generator), len(real)).to(real.device)
        return self.contest.round(batch, step, side, real, z, gan.G)

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes that D told apart."""
        return self.contest.accuracy()
