"""Self-attention of SAGAN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def tokens(x: Tensor) -> Tensor:
    """``(B, C, H, W)`` as ``(B, H*W, C)``; free of copying where memory is channels-last."""
    return x.flatten(2).transpose(1, 2)


class SelfAttention(nn.Module):
    """Every pixel adds a learnt mixture of values from all over the map, weighed by how well keys match its query.

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
        return torch.bmm(query, key.transpose(1, 2)).float().softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        weights = self.attention_map(x)
        value = tokens(F.max_pool2d(self.value(x), 2))
        mixed = torch.bmm(weights.to(value.dtype), value)  # (B, H*W, C/2)
        mixed = mixed.transpose(1, 2).unflatten(2, x.shape[2:])
        return x + self.gamma.to(x.dtype) * self.out(mixed)
