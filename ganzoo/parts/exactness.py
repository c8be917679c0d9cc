"""Passes whose graph may be differentiated twice: in float32, and not compiled.

The norm of a gradient in bf16, with its eight bits, is wrong by more than a penalty can bear; and ``torch.compile``
cannot differentiate twice (AOTAutograd has no double backward).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

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
