"""Improved Techniques for Training GANs, Salimans et al. 2016, arXiv 1606.03498: historical averaging."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganzoo.losses.regularizers.ortho import trained
from ganzoo.parts import NotNegative, Regularizer, TurnContext

PLAYERS = {"d": "D", "g": "G"}


class HistoricalAverage(nn.Module, Regularizer):
    """A player's parameters stay near the mean of what they have been (Salimans et al. 2016).

    ``weight·‖θ - 1/t·Σ θ[i]‖²`` over the t updates of the player so far, the present one included. Source: arXiv
    1606.03498, section 3.3, which gives no weight. What is reparametrised counts as it is trained.

    Args:
        weight: of the squared distance.
    """

    players = ("d", "g")

    updates: Tensor

    def __init__(self, *, weight: NotNegative = 1.0) -> None:
        super().__init__()
        self.weight, self.names = weight, dict[str, list[str]]()
        self.register_buffer("updates", torch.zeros(len(PLAYERS), dtype=torch.int64))

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Make room for the mean of either player's parameters."""
        for player, network in PLAYERS.items():
            parameters = dict(networks[network].named_parameters())
            self.names[player] = list(parameters)
            length = sum(parameter.numel() for parameter in parameters.values())
            self.register_buffer(f"mean_{player}", torch.zeros(length))

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted squared distance, once the parameters of this update are in the mean."""
        network = ctx.networks[PLAYERS[ctx.player]]
        named = (name.rpartition(".") for name in self.names[ctx.player])
        now = torch.cat([trained(network.get_submodule(owner), name).flatten() for owner, _, name in named])
        if ctx.at.piece.index == 0:  # every piece of a batch sees the same parameters
            self.remember(ctx.player, now.detach())
        return {"historical-average": self.weight * (now - self.get_buffer(f"mean_{ctx.player}")).square().sum()}

    def remember(self, player: str, now: Tensor) -> None:
        """Take a player's parameters of this update into their mean."""
        row = list(PLAYERS).index(player)
        self.updates[row] += 1
        mean = self.get_buffer(f"mean_{player}")
        mean.lerp_(now, (1 / self.updates[row]).to(mean))
