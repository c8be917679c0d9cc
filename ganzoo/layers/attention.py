"""Self-attention of SAGAN, and attention whose cost grows with pixels and not with their square."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.layers.layout import same_layout
from ganzoo.parts import accurate


def tokens(x: Tensor) -> Tensor:
    """``(B, C, H, W)`` as ``(B, H*W, C)``; free of copying where memory is channels-last."""
    return same_layout(x).flatten(2).transpose(1, 2)


class SelfAttention(nn.Module):
    """Every pixel adds a learnt mixture of values from all over the map, weighed by how well keys match its query.

    ``x + γ·W_o Σ_j softmax_j(q_i·k_j) v_j`` at pixel i, with queries q, keys k and values v by 1x1 convolutions of x.

    Self-Attention Generative Adversarial Networks (Zhang et al. 2018, arXiv 1805.08318). As the authors' code, where
    the paper's text differs: keys and values are max-pooled to a quarter of the pixels, queries and keys have C/8
    channels, values C/2, and no convolution has a bias. The scale ``gamma`` starts at 0, so that the layer starts as
    the identity. The softmax is taken in float32.

    Args:
        channels: maps of the input, and of the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner, half = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.key = nn.Conv2d(channels, inner, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.out = nn.Conv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(layer.weight)

    def attention_map(self, x: Tensor) -> Tensor:
        """``(B, H*W, H/2*W/2)``: for each pixel the weights of the pooled positions, which sum to 1; float32."""
        query = tokens(self.query(x))
        key = tokens(F.max_pool2d(self.key(x), 2))
        return accurate(torch.bmm(query, key.transpose(1, 2))).softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        weights = self.attention_map(x)
        value = tokens(F.max_pool2d(self.value(x), 2))
        mixed = torch.bmm(weights.to(value.dtype), value)  # (B, H*W, C/2)
        mixed = mixed.transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.gamma.to(x.dtype) * self.out(mixed)


class ChannelNorm(nn.Module):
    """The vector of maps at each pixel at mean 0 and variance 1, scaled and shifted: layer norm over channels.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape; statistics in float32."""
        wide = accurate(x)
        centred = wide - wide.mean(1, keepdim=True)
        unit = centred * torch.rsqrt(centred.square().mean(1, keepdim=True) + 1e-5)
        return (unit * self.weight[:, None, None] + self.bias[:, None, None]).to(x.dtype)


class GlobalMix(nn.Module):
    """Values from all over the map, by attention of linear cost: ``softmax(q)·(softmax(k)ᵀ v)`` for each head.

    The softmax of queries is over their entries, that of keys over pixels.

    Args:
        channels: of the input.
        heads: how many there are.
        width: of each, in queries, keys and values.
    """

    def __init__(self, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.heads, self.width, inner = heads, width, heads * width
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.around = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * inner, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, heads·width, H, W)``."""
        of_heads = lambda maps: maps.flatten(2).unflatten(1, (self.heads, self.width))  # noqa: E731
        key, value = map(of_heads, self.key_value(self.around(x)).chunk(2, 1))  # (B, heads, width, pixels)
        query = accurate(of_heads(self.query(x))).softmax(2) / math.sqrt(self.width)
        context = torch.matmul(accurate(key).softmax(3), accurate(value).transpose(2, 3))  # (B, heads, width, width)
        mixed = torch.matmul(context.transpose(2, 3), query).to(value.dtype)
        return F.gelu(mixed).flatten(1, 2).unflatten(2, x.shape[2:])


class LocalMix(nn.Module):
    """Values of the pixels around each, by plain attention within a window; there is nothing beyond the border.

    Args:
        channels: of the input.
        heads: how many there are.
        width: of each, in queries, keys and values.
        window: its side, an odd number.

    Attributes:
        beyond: what the places there score, whose values are zeros: less than any other, so that they have no weight.
    """

    beyond = -math.inf

    def __init__(self, channels: int, heads: int, width: int, window: int) -> None:
        super().__init__()
        self.heads, self.width, self.window, inner = heads, width, window, heads * width
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * inner, 1, bias=False)

    def shifted(self, maps: Tensor) -> Tensor:
        """``(B, C, H, W)`` and its shifts to every place of the window: ``(B, places, C, H, W)``, zeros beyond."""
        edge, (height, width) = self.window // 2, maps.shape[2:]
        padded = F.pad(maps, (edge, edge, edge, edge))
        moves = [(i, j) for i in range(self.window) for j in range(self.window)]
        return torch.stack([padded[:, :, i : i + height, j : j + width] for i, j in moves], 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, heads·width, H, W)``."""
        heads = (self.heads, self.width)
        key, value = (self.shifted(maps).unflatten(2, heads) for maps in self.key_value(x).chunk(2, 1))
        query = self.query(x).unflatten(1, heads).unsqueeze(1)
        scores = (accurate(query) * accurate(key)).sum(3) / math.sqrt(self.width)  # (B, places, heads, H, W)
        beyond = self.shifted(x.new_ones(1, 1, *x.shape[2:])) == 0  # (1, places, 1, H, W)
        weights = scores.masked_fill(beyond, self.beyond).softmax(1)
        return (weights.unsqueeze(3).to(value.dtype) * value).sum(1).flatten(1, 2)


class ZeroEdgedMix(LocalMix):
    """The same, where keys and values beyond the border are zeros and take part: what the repository computes."""

    beyond = 0.0


class LinearAttention(nn.Module):
    """Every pixel adds values from all over the map and from around it, at a cost that grows with the pixels alone.

    Efficient Attention: Attention with Linear Complexities (Shen et al. 2018, arXiv 1812.01243), equation 6, for each
    head: ``softmax(Q)·(softmax(K)ᵀ V)``. Ours is laid out as the one of the repository lightweight-gan: the map is
    normalised over its channels, keys and values see a depthwise 3x3 convolution of it, what is mixed goes through a
    GELU, beside it may stand plain attention within windows of ``local`` pixels; a 1x1 convolution of both is added.
    The repository's own is ``heads=8,width=64,local=3``.

    Args:
        channels: maps of the input, and of the output.
        heads: how many there are.
        width: of each, in queries, keys and values.
        local: side of the window of the plain attention, an odd number; 0 for none.
        edge: what a window has beyond the border: ``"nothing"``, or ``"zeros"`` that take part, as in the repository.

    Raises:
        UsageError: for numbers out of range, and an even ``local``.
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 4,
        width: int = 32,
        local: int = 0,
        edge: Literal["nothing", "zeros"] = "nothing",
    ) -> None:
        super().__init__()
        within("linear:heads", heads, 1, 1024)
        within("linear:width", width, 1, 4096)
        within("linear:local", local, 0, 31)
        if local and local % 2 == 0:
            raise UsageError(f"linear:local={local} does not work: it is an odd number, such as 3, or 0 for none")
        self.norm = ChannelNorm(channels)
        mixes: list[nn.Module] = [GlobalMix(channels, heads, width)]
        if local:
            mixes.append((ZeroEdgedMix if edge == "zeros" else LocalMix)(channels, heads, width, local))
        self.mixes = nn.ModuleList(mixes)
        self.out = nn.Conv2d(len(mixes) * heads * width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        h = self.norm(x)
        return x + self.out(torch.cat([mix(h) for mix in self.mixes], 1))
