"""Windowed attention: within squares of a map."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.multi_head import MultiHeadAttention, RelativePosition
from ganzoo.layers.transformer import common_window, in_windows, out_of_windows

LARGEST = 64  # pixels on a side of a window


class WindowAttention(nn.Module):
    """Every pixel attends to those of its window, by keys and by how they lie to each other.

    Swin Transformer (Liu et al. 2021, arXiv 2103.14030), section 3.2: ``softmax(q·k/√d + b) v``, b a learnt number for
    each way from one place to another. Without a shift it is the grid self-attention of TransGAN (arXiv 2102.07074);
    with ``shift`` the windows lie half of one off, and pixels that only a wrapped-around window has together do not see
    each other. The scale ``gamma`` starts at 0, as in ``sa``, so that the layer starts as the identity.

    Args:
        channels: maps of the input, and of the output.
        heads: of attention; as many as divide the channels, where these do not.
        window: pixels on its side; on a map that it does not divide, those of the largest square that divides both.
        shift: whether windows lie half of one off.
    """

    def __init__(self, channels: int, *, heads: int = 4, window: int = 8, shift: bool = False) -> None:
        super().__init__()
        within("window:heads", heads, 1)
        within("window:window", window, 1, LARGEST)
        self.side, self.share = window, 2 if shift else 0
        self.attention = MultiHeadAttention(channels, heads)
        self.position = RelativePosition(self.attention.heads, (window, window))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        size = (x.shape[2], x.shape[3])
        window = common_window(size, self.side)
        shift = self.shift(size, window)
        rolled = x.permute(0, 2, 3, 1).roll([-n for n in shift], (1, 2))
        bias = self.position(*window) + self.apart(size, window, shift)[:, None]
        mixed = out_of_windows(self.attention(in_windows(rolled, window), bias), size, window)
        return x + self.gamma.to(x.dtype) * mixed.roll(shift, (1, 2)).permute(0, 3, 1, 2)

    def shift(self, size: tuple[int, int], window: tuple[int, int]) -> list[int]:
        """How far windows lie off, down and to the right: nowhere where one is as long as the map."""
        return [w // self.share if self.share and w < pixels else 0 for pixels, w in zip(size, window, strict=True)]

    def apart(self, size: tuple[int, int], window: tuple[int, int], shift: list[int]) -> Tensor:
        """``(windows, h·w, h·w)``: 0, and -∞ for pixels that came together from opposite borders by the ``shift``.

        Args:
            size: height and width of the map.
            window: the same of a window.
            shift: rows and columns that the map was rolled by.
        """
        place = self.position.table.device
        wrapped = [torch.arange(n, device=place) >= n - s for n, s in zip(size, shift, strict=True)]
        region = 2 * wrapped[0][:, None].long() + wrapped[1][None, :].long()
        cut = in_windows(region[None, :, :, None], window)[0, :, :, 0]
        return torch.where(cut[:, :, None] == cut[:, None, :], 0.0, -math.inf)
