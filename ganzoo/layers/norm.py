"""Normalizations, all built as ``norm(channels, y_dim, *, options)`` and all called ``norm(x, y)``.

``x`` is ``(B, C)`` or ``(B, C, H, W)``; ``y`` is the float label vector ``(B, y_dim)``, which only ``cbn`` reads. What
they return is a new tensor that their gradients do not need, so an activation may write over it (``spare``).
Statistics are taken in float32 whatever the dtype of ``x``. Batch norms are in :mod:`ganzoo.layers.batch_norm`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.compat.lookup import old_names
from ganzoo.errors import UsageError, within
from ganzoo.parts import NotNegative, PositiveInt, accurate


def per_map(v: Tensor, x: Tensor) -> Tensor:
    """``v`` ``(C,)`` or ``(B, C)`` shaped to meet ``x`` ``(B, C, ...)``, in its dtype."""
    return v.reshape(*v.shape, *(1,) * (x.dim() - 2)).to(x.dtype)


def group_norm(x: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """``F.group_norm`` of ``x`` ``(B, C, ...)``, computed in float32: in bfloat16 a CPU takes five times as long."""
    scale, shift = (None if learnt is None else accurate(learnt) for learnt in (weight, bias))
    return F.group_norm(accurate(x), groups, scale, shift, eps).to(x.dtype)


class InstanceNorm(nn.Module):
    """Normalise each map of each image over its pixels, then scale and shift it by learnt numbers.

    ``γ·(x - μ)/√(σ² + eps) + β``, with μ and σ² of each map of each image over its pixels.

    Instance Normalization: The Missing Ingredient for Fast Stylization (Ulyanov et al. 2016, arXiv 1607.08022); ours
    has the affine map, as most later uses do, and keeps no running statistics.

    Args:
        channels: maps of the input.
        y_dim: not used.
        eps: added to the variance.
        affine: whether scale and shift are learnt; those of CycleGAN (arXiv 1703.10593) are not.
    """

    spare = True

    def __init__(self, channels: int, y_dim: int, *, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        within("in:eps", eps, 0)
        self.channels, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Normalised ``x`` ``(B, C, H, W)``, of the same shape.

        Raises:
            UsageError: ``x`` has no pixels.
        """
        if x.dim() < 3:
            raise UsageError(
                "in normalises over the pixels of a map, and a fully connected layer has none; use bn, ln or gn"
            )
        # One group per map is instance norm, and unlike F.instance_norm it keeps channels-last memory.
        return group_norm(x, self.channels, self.weight, self.bias, self.eps)


class LayerNorm(nn.Module):
    """Normalise each image over all its maps and pixels, then scale and shift each map by learnt numbers.

    ``γ·(x - μ)/√(σ² + eps) + β``, with μ and σ² of each image over all its maps and pixels.

    Layer Normalization (Ba et al. 2016, arXiv 1607.06450). Ours learns one scale and shift per map rather than per
    pixel, so it fits any size.

    Args:
        channels: maps of the input.
        y_dim: not used.
        eps: added to the variance.
    """

    spare = True
    groups = 1

    def __init__(self, channels: int, y_dim: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        within("ln:eps", eps, 0)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``x`` ``(B, C)`` or ``(B, C, H, W)``, normalised."""
        return group_norm(x, self.groups, self.weight, self.bias, self.eps)


class GroupNorm(LayerNorm):
    """Normalise each image over groups of maps and their pixels, then scale and shift each map.

    ``γ·(x - μ)/√(σ² + eps) + β``, with μ and σ² of each group of maps of each image.

    Group Normalization (Wu & He 2018, arXiv 1803.08494). As the paper, except that a width which ``groups`` does not
    divide, or which would leave fewer than two maps to a group, gets the most groups that fit.

    Args:
        channels: maps of the input.
        y_dim: not used.
        groups: how many groups the maps are split into.
        eps: added to the variance.
    """

    def __init__(self, channels: int, y_dim: int, *, groups: PositiveInt = 32, eps: NotNegative = 1e-5) -> None:
        super().__init__(channels, y_dim, eps=eps)
        within("gn:groups", groups, 1)
        fitting = (n for n in range(1, min(groups, channels) + 1) if channels % n == 0 and channels >= 2 * n)
        self.groups = max(fitting, default=1)

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"{len(self.weight)} channels in {self.groups} groups"


class PixelNorm(nn.Module):
    """Scale the vector of maps at each pixel to unit mean square; nothing is learnt.

    ``x/√(mean x² + eps)``, the mean being over the maps at a pixel.

    Progressive Growing of GANs (Karras et al. 2018, arXiv 1710.10196), section 4.2; as the paper.

    Args:
        channels: not used.
        y_dim: not used.
        eps: added to the mean square.
    """

    spare = True

    def __init__(self, channels: int, y_dim: int, *, eps: float = 1e-8) -> None:
        super().__init__()
        within("pixelnorm:eps", eps, 0)
        self.eps = eps

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``x`` ``(B, C)`` or ``(B, C, H, W)``, normalised."""
        scale = torch.rsqrt(accurate(x).square().mean(1, keepdim=True) + self.eps)
        return x * scale.to(x.dtype)


__getattr__ = old_names(__name__)
