"""What an adversarial loss can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from ganzoo.parts.context import Critic, TurnContext


class ScoreFunction(Protocol):
    """What losses need of a discriminator: a function from images to scores."""

    def __call__(self, x: Tensor, /) -> Tensor:
        """Scores ``(B,)``, or ``(B, P)`` for patches, of images ``(B, C, H, W)``; higher is more real."""


class Loss:
    """The adversarial loss of both players.

    Most losses are of scores alone, and have the two methods :meth:`d` and :meth:`g`. Of a discriminator with several
    heads they are called once for each, and averaged. One that labels matter to has :meth:`discriminator` and
    :meth:`generator` in their place.

    Attributes:
        boundary: the score at which D is undecided. None where only differences of scores matter: then it lies halfway
            between the mean scores of real and fake images.
        selectable: whether G's loss is a mean over the scores of fakes, each by itself, so that an augmentation may
            leave some of them out. False where each stands beside a real image of its own, or where labels matter.
    """

    boundary: float | None = 0.0
    selectable: bool = True

    def d(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss, a scalar.

        Args:
            critic: images to scores ``(B,)``, or ``(B, P)`` for patches; higher is more real.
            real, fake: images ``(B, C, H, W)`` in [-1, 1].
        """
        raise NotImplementedError(f"{type(self).__name__} has neither d(critic, real, fake) nor discriminator(ctx)")

    def g(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """G's loss, a scalar, of a critic and real and fake images; see :meth:`d`."""
        raise NotImplementedError(f"{type(self).__name__} has neither g(critic, real, fake) nor generator(ctx)")

    def discriminator(self, ctx: TurnContext) -> Tensor:
        """D's loss in this update, a scalar."""
        return _over_heads(self.d, ctx)

    def generator(self, ctx: TurnContext) -> Tensor:
        """G's loss in this update, a scalar."""
        return _over_heads(self.g, ctx)

    def after(self, net: nn.Module) -> None:
        """Act on the weights of D once its optimiser has stepped, such as by clipping them."""


class _Head(Critic):
    """One head of a discriminator, as a loss in the simple form sees it.

    Attributes:
        count: how many heads there are, once one of them was asked.
    """

    def __init__(self, ctx: TurnContext, number: int) -> None:
        super().__init__(ctx.discriminate)
        self._number, self.count = number, 1

    def __call__(self, x: Tensor) -> Tensor:
        heads = self.output(x).heads
        self.count = len(heads)
        return heads[self._number]


def _over_heads(loss: Callable[[ScoreFunction, Tensor, Tensor], Tensor], ctx: TurnContext) -> Tensor:
    """The mean over heads of a loss in the simple form."""
    first = _Head(ctx, 0)
    values = [loss(first, ctx.real, ctx.fake)]  # how many heads there are is known once it has asked
    values += [loss(_Head(ctx, number), ctx.real, ctx.fake) for number in range(1, first.count)]
    return values[0] if len(values) == 1 else torch.stack(values).mean()
