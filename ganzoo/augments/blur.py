"""Blurred images for D at the start of a training, from Alias-Free GANs (Karras et al. 2021, arXiv 2106.12423)."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.parts import Augment, Number, Range, TurnContext

REACH = 3  # of the filter to either side, in standard deviations
MOST = 100.0
LEAST = 0.1  # pixels: the filter of a smaller deviation is one pixel in every digit


class Blur(Augment):
    """D sees every image, real and fake, blurred; a schedule lets the blur fade (StyleGAN3, Karras et al. 2021).

    The losses are of ``D(g_σ * x)``, with ``g_σ(t) ∝ exp(-t²/2σ²)``, for real images and fakes.

    A Gaussian filter, so that D cannot settle on the highest frequencies before G has found the lowest: of 10 pixels
    that fade over the first 200,000 images in its configuration R (arXiv 2106.12423, appendix F), the default.
    Gradients go through it to G, and G's images stay sharp. Ours lets the border's pixels go on beyond it.

    Args:
        sigma: standard deviation of the filter in pixels, at most 100; 0 for none.
    """

    def __init__(self, *, sigma: Annotated[Number, Range(0, MOST)] = "linear/10/0/200k") -> None:
        self.sigma = sigma

    def images(self, x: Tensor, ctx: TurnContext) -> Tensor:
        """What D sees of images ``(B, C, H, W)`` in [-1, 1]: by this step's deviation."""
        sigma = ctx.now(self.sigma)
        with torch.autocast(x.device.type, enabled=False):  # bf16 has fewer levels than a picture
            return blurred(x, sigma) if sigma > LEAST else x


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Images ``(B, C, H, W)`` under a Gaussian filter of ``sigma`` pixels, more than 0, along each axis."""
    reach = math.ceil(REACH * sigma)
    at = torch.arange(-reach, reach + 1, device=x.device)
    weights = torch.exp(-0.5 * (at / sigma) ** 2)
    taps = (weights / weights.sum()).to(x.dtype).expand(int(x.shape[1]), 1, -1)
    x = F.pad(x, (reach,) * 4, mode="replicate")
    x = F.conv2d(x, taps[:, :, :, None], groups=len(taps))
    return F.conv2d(x, taps[:, :, None], groups=len(taps))
