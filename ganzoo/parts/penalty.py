"""Regularizers as version 0.1.0 wrote them, in two kinds: penalties and auxiliaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ganzoo.parts.complete import complete
from ganzoo.parts.context import TurnContext
from ganzoo.parts.exactness import exact
from ganzoo.parts.output import Scores
from ganzoo.parts.regularizer import Regularizer


class _OfImages(Regularizer):
    """A penalty that is called ``penalty(critic, real, fake)``."""

    penalty_name: str

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty, in float32."""
        part: Any = self
        with exact(ctx.real.device):
            return {self.penalty_name: part(lambda x: _scores(ctx, x), ctx.real, ctx.fake)}


class _OfContext(Regularizer):
    """A penalty with a method ``penalise(ctx)``."""

    penalty_name: str

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty, in float32."""
        part: Any = self
        with exact(ctx.real.device):
            return {self.penalty_name: part.penalise(ctx)}


def _scores(ctx: TurnContext, x: Tensor) -> Scores:
    """Scores by the update's own pass; by one that can be differentiated twice where ``x`` needs a gradient."""
    scores: Scores = ctx.discriminate(x, exact=x.requires_grad).scores
    return scores


def of_penalty(part: Any, name: str) -> Regularizer:
    """A penalty of 0.1.0 as a regularizer; a regularizer stays what it is.

    Args:
        part: called ``(critic, real, fake)``, or with a method ``penalise(ctx)``, and ``every``.
        name: of its term.
    """
    if isinstance(part, Regularizer):
        return part
    made: Regularizer = complete(part, _OfContext if hasattr(part, "penalise") else _OfImages, name)
    object.__setattr__(made, "penalty_name", name)
    return made


class _Unweighted:
    """Before the class of an auxiliary: in 0.1.0 nothing multiplied its terms by ``every``."""

    every: int
    player: str

    @property
    def players(self) -> tuple[str, ...]:
        """In whose updates it acts."""
        return (self.player,)

    def terms(self, ctx: TurnContext) -> Mapping[str, Tensor]:
        """The auxiliary's terms, which :class:`ganzoo.Adversary` multiplies by ``every``."""
        terms: Mapping[str, Tensor] = super().terms(ctx)  # type: ignore[misc]
        return {name: term / self.every for name, term in terms.items()}


def of_auxiliary(part: Any, name: str) -> Regularizer:
    """An auxiliary of 0.1.0 as a regularizer; a regularizer stays what it is.

    Args:
        part: with ``player``, ``every`` and ``terms(ctx)``.
        name: for messages.
    """
    if isinstance(part, Regularizer):
        return part
    own = type(part)
    object.__setattr__(part, "__class__", type(own.__name__, (_Unweighted, own), {"__module__": own.__module__}))
    made: Regularizer = complete(part, Regularizer, name)
    return made
