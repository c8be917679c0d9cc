"""Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data, Jiang et al. 2021, arXiv 2111.06849."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.augments.steered import Steered
from ganzoo.parts import Number, TurnContext, global_draw


class APA(Steered):
    """D is now and then shown a fake as a real image, the more often the more it overfits (APA, Jiang et al. 2021).

    Each real image of D's updates gives way with probability p to a fake of the same label: ``p += sign(E[sign D(real)]
    - target)·images/(1000·kimg)`` every ``interval`` updates of D, by the λ_r of the paper. Source: arXiv 2111.06849,
    section 3.2. Such fakes are made of noise of their own, without gradient; the mean sign is that of the real images
    as D is shown them. G's updates are left alone. It goes with ``ada`` and ``diffaugment``.

    Args:
        p: a fixed probability, or a schedule; none to steer it.
        target: of the mean sign of D's scores of real images.
        interval: updates of D between two moves of p.
        kimg: thousands of real images in which p can go from 0 to 1.
    """

    def __init__(self, *, p: Number | None = None, target: float = 0.6, interval: int = 4, kimg: float = 500.0) -> None:
        super().__init__("apa", p, target, interval, kimg)

    @torch.no_grad()
    def reals(self, ctx: TurnContext) -> Tensor:
        """In D's updates the real images ``(B, C, H, W)``, some of them replaced by fakes."""
        if ctx.player != "d":
            return ctx.real
        p = self.probability(ctx)
        if isinstance(p, float) and p == 0:
            return ctx.real
        n, generator = len(ctx.real), ctx.networks["G"]
        replaced = global_draw(torch.rand, n, 1, 1, 1).to(ctx.real.device, non_blocking=True) < p
        return torch.where(replaced, ctx.generate(noise(generator, n, ctx.z), ctx.y_real), ctx.real)


def noise(generator: Any, n: int, like: Tensor) -> Tensor:
    """Noise ``(n, z_dim)`` as the generator draws it."""
    return global_draw(lambda count: generator.prior(count, torch.default_generator), n).to(
        like.device, non_blocking=True
    )
