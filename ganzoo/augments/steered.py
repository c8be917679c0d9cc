"""A probability that follows how much D overfits: what ADA and APA have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.parts import Augment, Number, TurnContext, global_mean, number_at, world

ENDLESS = 10**18  # steps and images after which every schedule is over


class Steered(nn.Module, Augment):
    """An augmentation that acts with a probability p, which is fixed, or a buffer that is steered.

    Over ``interval`` updates of D, r is the mean of ``sign(D(real) - boundary)`` over the global batch: 0 for a D that
    tells nothing apart, 1 for one that knows every real image. Then p moves up where r is above ``target`` and down
    where it is below, by the real images of these updates over ``1000·kimg``, and stays in [0, 1]. The boundary is the
    loss's, or halfway between the mean scores of real and fake images where only differences of scores matter. p and r
    are reported.

    Args:
        name: of the part, for messages and reports.
        p: a fixed probability, or a schedule; None to steer it, from 0.
        target: of r.
        interval: updates of D between two moves.
        kimg: thousands of real images in which p can go from 0 to 1.
    """

    p: Tensor
    signs: Tensor
    images_since: Tensor

    def __init__(self, name: str, p: Number | None, target: float, interval: int, kimg: float) -> None:
        super().__init__()
        for end in ends(p):
            within(f"{name}:p", end, 0, 1)
        within(f"{name}:target", target, -1, 1)
        within(f"{name}:interval", interval, 1)
        if kimg <= 0:
            raise UsageError(f"{name}:kimg={kimg:g} does not work: p moves by images over it, so it is more than 0")
        self.name, self.fixed, self.target, self.interval, self.kimg = name, p, target, interval, kimg
        self.register_buffer("p", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(()))  # summed over the updates since p moved
        self.register_buffer("images_since", torch.zeros((), dtype=torch.int64))

    def probability(self, ctx: TurnContext) -> Tensor | float:
        """p in this update: a number where it is fixed, else a tensor ``()``."""
        return self.p if self.fixed is None else ctx.now(self.fixed)

    @torch.no_grad()
    def observe(self, ctx: TurnContext) -> None:
        """Take D's scores of this update into r, and move p when its interval is over."""
        if self.fixed is None:
            self.follow(ctx)
        ctx.report(f"{self.name}_p", self.probability(ctx))

    def follow(self, ctx: TurnContext) -> None:
        """One update of D more."""
        sign = global_mean((ctx.discriminate(ctx.real).score - ctx.undecided()).sign())
        ctx.report(f"{self.name}_r", sign)
        self.signs += sign
        self.images_since += len(ctx.real) * world().size
        if (ctx.update + 1) % self.interval == 0:
            r = self.signs / self.interval
            self.p.add_((r - self.target).sign() * self.images_since / (1000 * self.kimg)).clamp_(0, 1)
            self.signs.zero_()
            self.images_since.zero_()


def ends(p: Number | None) -> tuple[float, ...]:
    """The numbers that a probability begins and ends with."""
    return () if p is None else tuple(number_at(p, when, 1, when) for when in (0, ENDLESS))
