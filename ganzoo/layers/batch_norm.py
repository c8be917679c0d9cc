"""Batch norms: plain, conditional on labels or contexts, and with statistics for each truncation.

They are built and called as all norms are, see :mod:`ganzoo.layers.norm`. Statistics are taken in float32 whatever the
dtype of the maps, over the batches of all processes, and running statistics are persistent float32 buffers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.errors import UsageError, within
from ganzoo.layers.norm import per_map
from ganzoo.parts import Range, Share, accurate, gather, world

LEAST_EPS = 1e-12  # F.batch_norm refuses 0, in the middle of a training
Epsilon: TypeAlias = Annotated[float, Range(LEAST_EPS)]


def global_batch_norm(
    x: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """``F.batch_norm`` with the statistics of the global batch where several processes share it (SyncBN).

    Unlike PyTorch's SyncBatchNorm it runs on the CPU too, and can be differentiated twice, as gradient penalties ask.
    """
    if not training or world().size == 1:
        return F.batch_norm(
            x, running_mean, running_var, weight=weight, bias=bias, training=training, momentum=momentum, eps=eps
        )
    var, mean = torch.var_mean(accurate(x), (0, *range(2, x.dim())), correction=0)
    means, variances = gather(torch.stack([mean, var]).unsqueeze(0)).unbind(1)  # a row for each process
    # The law of total variance: slices are equally large, so the variance of all is the mean of theirs plus that of
    # their means.
    mean, var = means.mean(0), variances.mean(0) + means.var(0, correction=0)
    count = world().size * x.numel() // x.shape[1]
    with torch.no_grad():
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(var * count / (count - 1), momentum)  # unbiased, as F.batch_norm keeps it
    scale = torch.rsqrt(var + eps) * weight
    shift = bias - mean * scale
    return torch.addcmul(per_map(shift, x), per_map(scale, x), x)


class RunningStatistics(nn.Module):
    """What batch norms share: batch statistics in training mode, running ones in evaluation."""

    spare = True
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__()
        within("bn:eps", eps, LEAST_EPS)
        within("bn:momentum", momentum, 0, 1)
        self.eps, self.momentum = eps, momentum
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.batch_norm: Callable[..., Tensor] = F.batch_norm

    def sync(self) -> None:
        """Take batch statistics over the images of all processes, as the setting ``sync`` asks."""
        self.batch_norm = global_batch_norm

    def standardise(self, x: Tensor) -> Tensor:
        """``x`` ``(B, C, ...)`` with each map at mean 0 and variance 1; keeps the running statistics."""
        # Ones and zeros, though None would do here: who exports a norm without numbers has to know how many maps x has,
        # and an exporter that traces does not know it of a learnt map that is laid out once for each image.
        mean, var = self.statistics()
        return self.normalise(x, torch.ones_like(mean), torch.zeros_like(var))

    def normalise(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """As :meth:`standardise`, then times ``weight`` ``(C,)`` plus ``bias`` ``(C,)`` for each map of ``x``."""
        mean, var = self.statistics()
        return self.batch_norm(
            x, mean, var, weight=weight, bias=bias, training=self.training, momentum=self.momentum, eps=self.eps
        )

    def statistics(self) -> tuple[Tensor, Tensor]:
        """The running mean and variance ``(C,)`` of each map, which a training moves where they lie."""
        return self.running_mean, self.running_var

    def extra_repr(self) -> str:
        """The arguments that ``print`` shows."""
        return f"{self.running_mean.shape[-1]}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm(RunningStatistics):
    """Normalise each map over batch and pixels, then scale and shift it by learnt numbers.

    ``γ·(x - μ)/√(σ² + eps) + β``, with μ and σ² of each map over batch and pixels, and γ and β learnt for each map.

    Batch Normalization: Accelerating Deep Network Training (Ioffe & Szegedy 2015, arXiv 1502.03167); as the paper.

    Args:
        channels: maps of the input.
        y_dim: not used.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
    """

    def __init__(self, channels: int, y_dim: int, *, eps: Epsilon = 1e-5, momentum: Share = 0.1) -> None:
        super().__init__(channels, eps, momentum)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``x`` ``(B, C)`` or ``(B, C, H, W)``, normalised."""
        return self.normalise(x, self.weight, self.bias)


