"""In which numbers is computed; passes whose graph may be differentiated twice: in float32, and not compiled.

The norm of a gradient in bf16, with its eight bits, is wrong by more than a penalty can bear; and ``torch.compile``
cannot differentiate twice (AOTAutograd has no double backward).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

_exact: ContextVar[bool] = ContextVar("exact", default=False)


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Autocast off, and networks as they are written, inside the ``with`` block.

    Args:
        device: where the passes are made.
    """
    token = _exact.set(True)
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        _exact.reset(token)


def is_exact() -> bool:
    """Whether this is inside :func:`exact`."""
    return _exact.get()


def accurate(x: Tensor) -> Tensor:
    """A tensor of any shape in float32, or in float64 where it is that."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def as_weights(network: nn.Module, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors in the dtype of a network's weights: float32 in training, and what a model was loaded in.

    For the last layers of a discriminator, which stand outside autocast.

    Args:
        network: with weights of one dtype; one without any takes float32, or float64 as it is.
        tensors: of floats, of any shape.
    """
    weights = next(network.parameters(), None)
    return tuple(accurate(x) if weights is None else x.to(weights.dtype) for x in tensors)
