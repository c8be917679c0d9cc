"""What a device can do at most: the rate of large matrix products, by which fractions of a step are told."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ganzoo.machine.timing import DeviceClock

MATRIX = 2048  # side of the square matrices whose product gives the peak
ON_GPU = 8192  # the same there, which is done too soon with small ones
IMAGES, MAPS, SIDE = 16, 256, 32  # of the convolution that is timed beside the product on a CPU


class Peak:
    """The rate of matrix products, the best of all that were timed: of a loaded machine one time alone says little.

    On a CPU a convolution of many maps is timed beside the product. It is one, too, of another library: where that of
    float32 matrices leaves half of the units idle, as on processors of AMD, the product alone would flatter all else.

    Attributes:
        best: GFLOP/s of a product of two square matrices, of 2048 rows on a CPU and 8192 on a GPU, or of the
            convolution; 0 before the first.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        on_cpu = device.type != "cuda"
        self.side = MATRIX if on_cpu else ON_GPU
        self.one = torch.randn(self.side, self.side, device=device).to(dtype)
        shapes = [(IMAGES, MAPS, SIDE, SIDE), (MAPS, MAPS, 3, 3)] if on_cpu else []
        self.maps = [torch.randn(shape).to(dtype, memory_format=torch.channels_last) for shape in shapes]
        self.clock, self.best = DeviceClock(device), 0.0

    @torch.no_grad()
    def measure(self, times: int = 2) -> None:
        """Time so many of them."""
        for _ in range(times):
            start = self.clock.now()
            self.one @ self.one
            self._take(start, 2 * self.side**3)
            if self.maps:
                start = self.clock.now()
                maps, kernel = self.maps
                F.conv2d(maps, kernel, padding=1)
                self._take(start, 2 * 9 * MAPS**2 * SIDE**2 * IMAGES)

    def _take(self, start: float, flop: int) -> None:
        """What was begun at ``start`` is done."""
        end = self.clock.now()
        self.clock.wait()
        self.best = max(self.best, flop / self.clock.between(start, end) / 1e9)
