"""Consistency Regularization for Generative Adversarial Networks, Zhang et al. 2020, arXiv 1910.12027."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.errors import within
from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Output, Regularizer, TurnContext, global_draw

MATCHED = ("class_logits", "embedding")  # what else of a head is to stay, besides its scores


class CR(Regularizer):
    """D is to say of a real image what it says of the image flipped and shifted (Zhang et al. 2020).

    ``weight·E[(D(x) - D(T(x)))²]``, with T a horizontal flip of every other image on average and a shift by up to 4
    pixels. Source: arXiv 1910.12027, section 3, with its weight of 10. Class logits or embeddings of a head are matched
    too, as in PyTorch-StudioGAN. What comes in at a border is reflected.

    Args:
        weight: of the squared distance.
        shift: farthest shift in pixels.
        flip: whether images are flipped.
        every: it acts once in so many updates.
    """

    def __init__(self, *, weight: NotNegative = 10.0, shift: int = 4, flip: bool = True, every: int = 1) -> None:
        within("cr:shift", shift, 0, 64)
        self.weight, self.shift, self.flip, self.every = weight, shift, flip, check_every("cr", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted distance for real images."""
        moved = flipped_and_shifted(ctx.real, self.shift, self.flip)
        return {"cr": self.weight * distance(ctx.discriminate(ctx.real), ctx.discriminate(moved))}


def distance(one: Output, other: Output) -> Tensor:
    """Mean squared distance of scores, plus that of class logits or embeddings where a head has them, a scalar."""
    pairs = list(zip(one.heads, other.heads, strict=True))
    pairs += [(one.extras[name], other.extras[name]) for name in MATCHED if name in one.extras]
    return torch.stack([(a - b).square().mean() for a, b in pairs]).sum()


def flipped_and_shifted(x: Tensor, shift: int, flip: bool = True) -> Tensor:
    """Each image ``(B, C, H, W)`` mirrored or not, and shifted by up to ``shift`` pixels; borders are reflected."""
    n, _, height, width = x.shape
    mirrored = (global_draw(torch.rand, n, 1, 1, 1).to(x, non_blocking=True) < 0.5) & flip
    x = torch.where(mirrored, x.flip(3), x)
    low = [min(shift, side - 1) for side in (height, width)]
    padded = F.pad(x, (low[1], low[1], low[0], low[0]), mode="reflect")
    starts = [
        (global_draw(torch.rand, n).to(x.device, non_blocking=True) * (2 * most + 1)).long().clamp(max=2 * most)
        for most in low
    ]
    places = [torch.arange(side, device=x.device) for side in (height, width)]
    rows, columns = (start[:, None] + place for start, place in zip(starts, places, strict=True))
    images = torch.arange(n, device=x.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