class ConditionalBatchNorm(RunningStatistics):
    """Batch norm whose scale and shift are linear in ``y``: see :func:`conditional_batch_norm`.

    Args:
        channels: maps of the input.
        y_dim: length of the label vector, at least 1.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
    """

    def __init__(self, channels: int, y_dim: int, *, eps: Epsilon = 1e-5, momentum: Share = 0.1) -> None:
        super().__init__(channels, eps, momentum)
        # Bare parameters, not nn.Linear: neither spectral norm nor a network-wide initialisation may touch them.
        self.gain = nn.Parameter(torch.empty(y_dim, channels).normal_(1.0, 0.02))
        self.shift = nn.Parameter(torch.zeros(y_dim, channels))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Normalised ``x`` under label vectors ``y``, of the same shape."""
        x = self.standardise(x)
        with torch.autocast(x.device.type, enabled=False):
            y = y.to(self.gain.dtype)
            # What a vector's entries leave of 1 is scaled by 1: for one-hot labels nothing, for none of all everything.
            gain, shift = y @ self.gain + (1 - y.sum(1, keepdim=True)), y @ self.shift
        return torch.addcmul(per_map(shift, x), per_map(gain, x), x)


def conditional_batch_norm(channels: int, y_dim: int, *, eps: Epsilon = 1e-5, momentum: Share = 0.1) -> nn.Module:
    """Batch norm whose scale and shift are chosen by the label: bias-free linear maps of ``y``.

    Modulating Early Visual Processing by Language (de Vries et al. 2017, arXiv 1707.00683), in the form of cGANs with
    Projection Discriminator (Miyato & Koyama 2018, arXiv 1802.05637). Ours multiplies a float vector by a matrix in
    place of a look-up, the same for one-hot ``y``; scales start at N(1, 0.02), shifts at 0. Built for ``y_dim`` 0,
    where there is nothing to condition on, it is plain batch norm.

    Args:
        channels: maps of the input.
        y_dim: length of the label vector.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
    """
    build = ConditionalBatchNorm if y_dim else BatchNorm
    return build(channels, y_dim, eps=eps, momentum=momentum)


class ContextBatchNorm(RunningStatistics):
    """Batch norm whose scale and shift are linear in a context: see :func:`context_batch_norm`.

    Args:
        channels: maps of the input.
        c_dim: length of the context, at least 1.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
    """

    def __init__(self, channels: int, c_dim: int, *, eps: Epsilon = 1e-5, momentum: Share = 0.1) -> None:
        super().__init__(channels, eps, momentum)
        # Layers, which initialisation and spectral norm reach, as in the paper.
        self.gain = nn.Linear(c_dim, channels, bias=False)
        self.shift = nn.Linear(c_dim, channels, bias=False)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Normalised ``x`` under contexts ``c`` ``(B, c_dim)``, of the same shape."""
        x = self.standardise(x)
        with torch.autocast(x.device.type, enabled=False):
            c = c.to(self.gain.weight.dtype)
            gain, shift = 1 + self.gain(c), self.shift(c)
        return torch.addcmul(per_map(shift, x), per_map(gain, x), x)


class ByTruncation(RunningStatistics):
    """Running statistics in rows, each of noise truncated otherwise; evaluation takes those asked for.

    Row k of n is of a truncation of k/(n - 1), and the last of none. A training, which truncates nothing, moves all
    rows alike: what was known of truncated noise does not hold for the weights that it makes.
    """

    def rows_of(self, rows: int) -> None:
        """Keep that many rows of statistics, two or more, in place of one."""
        within("ccbn:rows", rows, 2)
        channels = len(self.running_mean)
        self.running_mean, self.running_var = torch.zeros(rows, channels), torch.ones(rows, channels)
        self.truncate(None)

    def truncate(self, value: float | None) -> None:
        """Take the rows of a truncation in (0, 1] for what comes; None is 1.

        Between two rows the statistics are a mean of both, weighed as the code of ``pytorch-pretrained-biggan`` has it,
        whose pictures people know: the nearer row counts less.

        Raises:
            UsageError: there are no rows of that truncation.
        """
        if value is not None and not 0 < value <= 1:
            raise UsageError(
                f"truncation={value:g} does not work: the norms of this model know the statistics of its maps for"
                " truncations above 0 and up to 1"
            )
        last = len(self.running_mean) - 1
        share, row = math.modf((1.0 if value is None else value) / (1 / last))
        low = min(int(row), last)
        self.places = (low, min(low + 1, last) if share else low, share)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and variance ``(C,)`` of each map: in training of the last row, else of the truncation asked for."""
        if self.training:
            return self.running_mean[-1].clone(), self.running_var[-1].clone()
        low, high, share = self.places
        mean, var = (table[low] * share + table[high] * (1 - share) for table in (self.running_mean, self.running_var))
        return mean, var

    def normalise(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """As :meth:`standardise`, then times ``weight`` ``(C,)`` plus ``bias`` ``(C,)`` for each map of ``x``."""
        mean, var = self.statistics()
        made = self.batch_norm(
            x, mean, var, weight=weight, bias=bias, training=self.training, momentum=self.momentum, eps=self.eps
        )
        if self.training:
            self.running_mean.copy_(mean.expand_as(self.running_mean))
            self.running_var.copy_(var.expand_as(self.running_var))
        return made


class BatchNormByTruncation(ByTruncation, BatchNorm):
    """Batch norm with rows of running statistics by truncation."""


class ContextBatchNormByTruncation(ByTruncation, ContextBatchNorm):
    """Batch norm of a context, with rows of running statistics by truncation."""


def context_batch_norm(
    channels: int, c_dim: int, *, eps: Epsilon = 1e-5, momentum: Share = 0.1, rows: int = 0
) -> nn.Module:
    """Batch norm whose scale and shift are linear in a context, such as noise beside a class embedding.

    Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096), appendix
    B: ``x·(1 + W_γ c) + W_β c`` without biases; as the paper. Built for ``c_dim`` 0 it is plain batch norm. With
    ``rows`` it is that of the authors' published models, whose running statistics were taken for so many truncations of
    the noise, and are chosen by that of the samples.

    Args:
        channels: maps of the input.
        c_dim: length of the context.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
        rows: of running statistics, evenly over truncations from 0 to 1; 0 for the same whatever the truncation.
    """
    if rows:
        by_truncation = ContextBatchNormByTruncation if c_dim else BatchNormByTruncation
        norm = by_truncation(channels, c_dim, eps=eps, momentum=momentum)
        norm.rows_of(rows)
        return norm
    build = ContextBatchNorm if c_dim else BatchNorm
    return build(channels, c_dim, eps=eps, momentum=momentum)
