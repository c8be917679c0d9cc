"""Arguments of public functions that are no recipes: devices, truncations, noise that a person made."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import UsageError, either
from ganzoo.gan.inputs import NOISE
from ganzoo.gan.style import Truncation, has_w

META = "meta"


def read_device(device: str | torch.device | None) -> torch.device:
    """A device that is here; the CPU for None.

    Raises:
        UsageError: for a device that is unknown or not there, with those that are.
    """
    try:
        if device is not None and not isinstance(device, (str, torch.device)):
            raise TypeError(device)
        found = torch.device("cpu" if device is None else device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError):
        known = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
        raise UsageError(f"no device {device!r} here: --device takes {either(known)}") from None
    return found


def real_number(name: str, value: object) -> float:
    """An argument that is a number, neither NaN nor infinite.

    Raises:
        UsageError: naming the argument and what was given.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise UsageError(f"{name}={value!r} does not work: it is a number, and neither NaN nor infinite")
    return float(value)


def truncation_of(
    value: float | Truncation | None, cutoff: int | None = None, mean: str | None = None
) -> float | Truncation | None:
    """A truncation with what a person said of it besides.

    Args:
        value: a bound on the noise, or ψ where there is w; None for none.
        cutoff: layers of w that it holds for; None for all.
        mean: of w, ``class`` or ``global``; None for the generator's own choice.

    Raises:
        UsageError: more was said of a truncation that there is not.
    """
    if cutoff is None and mean is None:
        return value
    if value is None or isinstance(value, Truncation):
        raise UsageError("a cut-off and a mean say how w is truncated: give a number truncation too, such as 0.7")
    return Truncation(real_number("truncation", value), cutoff, mean)  # type: ignore[arg-type]


def take_truncation(generator: Any, inputs: frozenset[str], value: float | Truncation | None) -> float | None:
    """Tell a generator the truncation of the images to come, which it may refuse.

    Args:
        generator: with or without ``truncate``; without it, truncation is a bound on its noise.
        inputs: of the model.
        value: None for none.

    Raises:
        UsageError: for a value that the generator does not take, a model that takes no noise, or a cut-off in layers
            of w where there are none.
    """
    told: dict[str, Any] = {}
    if isinstance(value, Truncation):
        if not has_w(generator):
            raise UsageError(
                "a cut-off and a mean of truncation are of w, which this model does not have: leave them out"
            )
        told = {"cutoff": value.cutoff, "mean": value.mean}
        value = value.psi
    if value is not None:
        value = real_number("truncation", value)
        if NOISE not in inputs:
            raise UsageError(
                f"truncation={value:g} does not work: this model takes no noise, so there is none to bound"
            )
    if callable(truncate := getattr(generator, "truncate", None)):
        truncate(value, **told)
    elif value is not None and not value > 0:
        raise UsageError(f"truncation={value:g} does not work: it is a bound on the noise, more than 0")
    return value


def check_noise(z: object, n: int, shape: tuple[int, ...]) -> Tensor:
    """Noise that a person made, of ``n`` images.

    Args:
        z: what was given.
        n: how many images.
        shape: of one image's noise.

    Raises:
        UsageError: it is no tensor of these numbers.
    """
    if not isinstance(z, Tensor) or not z.is_floating_point():
        what = f"of {z.dtype}" if isinstance(z, Tensor) else type(z).__name__
        raise UsageError(
            f"z is a tensor of floats {(n, *shape)}, and this is a {what}: torch.as_tensor(z).float() makes one"
        )
    if z.shape != (n, *shape):
        raise UsageError(f"z has shape {tuple(z.shape)}; {n} images of this model take {(n, *shape)}")
    if not bool(z.isfinite().all()):
        raise UsageError("z holds NaN or infinite numbers")
    return z
