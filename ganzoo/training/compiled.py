"""The setting ``compile``: passes through the networks by ``torch.compile``, but for those differentiated twice."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ganzoo.gan import GAN

BACKEND = "inductor"


class Compiled:
    """A network's call, compiled when first made.

    A gradient penalty differentiates a pass twice, which compiled code cannot do. It asks for the gradient of an image
    that came from nowhere, a leaf that requires grad; no other pass is given one. Such passes run as they are written.

    Args:
        network: whose call it stands in for.
    """

    def __init__(self, network: nn.Module) -> None:
        self.written = network._call_impl
        self.compiled = torch.compile(network._call_impl, backend=BACKEND, dynamic=False)

    def __call__(self, x: torch.Tensor, *rest: Any, **named: Any) -> Any:
        """What the network says of ``x``."""
        probed = x.requires_grad and x.is_leaf
        return (self.written if probed else self.compiled)(x, *rest, **named)


def compile_networks(gan: GAN, device: torch.device) -> list[str]:
    """Let every player's networks run compiled; their state dicts and copies know nothing of it.

    Returns:
        Notes for the person: why nothing was compiled, if so.
    """
    try:
        torch.compile(torch.neg, backend=BACKEND)(torch.zeros(2, device=device))
    except (RuntimeError, ImportError, OSError) as error:
        why = str(error).splitlines()[0]
        return [f"compile=on: torch.compile does not work here, so nothing is compiled ({why})"]
    for name in sorted({name for names in gan.players.values() for name in names}):
        network = getattr(gan, name)
        network._compiled_call_impl = Compiled(network)  # where nn.Module.compile puts it; copies leave it out
    return []
