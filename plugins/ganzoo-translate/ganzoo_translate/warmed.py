"""A game of translators in which G learns by itself before D joins in, and may be held to what a picture shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from ganzoo import GAN, Adversary, Game, Turn
from ganzoo.parts import SOURCE, Batch, TurnContext
from ganzoo_translate.content import Content


class WarmedGame(Game):
    """G warms up without D; then D judges and G answers.

    Args:
        gan: whose networks play.
        content: the network of timm that content is compared in; None for none.
        warmup: steps in which G learns by itself.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}
    inputs: ClassVar[frozenset[str]] = frozenset({SOURCE})

    def __init__(self, gan: GAN, content: str | None, warmup: int) -> None:
        super().__init__(gan)
        self.name, self.warmup = content, warmup
        self.adversary = Adversary(gan)
        self._seen: Content | None = None

    def turns(self) -> list[Turn]:
        """G warms up; then D judges and G answers.

        Raises:
            UsageError: for a content network that cannot be.
            GanzooError: its weights are not here and cannot be fetched.
        """
        gan: Any = self.gan
        # Here and not before: building and loading a model need no weights but its own, and this is the first step.
        if self.name is not None:
            self._seen = Content(self.name, gan.resolution, next(gan.G.parameters()).device)
        return [
            Turn("g", self.warm_up, name="warm-up", stop=self.warmup),
            Turn("d", self.discriminator_loss, start=self.warmup, after=self.adversary.after),
            Turn("g", self.generator_loss, start=self.warmup),
        ]

    @abstractmethod
    def warm_up(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn while it warms up."""

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's turn: true pictures up, those that G made down."""
        return self.adversary.discriminator_loss(self.context(batch, step, "d"))

    @abstractmethod
    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's turn."""

    @abstractmethod
    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """The turn's pictures, translated."""

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes that D told apart."""
        return self.adversary.accuracy()
