"""How images come to the size that a feature network looks at; scores depend on it, so each way has a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from torch import Tensor


def bilinear(images: Tensor, pixels: int) -> Tensor:
    """Linear interpolation between pixel centres, antialiased where it shrinks."""
    return F.interpolate(images, size=(pixels, pixels), mode="bilinear", align_corners=False, antialias=True)


def clean(images: Tensor, pixels: int) -> Tensor:
    """Bicubic and antialiased as PIL resizes, without rounding to bytes (arXiv:2104.11222)."""
    resized = F.interpolate(images, size=(pixels, pixels), mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 255)


def tensorflow1(images: Tensor, pixels: int) -> Tensor:
    """Bilinear as TensorFlow 1 did it, corners not aligned: what the 2015 Inception graph had before it."""
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    return interpolate_bilinear_2d_like_tensorflow1x(images, size=(pixels, pixels), align_corners=False)


RESIZES: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    "bilinear": bilinear,
    "clean": clean,
    "tf1-bilinear": tensorflow1,
}
"""Ways by name; each takes float images ``(B, 3, H, W)`` in [0, 255] and the side to bring them to."""
