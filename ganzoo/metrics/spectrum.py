"""Power spectra of images: how much of their variance lies at each spatial frequency, averaged over directions.

Generators that enlarge maps miss or add high frequencies, which nobody sees in a picture and a spectrum shows: Watch
your Up-Convolution (Durall et al. 2020, arXiv 2003.01826). Theirs sums over a ring of frequencies, and starts from the
image as it is; here a ring is averaged, and a Hann window takes the edges away, where an image that does not repeat
itself would have high frequencies of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.images import visible


class PowerSpectrum:
    """The mean power spectrum of images that are added in pieces.

    White noise of a variance v has the power v at every frequency, as the window's own power is divided out.

    Args:
        height, width: of the images.
    """

    def __init__(self, height: int, width: int) -> None:
        self.window = _hann(height)[:, None] * _hann(width)[None]
        short = min(height, width)
        across = torch.fft.fftfreq(width, dtype=torch.float64)
        ring = (torch.hypot(torch.fft.fftfreq(height, dtype=torch.float64)[:, None], across[None]) * short).round()
        self.ring = ring.long()
        self.rings = short // 2
        self.frequencies = torch.arange(1, self.rings + 1, dtype=torch.float64) / short
        self.total = torch.zeros(height, width, dtype=torch.float64)
        self.count = 0

    def add(self, images: Tensor) -> None:
        """Add images uint8 or uint16 ``(B, C, H, W)``: of them what is :func:`~ganzoo.images.visible`, in [0, 1]."""
        values = visible(images).cpu().double() / 255
        weighted = (values * self.window).sum((2, 3), keepdim=True) / self.window.sum()
        power = torch.fft.fft2((values - weighted) * self.window).abs().square() / self.window.square().sum()
        self.total += power.mean(1).sum(0)
        self.count += len(images)

    def power(self) -> Tensor:
        """The power at each of :attr:`frequencies`, float64 ``(rings,)``.

        These are in cycles per pixel, from one along the shorter side up to one half, Nyquist's limit along an axis;
        a ring is as wide as their distance.
        """
        summed = torch.zeros(int(self.ring.max()) + 1, dtype=torch.float64)
        places = summed.clone()
        summed.index_add_(0, self.ring.flatten(), self.total.flatten())
        places.index_add_(0, self.ring.flatten(), torch.ones(self.ring.numel(), dtype=torch.float64))
        return summed[1 : self.rings + 1] / places[1 : self.rings + 1] / max(1, self.count)


def _hann(size: int) -> Tensor:
    """A window that is never 0, so that images of a few pixels keep them all: Hann's between its zeros."""
    return torch.hann_window(size + 2, periodic=False, dtype=torch.float64)[1:-1]
