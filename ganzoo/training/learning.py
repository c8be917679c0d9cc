"""Whose parameters learn in an update, and what stays as it is whatever is done to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from ganzoo.gan.gan import GAN


@contextmanager
def learning(gan: GAN, player: str, still: Collection[nn.Parameter] = ()) -> Iterator[None]:
    """Freeze everything but a player's networks and regularizers; afterwards every parameter is as free as it was.

    Args:
        gan: whose parameters.
        player: who learns.
        still: parameters that nobody learns.
    """
    own = {parameter for module in gan.modules_of(player).values() for parameter in module.parameters()}
    own -= set(still)
    frozen = [p for p in gan.parameters() if p.requires_grad and p not in own]
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


@contextmanager
def kept(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Whatever is done to parameters inside the ``with`` block, they are as they were after it."""
    before = [parameter.detach().clone() for parameter in parameters]
    yield
    with torch.no_grad():
        for parameter, value in zip(parameters, before, strict=True):
            parameter.copy_(value)
