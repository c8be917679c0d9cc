"""Axial attention: along the rows of a map, then along its columns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import within
from ganzoo.layers.multi_head import MultiHeadAttention


class AxialAttention(nn.Module):
    """Every pixel attends to its row, then to its column: two of them reach every pixel, at a cost that few maps feel.

    ``x + γ·(columns(rows(x)))``, each ``softmax(q kᵀ/√d) v`` by several heads along one axis.

    Axial Attention in Multidimensional Transformers (Ho et al. 2019, arXiv 1912.12180), section 3.1, without masks: for
    H·W pixels H·W·(H + W) weights, where all pairs have (H·W)². The scale ``gamma`` starts at 0, as in ``sa``, so that
    the layer starts as the identity; where pixels lie is left to the network around it.

    Args:
        channels: maps of the input, and of the output.
        heads: of attention; as many as divide the channels, where these do not.
    """

    def __init__(self, channels: int, *, heads: int = 4) -> None:
        super().__init__()
        within("axial:heads", heads, 1)
        self.rows = MultiHeadAttention(channels, heads)
        self.columns = MultiHeadAttention(channels, heads)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to the same shape."""
        rows = x.permute(0, 2, 3, 1)  # (B, H, W, C)
        columns = along(self.rows, rows).transpose(1, 2)
        return x + self.gamma.to(x.dtype) * along(self.columns, columns).permute(0, 3, 2, 1)


def along(attention: nn.Module, x: Tensor) -> Tensor:
    """Attention within each line of ``x`` ``(B, lines, N, C)``."""
    made: Tensor = attention(x.flatten(0, 1)).reshape_as(x)
    return made
