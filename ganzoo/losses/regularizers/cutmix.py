"""The regularizer of A U-Net Based Discriminator for Generative Adversarial Networks, Schönfeld et al. 2020.

arXiv 2002.12655.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.losses.gradient import check_every
from ganzoo.parts import NotNegative, Number, Range, Regularizer, TurnContext, global_draw

Form = Literal["logistic", "hinge"]
FORMS: dict[str, Callable[[Tensor], Tensor]] = {"logistic": F.softplus, "hinge": lambda score: F.relu(1 + score)}
"""How wrong it is to give what is fake a score; of what is real, that of minus the score."""


class CutMix(Regularizer):
    """D is shown real images with rectangles of fakes around, and is to say of each pixel which it is.

    With ``x̃ = M·x + (1-M)·G(z)``, M one within a rectangle of an area from U(0, 1) and 0 outside, and ``l`` the loss of
    a score that should be lower (``softplus(s)``): ``weight·(l(D_enc(x̃)) + mean(M·l(-D_dec(x̃)) + (1-M)·l(D_dec(x̃))))``,
    as all of x̃ is fake, and ``consistency·mean((D_dec(x̃) - M·D_dec(x) - (1-M)·D_dec(G(z)))²)``. Both act in an update
    of D with the probability p. Source: arXiv 2002.12655, section 3.2 (U-Net GAN; CutMix is arXiv 1905.04899), where p
    rises to 0.5 over the first images: 20 times FFHQ's in the authors' training for that. There those updates have
    these terms alone; here they are added. Weights are half of the paper's, as is our loss of two scores. D sees what
    is mixed as it is, without augmentations, which would move pixels away from M.

    It takes a D whose first score is that of the image, and which gives ``extras["pixels"]`` ``(B, 1, H, W)``.

    Args:
        p: the probability, or a schedule of it.
        weight: of D's loss on mixed images.
        consistency: of the squared distance to what D says of the two images.
        form: of the loss: ``logistic``, as in the paper, or ``hinge``.
        every: it acts once in so many updates of D.
    """

    def __init__(
        self,
        *,
        p: Annotated[Number, Range(0, 1)] = "linear/0/0.5/1400k",
        weight: NotNegative = 0.5,
        consistency: NotNegative = 0.5,
        form: Form = "logistic",
        every: int = 1,
    ) -> None:
        self.p, self.weight, self.consistency = p, weight, consistency
        self.wrong, self.every = FORMS[form], check_every("cutmix", every)

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The weighted loss of mixed images and the consistency; nothing in updates without them."""
        acts = float(torch.rand(())) < ctx.now(self.p)  # the same number in every process and piece
        return self.of_mixed(ctx, rectangles(ctx.real)) if acts else {}

    def of_mixed(self, ctx: TurnContext, real: Tensor) -> dict[str, Tensor]:
        """Both terms.

        Args:
            ctx: of an update of D.
            real: where the images are real, ``(B, 1, H, W)`` of 0 and 1.
        """
        mixed = real * ctx.real + (1 - real) * ctx.fake
        said = ctx.discriminate(mixed, augmented=False, y=ctx.y_real)
        pixels = said.extras["pixels"]
        apart = real * self.wrong(-pixels) + (1 - real) * self.wrong(pixels)
        of_both = [ctx.discriminate(x, augmented=False).extras["pixels"] for x in (ctx.real, ctx.fake)]
        gap = pixels - torch.lerp(of_both[1], of_both[0], real)
        return {
            "cutmix": self.weight * (self.wrong(said.heads[0]).mean() + apart.mean()),
            "cutmix_consistency": self.consistency * gap.square().mean(),
        }


def rectangles(images: Tensor) -> Tensor:
    """Masks ``(B, 1, H, W)`` of images ``(B, C, H, W)``: 1 within a rectangle of the image's shape, 0 outside.

    Their areas are uniform from 0 to 1 but for rounding to pixels, and they lie anywhere within the image.
    """
    n, _, height, width = images.shape
    area, *corner = global_draw(torch.rand, n, 3).to(images, non_blocking=True).unbind(1)
    inside = []
    for side, start in zip((height, width), corner, strict=True):
        length = (side * area.sqrt()).round()
        low = (start * (side - length + 1)).floor()
        place = torch.arange(side, device=images.device)
        inside.append((place >= low[:, None]) & (place < (low + length)[:, None]))
    return (inside[0][:, None, :, None] & inside[1][:, None, None, :]).to(images)
