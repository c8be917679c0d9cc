"""Improved Consistency Regularization for GANs, Zhao et al. 2021, arXiv 2002.04724."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import within
from ganzoo.losses.gradient import check_every
from ganzoo.losses.regularizers.cr import distance, flipped_and_shifted
from ganzoo.parts import NotNegative, Regularizer, TurnContext, global_draw


class BalancedCR(Regularizer):
    """D is to say of an image, real or fake, what it says of the image flipped and shifted (bCR, Zhao et al. 2021).

    ``real·E[(D(x) - D(T(x)))²] + fake·E[(D(G(z)) - D(T(G(z))))²]``. Source: arXiv 2002.04724, section 3.1, with its
    weights of 10; T and what is matched as in ``cr``. G is not trained by it.

    Args:
        real: weight of real images.
        fake: weight of fakes.
        shift: farthest shift in pixels.
        flip: whether images are flipped.
        every: it acts once in so many updates.
    """

    def __init__(
        self, *, real: NotNegative = 10.0, fake: NotNegative = 10.0, shift: int = 4, flip: bool = True, every: int = 1
    ) -> None:
        within("bcr:shift", shift, 0, 64)
        self.weights = {"real": real, "fake": fake}
        self.shift, self.flip, self.every = shift, flip, check_every("bcr", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted distances: ``bcr_real`` and ``bcr_fake``."""
        seen = {"real": (ctx.real, ctx.y_real), "fake": (ctx.fake, ctx.y_fake)}
        return {f"bcr_{what}": weight * self.moved(ctx, *seen[what]) for what, weight in self.weights.items()}

    def moved(self, ctx: TurnContext, x: Tensor, y: Tensor) -> Tensor:
        """How far D's words are apart of images and of the same flipped and shifted."""
        return distance(ctx.discriminate(x), ctx.discriminate(flipped_and_shifted(x, self.shift, self.flip), y=y))


class LatentCR(Regularizer):
    """D is to say the same of two images whose noise is nearly the same, and G to make them differ (zCR).

    ``D: weight·E[(D(G(z)) - D(G(z+δ)))²]`` and ``G: -weight.g·E[(G(z) - G(z+δ))²]``, the mean over pixels, δ from N(0,
    σ²), and 0 where z holds codes (``info``). Source: arXiv 2002.04724, section 3.2, with its weights of 20 and 0.5 and
    its σ.

    Args:
        weight: in D's loss.
        weight_g: in G's.
        sigma: of the perturbation.
        every: it acts once in so many updates.
    """

    players, generates = ("d", "g"), True

    def __init__(
        self, *, weight: NotNegative = 20.0, weight_g: NotNegative = 0.5, sigma: NotNegative = 0.05, every: int = 1
    ) -> None:
        self.weight, self.weight_g, self.sigma = weight, weight_g, sigma
        self.every = check_every("zcr", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The term of the player whose update it is."""
        change = self.sigma * global_draw(torch.randn, *ctx.z.shape).to(ctx.z, non_blocking=True)
        change[:, ctx.noise_dim :] = 0
        with torch.set_grad_enabled(ctx.player == "g"):
            near = ctx.generate_alike(ctx.z + change, ctx.y_fake)
        if ctx.player == "g":
            return {"zcr": -self.weight_g * (ctx.fake - near).square().mean()}
        return {"zcr": self.weight * distance(ctx.discriminate(ctx.fake), ctx.discriminate(near, y=ctx.y_fake))}
