"""``--deterministic``: only operations that give the same bits every time, on a GPU too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganzoo.errors import RunError

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS is deterministic only with it, and reads it at its first call
REFUSAL = "does not have a deterministic implementation"  # what torch says of an operation that has none


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Let torch use deterministic operations only inside the block; do nothing unless ``wanted``.

    Raises:
        RunError: an operation inside has no deterministic form on its device.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault(WORKSPACE, ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    tuned, chosen = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    try:
        yield
    except RuntimeError as error:
        if REFUSAL not in str(error):
            raise
        operation = str(error).partition(REFUSAL)[0].strip()
        raise RunError(f"{operation} has no deterministic form on this device: leave out --deterministic") from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = tuned, chosen
