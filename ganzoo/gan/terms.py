"""What losses and regularizers give in an update, once it is known to be terms; if not, who gave what, and of what.

Authors of parts meet two mistakes more than others: a loss for each image in place of their mean, and the tuple of
scores that a discriminator of several heads gives, read as one tensor. Both would end in an error of torch or Python
far from the part, or in a sum over images that nobody meant.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import PluginError
from ganzoo.files.untrusted import quoted
from ganzoo.parts import context
from ganzoo.parts.context import TurnContext

STUMBLES = (AttributeError, IndexError, TypeError, ValueError)  # of a part that takes its scores for something else
TORCH = Path(torch.__file__).parent


def loss_of(who: str, compute: Callable[[TurnContext], object], ctx: TurnContext) -> Tensor:
    """The loss of an update, a scalar.

    Args:
        who: the part, such as ``loss/hinge``.
        compute: its method.
        ctx: the update.

    Raises:
        PluginError: it gives something else, or takes what it was given for something else.
    """
    return _scalar(f"{who} gives", _computed(who, compute, ctx), ctx)


def terms_of(who: str, compute: Callable[[TurnContext], object], ctx: TurnContext) -> dict[str, Tensor]:
    """The terms of an update by name, each a scalar; arguments and errors are those of :func:`loss_of`."""
    found = _computed(who, compute, ctx)
    if not isinstance(found, Mapping):
        raise PluginError(f"{who} gives {_kind(found)}, and terms are a dict of scalars by name: {{'mine': term}}")
    return {name: _scalar(f"{who} gives, as its term {name!r},", term, ctx) for name, term in found.items()}


def _computed(who: str, compute: Callable[[TurnContext], object], ctx: TurnContext) -> object:
    try:
        return compute(ctx)
    except STUMBLES as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
        if any(frame.filename == context.__file__ for frame in frames):  # a network is at fault, or whoever it calls
            raise
        own = [frame for frame in frames if TORCH not in Path(frame.filename).parents][-1]
        first = str(error).strip().split("\n")[0]
        raise PluginError(
            f"{who} stumbles at {Path(own.filename).name}, line {own.lineno} ({type(error).__name__}:"
            f" {quoted(first, 160)}); {_given(ctx)}"
        ) from error


def _scalar(said: str, found: object, ctx: TurnContext) -> Tensor:
    if isinstance(found, Tensor) and not found.dim():
        return found
    raise PluginError(f"{said} {_kind(found)}, where a scalar tensor is needed, such as a .mean(); {_given(ctx)}")


def _kind(found: object) -> str:
    return f"a tensor of shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"


def _given(ctx: TurnContext) -> str:
    """What D says of a batch, as the author of a part reads it."""
    with torch.no_grad():
        heads = ctx.discriminate(ctx.real).heads
    shapes = ", ".join(str(tuple(head.shape)) for head in heads)
    if len(heads) == 1:
        return f"critic(x) gives it one tensor of scores, of shape {shapes}"
    return (
        f"D has {len(heads)} heads, of which ctx.critic(x) and ctx.discriminate(x).scores give a tuple of tensors, of"
        f" shapes {shapes}: go through ctx.discriminate(x).heads, or take ctx.discriminate(x).score, one score an image"
    )
