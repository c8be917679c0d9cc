"""What parts are handed in an update: the discriminator under fixed conditions, and the turn as they see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.parts.output import Output

Batch = dict[str, Tensor]
"""Rows by key: ``image`` ``(B, C, H, W)`` in [-1, 1], ``label`` ``(B,)``, and what else the game takes."""

NOISE, SOURCE, TARGET, TEXT = "z", "source", "target", "text"  # what samples are made from, and are to look like


class Critic:
    """A discriminator under fixed conditions: ``critic(x)`` scores images, higher is more real.

    A pass over a tensor that needs no gradient is remembered, so that several parts may ask for it in one turn.

    Args:
        discriminate: ``discriminate(x, **conditions) -> Output``.
        conditions: further inputs of the discriminator, such as ``y``.
    """

    def __init__(self, discriminate: Callable[..., Output], **conditions: Tensor) -> None:
        self._discriminate, self._conditions = discriminate, conditions
        self._passes: dict[int, tuple[Tensor, Output]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """Scores ``(B,)``, or ``(B, P)`` for patches, in fp32, of images ``(B, C, H, W)``."""
        return self.output(x).scores

    def output(self, x: Tensor) -> Output:
        """Scores, features and extras of the same pass."""
        if id(x) in self._passes:
            return self._passes[id(x)][1]
        seen = self._discriminate(x, **self._conditions)
        output = Output(seen.scores.float(), seen.features, {name: v.float() for name, v in seen.extras.items()})
        if not x.requires_grad:
            self._passes[id(x)] = (x, output)  # holding x keeps its id from being given to another tensor
        return output

    def with_(self, **conditions: Tensor) -> Critic:
        """The same critic under other conditions."""
        return Critic(self._discriminate, **{**self._conditions, **conditions})


@dataclass
class TurnContext:
    """One turn as parts see it.

    Attributes:
        batch: real images and labels.
        step: counted from 0.
        side: ``"d"`` or ``"g"``: whose turn it is.
        rng: the source of random numbers, seeded for this turn.
        y: label vectors ``(B, y_dim)``, the same for real and fake.
        real, fake: images ``(B, C, H, W)`` in [-1, 1]; ``fake`` carries no gradient in D's turn.
        z: the noise ``(B, z_dim)`` that ``fake`` came from.
        critic: D under ``y``.
        generate: ``generate(z, y)`` gives images.
    """

    batch: Batch
    step: int
    side: str
    rng: torch.Generator
    y: Tensor
    real: Tensor
    z: Tensor
    fake: Tensor
    critic: Critic
    generate: Callable[[Tensor, Tensor], Tensor]
