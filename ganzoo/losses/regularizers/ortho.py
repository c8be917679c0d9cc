"""The orthogonal regularisation of BigGAN, Brock et al. 2019, arXiv 1809.11096."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.gan.weights import output_dim, with_weights
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext


class Ortho(Regularizer):
    """The filters of each layer of G are to be at right angles, however long they are (Brock et al. 2019).

    ``weight·‖W Wᵀ ⊙ (1 - I)‖²_F`` summed over G's layers, W with a row for each output. Source: arXiv 1809.11096,
    section 3.1, equation 3, with its weight of 1e-4; an embedding that norms share is left out, as in the authors'
    code. Of a reparametrised layer, W is what is trained.

    Args:
        weight: of the squared norms.
        every: it acts once in so many updates.
    """

    players = ("g",)

    def __init__(self, *, weight: NotNegative = 1e-4, every: int = 1) -> None:
        self.weight, self.every = weight, check_every("ortho", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted sum over layers."""
        total = ctx.real.new_zeros(())
        for matrix in matrices(ctx.networks["G"]):
            angles = matrix @ matrix.T
            total = total + angles.square().sum() - angles.diagonal().square().sum()
        return {"ortho": self.weight * total}


def matrices(network: nn.Module) -> Iterator[Tensor]:
    """The trained weights of layers, a row for each output; not of those that no weight part may touch."""
    for layer in with_weights(network.modules()):
        yield trained(layer).movedim(output_dim(layer), 0).flatten(1)


def trained(module: nn.Module, name: str = "weight") -> Tensor:
    """The weight of a layer as it is stored; as it is used where it is stored in several tensors, as by ``wn``."""
    layer: Any = module
    whole = parametrize.is_parametrized(module, name) and layer.parametrizations[name].is_tensor
    weight = layer.parametrizations[name].original if whole else getattr(layer, name)
    assert isinstance(weight, Tensor)
    return weight
