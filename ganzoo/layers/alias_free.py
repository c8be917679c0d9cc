"""What keeps a map a picture of a continuous signal: low-pass filters by design, and nonlinearities between them.

Alias-Free Generative Adversarial Networks (Karras et al. 2021, arXiv 2106.12423), sections 2 and 3 and appendix C. A
map stands for a signal whose frequencies end at ``cutoff``; a nonlinearity makes others beyond them, so it acts on a
map of a higher rate, and a filter takes away what the rate after it cannot carry. Frequencies are in cycles a side,
rates in pixels a side; the side is the image's shorter one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganzoo.errors import UsageError
from ganzoo.layers.activation import scaled_leaky_relu
from ganzoo.layers.filters import upfirdn2d
from ganzoo.parts import accurate, global_mean

TAPS = 6  # of a filter, for each pixel of the coarser of its two maps


@dataclass(frozen=True)
class Band:
    """The frequencies that a map carries.

    Attributes:
        rate: pixels a side.
        cutoff: where a filter for it has half of its way behind it, in cycles a side.
        transition: half the width of that way; a filter is narrower than ``cutoff + transition``.
    """

    rate: int
    cutoff: float
    transition: float


def low_pass(band: Band, rate: int, taps: int, radial: bool = False) -> Tensor:
    """A low-pass filter by Kaiser's method, with a sum of 1, in float32.

    A sinc of the cutoff under Kaiser's window, whose shape follows from the length and the width of the transition:
    the attenuation is ``2.285 (taps - 1) π Δ + 7.95`` decibels, where Δ is that width in units of half the rate.

    Args:
        band: what passes.
        rate: of the map that is filtered, in pixels a side.
        taps: how many numbers along an axis.
        radial: whether it is the same in all directions: a jinc ``2 J₁(πx) / (πx)`` of the distance in place of the
            sinc, under the window of both axes.

    Returns:
        ``(taps,)``, or ``(taps, taps)`` where it is radial.
    """
    # On the CPU, then as numbers: such operations on the device meta import torch's compiler, which takes seconds.
    at = (torch.arange(taps, dtype=torch.float64, device="cpu") - (taps - 1) / 2) / rate
    window = torch.kaiser_window(taps, False, kaiser_beta(band, rate, taps), dtype=torch.float64, device="cpu")
    if radial:
        x = 2 * math.pi * band.cutoff * torch.hypot(at[:, None], at)
        here = x == 0  # an odd number of taps has a middle, where the jinc is 1
        kernel = torch.where(here, 1, 2 * torch.special.bessel_j1(x) / torch.where(here, 1, x))
        kernel = kernel * window[:, None] * window
    else:
        kernel = torch.sinc(2 * band.cutoff * at) * window
    return torch.tensor((kernel / kernel.sum()).float().tolist())


def kaiser_beta(band: Band, rate: int, taps: int) -> float:
    """The shape of Kaiser's window for a filter of a length and a transition, by his formulas."""
    attenuation = 2.285 * (taps - 1) * math.pi * 2 * band.transition / (rate / 2) + 7.95
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    return 0.0


class AliasFreeLeakyReLU(nn.Module):
    """A leaky ReLU between two filters: a map is enlarged, bent, and made as small as the next layer wants it.

    The map in between has twice the higher of the two rates. Maps before and after have one middle; what the larger
    one has beyond the smaller is cut off, and beyond the borders there is nothing.

    Args:
        before, after: bands of the maps.
        size_before, size_after: heights and widths of the maps.
        radial: whether the second filter is the same in all directions.

    Attributes:
        size: height and width of what it makes.

    Raises:
        UsageError: the rates of the bands have no whole factor between them.
    """

    up_filter: Tensor
    down_filter: Tensor

    def __init__(
        self,
        before: Band,
        after: Band,
        *,
        size_before: tuple[int, int],
        size_after: tuple[int, int],
        radial: bool = False,
    ) -> None:
        super().__init__()
        highest = max(before.rate, after.rate)
        if highest % before.rate or highest % after.rate:
            raise UsageError(f"maps of rates {before.rate} and {after.rate} have no whole factor between them: double")
        rate = 2 * highest
        self.size = size_after
        self.up, self.down = rate // before.rate, rate // after.rate
        self.register_buffer("up_filter", low_pass(before, rate, TAPS * self.up))
        self.register_buffer("down_filter", low_pass(after, rate, TAPS * self.down, radial))
        self.padding = [self.around(a, b) for a, b in zip(size_before, size_after, strict=True)]
        self.shrink = shrink_at_once if radial else shrink_by_axes

    def around(self, before: int, after: int) -> tuple[int, int]:
        """Zeros before and behind along an axis of the enlarged map, from sizes in pixels; negative ones cut off."""
        taps, last = len(self.up_filter), len(self.down_filter)
        between = (after - 1) * self.down + last
        beyond = (between - before * self.up) // 2  # on each side: every number here is even
        first = taps - 1 - (taps - self.up) // 2 + beyond
        return first, between - before * self.up - first + taps - 1

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, *size_before)`` to ``(B, C, *size_after)``."""
        (top, bottom), (left, right) = self.padding
        rise = self.up_filter * self.up
        x = upfirdn2d(x, rise[:, None], up=(self.up, 1), padding=(0, 0, top, bottom))
        x = scaled_leaky_relu(upfirdn2d(x, rise[None], up=(1, self.up), padding=(left, right, 0, 0)))
        return self.shrink(x, self.down_filter, self.down)


def shrink_by_axes(x: Tensor, taps: Tensor, down: int) -> Tensor:
    """Maps ``(B, C, H, W)`` filtered along each axis by ``(taps,)``; every ``down``-th pixel is kept."""
    return upfirdn2d(upfirdn2d(x, taps[:, None], down=(down, 1)), taps[None], down=(1, down))


def shrink_at_once(x: Tensor, kernel: Tensor, down: int) -> Tensor:
    """Maps ``(B, C, H, W)`` filtered by ``(k, k)``; every ``down``-th pixel is kept."""
    return upfirdn2d(x, kernel, down=down)


class Magnitude(nn.Module):
    """Maps divided by their usual magnitude, so that what follows need not learn it.

    Alias-Free Generative Adversarial Networks (Karras et al. 2021, arXiv 2106.12423), section 3.2 (configuration E): a
    moving average of the mean square over all maps of the global batch. What training sees moves it, after it was used.

    Args:
        rate: of the average, for each pass.

    Attributes:
        mean_square: the average, a scalar that starts at 1.
    """

    mean_square: Tensor

    def __init__(self, rate: float = 0.001) -> None:
        super().__init__()
        self.register_buffer("mean_square", torch.ones(()))
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        scale = torch.rsqrt(self.mean_square)
        if self.training:
            with torch.no_grad():
                self.mean_square.lerp_(global_mean(accurate(x.detach()).square()).to(self.mean_square), self.rate)
        return x * scale.to(x.dtype)
