"""One critic of a game: what judging it and answering it add up to, whichever loss, penalties and augmentations act.

A game says where real and fake images come from; an adversary does the rest. A game with several critics has one for
each, with parts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganzoo.compat.lookup import old_attribute
from ganzoo.distributed.batch import all_reduce_mean
from ganzoo.gan.gan import GAN
from ganzoo.parts.context import Batch, Critic, TurnContext
from ganzoo.parts.output import Output


class Adversary:
    """A critic, and the parts that act on it.

    Args:
        gan: whose networks play.
        critic: name of the critic's network, a key of ``gan.critics``.
    """

    def __init__(self, gan: GAN, critic: str = "D") -> None:
        self.gan, self.name, self.parts = gan, critic, gan.critics[critic]
        self._context: TurnContext | None = None
        self._right: Tensor | None = None

    def __getattr__(self, name: str) -> Any:
        """What 0.1.0 called its methods; asked only for what is not there."""
        return old_attribute(self, name)

    @property
    def network(self) -> Any:
        """The critic's network, called ``(x, y, **conditions) -> Output``."""
        return getattr(self.gan, self.name)

    def context(
        self,
        batch: Batch,
        step: int,
        side: str,
        real: Tensor,
        z: Tensor,
        generate: Callable[[Tensor, Tensor], Tensor],
        **conditions: Tensor,
    ) -> TurnContext:
        """Set up one turn: make the fakes, which carry a gradient in G's turn only.

        Args:
            batch: as the turn got it.
            step: counted from 0.
            side: ``"d"`` or ``"g"``.
            real: images ``(B, C, H, W)`` in [-1, 1].
            z: what fakes are made from: noise, or a source image.
            generate: ``generate(z, y)`` gives images.
            conditions: what the critic is told besides the image, such as ``source``; the labels are the batch's.
        """
        y = self.gan.one_hot(batch.get("label"), len(real)).to(real.device)
        critic = Critic(self.discriminate, y=y, **conditions)
        ctx = TurnContext(
            batch,
            step,
            side,
            rng=torch.default_generator,
            y=y,
            real=real,
            z=z,
            fake=real,
            critic=critic,
            generate=generate,
        )
        self._context = ctx
        with torch.set_grad_enabled(side == "g"):
            ctx.fake = generate(self._refined(ctx), y).float()
        for augment in self.parts.augments.values():
            if hasattr(augment, "reals"):
                ctx.real = augment.reals(ctx)
        return ctx

    def discriminator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The critic's turn: real up, fake down, plus penalties."""
        loss = {"loss": self.parts.loss.d(ctx.critic, ctx.real, ctx.fake)}
        terms = {**loss, **self._extras(ctx), **self._penalties(ctx)}
        self._right = _shares_right(ctx, getattr(self.parts.loss, "boundary", 0.0))
        for augment in self.parts.augments.values():
            if hasattr(augment, "observe"):
                augment.observe(ctx)
        return terms

    def generator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The generator's turn: fake up."""
        return {"loss": self.parts.loss.g(ctx.critic, ctx.real, ctx.fake), **self._extras(ctx)}

    def after(self) -> None:
        """What the loss does to the critic once it has stepped, such as weight clipping."""
        if hasattr(self.parts.loss, "after"):
            self.parts.loss.after(self.network)

    def accuracy(self) -> tuple[float, float] | None:
        """Shares of the last reals and fakes on their side of the loss's boundary; None before the first turn.

        A loss declares ``boundary``, the score at which it cannot tell; 0 where it says nothing. A loss to which only
        differences of scores matter declares None: then it lies halfway between the means of reals and fakes.
        """
        if self._right is None:
            return None
        real, fake = self._right.tolist()
        return real, fake

    def discriminate(self, x: Tensor, **conditions: Tensor) -> Output:
        """What the critic says of ``x`` as this turn's augmentations show it."""
        ctx, augments = self._context, self.parts.augments.values()
        for augment in augments:
            x = augment.images(x, ctx) if hasattr(augment, "images") else x
        output = self.network(x, **conditions)
        for augment in augments:
            if hasattr(augment, "scores"):
                output = Output(augment.scores(output.scores, ctx), output.features, output.extras)
        return output

    def _refined(self, ctx: TurnContext) -> Tensor:
        """The noise after every auxiliary that moves it."""
        for auxiliary in self.parts.auxiliaries.values():
            if hasattr(auxiliary, "refine"):
                ctx.z = auxiliary.refine(ctx)
        return ctx.z

    def _extras(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Terms of the critic's conditioning and of the auxiliaries whose turn it is."""
        terms: dict[str, Tensor] = {}
        if hasattr(self.network.conditioning, "terms"):
            terms |= self.network.conditioning.terms(ctx)
        for auxiliary in self.parts.auxiliaries.values():
            if auxiliary.player == ctx.side and ctx.step % auxiliary.every == 0:
                terms |= auxiliary.terms(ctx)
        return terms

    def _penalties(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Penalties that are due, times the rounds that they stand for, in full precision."""
        due = {name: part for name, part in self.parts.penalties.items() if ctx.step % part.every == 0}
        with exact(ctx.real.device):
            return {name: part.every * penalise(part, ctx) for name, part in due.items()}


@torch.no_grad()
def _shares_right(ctx: TurnContext, boundary: float | None) -> Tensor:
    """Shares ``(2,)`` of the whole batch: reals scored above the boundary, and fakes scored below."""
    real, fake = ctx.critic(ctx.real), ctx.critic(ctx.fake)
    middle = all_reduce_mean(torch.stack([real.mean(), fake.mean()])).mean() if boundary is None else boundary
    return all_reduce_mean(torch.stack([(real > middle).float().mean(), (fake < middle).float().mean()]))


def penalise(part: Any, ctx: TurnContext) -> Tensor:
    """One penalty, in whichever of the two forms it is written."""
    if hasattr(part, "penalise"):
        return part.penalise(ctx)
    return part(ctx.critic, ctx.real, ctx.fake)


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Autocast off: a gradient penalty in bf16 is wrong."""
    with torch.autocast(device.type, enabled=False):
        yield
