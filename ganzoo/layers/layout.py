"""Maps and kernels that lie in memory as convolutions want them: channels last.

An operation on two maps of which one has its channels last in memory and the other its columns reads one of them across
its rows, and takes up to sixty times as long. Such a pair comes up where a network begins, as vectors become maps, and
where it ends, as the gradient of vectors becomes one of maps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn


def lay_out(network: nn.Module) -> None:
    """Put a network's kernels and maps channels last, in place: no number changes, and a CPU's convolutions are faster.

    Only what has four dimensions can lie so; a network with kernels of five keeps those as they are.
    """
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.dim() == 4:
            tensor.data = tensor.data.to(memory_format=torch.channels_last)


def as_maps(rows: Tensor, shape: tuple[int, int]) -> Tensor:
    """Vectors ``(B, C·H·W)`` as maps ``(B, C, H, W)``, channels last in memory.

    Args:
        rows: what a linear layer made.
        shape: height and width.
    """
    return rows.unflatten(1, (-1, *shape)).contiguous(memory_format=torch.channels_last)


_as_written = ContextVar("as_written", default=False)


@contextmanager
def as_written() -> Iterator[None]:
    """Within the block layers compute what they are said to, not what is faster here: for who counts operations."""
    token = _as_written.set(True)
    try:
        yield
    finally:
        _as_written.reset(token)


def traced() -> bool:
    """Whether what is computed is recorded: by a compiler or exporter, which know no function of ours, or a count."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing() or _as_written.get()


def same_layout(x: Tensor) -> Tensor:
    """``x`` itself ``(B, C, H, W)``, whose gradient will lie in memory as ``x`` does: for what makes vectors of it."""
    if not x.requires_grad or traced():
        return x
    return _SameLayout.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def flat(x: Tensor) -> Tensor:
    """Maps ``(B, C, H, W)`` as vectors ``(B, C·H·W)``."""
    return same_layout(x).flatten(1)


def sum_pool(x: Tensor) -> Tensor:
    """Maps ``(B, C, H, W)`` to the sums of each ``(B, C)``."""
    return same_layout(x).sum((2, 3))


def exchanged(kernel: Tensor) -> Tensor:
    """A kernel ``(O, I, k, k)``, channels last in memory, as one ``(I, O, k, k)`` that convolutions read quickly.

    Neighbours in memory are then outputs, and its gradient is turned around the same way. A plain ``transpose`` leaves
    them as they are, and each of the three passes of a convolution spends milliseconds on bringing them into order.
    """
    if traced():
        return kernel.transpose(0, 1)
    return _Exchanged.apply(kernel) if kernel.requires_grad else _exchange(kernel)  # type: ignore[no-any-return, no-untyped-call]


def _exchange(kernel: Tensor) -> Tensor:
    outputs, inputs, height, width = kernel.shape
    rows = kernel.permute(0, 2, 3, 1).reshape(outputs, -1)  # a view where the channels are last
    return rows.t().contiguous().view(height, width, inputs, outputs).permute(2, 3, 0, 1)  # of matrices torch is fast


class _Exchanged(torch.autograd.Function):
    """The exchange of a kernel's first two dimensions, whose gradient is the same."""

    @staticmethod
    def forward(ctx: Any, kernel: Tensor) -> Tensor:
        return _exchange(kernel)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _Exchanged.apply(gradients[0])  # type: ignore[no-any-return, no-untyped-call]


class _SameLayout(torch.autograd.Function):
    """The identity, whose gradient has the memory layout of its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        last = x.is_contiguous(memory_format=torch.channels_last)
        ctx.format = torch.channels_last if last else torch.contiguous_format
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous(memory_format=ctx.format)
