"""What a regularizer can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganzoo.parts.context import TurnContext


@dataclass(frozen=True)
class Entrance:
    """How codes enter a generator.

    Attributes:
        way: ``"behind"`` the noise; ``"concat"``, mixed with it by a linear map to the noise's own length; or
            ``"context"``, by a linear map into the context that norms are called with.
        width: of their part of the context.
    """

    way: Literal["behind", "concat", "context"] = "behind"
    width: int = 0


class Regularizer:
    """Further terms in the losses of players: gradient penalties, consistency, path length, objectives with a network.

    One with parameters of its own is an ``nn.Module``, too: they learn with their owner, though others' terms may flow
    through them. What it keeps between updates is a buffer.

    Attributes:
        players: in whose updates it acts.
        owner: the player that its own parameters belong to.
        every: it acts once in so many updates of a player, and its terms are multiplied by that (lazy
            regularisation, StyleGAN2, arXiv 1912.04958).
        own_step: whether its terms are no part of the player's loss, but of a further step of the same optimiser after
            it, on the same batch with fresh noise. Only then the player's lr is multiplied by ``c = every/(every+1)``
            and its betas are raised to the power ``c``.
        generates: whether it makes further fakes in its updates, so that G works in D's, too.
        codes: how many numbers :meth:`draw` gives for an image.
        entrance: how they enter a generator that is a :class:`ganzoo.Generator`; others get them behind their noise.
    """

    players: tuple[str, ...] = ("d",)
    owner: str = "d"
    every: int = 1
    own_step: bool = False
    generates: bool = False
    codes: int = 0
    entrance: Entrance = Entrance()

    @property
    def refines(self) -> bool:
        """Whether it changes the noise of an update: whether it has a :meth:`refine` of its own."""
        return type(self).refine is not Regularizer.refine

    def takes_step_of(self, player: str) -> bool:
        """Whether it takes further steps of a player's optimiser."""
        return self.own_step and player in self.players

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """Weighted losses of ``ctx.player`` by name, scalars; none by default."""
        return {}

    def refine(self, ctx: TurnContext) -> Tensor:
        """The noise ``(B, z_dim)`` that this update's fakes are made of; ``ctx.z`` by default.

        Called in the updates of :attr:`players`, with gradients: fakes of what it returns keep their graph in D's, too.
        """
        return ctx.z

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Change networks once they are built, before they are initialised, such as by exchanging D's last layer."""

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Codes ``(n, codes)``, drawn after the noise's own numbers and handed to G behind them (InfoGAN)."""
        return torch.zeros(n, self.codes)
