"""The game of Goodfellow 2014: G turns noise into images, D tells them from real ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.distributed.batch import global_draw
from ganzoo.gan.adversary import Adversary
from ganzoo.gan.fake_labels import fake_labels_of
from ganzoo.gan.game import Game, Turn
from ganzoo.gan.gan import GAN
from ganzoo.parts.context import Batch, TurnContext


class NoiseGame(Game):
    """Noise to image, with or without labels: what an architecture plays that declares no game of its own.

    Args:
        gan: with networks ``G``, called ``G(z, y)``, and ``D``, called ``D(x, y)``.
    """

    players: ClassVar[Mapping[str, tuple[str, ...]]] = {"d": ("D",), "g": ("G",)}
    accumulates = True

    def __init__(self, gan: GAN) -> None:
        super().__init__(gan)
        self.adversary = Adversary(gan)
        self.draw_labels = fake_labels_of(gan)

    def turns(self) -> list[Turn]:
        """D's update, then G's; how many of each is the trainer's business."""
        return [Turn("d", self.discriminator_loss, after=self.adversary.after), Turn("g", self.generator_loss)]

    def discriminator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """D's terms on real images of the batch and fakes of new noise."""
        return self.adversary.discriminator_loss(self.context(batch, step, "d"))

    def generator_loss(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """G's terms on fakes of new noise."""
        return self.adversary.generator_loss(self.context(batch, step, "g"))

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        """Draw this turn's noise and make its fakes, with the labels that the setting ``fake-labels`` gives them.

        Args:
            batch: real images, and their labels where there are any.
            step: of the training.
            side: whose turn it is: ``"g"`` or ``"d"``.
        """
        gan: Any = self.gan
        real, labels = batch["image"], batch.get("label")
        z = global_draw(lambda n: gan.G.prior(n, torch.default_generator), len(real)).to(real, non_blocking=True)
        drawn = None if labels is None else self.draw_labels(gan, labels, len(real))
        y_fake = None if drawn is None else gan.label_vectors(drawn, len(real)).to(real, non_blocking=True)
        return self.adversary.context(batch, step, side, real, z, gan.G, y_fake=y_fake)

    def accuracy(self) -> tuple[float, float] | None:
        """D's accuracy on the last real and on the last fake images; see :meth:`Adversary.accuracy`."""
        return self.adversary.accuracy()
