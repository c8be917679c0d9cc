"""Two-player minimisation in the plane: one player minimises ``f`` over x, the other maximises it over y."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganzoo import UsageError, either

Field = Callable[[Tensor], Tensor]
"""From places ``(..., 2)`` to the direction in which both players want to go, ``(..., 2)``."""

FUNCTIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bilinear": lambda x, y: x * y,
    "saddle": lambda x, y: 0.5 * x**2 - 0.5 * y**2 + 2 * x * y,
    "unstable": lambda x, y: -0.1 * x**2 + 0.1 * y**2 + x * y,
    "forsaken": lambda x, y: x * (y - 0.45) + _bump(x) - _bump(y),
}


def _bump(x: Tensor) -> Tensor:
    """The polynomial of the "forsaken" game of Hsieh et al. 2021 (arXiv 2006.09065), whose limit is a cycle."""
    return x**2 / 4 - x**4 / 2 + x**6 / 6


def field_of(name: str) -> Field:
    """The field of a function by name: ``(-∂f/∂x, ∂f/∂y)``.

    Raises:
        UsageError: for an unknown name.
    """
    if name not in FUNCTIONS:
        raise UsageError(f"there is no function {name!r}; give {either(FUNCTIONS)}")
    f = FUNCTIONS[name]

    def field(place: Tensor) -> Tensor:
        place = place.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(f(place[..., 0], place[..., 1]).sum(), place)
        return slope * torch.tensor([-1.0, 1.0])

    return field


def simultaneous(field: Field, place: Tensor, before: Tensor, rate: float) -> Tensor:
    """Both step at once."""
    return place + rate * field(place)


def alternating(field: Field, place: Tensor, before: Tensor, rate: float) -> Tensor:
    """y steps, then x answers to the new y, as D and then G do."""
    second = place + rate * field(place) * torch.tensor([0.0, 1.0])
    return second + rate * field(second) * torch.tensor([1.0, 0.0])


def extragradient(field: Field, place: Tensor, before: Tensor, rate: float) -> Tensor:
    """A step with the directions found one step ahead (Korpelevich 1976; for GANs arXiv 1802.10551)."""
    return place + rate * field(place + rate * field(place))


def optimistic(field: Field, place: Tensor, before: Tensor, rate: float) -> Tensor:
    """Twice the direction here less the one before (arXiv 1711.00141)."""
    return place + rate * (2 * field(place) - field(before))


DYNAMICS: Mapping[str, Callable[[Field, Tensor, Tensor, float], Tensor]] = {
    "simultaneous": simultaneous,
    "alternating": alternating,
    "extragradient": extragradient,
    "optimistic": optimistic,
}


def path(field: Field, dynamics: str, start: tuple[float, float], steps: int, rate: float) -> Tensor:
    """The places ``(steps + 1, 2)`` that both come through; it ends early where they run off to infinity.

    Raises:
        UsageError: for unknown dynamics.
    """
    if dynamics not in DYNAMICS:
        raise UsageError(f"there are no dynamics {dynamics!r}; --dynamics takes {either(DYNAMICS)}")
    places = [torch.tensor(start)]
    for _ in range(steps):
        ahead = DYNAMICS[dynamics](field, places[-1], places[-2] if len(places) > 1 else places[-1], rate)
        if not bool(ahead.isfinite().all()) or float(ahead.abs().max()) > 1e6:
            break
        places.append(ahead)
    return torch.stack(places)
