"""How the C library hands out memory: a knob that makes repeated work on large tensors several times as fast."""

from __future__ import annotations

import ctypes
from functools import cache

# glibc's mallopt options: never give freed memory back, map large blocks rarely, grow in large pieces. Training and
# scoring take and free the same large tensors in every step; without this each step pays for its page faults again.
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _TOP_PAD = -3, -1, -2
_LARGE, _NEVER, _PAD = 1 << 30, -1, 64 << 20


@cache
def keep_memory() -> bool:
    """Tell glibc to keep freed memory for the next step; False where the C library has no such knob.

    It holds for the process from the first call on.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    limits = {_MMAP_THRESHOLD: _LARGE, _TRIM_THRESHOLD: _NEVER, _TOP_PAD: _PAD}
    return all(mallopt(option, value) == 1 for option, value in limits.items())
