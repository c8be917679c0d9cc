"""A layer norm of tokens whose scale and shift come from a context."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.equalized import EqualizedLinear


class SelfModulatedLayerNorm(nn.Module):
    """Each token at mean 0 and variance 1 over its channels, then scaled and shifted by what a context says (SLN).

    ViTGAN: Training GANs with Vision Transformers (Lee et al. 2022, arXiv 2107.04589), section 3: ``γ(w)·(h - μ)/σ +
    β(w)``, after self-modulation (Chen et al. 2019, arXiv 1810.01365). Ours has both linear in w, γ as ``1 + W w + b``.

    Args:
        channels: of a token.
        c_dim: length of the context, such as w.
        eps: added to the variance.
    """

    def __init__(self, channels: int, c_dim: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        within("sln:eps", eps, 0)
        self.channels, self.eps = channels, eps
        self.style = EqualizedLinear(c_dim, 2 * channels)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Tokens ``(B, N, C)`` under contexts ``(B, c_dim)`` to the same shape."""
        scale, shift = self.style(c)[:, None].chunk(2, dim=2)
        return F.layer_norm(x, (self.channels,), eps=self.eps) * (1 + scale) + shift
