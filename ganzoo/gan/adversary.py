"""The losses of a discriminator and of the generator that plays against it, whichever parts a recipe chose.

A game says where real and fake images come from; an adversary adds up the adversarial loss, penalties, conditioning and
augmentations. A game with several discriminators has an adversary for each, with parts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.compat.lookup import old_attribute
from ganzoo.distributed.batch import all_reduce_mean
from ganzoo.gan.gan import GAN
from ganzoo.parts.context import Batch, Critic, TurnContext
from ganzoo.parts.output import Output


class Adversary:
    """A discriminator, and the parts that act on it.

    Args:
        gan: whose networks play.
        critic: name of the critic's network, a key of ``gan.critics``.
    """

    def __init__(self, gan: GAN, critic: str = "D") -> None:
        self.gan, self.name, self.parts = gan, critic, gan.critics[critic]
        self._context: TurnContext | None = None
        self._right: Tensor | None = None

    if not TYPE_CHECKING:  # for type checkers an attribute that is not there stays an error

        def __getattr__(self, name: str) -> Any:
            """What 0.1.0 called its methods; asked only for what is not there."""
            return old_attribute(self, name)

    @property
    def network(self) -> Any:
        """The discriminator, called ``(x, y, **conditions) -> Output``."""
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
            batch: the batch of the turn.
            step: of training, counted from 0.
            side: ``"d"`` or ``"g"``.
            real: images ``(B, C, H, W)`` in [-1, 1].
            z: what fakes are made from: noise, or a source image.
            generate: ``generate(z, y)`` gives images.
            conditions: further inputs of the critic, such as ``source``; labels are those of the batch.
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
        # In D's turn G is a constant: without a graph through it the turn needs about half the memory.
        with torch.set_grad_enabled(side == "g"):
            ctx.fake = generate(self._refined(ctx), y).float()
        for augment in self.parts.augments.values():
            if hasattr(augment, "reals"):
                ctx.real = augment.reals(ctx)
        return ctx

    def discriminator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of D's turn: the adversarial loss, those of conditioning and auxiliaries, and penalties."""
        loss = {"loss": self.parts.loss.d(ctx.critic, ctx.real, ctx.fake)}
        terms = {**loss, **self._extras(ctx), **self._penalties(ctx)}
        self._right = _shares_right(ctx, getattr(self.parts.loss, "boundary", 0.0))
        for augment in self.parts.augments.values():
            if hasattr(augment, "observe"):
                augment.observe(ctx)
        return terms

    def generator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of G's turn: the adversarial loss, and those of conditioning and auxiliaries."""
        return {"loss": self.parts.loss.g(ctx.critic, ctx.real, ctx.fake), **self._extras(ctx)}

    def after(self) -> None:
        """Let the loss act on the weights once D's optimiser has stepped, such as by clipping them."""
        if hasattr(self.parts.loss, "after"):
            self.parts.loss.after(self.network)

    def accuracy(self) -> tuple[float, float] | None:
        """D's accuracy on the last real and on the last fake images, each in [0, 1]; None before its first turn.

        A loss declares ``boundary``, the score at which it is undecided; 0 where it says nothing. A loss to which only
        differences of scores matter declares None: then the boundary lies halfway between the mean scores.
        """
        if self._right is None:
            return None
        real, fake = self._right.tolist()
        return real, fake

    def discriminate(self, x: Tensor, **conditions: Tensor) -> Output:
        """The critic's output for images ``(B, C, H, W)``, augmented as this turn's parts ask."""
        ctx, augments = self._context, self.parts.augments.values()
        for augment in augments:
            x = augment.images(x, ctx) if hasattr(augment, "images") else x
        output = self.network(x, **conditions)
        for augment in augments:
            if hasattr(augment, "scores"):
                output = Output(augment.scores(output.scores, ctx), output.features, output.extras)
        return output

    def _refined(self, ctx: TurnContext) -> Tensor:
        """The noise ``(B, z_dim)`` after every auxiliary that moves it."""
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
        """Penalties that are due in this step, weighted, in float32."""
        due = {name: part for name, part in self.parts.penalties.items() if ctx.step % part.every == 0}
        with exact(ctx.real.device):
            # Lazy regularisation (StyleGAN2): computed in one step of ``every``, it stands for all of them.
            return {name: part.every * penalise(part, ctx) for name, part in due.items()}


@torch.no_grad()
def _shares_right(ctx: TurnContext, boundary: float | None) -> Tensor:
    """Shares ``(2,)`` of the global batch: real images scored above the boundary, fakes scored below."""
    real, fake = ctx.critic(ctx.real), ctx.critic(ctx.fake)
    middle = all_reduce_mean(torch.stack([real.mean(), fake.mean()])).mean() if boundary is None else boundary
    return all_reduce_mean(torch.stack([(real > middle).float().mean(), (fake < middle).float().mean()]))


def penalise(part: Any, ctx: TurnContext) -> Tensor:
    """One penalty, a scalar, in whichever of the two forms it is written: ``penalise(ctx)`` or a call."""
    if hasattr(part, "penalise"):
        return part.penalise(ctx)
    return part(ctx.critic, ctx.real, ctx.fake)


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Autocast off: the norm of a gradient in bf16, with its eight bits, is wrong by more than a penalty can bear."""
    with torch.autocast(device.type, enabled=False):
        yield
