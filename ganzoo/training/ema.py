"""A moving average of the networks that samples come from."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.training.optim import norm


class EMA:
    """Averaged copies of networks: ``average += (1 - decay) · (network - average)`` after every step.

    The decay warms up as ``min(decay, (1 + step) / (10 + step))``, so that the first weights are soon forgotten.
    Buffers, such as the statistics of batch norm, are copied.

    Args:
        networks: by name.
        decay: in [0, 1); with 0 the copies follow the networks exactly.

    Attributes:
        fresh_statistics: whether batch norms have statistics of the averaged weights, not copied ones.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float) -> None:
        self.decay, self.fresh_statistics = decay, False
        self.averages = {name: copy.deepcopy(net).requires_grad_(False).eval() for name, net in networks.items()}
        pairs = [(self.averages[name], net) for name, net in networks.items()]
        self._own: list[Tensor] = [p for average, _ in pairs for p in average.parameters()]
        self._live: list[Tensor] = [p for _, net in pairs for p in net.parameters()]
        self._own_buffers = [b for average, _ in pairs for b in average.buffers()]
        self._live_buffers = [b for _, net in pairs for b in net.buffers()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the networks as they are after ``step``, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._own, self._live, 1 - decay)
        if self._own_buffers:
            torch._foreach_copy_(self._own_buffers, self._live_buffers)
        self.fresh_statistics = False

    @torch.no_grad()
    def drift(self) -> float:
        """How far the averages are from the networks: the norm of the difference over that of the networks."""
        away = norm(list(torch._foreach_sub(self._own, self._live)))
        return float(away / norm(self._live).clamp(min=1e-12))

    @contextmanager
    def applied(self, gan: nn.Module) -> Iterator[None]:
        """Let ``gan`` have the averaged networks in place of its own inside the block."""
        own = {name: getattr(gan, name) for name in self.averages}
        for name, average in self.averages.items():
            setattr(gan, name, average)
        try:
            yield
        finally:
            for name, network in own.items():
                setattr(gan, name, network)

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors by network and name."""
        return {f"{n}.{key}": t for n, average in self.averages.items() for key, t in average.state_dict().items()}
