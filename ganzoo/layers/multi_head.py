"""Attention of several heads over tokens, by inner products or by distances, and where tokens lie to each other.

Attention Is All You Need (Vaswani et al. 2017, arXiv 1706.03762). Tokens are ``(..., N, C)``: an image's, or those of
each row, column or window of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.parts.exactness import accurate, is_exact

Linear = Callable[..., nn.Linear]  # called (in_features, out_features, bias=…)


def fitting_heads(channels: int, heads: int) -> int:
    """The most heads up to ``heads`` that divide ``channels``."""
    return max(n for n in range(1, max(1, min(heads, channels)) + 1) if channels % n == 0)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """``softmax(q·k / √d + bias) v``, by torch's fused kernels where they will do.

    Args:
        query, key, value: ``(..., heads, N, d)``.
        bias: of the logits, ``(..., heads, N, N)`` or what is laid out to it; None for none.
    """
    if fused_kernels_do(query, bias):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=None if bias is None else bias.to(query))
    logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    logits = logits if bias is None else logits + bias
    weights = logits.softmax(-1, dtype=torch.promote_types(logits.dtype, torch.float32))
    return weights.to(value.dtype) @ value


def fused_kernels_do(query: Tensor, bias: Tensor | None) -> bool:
    """Whether torch's own attention serves there.

    Its kernels have a first derivative alone, and a pass that may be differentiated twice (:func:`ganzoo.parts.exact`)
    needs plain products. So do exporters. On a CPU none has a gradient for a bias, and what torch falls back to is
    slower than these.
    """
    if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():
        return False
    if torch.compiler.is_compiling():  # never in an exact pass
        return True
    return not is_exact() and (bias is None or query.device.type != "cpu")


def split(x: Tensor, heads: int) -> Tensor:
    """``(..., N, C)`` as ``(..., heads, N, C / heads)``."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)


def joined(x: Tensor) -> Tensor:
    """``(..., heads, N, d)`` as ``(..., N, heads · d)``."""
    return x.transpose(-2, -3).flatten(-2)


class MultiHeadAttention(nn.Module):
    """Each token gets a mixture of all tokens' values, in each head by how well their keys match its query.

    Queries, keys and values have no biases.

    Args:
        channels: of a token.
        heads: at most; as many as divide the channels.
        linear: makes its layers.
    """

    def __init__(self, channels: int, heads: int, linear: Linear = nn.Linear) -> None:
        super().__init__()
        self.heads = fitting_heads(channels, heads)
        self.qkv = linear(channels, 3 * channels, bias=False)
        self.out = linear(channels, channels)

    def inputs(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values ``(..., heads, N, d)`` of tokens."""
        query, key, value = (split(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return query, key, value

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Tokens ``(..., N, C)`` to the same shape; ``bias`` is of the logits, as :func:`attend` has it."""
        made: Tensor = self.out(joined(attend(*self.inputs(x), bias)))
        return made

    def attention_map(self, x: Tensor) -> Tensor:
        """``(..., N, N)``: for each token its weights of all, which sum to 1; the mean over heads, float32."""
        query, key, _ = self.inputs(x)
        logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        return accurate(logits).softmax(-1).mean(-3)


class RelativePosition(nn.Module):
    """A learnt number for each head and each way from one place of a map to another, added to their logit.

    Swin Transformer (Liu et al. 2021, arXiv 2103.14030), section 3.2.

    Args:
        heads: how many.
        size: height and width of the map.
    """

    def __init__(self, heads: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.table = nn.Parameter(torch.empty(heads, 2 * size[0] - 1, 2 * size[1] - 1).normal_(std=0.02))

    def forward(self, height: int | None = None, width: int | None = None) -> Tensor:
        """``(heads, N, N)`` for the map, or a smaller one, its places row by row."""
        h, w = height or self.size[0], width or self.size[1]
        rows, columns = (self.steps(n, most) for n, most in ((h, self.size[0]), (w, self.size[1])))
        return self.table[:, rows[:, None, :, None], columns[None, :, None, :]].reshape(-1, h * w, h * w)

    def steps(self, n: int, most: int) -> Tensor:
        """``(n, n)``: where the table has the step from one place in line to another."""
        places = torch.arange(n, device=self.table.device)
        return places[:, None] - places[None, :] + most - 1


class RelativeAttention(MultiHeadAttention):
    """:class:`MultiHeadAttention` over a map of one size, with :class:`RelativePosition`.

    Args:
        channels, heads, linear: see there.
        size: height and width of the map.
    """

    def __init__(self, channels: int, heads: int, size: tuple[int, int], linear: Linear = nn.Linear) -> None:
        super().__init__(channels, heads, linear)
        self.position = RelativePosition(self.heads, size)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Tokens ``(..., N, C)``, the map row by row, to the same shape."""
        position = self.position()
        return super().forward(x, position if bias is None else position + bias)


class L2Attention(nn.Module):
    """Attention by distances, whose Lipschitz constant is bounded as that by inner products is not.

    The Lipschitz Constant of Self-Attention (Kim et al. 2021, arXiv 2006.04710), as ViTGAN (arXiv 2107.04589) has it:
    ``softmax(-‖q - k‖² / √d) v``, and queries are keys, by the same weights.

    Keys start at ``(2√d)^-½`` of what ``linear`` starts with. If that keeps the mean square of a normed token, as an
    equalised layer does, two tokens are then at a logit of -1. Without it they are at ``-2√d``, -16 for heads of 64
    channels: each token would see itself alone, and a layer whose largest singular value is kept could not unlearn it.

    Args:
        channels: of a token.
        heads: at most; as many as divide the channels.
        linear: makes its layers.
    """

    def __init__(self, channels: int, heads: int, linear: Linear = nn.Linear) -> None:
        super().__init__()
        self.heads = fitting_heads(channels, heads)
        self.key = linear(channels, channels, bias=False)
        with torch.no_grad():
            self.key.weight.mul_((2 * math.sqrt(channels / self.heads)) ** -0.5)
        self.value = linear(channels, channels, bias=False)
        self.out = linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens ``(..., N, C)`` to the same shape."""
        key, value = (split(layer(x), self.heads) for layer in (self.key, self.value))
        # -‖q - k‖² = 2 q·k - ‖k‖² - ‖q‖², of which the last is the same for all keys, and nothing to a softmax.
        far = key.square().sum(-1)[..., None, :] / key.shape[-1] ** 0.5
        made: Tensor = self.out(joined(attend(2 * key, key, value, -far)))
        return made
