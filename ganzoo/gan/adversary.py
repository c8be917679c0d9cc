"""The losses of a discriminator and of the generator that plays against it, whichever parts a recipe chose.

A game says where real and fake images come from; an adversary adds up the adversarial loss, conditioning, regularizers
and augmentations. A game with several discriminators has an adversary for each, with parts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.compat.lookup import old_attribute
from ganzoo.distributed.batch import all_reduce_mean, enter_piece
from ganzoo.gan.gan import GAN
from ganzoo.gan.terms import loss_of, terms_of
from ganzoo.parts.conditioning import Conditioning
from ganzoo.parts.context import SOURCE, Batch, TurnContext
from ganzoo.parts.drawn import random_state
from ganzoo.parts.exactness import exact
from ganzoo.parts.output import Output
from ganzoo.parts.regularizer import Regularizer
from ganzoo.parts.update import Update


class Adversary:
    """A discriminator, and the parts that act on it.

    Args:
        gan: whose networks play.
        critic: name of the critic's network, a key of ``gan.critics``.
    """

    def __init__(self, gan: GAN, critic: str = "D") -> None:
        self.gan, self.name, self.parts = gan, critic, gan.critics[critic]
        self.conditionings = [module for module in self.network.modules() if isinstance(module, Conditioning)]
        self.codes = code_columns(list(self.parts.regularizers.values()))
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
        *,
        y_fake: Tensor | None = None,
        **conditions: Tensor,
    ) -> TurnContext:
        """Set up one update: make the fakes, which carry a gradient in G's updates only.

        Args:
            batch: the batch of the turn.
            step: of training, counted from 0.
            side: the player who learns, such as ``"d"`` or ``"g"``.
            real: images ``(B, C, H, W)`` in [-1, 1].
            z: what fakes are made from: noise, or a source image.
            generate: ``generate(z, y)`` gives images.
            y_fake: label vectors ``(B, y_dim)`` of the fakes; those of the batch by default.
            conditions: further inputs of the critic, such as ``source``.
        """
        y = self.gan.label_vectors(batch.get("label"), len(real)).to(real, non_blocking=True)
        whole = TurnContext(
            self.gan.update or Update(step, side),
            self._pass,
            generate,
            batch=batch,
            real=real,
            z=z,
            y_real=y,
            y_fake=y if y_fake is None else y_fake,
            networks={**self.gan.networks, "D": self.network},
            conditions=conditions,
            codes=self.codes,
            unaugmented=self._plain_pass if self.parts.augments else None,
        )
        whole.boundary = self.parts.loss.boundary
        ctx = whole.of_piece()
        given = ctx.z
        for _, part in self._due(ctx):
            with torch.enable_grad():
                ctx.z = part.refine(ctx)
        ctx.fakes_drawn = random_state(ctx.z.device)
        if ctx is not whole and ctx.player == "d" and ctx.z is given:
            ctx.fake = self._piece_of_fakes(whole)
        else:
            enter_piece(ctx.at.piece)
            # In D's updates G is a constant: without a graph through it they need about half the memory.
            with torch.set_grad_enabled(ctx.player != "d" or ctx.z.requires_grad):
                ctx.fake = ctx.generate(ctx.z, ctx.y_fake)
        for augment in self.parts.augments.values():
            ctx.real = augment.reals(ctx)
        return ctx

    def _piece_of_fakes(self, whole: TurnContext) -> Tensor:
        """The fakes of D's piece, of those that its update makes once, for the whole batch and without gradient.

        What is drawn after them is what would be drawn after them in one pass, in every piece.
        """
        shared, piece = whole.at.shared, whole.at.piece
        if self.name not in shared:
            with torch.no_grad():
                shared[self.name] = whole.generate(whole.z, whole.y_fake), torch.get_rng_state()
        fakes, drawn = shared[self.name]
        torch.set_rng_state(drawn)
        enter_piece(piece)
        return fakes[piece.rows(len(fakes))]

    def discriminator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of D's update: the adversarial loss, and those of conditioning and regularizers."""
        if ctx.at.own_step:
            return self._own_terms(ctx)
        terms = self._all_terms(self.parts.loss.discriminator, ctx)
        right, piece = _shares_right(ctx) / ctx.at.piece.count, ctx.at.piece
        self._right = right if self._right is None or piece.index == 0 else self._right + right
        for augment in self.parts.augments.values():
            augment.observe(ctx)
        return terms

    def generator_loss(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of G's update: the adversarial loss, and those of conditioning and regularizers."""
        if ctx.at.own_step:
            return self._own_terms(ctx)
        return self._all_terms(self.parts.loss.generator, ctx)

    def _all_terms(self, loss: Callable[[TurnContext], Tensor], ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of a player's update, its adversarial loss first."""
        adversarial = loss_of(f"loss/{self.gan.plan.slot('loss').name}", loss, ctx)
        return {"loss": adversarial, **self._conditioned(ctx), **self._regularized(ctx)}

    def after(self) -> None:
        """Let the loss act on the weights once D's optimiser has stepped, such as by clipping them."""
        self.parts.loss.after(self.network)

    def accuracy(self) -> tuple[float, float] | None:
        """D's accuracy on the last real and on the last fake images, each in [0, 1]; None before its first turn.

        A loss declares ``boundary``, the score at which it is undecided. A loss to which only differences of scores
        matter declares None: then the boundary lies halfway between the mean scores.
        """
        if self._right is None:
            return None
        real, fake = self._right.tolist()
        return real, fake

    def _pass(self, ctx: TurnContext, x: Tensor, precisely: bool, conditions: Mapping[str, Tensor]) -> Output:
        """The critic's output for images ``(B, C, H, W)``, augmented as this update's parts ask."""
        augments, given = self.parts.augments.values(), x
        with exact(x.device) if precisely else nullcontext():
            shown = dict(conditions)
            for augment in augments:
                if SOURCE in shown:
                    x, shown[SOURCE] = augment.pair(x, shown[SOURCE], ctx)
                else:
                    x = augment.images(x, ctx)
            output: Output = self.network(x, **shown)
            ctx.scored = given
            for augment in augments:
                output = output.with_scores(partial(augment.scores, ctx=ctx))
            ctx.scored = None  # or it would keep the images alive
        return output

    def _plain_pass(self, ctx: TurnContext, x: Tensor, precisely: bool, conditions: Mapping[str, Tensor]) -> Output:
        """The critic's output for images ``(B, C, H, W)`` as they are."""
        with exact(x.device) if precisely else nullcontext():
            output: Output = self.network(x, **conditions)
        return output

    def _due(self, ctx: TurnContext) -> Iterator[tuple[str, Regularizer]]:
        """The regularizers that act in this update."""
        for name, part in self.parts.regularizers.items():
            if due(part, ctx.at):
                yield name, part

    def _conditioned(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of the critic's conditionings."""
        return {
            name: term
            for module in self.conditionings
            for name, term in terms_of(f"the conditioning {type(module).__name__}", module.terms, ctx).items()
        }

    def _regularized(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of the regularizers that act in this update, weighted.

        Lazy regularisation (StyleGAN2): computed in one update of ``every``, a term stands for all of them.
        """
        return {
            name: term if part.every == 1 else part.every * term
            for spelled, part in self._due(ctx)
            for name, term in terms_of(f"regularizer/{spelled}", part.terms, ctx).items()
        }

    def _own_terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The terms of regularizers that take a further step by themselves, beside a loss of 0 that a game may weigh.

        The trainer steps on those terms alone, whatever a game makes of what it is given.
        """
        terms = self._regularized(ctx)
        mark = "" if self.parts is self.gan.parts else f"_{self.name}"  # or one critic's would replace another's
        ctx.at.own_terms |= {f"{name}{mark}": term for name, term in terms.items()}
        return {"loss": ctx.real.new_zeros(()), **terms}


def due(part: Regularizer, at: Update) -> bool:
    """Whether a regularizer acts in an update: it counts the updates of the player, and not steps."""
    return at.player in part.players and at.number % part.every == 0 and part.own_step == at.own_step


def code_columns(parts: Sequence[Regularizer]) -> dict[int, slice]:
    """The last columns of the noise, which are the codes of regularizers in their order, by the ``id`` of each."""
    columns, stop = {}, 0
    for part in reversed(parts):
        columns[id(part)] = slice(stop - part.codes, stop or None)
        stop -= part.codes
    return columns


@torch.no_grad()
def _shares_right(ctx: TurnContext) -> Tensor:
    """Shares ``(2,)`` of the global batch: real images scored above the boundary, fakes scored below."""
    seen = [ctx.discriminate(ctx.real), ctx.discriminate(ctx.fake)]
    real, fake = (output.score if len(output.heads) > 1 else output.heads[0] for output in seen)
    middle = ctx.undecided()
    return all_reduce_mean(torch.stack([(real > middle).float().mean(), (fake < middle).float().mean()]))
