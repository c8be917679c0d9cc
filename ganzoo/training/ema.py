"""A moving average of the networks that samples come from."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from ganzoo.plan.plan import Plan
from ganzoo.schedules import number_at, reached
from ganzoo.training.optim import norm


class EMA:
    """Averaged copies of networks: ``average += (1 - decay) · (network - average)`` after every step.

    A decay that is a number warms up as ``min(decay, (1 + step) / (10 + step))``, so that the first weights are soon
    forgotten; of a function, ``decay(step)`` is what it says.
    Buffers, such as the statistics of batch norm, are copied.

    Args:
        networks: by name.
        decay: in [0, 1), or a function of the step, counted from 0; with 0 the copies follow the networks exactly.

    Attributes:
        fresh_statistics: whether batch norms have statistics of the averaged weights, not copied ones.
    """

    def __init__(self, networks: Mapping[str, nn.Module], decay: float | Callable[[int], float]) -> None:
        self.decay: Callable[[int], float] = decay if callable(decay) else partial(warmed_up, decay)
        self.fresh_statistics = False
        self.averages = {name: copy.deepcopy(net).requires_grad_(False).eval() for name, net in networks.items()}
        pairs = [(self.averages[name], net) for name, net in networks.items()]
        self._own: list[Tensor] = [p for average, _ in pairs for p in average.parameters()]
        self._live: list[Tensor] = [p for _, net in pairs for p in net.parameters()]
        self._own_buffers = [b for average, _ in pairs for b in average.buffers()]
        self._live_buffers = [b for _, net in pairs for b in net.buffers()]
        # Modules that keep something of a buffer beside it: they are told that it was copied.
        self._following = [
            (follow, theirs)
            for average, net in pairs
            for own, theirs in zip(average.modules(), net.modules(), strict=True)
            if callable(follow := getattr(own, "follow", None))
        ]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the networks as they are after ``step``, counted from 0."""
        torch._foreach_lerp_(self._own, self._live, 1 - self.decay(step))
        if self._own_buffers:
            torch._foreach_copy_(self._own_buffers, self._live_buffers)
        for follow, theirs in self._following:
            follow(theirs)
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


def warmed_up(decay: float, step: int) -> float:
    """A decay that grows with the steps, so that the first weights are soon forgotten."""
    return min(decay, (1 + step) / (10 + step))


def averaging_of(plan: Plan, horizon: int, images_per_step: int) -> Callable[[int], float]:
    """The decay after a step, counted from 0, as the settings ``ema`` and ``ema.*`` say.

    Args:
        plan: with the settings.
        horizon: steps that schedules without a length spread over.
        images_per_step: real images of one step, as ``--images`` counts them.
    """
    plain = not {"ema.halflife", "ema.start", "ema.ramp"} & plan.settings.keys()
    start, ramp = str(plan["ema.start"]), float(plan["ema.ramp"])

    def decay(step: int) -> float:
        seen = step * images_per_step
        if "ema.halflife" not in plan.settings:
            found = number_at(plan["ema"], step, horizon, seen)
            if plain:
                return warmed_up(found, step)
            halflife = halflife_of(found, images_per_step)
        else:
            halflife = number_at(plan["ema.halflife"], step, horizon, seen)
            found = decay_of(halflife, images_per_step)
        if start != "0" and reached(start, step, seen) < 1:
            return 0.0
        limit = ramp * (seen + images_per_step)  # this step's images have been seen when it ends
        return decay_of(limit, images_per_step) if ramp > 0 and limit < halflife else found

    return decay


def decay_of(halflife: float, images_per_step: int) -> float:
    """The decay of a step after which an average is half new in ``halflife`` images; 0 for no average."""
    return 0.5 ** (images_per_step / halflife) if halflife > 0 else 0.0


def halflife_of(decay: float, images_per_step: int) -> float:
    """The opposite of :func:`decay_of`."""
    return images_per_step / -math.log2(decay) if decay > 0 else 0.0
