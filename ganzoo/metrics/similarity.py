"""Structural similarity of two images, at one scale or at several.

Wang et al. 2004 (doi:10.1109/TIP.2003.819861) and Wang, Simoncelli and Bovik 2003 (doi:10.1109/ACSSC.2003.1292216).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # of the Gaussian, in pixels
K1, K2 = 0.01, 0.03
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents from the full size to a sixteenth


def similarities(images: Tensor, others: Tensor, window: int = WINDOW) -> tuple[Tensor, Tensor]:
    """The maps of luminance, and of contrast and structure together, where the window fits.

    Args:
        images, others: float ``(B, C, H, W)`` in [0, 255].
        window: side of the Gaussian; of a smaller one σ is smaller by as much.
    """
    x, y = images / 255 - 0.5, others / 255 - 0.5  # around 0, so that differences of squares keep their digits
    mean_x, mean_y = blurred(x, window), blurred(y, window)
    var_x, var_y = blurred(x * x, window) - mean_x**2, blurred(y * y, window) - mean_y**2
    covariance = blurred(x * y, window) - mean_x * mean_y
    mean_x, mean_y, c1, c2 = mean_x + 0.5, mean_y + 0.5, K1**2, K2**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return luminance, structure


def blurred(x: Tensor, window: int = WINDOW) -> Tensor:
    """The Gaussian mean around every pixel of ``(B, C, H, W)`` where the window fits."""
    at = torch.arange(window, device=x.device) - (window - 1) / 2
    weights = (-0.5 * (at / (SIGMA * window / WINDOW)) ** 2).exp()
    weights = weights / weights.sum()
    planes = x.flatten(0, 1)[:, None]
    planes = F.conv2d(F.conv2d(planes, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
    return planes.view(*x.shape[:2], *planes.shape[2:])


def multi_scale(images: Tensor, others: Tensor) -> Tensor:
    """The multi-scale similarity of each pair, ``(B,)``, 1 for equal images.

    At each of five scales, each the mean of two by two pixels of the one before, the mean of contrast and structure,
    at the last times luminance, to the power of the scale's exponent; their product. A negative mean counts as 0. The
    window is 11 pixels, or as large as the smaller side of the map.

    Args:
        images, others: float ``(B, C, H, W)`` in [0, 255]; of 16 pixels at least.
    """
    product = torch.ones(len(images), dtype=torch.float64, device=images.device)
    for number, power in enumerate(SCALES):
        luminance, structure = similarities(images, others, min(WINDOW, *images.shape[2:]))
        found = structure if number < len(SCALES) - 1 else luminance * structure
        product = product * found.flatten(1).double().mean(1).clamp(min=0) ** power
        if number < len(SCALES) - 1:
            images, others = F.avg_pool2d(images, 2), F.avg_pool2d(others, 2)
    return product
