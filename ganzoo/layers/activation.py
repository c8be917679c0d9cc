"""Rectifiers behind a norm, written over its result where nobody else needs that: the same numbers, less memory.

A map of a residual network is tens of megabytes, and a new one for each ReLU costs more time than its arithmetic. Not
so in bfloat16 on a CPU, where loops that write over what they read take half as long again as those that do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.gan.kit import Unchanged

Activation = Callable[[Tensor], Tensor]
LIMIT = 256.0  # of what leaves a layer in float16, over its gain


def scaled_leaky_relu(x: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    """A leaky ReLU of slope 0.2 times ``gain``, which keeps the variance: the activation of the style-based networks.

    In float16, whose largest number is 65,504, it ends at ±256 times the gain, as Training Generative Adversarial
    Networks with Limited Data (Karras et al. 2020, arXiv 2006.06676) has it; float32 and bfloat16 need no end.

    Args:
        x: of any shape.
        gain: √2 by default; √½ where a sum of two such maps is to have the variance of one.
    """
    return limited_leaky_relu(x * gain, gain)


def limited_leaky_relu(x: Tensor, gain: float = math.sqrt(2)) -> Tensor:
    """:func:`scaled_leaky_relu` of what the layer before has multiplied by ``gain``, and what nobody else needs."""
    made = overwrite(x, 0.2)
    return made.clamp(-LIMIT * gain, LIMIT * gain) if made.dtype == torch.float16 else made


def overwriting_pays(x: Tensor) -> bool:
    """Whether writing over ``x`` was measured to be faster than writing beside it."""
    return x.dtype != torch.bfloat16 or x.device.type != "cpu"


def overwrite(x: Tensor, slope: float) -> Tensor:
    """A (leaky) ReLU of what nobody else needs: written over it where that pays."""
    return F.leaky_relu(x, slope, inplace=overwriting_pays(x)) if slope else F.relu(x, inplace=overwriting_pays(x))


def relu_after(norm: nn.Module, slope: float = 0.0, *, own: bool = True) -> Activation:
    """A (leaky) ReLU for what ``norm(x, y)`` returns.

    It may write over that where the norm declares ``spare = True``: that it returns a new tensor which its own gradient
    does not need. Where there is no norm, it may only if nobody but the norm is given ``x``, and what made ``x``, like
    a convolution or a sum, does not need it either.

    Args:
        norm: what comes before.
        slope: of the negative side; 0 is the plain ReLU.
        own: nobody but ``norm`` is given ``x``; not so where a shortcut starts from it.
    """
    # In place is only safe where autograd has not saved what is overwritten: it would raise in backward, or, where the
    # tensor is also the input of a shortcut, silently add the rectified map. A norm saves its input, not its output;
    # a convolution and a sum save neither result.
    spare = own if isinstance(norm, Unchanged) else getattr(norm, "spare", False)
    if spare:
        return partial(overwrite, slope=slope)
    return partial(F.leaky_relu, negative_slope=slope) if slope else F.relu
