"""Modulated convolutions: kernels that a style scales, and that are brought back to length 1.

Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2020, arXiv 1912.04958), section 2.2: the kernel of
image b is ``s_b,i · w_o,i,k`` with a scale for each input map, demodulated by ``√(Σ_i,k (s_b,i · w_o,i,k)² + ε)``.
Ours scales the input by ``s_b``, convolves all images with one kernel, and scales the output: the same numbers without
a kernel for each image, so that every device, exporter and second derivative has what it needs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.conv import conv2d, conv_transpose2d
from ganzoo.layers.equalized import EqualizedLinear
from ganzoo.layers.filters import BINOMIAL, Filtered, Weights
from ganzoo.layers.layout import exchanged
from ganzoo.parts import accurate

EPSILON = 1e-8


def scale_maps(x: Tensor, s: Tensor) -> Tensor:
    """Maps ``(B, C, H, W)``, each times its number of ``s`` ``(B, C)``, in their own dtype."""
    return x * s[:, :, None, None].to(x.dtype)


def demodulation(weight: Tensor, s: Tensor) -> Tensor:
    """What brings each output of a modulated convolution back to its length, ``(B, O)``; in float32.

    Args:
        weight: the kernel ``(O, I, k, k)``.
        s: scales of the input maps ``(B, I)``.
    """
    with torch.autocast(s.device.type, enabled=False):
        power = accurate(weight).square().sum((2, 3))
        return torch.rsqrt(accurate(s).square() @ power.t() + EPSILON)


def unit_largest(s: Tensor) -> Tensor:
    """Scales ``(B, I)`` over the largest of each row: what demodulation takes away again, so that float16 bears it."""
    return s / s.detach().abs().amax(1, keepdim=True).clamp(min=EPSILON)


class ModulatedConv2d(nn.Conv2d):
    """A convolution whose input maps a style scales; not demodulated, as where an image is made of maps.

    The kernel has an equalised learning rate: it stores N(0, 1) and computes with ``1/√(fan-in)`` times that.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel, an odd number of pixels.
        w_dim: length of the style.
    """

    ganzoo_init = "own"

    def __init__(self, in_channels: int, out_channels: int, size: int, w_dim: int) -> None:
        super().__init__(in_channels, out_channels, size, padding=size // 2, bias=False)
        nn.init.normal_(self.weight)
        self.affine = EqualizedLinear(w_dim, in_channels, start=1.0)
        self.scale = 1 / math.sqrt(in_channels * size**2)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # type: ignore[override]
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to ``(B, out, H, W)``."""
        return self.convolve(scale_maps(x, self.style(w)), self.weight * self.scale)

    def style(self, w: Tensor) -> Tensor:
        """The scales ``(B, C)`` of input maps, in float32: bf16 would leave a style three digits."""
        with torch.autocast(w.device.type, enabled=False):
            return accurate(self.affine(w.to(self.affine.weight.dtype)))

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Scaled maps and the kernel of all images."""
        return conv2d(x, kernel, None, stride=1, padding=self.weight.shape[2] // 2)


class DemodulatedConv2d(ModulatedConv2d):
    """A modulated and demodulated convolution, followed by neither bias nor activation.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel, an odd number of pixels.
        w_dim: length of the style.
        gain: of the output.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, w_dim: int, gain: float = 1.0) -> None:
        super().__init__(in_channels, out_channels, size, w_dim)
        self.gain = gain

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # type: ignore[override]
        """``(B, C, H, W)`` under styles ``(B, w_dim)`` to ``(B, out, H, W)``."""
        s, kernel = unit_largest(self.style(w)), self.weight * self.scale
        return scale_maps(self.convolve(scale_maps(x, s), kernel), self.gain * demodulation(kernel, s))


class DemodulatedUpConv2d(DemodulatedConv2d):
    """A map doubled and convolved, under a style: a transposed convolution of stride 2, then a filter.

    That is zeros between pixels, the convolution and the filter, in an order that costs a quarter of the arithmetic.

    Args:
        in_channels, out_channels: maps before and after.
        size: side of the kernel, an odd number of pixels.
        w_dim: length of the style.
        weights: of the filter along each axis, an even number of them.
        gain: of the output.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        w_dim: int,
        weights: Weights = BINOMIAL,
        gain: float = 1.0,
    ) -> None:
        super().__init__(in_channels, out_channels, size, w_dim, gain)
        within("size", size, 1, len(weights) + 1)
        self.smooth = Filtered(weights, padding=(len(weights) + 1 - size) // 2, gain=4)

    def convolve(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Scaled maps ``(B, C, H, W)`` to ``(B, out, 2H, 2W)``."""
        wide = conv_transpose2d(x, exchanged(kernel.flip(2, 3)), stride=2, padding=0)
        return self.smooth(wide)
