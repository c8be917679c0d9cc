"""LOGAN: Latent Optimisation for Generative Adversarial Networks, Wu et al. 2019, arXiv 1912.00953."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import UsageError, within
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Regularizer, TurnContext, exact, global_draw


class LatentOptimisation(Regularizer):
    """Noise takes a step towards what D likes before it becomes the fakes of an update (LOGAN, Wu et al. 2019).

    ``Δz = α·g/(β + ‖g‖²)`` with ``g = ∇_z D(G(z))``, the natural gradient of arXiv 1912.00953, equation 13, in both
    players' updates; gradients go through Δz, and ``weight·E‖Δz‖²`` is added to either loss. A share of the elements of
    z moves, the rest stays, and so do codes (``info``), which are no noise. One step, as in the paper and
    PyTorch-StudioGAN; none when sampling. Where z comes from a cube (``prior=uniform``), ``bound=1`` keeps it there.

    Args:
        alpha: length of the step.
        beta: that damps it.
        share: of the elements of z that move.
        weight: of the squared length of the step.
        bound: beyond which no element of z goes; 0 for none.
        every: it acts once in so many updates.
    """

    players = ("d", "g")

    def __init__(
        self,
        *,
        alpha: NotNegative = 0.9,
        beta: float = 0.1,
        share: float = 0.8,
        weight: NotNegative = 0.1,
        bound: NotNegative = 0.0,
        every: int = 1,
    ) -> None:
        within("lo:share", share, 0, 1)
        if beta <= 0:
            raise UsageError(f"lo:beta={beta:g} does not work: the step is divided by it, so it is more than 0")
        self.alpha, self.beta, self.share, self.weight = alpha, beta, share, weight
        self.bound, self.every = bound or torch.inf, check_every("lo", every)

    def refine(self, ctx: TurnContext) -> Tensor:
        """Noise ``(B, z_dim)`` after its step, with gradients through it."""
        z = ctx.z.detach().requires_grad_()
        with torch.enable_grad(), exact(z.device):
            scores = ctx.discriminate(ctx.generate(z, ctx.y_fake, exact=True), exact=True, y=ctx.y_fake).score
            # of 0 where G makes nothing of its noise
            (slope,) = torch.autograd.grad(scores.sum(), z, create_graph=True, materialize_grads=True)
        noise = ctx.noise_dim
        slope = torch.cat([slope[:, :noise], torch.zeros_like(slope[:, noise:])], 1)
        step = self.alpha * slope / (self.beta + slope.square().sum(1, keepdim=True))
        moving = global_draw(torch.rand, *z.shape).to(z, non_blocking=True) < self.share
        moved = torch.where(moving, step, torch.zeros_like(step))
        ctx.at.shared[self.place(ctx)] = moved
        bounded = (ctx.z + moved)[:, :noise].clamp(-self.bound, self.bound)
        return torch.cat([bounded, ctx.z[:, noise:]], 1)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted squared length of the step."""
        return {"lo": self.weight * ctx.at.shared[self.place(ctx)].square().sum(1).mean()}

    def place(self, ctx: TurnContext) -> tuple[int, int]:
        """Under what the step of an update is kept until its term is asked for."""
        return id(self), ctx.at.piece.index
