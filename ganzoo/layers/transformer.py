"""Transformer blocks over tokens ``(B, N, C)``, and what networks of them are made of."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.attention import tokens
from ganzoo.layers.multi_head import Linear, MultiHeadAttention

Norm = Callable[[int], nn.Module]  # called (channels); what it makes is called norm(tokens, *context)


def as_map(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Tokens ``(B, H·W, C)``, row by row, as maps ``(B, C, H, W)``."""
    return x.transpose(1, 2).unflatten(2, size)


class TransformerBlock(nn.Module):
    """Attention, then two layers with a GELU between, each behind a norm and beside a way around (pre-norm).

    An Image is Worth 16x16 Words (Dosovitskiy et al. 2021, arXiv 2010.11929), equations 2 and 3.

    Args:
        channels: of a token.
        attention: called ``attention(tokens)``.
        ratio: times as wide between the two layers.
        norm: makes the norms; layer norm by default.
        linear: makes the two layers.
    """

    def __init__(
        self,
        channels: int,
        attention: nn.Module,
        ratio: int = 4,
        norm: Norm = nn.LayerNorm,
        linear: Linear = nn.Linear,
    ) -> None:
        super().__init__()
        self.norm1, self.attention, self.norm2 = norm(channels), attention, norm(channels)
        self.mlp = nn.Sequential(linear(channels, ratio * channels), nn.GELU(), linear(ratio * channels, channels))

    def forward(self, x: Tensor, *context: Tensor) -> Tensor:
        """Tokens ``(B, N, C)`` to the same shape; what else is given goes to the norms."""
        x = x + self.attention(self.norm1(x, *context))
        made: Tensor = x + self.mlp(self.norm2(x, *context))
        return made


class Positions(nn.Module):
    """Adds a learnt vector for each place.

    Args:
        count: of places.
        channels: of a token.
    """

    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.empty(count, channels).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(B, count, C)`` to the same shape."""
        return x + self.vectors.to(x.dtype)


class ClassToken(nn.Module):
    """A learnt token before all others, in which an image's features are gathered.

    Args:
        channels: of a token.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(channels).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, N, C)`` to ``(B, N + 1, C)``."""
        # No token laid out for each image and put before its own: exporters may freeze how many images there are.
        return F.pad(x, (0, 0, 1, 0)) + F.pad(self.token.to(x.dtype)[None], (0, 0, 0, x.shape[1]))


class Windowed(nn.Module):
    """Attention within windows that lie side by side, and not beyond them.

    Args:
        attention: called ``attention(tokens)`` with those of one window, row by row.
        size: height and width of the map.
        window: height and width of a window, which divide them.
    """

    def __init__(self, attention: nn.Module, size: tuple[int, int], window: tuple[int, int]) -> None:
        super().__init__()
        self.attention, self.size, self.window = attention, size, window

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(B, H·W, C)``, row by row, to the same shape."""
        cut = in_windows(x.unflatten(1, self.size), self.window)
        return out_of_windows(self.attention(cut.flatten(0, 1)).reshape_as(cut), self.size, self.window).flatten(1, 2)


def in_windows(x: Tensor, window: tuple[int, int]) -> Tensor:
    """``(B, H, W, C)`` as ``(B, windows, h·w, C)``, both row by row."""
    h, w = window
    cut = x.unflatten(2, (-1, w)).unflatten(1, (-1, h))  # (B, H/h, h, W/w, w, C)
    return cut.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def out_of_windows(x: Tensor, size: tuple[int, int], window: tuple[int, int]) -> Tensor:
    """The reverse of :func:`in_windows`: ``(B, windows, h·w, C)`` as ``(B, H, W, C)``."""
    (height, width), (h, w) = size, window
    cut = x.unflatten(2, (h, w)).unflatten(1, (height // h, width // w))
    return cut.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def common_window(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width of the largest windows up to ``side`` that some repetition of them makes a map of: divisors."""
    height, width = (math.gcd(pixels, side) for pixels in size)
    return height, width


class Transformer(nn.Module):
    """A transformer block over all pixels of a map: attention of several heads, then two layers.

    An Image is Worth 16x16 Words (Dosovitskiy et al. 2021, arXiv 2010.11929): ``x + γ·(block(x) - x)``, the block
    with its own ways around and layer norms over the channels of a pixel. Ours has the scale γ, which starts at 0, so
    that the layer starts as the identity wherever it is put; where pixels lie is left to the network around it.

    Args:
        channels: maps of the input, and of the output.
        heads: of attention; as many as divide the channels, where these do not.
        ratio: times as wide between the two layers.
    """

    def __init__(self, channels: int, *, heads: int = 4, ratio: int = 4) -> None:
        super().__init__()
        within("transformer:heads", heads, 1)
        within("transformer:ratio", ratio, 1)
        self.block = TransformerBlock(channels, MultiHeadAttention(channels, heads), ratio)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        size = (x.shape[2], x.shape[3])
        given = tokens(x)
        return x + self.gamma.to(x.dtype) * as_map(self.block(given) - given, size)

    def attention_map(self, x: Tensor) -> Tensor:
        """``(B, H·W, H·W)``: for each pixel its weights of all, which sum to 1; the mean over heads, float32."""
        attention = self.block.attention
        assert isinstance(attention, MultiHeadAttention)
        return attention.attention_map(self.block.norm1(tokens(x)))
