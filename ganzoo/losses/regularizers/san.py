"""SAN: Inducing Metrizability of GAN with Discriminative Normalized Linear Layer.

Takida et al. 2024, arXiv 2301.12811.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.parts import LinearHead, NotNegative, Regularizer, TurnContext, as_weights


class Direction(nn.Linear):
    """A linear score whose direction has length 1 and learns by a term of its own: ``s·⟨ω/‖ω‖, h⟩ + b``.

    Args:
        features: length of h.
        bias: whether there is a b.
    """

    ganzoo_weight = "own"

    def __init__(self, features: int, bias: bool) -> None:
        super().__init__(features, 1, bias=bias)
        self.scale = nn.Parameter(self.weight.new_ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Scores ``(B, 1)`` of features ``(B, F)``; no gradient reaches the direction."""
        return F.linear(x, self.scale * F.normalize(self.weight.detach(), dim=1), self.bias)

    def along(self, x: Tensor) -> Tensor:
        """How far features ``(B, F)`` lie along the direction, ``(B,)``, with a gradient for it."""
        return F.linear(x, F.normalize(self.weight, dim=1)).squeeze(1)


class SAN(Regularizer):
    """The direction in which D's last layer looks learns to part real from fake features best (Takida et al. 2024).

    D's score is ``s·⟨ω̂, h(x)⟩`` with ``ω̂ = ω/‖ω‖``. D's own loss trains h and s, with ω̂ held; the term
    ``E⟨ω̂, h(G(z))⟩ - E⟨ω̂, h(x)⟩``, with h held, trains ω̂. G's loss is its own. Source: arXiv 2301.12811, section 5;
    ours keeps a bias where the head has one, and weighs the term. It takes any head whose score is linear in features.

    Args:
        weight: of the term.
    """

    def __init__(self, *, weight: NotNegative = 1.0) -> None:
        self.weight = weight

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Give the heads of discriminators a normalised last layer.

        Raises:
            UsageError: where no head has a linear score, or one sees other features than D says.
        """
        found = [(network, head) for network in networks.values() for head in linear_heads(network)]
        if not found:
            raise UsageError("san needs a D whose score is linear in its features, as with plain, projection or ac")
        for network, head in found:
            if getattr(network, "features", None) != head.score.in_features:
                raise UsageError("san needs a D whose one head sees all of its features, and no patches of them")
            head.score = Direction(head.score.in_features, head.score.bias is not None)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The term of the direction."""
        (direction,) = [head.score for head in linear_heads(ctx.networks["D"]) if isinstance(head.score, Direction)]
        seen = [ctx.discriminate(x).features.detach().flatten(1) for x in (ctx.real, ctx.fake)]
        real, fake = as_weights(direction, *seen)
        return {"direction": self.weight * (direction.along(fake).mean() - direction.along(real).mean())}


def linear_heads(network: nn.Module) -> list[LinearHead]:
    """The heads of a network whose score is linear in features."""
    return [module for module in network.modules() if isinstance(module, LinearHead)]
