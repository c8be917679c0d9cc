"""Noise inputs: what an image has besides its latent, such as the place of single hairs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.parts import global_draw


class NoiseInput(nn.Module):
    """Adds to each map one picture of noise, N(0, 1), times a learnt strength that starts at 0.

    A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948),
    with a strength for each map; or with one a layer, as Analyzing and Improving the Image Quality of StyleGAN (Karras
    et al. 2020, arXiv 1912.04958) has it. In training each image has noise of its own in each pass; otherwise all have
    the picture that was drawn when the layer was made, so that an image does not depend on its batch.

    Args:
        size: height and width of the maps.
        gain: of the noise, beside its strength: that of maps which are given times a gain.
        channels: of the maps, each of which then has a strength of its own; None for one of all.

    Attributes:
        constant: that picture, ``(H, W)``.
    """

    constant: Tensor

    def __init__(self, size: tuple[int, int], gain: float = 1.0, *, channels: int | None = None) -> None:
        super().__init__()
        self.gain = gain
        self.register_buffer("constant", torch.empty(size).normal_())
        self.strength = nn.Parameter(torch.zeros(()) if channels is None else torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        return x + (self.gain * self.strength * self.drawn(x)).to(x.dtype)

    def redraw(self, rng: torch.Generator) -> None:
        """Have another picture of noise, drawn on the CPU."""
        self.constant.copy_(torch.randn(self.constant.shape, generator=rng))

    def drawn(self, x: Tensor) -> Tensor:
        """The noise ``(B, 1, H, W)`` of maps ``x``, or ``(H, W)`` of them all."""
        if not self.training:
            return self.constant
        height, width = x.shape[2:]
        return global_draw(lambda n: self.constant.new_empty(n, 1, height, width).normal_(), len(x))
