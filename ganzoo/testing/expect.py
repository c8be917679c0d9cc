"""What every check of a part is made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError
from ganzoo.registry.entry import Entry


def expect(holds: object, entry: Entry, what: str) -> None:
    """Raise AssertionError, naming the part and what it should do, unless ``holds``."""
    if not holds:
        raise AssertionError(f"{entry.spelling}: {what}")


def expect_scalar(value: object, entry: Entry, what: str) -> None:
    """``value`` is a finite number in a tensor without dimensions."""
    expect(isinstance(value, Tensor) and value.shape == (), entry, f"{what} is a scalar tensor, not {value!r}")
    expect(torch.isfinite(torch.as_tensor(value)), entry, f"{what} is finite, not {value}")


def expect_learning(module: nn.Module, entry: Entry) -> None:
    """Every parameter got a finite gradient."""
    for name, parameter in module.named_parameters():
        expect(parameter.grad is not None, entry, f"its parameter {name} gets a gradient")
        expect(torch.isfinite(torch.as_tensor(parameter.grad)).all(), entry, f"the gradient of {name} is finite")


def shaken(module: nn.Module) -> nn.Module:
    """The module with every parameter moved a little: gates that start closed would hide what is behind them."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def labels(batch: int, y_dim: int) -> Tensor:
    """One-hot label vectors ``(batch, y_dim)`` that need gradients; ``(batch, 0)`` for no labels."""
    if y_dim == 0:
        return torch.zeros(batch, 0)
    return nn.functional.one_hot(torch.arange(batch) % y_dim, y_dim).float().requires_grad_()


def error_line(error: BaseException) -> str:
    """An error in one line: as it stands where the error is ganzoo's own, else after the error's type."""
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return first if isinstance(error, GanzooError) else f"{type(error).__name__}: {first}"
