"""Rectifiers behind a norm, written over its result where nobody else needs that: the same numbers, less memory.

A map of a residual network is tens of megabytes, and a new one for each ReLU costs more time than its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.kit import Unchanged

Activation = Callable[[Tensor], Tensor]


def relu_after(norm: nn.Module, slope: float = 0.0, *, own: bool = True) -> Activation:
    """A (leaky) ReLU for what ``norm(x, y)`` returns.

    It is written in place where the norm declares ``spare = True``: that it returns a new tensor which its own gradient
    does not need. Where there is no norm, it is in place only if nobody but the norm is given ``x``, and what made
    ``x``, like a convolution or a sum, does not need it either.

    Args:
        norm: what comes before.
        slope: of the negative side; 0 is the plain ReLU.
        own: nobody but ``norm`` is given ``x``; not so where a shortcut starts from it.
    """
    spare = own if isinstance(norm, Unchanged) else getattr(norm, "spare", False)
    if slope:
        return partial(F.leaky_relu, negative_slope=slope, inplace=spare)
    return partial(F.relu, inplace=spare)
