"""What gradient penalties share: the gradient of a discriminator's score in its image."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.parts import Regularizer, ScoreFunction, TurnContext, exact, global_draw

__all__ = ["GradientPenalty", "ScoreFunction", "between", "check_every", "gradient"]


class GradientPenalty(Regularizer, ABC):
    """A penalty on the slope of D's score, called ``penalty(critic, real, fake)``.

    Attributes:
        name: of its term.
    """

    name: str

    @abstractmethod
    def __call__(self, critic: ScoreFunction, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted penalty, a scalar.

        Args:
            critic: images to scores ``(B,)`` or ``(B, P)``, by passes that can be differentiated twice.
            real, fake: images ``(B, C, H, W)`` in [-1, 1].
        """

    def labels(self, ctx: TurnContext) -> Tensor:
        """The label vectors ``(B, y_dim)`` of the images that it looks at."""
        return ctx.y_real

    def terms(self, ctx: TurnContext) -> dict[str, Tensor]:
        """The penalty in this update, in float32."""
        with exact(ctx.real.device):
            return {self.name: self(self.critic(ctx), ctx.real, ctx.fake)}

    def critic(self, ctx: TurnContext) -> ScoreFunction:
        """D by passes that can be differentiated twice, under the labels of :meth:`labels`."""
        y = self.labels(ctx)
        return lambda x: ctx.discriminate(x, exact=True, y=y).score


def gradient(critic: ScoreFunction, x: Tensor) -> Tensor:
    """The gradient of each image's score in its pixels, ``(B, C*H*W)``, which can be differentiated again.

    ``x`` is detached first. Of patch scores ``(B, P)`` an image's score is their mean. Where the images of a batch
    see each other, as in batch norm, this is the gradient of the batch's summed scores, as in every implementation.
    The pass is exact: under bf16 the second derivative is wrong.
    """
    x = x.detach().requires_grad_()
    with torch.enable_grad(), exact(x.device):
        total = critic(x).reshape(len(x), -1).mean(1).sum()
        (slope,) = torch.autograd.grad(total, x, create_graph=True)
    return slope.flatten(1)


def between(real: Tensor, fake: Tensor) -> Tensor:
    """A point on the line from each real image ``(B, C, H, W)`` to its fake, drawn from torch's global generator."""
    share = global_draw(torch.rand, len(real), *[1] * (real.ndim - 1)).to(real, non_blocking=True)
    return share * real + (1 - share) * fake


def check_every(penalty: str, every: int) -> int:
    """``every`` of a penalty, once it is known to be a number of updates.

    Raises:
        UsageError: for 0 and less.
    """
    if every < 1:
        raise UsageError(f"{penalty}:every={every} does not work: every is a whole number of updates from 1 up")
    return every
