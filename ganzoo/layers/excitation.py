"""Gates of maps that are computed from smaller maps: a long way for gradients, and style apart from content."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.parts import accurate

SIDE = 4  # that the small map is pooled to


class SkipLayerExcitation(nn.Module):
    """Scales each of some maps by a number between 0 and 1 that smaller maps of another layer say.

    Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis (Liu et al. 2021, arXiv
    2101.04775), section 3.1: ``y = F(low)·high``, where F pools to 4x4, convolves that to one pixel, and after a leaky
    ReLU and a 1x1 convolution ends in a sigmoid. The paper gives the leaky ReLU no slope; ours has 0.2.

    Args:
        low: channels of the small maps.
        high: channels of those that are scaled.
        swish: have ``x·sigmoid(x)`` in place of the leaky ReLU, as copies of the paper's code do.
    """

    def __init__(self, low: int, high: int, swish: bool = False) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(low, high, SIDE, bias=False)
        self.act = nn.SiLU() if swish else nn.LeakyReLU(0.2)
        self.excite = nn.Conv2d(high, high, 1, bias=False)

    def gate(self, low: Tensor) -> Tensor:
        """Numbers ``(B, high, 1, 1)`` of small maps ``(B, low, h, w)``, of 4x4 pixels or more."""
        h = self.squeeze(F.adaptive_avg_pool2d(low, SIDE))
        return torch.sigmoid(self.excite(self.act(h)))

    def forward(self, high: Tensor, low: Tensor) -> Tensor:
        """``high`` ``(B, high, H, W)``, scaled."""
        return high * self.gate(low)


class GlobalContextExcitation(nn.Module):
    """The same by global context: the small maps are summed over pixels, weighed by a learnt softmax, not pooled.

    GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond (Cao et al. 2019, arXiv 1904.11492) for the
    sum; the repository lightweight-gan for its place in :class:`SkipLayerExcitation`. The hidden layer has half the
    channels of what is scaled, and no norm.

    Args:
        low: channels of the small maps.
        high: channels of those that are scaled.
    """

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        hidden = max(3, high // 2)
        self.place = nn.Conv2d(low, 1, 1)
        self.squeeze = nn.Conv2d(low, hidden, 1)
        self.excite = nn.Conv2d(hidden, high, 1)

    def gate(self, low: Tensor) -> Tensor:
        """Numbers ``(B, high, 1, 1)`` of small maps ``(B, low, h, w)``."""
        weights = accurate(self.place(low).flatten(2)).softmax(2).to(low.dtype)  # (B, 1, h·w)
        context = torch.bmm(low.flatten(2), weights.transpose(1, 2)).unsqueeze(3)
        return torch.sigmoid(self.excite(F.leaky_relu(self.squeeze(context), 0.1)))

    def forward(self, high: Tensor, low: Tensor) -> Tensor:
        """``high`` ``(B, high, H, W)``, scaled."""
        return high * self.gate(low)


class Unexcited(nn.Module):
    """Stands where nothing is scaled."""

    def forward(self, high: Tensor, low: Tensor) -> Tensor:
        """``high`` ``(B, C, H, W)`` itself."""
        return high
