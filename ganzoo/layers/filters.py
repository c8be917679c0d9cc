"""Resampling by a fixed filter: doubling and halving without aliases."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within

Weights = tuple[float, ...]
Factor = int | tuple[int, int]
BINOMIAL: Weights = (1.0, 3.0, 3.0, 1.0)


def binomial_kernel(weights: Weights, gain: float = 1.0) -> Tensor:
    """The outer product ``(k, k)`` of a filter with itself, scaled to a sum of ``gain``."""
    # In Python: such operations on tensors of the device meta import torch's compiler, which takes seconds.
    total = sum(weights) ** 2
    return torch.tensor([[gain * (a * b / total) for b in weights] for a in weights])


def each_map(kernel: Tensor, x: Tensor) -> Tensor:
    """A kernel ``(k, k)`` for each map of ``x`` ``(B, C, H, W)``: ``(C, 1, k, k)``, in its dtype.

    How many there are is a number and not a traced size, with which an ONNX exporter would not know the kernel's shape.
    """
    return kernel.to(x.dtype).expand(int(x.shape[1]), 1, -1, -1)


def filtered(x: Tensor, kernel: Tensor, convolve: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """``convolve(x, kernels)`` of maps ``(B, C, H, W)`` in their own dtype, and on a CPU in float32.

    There a convolution of each map by itself, transposed as a pass or as the gradient of a strided one, takes fifty
    times as long in bfloat16.
    """
    wide = x.float() if x.device.type == "cpu" and x.dtype in (torch.bfloat16, torch.float16) else x
    with torch.autocast(x.device.type, enabled=False):
        return convolve(wide, each_map(kernel, wide)).to(x.dtype)


def upfirdn2d(
    x: Tensor, kernel: Tensor, *, up: Factor = 1, down: Factor = 1, padding: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Tensor:
    """Put zeros between pixels, pad, convolve each map with a kernel and keep every ``down``-th pixel.

    Along an axis of n pixels: each is followed by ``up - 1`` zeros, and zeros stand around; the result has
    ``(n * up + before + after - k) // down + 1``. It is ``scipy.signal.upfirdn`` along both axes, but for the padding.

    Args:
        x: maps ``(B, C, H, W)``.
        kernel: ``(k, l)``, in height and width; of a filter that can be taken apart, two calls with ``(k, 1)`` and
            ``(1, l)`` are faster.
        up, down: whole numbers from 1 up, for both axes or in height and width.
        padding: pixels of zeros left, right, above and below, as ``F.pad`` has them; negative ones cut off.
    """
    ups, downs = (factor if isinstance(factor, tuple) else (factor, factor) for factor in (up, down))
    groups = int(x.shape[1])
    if ups != (1, 1):
        # The transposed convolution is the whole of it, from the first pixel that any input reaches to the last; what
        # the zeros behind the last pixel and the padding add or take away is at the borders alone.
        full = filtered(x, kernel, lambda maps, kernels: F.conv_transpose2d(maps, kernels, stride=ups, groups=groups))
        axes = zip((padding[:2], padding[2:]), kernel.shape[::-1], ups[::-1], strict=True)
        ends = ((before - taps + 1, behind - taps + factor) for (before, behind), taps, factor in axes)
        full = F.pad(full, [number for pair in ends for number in pair])
        return full if downs == (1, 1) else full[:, :, :: downs[0], :: downs[1]]
    x = F.pad(x, list(padding)) if any(padding) else x
    turned = kernel.flip(0, 1)
    return filtered(x, turned, lambda maps, kernels: F.conv2d(maps, kernels, stride=downs, groups=groups))


class FilteredUp(nn.Module):
    """Enlarges a map by a whole factor: zeros between pixels, then a filter that keeps the mean.

    Args:
        weights: of the filter along each axis, [1, 3, 3, 1] by default: as many as the factor, or more by an even
            number.
        factor: of the side; 2 by default.
    """

    kernel: Tensor

    def __init__(self, weights: Weights = BINOMIAL, factor: int = 2) -> None:
        super().__init__()
        within("factor", factor, 1)
        self.register_buffer("kernel", binomial_kernel(weights, factor**2))
        self.factor, self.padding = factor, (len(weights) - factor) // 2

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, factor H, factor W)``."""
        return filtered(x, self.kernel, self.convolve)

    def convolve(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Each map of ``x`` ``(B, C, H, W)`` with its kernel of ``kernels`` ``(C, 1, h, w)``."""
        return F.conv_transpose2d(x, kernels, stride=self.factor, padding=self.padding, groups=len(kernels))


class FilteredDown(nn.Module):
    """Makes a map smaller by a whole factor: a filter, then one pixel in each step of that many.

    Args:
        weights: of the filter along each axis, [1, 3, 3, 1] by default: as many as the factor, or more by an even
            number.
        factor: of the side; 2 by default.
    """

    kernel: Tensor

    def __init__(self, weights: Weights = BINOMIAL, factor: int = 2) -> None:
        super().__init__()
        within("factor", factor, 1)
        self.register_buffer("kernel", binomial_kernel(weights))
        self.factor, self.padding = factor, (len(weights) - factor) // 2

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H/factor, W/factor)``; the factor divides H and W."""
        return filtered(x, self.kernel, self.convolve)

    def convolve(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Each map of ``x`` ``(B, C, H, W)`` with its kernel of ``kernels`` ``(C, 1, h, w)``."""
        return F.conv2d(x, kernels, stride=self.factor, padding=self.padding, groups=len(kernels))


class Filtered(nn.Module):
    """A filter over a map, whose size changes by the padding alone.

    Args:
        weights: of the filter along each axis, [1, 3, 3, 1] by default.
        padding: zeros on each side.
        gain: what the mean is multiplied by.
    """

    kernel: Tensor

    def __init__(self, weights: Weights = BINOMIAL, padding: int = 0, gain: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("kernel", binomial_kernel(weights, gain))
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H + 2 padding - k + 1, ...)``."""
        return filtered(x, self.kernel, self.convolve)

    def convolve(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Each map of ``x`` ``(B, C, H, W)`` with its kernel of ``kernels`` ``(C, 1, h, w)``."""
        return F.conv2d(x, kernels, padding=self.padding, groups=len(kernels))
