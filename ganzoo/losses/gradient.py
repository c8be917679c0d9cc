"""What losses and penalties know of a discriminator: its scores, and their gradient in the image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.errors import UsageError

ScoreFunction = Callable[[Tensor], Tensor]
"""What losses need of a discriminator: images to scores ``(B,)`` or ``(B, P)``; :class:`ganzoo.parts.Critic` is one."""


def gradient(critic: ScoreFunction, x: Tensor) -> Tensor:
    """The gradient of each image's score in its pixels, ``(B, C*H*W)``, which can be differentiated again.

    ``x`` is detached first. Of patch scores ``(B, P)`` an image's score is their mean. Where the images of a batch
    see each other, as in batch norm, this is the gradient of the batch's summed scores, as in every implementation.
    Autocast is off: under bf16 the second derivative is wrong.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
        total = critic(x).reshape(len(x), -1).mean(1).sum()
        (slope,) = torch.autograd.grad(total, x, create_graph=True)
    return slope.flatten(1)


def check_every(penalty: str, every: int) -> int:
    """``every`` of a penalty, once it is known to be a number of steps.

    Raises:
        UsageError: for 0 and less.
    """
    if every < 1:
        raise UsageError(f"{penalty}:every={every} does not work: every is a whole number of steps from 1 up")
    return every
