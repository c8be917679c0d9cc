"""Self-Supervised GANs via Auxiliary Rotation Loss, Chen et al. 2019, arXiv 1811.11212."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext, as_weights, global_draw

TURNS = 4  # by 0, 90, 180 and 270 degrees


class Rotation(nn.Module, Regularizer):
    """D also says how far an image was turned, and G makes images of which it can (SSGAN, Chen et al. 2019).

    ``weight.d·E[-log Q(r | x turned by r)]`` over real images in D's updates, ``weight.g`` times the same over fakes in
    G's; r is one of four quarter turns, each for as many images of a batch, and Q a linear map of what D's head sees.
    Source: arXiv 1811.11212, section 3.2, equations 2 and 3, with its weights of 1 and 0.2. There every image
    is turned in all four ways; here, as in torch-mimicry, in one of them. Images are squares.

    Args:
        weight_d: of the cross-entropy in D's updates.
        weight_g: of that in G's.
        every: it acts once in so many updates of a player.
    """

    players, owner = ("d", "g"), "d"

    def __init__(self, *, weight_d: NotNegative = 1.0, weight_g: NotNegative = 0.2, every: int = 1) -> None:
        super().__init__()
        self.weights = {"d": weight_d, "g": weight_g}
        self.every = check_every("rotation", every)

    def prepare(self, networks: Mapping[str, nn.Module]) -> None:
        """Build Q for the features of D's head.

        Raises:
            UsageError: where D does not say how many features its head sees, or images are no squares.
        """
        features = getattr(networks["D"], "features", None)
        if not isinstance(features, int):
            raise UsageError("rotation needs a D that says how many features its head sees, such as that of sngan")
        shapes = getattr(networks["D"], "shapes", None)  # a network need not tell them
        height, width = shapes[0][1:] if shapes else (0, 0)
        if height != width:
            raise UsageError(f"rotation turns images by 90 degrees, and {height}x{width} is no square: leave it out")
        self.reader = nn.Linear(features, TURNS)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted cross-entropy of the turns."""
        images, y = (ctx.real, ctx.y_real) if ctx.player == "d" else (ctx.fake, ctx.y_fake)
        turns = global_draw(in_turn, len(images)).to(images.device, non_blocking=True)
        seen = ctx.discriminate(turned(images, turns), y=y).features.flatten(1)
        said = self.reader(*as_weights(self.reader, seen))
        return {"rotation": self.weights[ctx.player] * F.cross_entropy(said, turns)}


def in_turn(n: int) -> Tensor:
    """Quarter turns for ``n`` images, the first by none."""
    return torch.arange(n) % TURNS


def turned(images: Tensor, turns: Tensor) -> Tensor:
    """Square images ``(B, C, H, H)``, each turned by a number of quarter turns ``(B,)``, against the clock."""
    every = torch.stack([images.rot90(number, (2, 3)) for number in range(TURNS)])
    return every[turns, torch.arange(len(images), device=images.device)]
