"""What changes pixels where they are: colours, frequency bands, noise, and a hole."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.augments.ada.draws import Draws, where
from ganzoo.augments.ada.geometry import extended
from ganzoo.parts import global_draw

BRIGHTNESS = 0.2  # spread, in [-1, 1]
CONTRAST, SATURATION, GAIN = 0.5, 1.0, 1.0  # octaves
NOISE = 0.1  # spread of the noise's spread
HOLE = 0.5  # of the sides
RGB = 3
ROOT = math.sqrt(3)
SYM2 = tuple(tap / (4 * math.sqrt(2)) for tap in (1 - ROOT, 3 - ROOT, 3 + ROOT, 1 + ROOT))
BANDS = 4
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # of natural images in each band, about 1/f


def recolored(x: Tensor, draws: Draws, p: Tensor | float) -> Tensor:
    """Brightness, contrast, luma flip, hue and saturation of images ``(B, C, H, W)``, C 1 or 3.

    Grey has no hue and no saturation: what is drawn for those is left.
    """
    n, channels = x.shape[:2]
    luma = torch.full((channels,), channels**-0.5, dtype=x.dtype, device=x.device)
    along = torch.outer(luma, luma)
    across = torch.eye(channels, dtype=x.dtype, device=x.device) - along
    acts = [draws.acts(p) for _ in range(5)]
    shift = torch.where(acts[0], draws.normal(BRIGHTNESS), 0.0)
    contrast = torch.where(acts[1], draws.lognormal(CONTRAST), 1.0)
    flip = torch.where(acts[2], 1 - 2 * draws.whole(2), 1.0)
    angle = torch.where(acts[3], draws.uniform(-torch.pi, torch.pi), 0.0)
    saturation = torch.where(acts[4], draws.lognormal(SATURATION), 1.0)
    chroma = across.expand(n, channels, channels)
    if channels == RGB:
        chroma = about(luma, across, angle)
    # All of them keep the luma axis and the plane across it, so one factor on each is their product.
    mixing = (contrast * flip)[:, None, None] * along + (contrast * saturation)[:, None, None] * chroma
    lift = (contrast * flip * shift)[:, None, None, None]
    changed = (mixing @ x.flatten(2)).unflatten(2, x.shape[2:]) + lift
    return where(torch.stack(acts if channels == RGB else acts[:3]).any(0), changed, x)


def about(axis: Tensor, across: Tensor, angle: Tensor) -> Tensor:
    """The part across an axis ``(3,)`` of rotations about it, ``(B, 3, 3)`` (Rodrigues' formula)."""
    a, b, c = axis
    zero = torch.zeros_like(a)
    turning = torch.stack([zero, -c, b, c, zero, -a, -b, a, zero]).unflatten(0, (3, 3))
    return angle.cos()[:, None, None] * across + angle.sin()[:, None, None] * turning


def bandpasses() -> Tensor:
    """Filters ``(4, 43)`` that pass [0, π/8], [π/8, π/4], [π/4, π/2] and [π/2, π], and add up to the identity.

    Made of the power filter of sym2, ``lo(z) = H(z)H(1/z)/2``, and its mirror ``hi(z) = lo(-z)``, which add up to 1:
    ``lo(z)lo(z²)lo(z⁴)``, ``lo(z)lo(z²)hi(z⁴)``, ``lo(z)hi(z²)`` and ``hi(z)``.
    """
    taps = torch.tensor(SYM2, dtype=torch.float64)
    low = convolved(taps, taps.flip(0)) / 2
    high = low * torch.tensor([-1.0, 1.0] * len(SYM2), dtype=torch.float64)[: len(low)]  # by (-1)^k about its middle
    passing, bands = torch.ones(1, dtype=torch.float64), []
    for octave in range(BANDS - 1):
        bands.append(convolved(passing, stretched(high, 2**octave)))
        passing = convolved(passing, stretched(low, 2**octave))
    bands.append(passing)
    longest = len(passing)
    return torch.stack([F.pad(band, [(longest - len(band)) // 2] * 2) for band in reversed(bands)])


def convolved(a: Tensor, b: Tensor) -> Tensor:
    """The full convolution of two filters."""
    return F.conv1d(a[None, None], b.flip(0)[None, None], padding=len(b) - 1)[0, 0]


def stretched(taps: Tensor, factor: int) -> Tensor:
    """A filter in ``z**factor``: zeros between its taps."""
    long = taps.new_zeros((len(taps) - 1) * factor + 1)
    long[::factor] = taps
    return long


def equalized(x: Tensor, draws: Draws, p: Tensor | float) -> Tensor:
    """Four frequency bands of images ``(B, C, H, W)`` amplified, at the power that natural images have."""
    n = len(x)
    power = x.new_tensor(POWER)
    gains, acting = x.new_ones(n, BANDS), []
    for band in range(BANDS):
        acts = draws.acts(p)
        own = x.new_ones(n, BANDS)
        own[:, band] = torch.where(acts, draws.lognormal(GAIN), 1.0)
        gains = gains * own / (own.square() @ power).sqrt()[:, None]
        acting.append(acts)
    taps = gains @ bandpasses().to(x)  # (B, 43), symmetric
    margin, channels = taps.shape[1] // 2, x.shape[1]
    each = taps.repeat_interleave(channels, 0)[:, None, None]
    wide = extended(x, margin).flatten(0, 1)[None]
    wide = F.conv2d(wide, each, groups=n * channels)
    changed = F.conv2d(wide, each.transpose(2, 3), groups=n * channels)[0].unflatten(0, (n, channels))
    return where(torch.stack(acting).any(0), changed, x)


def noised(x: Tensor, draws: Draws, p: Tensor | float) -> Tensor:
    """Normal noise in each value of images ``(B, C, H, W)``, of a spread of |N(0, 0.1²)|."""
    acts, spread = draws.acts(p), draws.normal(NOISE).abs()
    noise = global_draw(torch.randn, *x.shape).to(x, non_blocking=True)
    return where(acts, x + spread[:, None, None, None] * noise, x)


def holed(x: Tensor, draws: Draws, p: Tensor | float) -> Tensor:
    """A rectangle of half of the sides of images ``(B, C, H, W)`` set to 0; its middle lies anywhere."""
    acts, inside = draws.acts(p), []
    for side in (x.shape[3], x.shape[2]):
        middle = draws.uniform(0, 1)[:, None]
        place = torch.arange(side, device=x.device)
        low, high = ((middle + end * HOLE / 2) * side for end in (-1, 1))
        inside.append((place >= low.round()) & (place < high.round()))
    gone = inside[1][:, None, :, None] & inside[0][:, None, None, :]
    return where(acts, torch.where(gone, 0.0, x), x)
