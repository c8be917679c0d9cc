"""Norms of each image by itself whose scale, and shift, come from a context: what a style-based generator is told by.

They are built as ``norm(channels, c_dim)`` and called ``norm(x, c)`` with ``x`` ``(B, C, H, W)`` and a context ``c``
``(B, c_dim)``, such as w or noise beside a class embedding. Built for ``c_dim`` 0, their numbers are learnt.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.layers.equalized import EqualizedLinear
from ganzoo.layers.norm import per_map
from ganzoo.parts import accurate, as_weights


class Learnt(nn.Module):
    """Numbers ``(1, n)``, 0 at first, whatever the context is."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.zeros(1, n))

    def forward(self, c: Tensor) -> Tensor:
        """The numbers."""
        return self.numbers


class ContextInstanceNorm(nn.Module):
    """What both norms share: numbers for each map, linear in a context, with an equalised learning rate.

    Args:
        name: of the part, for messages.
        channels: maps of the input.
        c_dim: length of the context.
        numbers: for each map.
        eps: added to the variance.
    """

    spare = True

    def __init__(self, name: str, channels: int, c_dim: int, numbers: int, eps: float) -> None:
        super().__init__()
        within(f"{name}:eps", eps, 0)
        self.name, self.channels, self.eps = name, channels, eps
        self.style = EqualizedLinear(c_dim, numbers * channels) if c_dim else Learnt(numbers * channels)

    def styles(self, x: Tensor, c: Tensor) -> list[Tensor]:
        """The numbers ``(B, C)``, in float32.

        Raises:
            UsageError: for an ``x`` that has no pixels.
        """
        if x.dim() < 3:
            raise UsageError(f"{self.name} normalises maps over their pixels, and {tuple(x.shape)} has none")
        with torch.autocast(x.device.type, enabled=False):
            made: Tensor = self.style(*as_weights(self.style, c))
            return list(made.split(self.channels, 1))

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"{self.channels}, eps={self.eps}"


class AdaIN(ContextInstanceNorm):
    """Adaptive instance normalization: each map normalised over its pixels, then scaled and shifted by a style.

    A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2019, arXiv 1812.04948),
    equation 1, after Arbitrary Style Transfer in Real-time (Huang & Belongie 2017, arXiv 1703.06868): ``s·(x - μ)/σ +
    b``, with s and b linear in the context. As the paper; its bias of 1 in s is written ``1 + s``.

    Args:
        channels: maps of the input.
        c_dim: length of the context.
        eps: added to the variance.
    """

    def __init__(self, channels: int, c_dim: int, *, eps: float = 1e-8) -> None:
        super().__init__("adain", channels, c_dim, 2, eps)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``x`` ``(B, C, H, W)`` in the style of ``c`` ``(B, c_dim)``."""
        scale, shift = self.styles(x, c)
        # Means first: kernels that take them away behind the division are wrong in the fourth digit for maps that are
        # almost one number everywhere, and by more, layer by layer, in those after them.
        x = x - x.mean((2, 3), keepdim=True)
        gain = (1 + scale) * torch.rsqrt(accurate(x).square().mean((2, 3)) + self.eps)
        return torch.addcmul(per_map(shift, x), per_map(gain, x), x)


class StyleNorm(ContextInstanceNorm):
    """Each map divided by its standard deviation over pixels, then scaled by a style: AdaIN without means.

    ``(1 + s)·x/√(σ² + eps)``, with s linear in the context.

    Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2020, arXiv 1912.04958), section 2.1 and figure
    2(c): means are neither taken away nor added, which is enough to control styles. On a context that labels enter, as
    a mapped label does, it is the conditional AdaIN (cAdaIN) of PyTorch-StudioGAN's table; StyleGAN2 itself goes on to
    scale the weights of its convolutions in its place.

    Args:
        channels: maps of the input.
        c_dim: length of the context.
        eps: added to the variance.
    """

    def __init__(self, channels: int, c_dim: int, *, eps: float = 1e-8) -> None:
        super().__init__("style", channels, c_dim, 1, eps)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``x`` ``(B, C, H, W)`` in the style of ``c`` ``(B, c_dim)``."""
        (scale,) = self.styles(x, c)
        variance = accurate(x).var((2, 3), correction=0)
        return x * per_map((1 + scale) * torch.rsqrt(variance + self.eps), x)
