"""The hyperparameters of training: set with ``--set NAME=VALUE``, by a part's ``train=`` and by presets.

A learning rate is a number or a schedule, such as ``cosine/2e-4/0``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ganzoo.errors import UsageError, nearest

Value = float | int | str | tuple[float, ...]


@dataclass(frozen=True)
class Spec:
    """One hyperparameter: its default, how its text is read, the forms it takes in words, and what it is for."""

    default: Value
    read: Callable[[str], Value]
    form: str
    about: str


def _number(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high or not math.isfinite(value):
        raise ValueError(text)
    return value


def _real(low: float = 0.0, high: float = math.inf) -> Callable[[str], Value]:
    return lambda text: _number(text, low, high)


def _whole(low: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if not text.isdecimal() or int(text) < low:
            raise ValueError(text)
        return int(text)

    return read


def _one_of(*choices: str) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def _rate(text: str) -> Value:
    """A learning rate, or ``cosine/FROM/TO`` or ``linear/FROM/TO`` over the run's horizon."""
    shape, *ends = text.split("/")
    if not ends:
        return _number(text, 0.0, math.inf)
    if shape not in ("cosine", "linear") or len(ends) != 2:
        raise ValueError(text)
    return "/".join([shape, *(write(_number(end, 0.0, math.inf)) for end in ends)])


def _betas(text: str) -> Value:
    values = tuple(_number(beta, 0.0, 1.0) for beta in text.split("/"))
    if len(values) != 2 or max(values) >= 1:
        raise ValueError(text)
    return values


def _init(text: str) -> Value:
    kind, *width = text.split("/")
    if kind not in ("default", "normal", "orthogonal", "xavier") or len(width) > 1 or (width and kind == "default"):
        raise ValueError(text)
    return "/".join([kind, *(write(_number(value, 0.0, math.inf)) for value in width)])


SETTINGS: Mapping[str, Spec] = {
    "lr.g": Spec(2e-4, _rate, "a number, or cosine/FROM/TO or linear/FROM/TO", "learning rate of G, or its schedule"),
    "lr.d": Spec(2e-4, _rate, "a number, or cosine/FROM/TO or linear/FROM/TO", "learning rate of D, or its schedule"),
    "optimizer": Spec("adam", _one_of("adam", "rmsprop", "sgd"), "adam, rmsprop or sgd", "optimiser of every player"),
    "betas": Spec((0.5, 0.999), _betas, "two numbers in [0, 1), such as 0.5/0.999", "Adam's betas"),
    "repeat.d": Spec(1, _whole(1), "a whole number from 1 up", "updates of D in a step, each with its own batch"),
    "repeat.g": Spec(1, _whole(1), "a whole number from 1 up", "updates of G in a step"),
    "batch": Spec(64, _whole(1), "a whole number from 1 up", "images in the global batch, over all processes"),
    "ema": Spec(
        0.999,
        _real(0.0, 0.999999),
        "a number in [0, 1); 0 turns it off",
        "decay of G's exponential moving average (EMA)",
    ),
    "standing": Spec(
        16,
        _whole(0),
        "a whole number; 0 keeps those of training",
        "batches that the averaged G's batch norms take their statistics from",
    ),
    "init": Spec(
        "default", _init, "default, normal[/STD], orthogonal[/GAIN] or xavier[/GAIN]", "initialisation of the weights"
    ),
    "prior": Spec("normal", _one_of("normal", "uniform"), "normal or uniform", "distribution of the noise z"),
    "flip": Spec("auto", _one_of("auto", "on", "off"), "auto, on or off", "mirror real images at random"),
    "sync": Spec("off", _one_of("on", "off"), "on or off", "batch norms see the images of all processes (SyncBN)"),
    "precision": Spec(
        "auto",
        _one_of("auto", "fp32", "bf16"),
        "auto, fp32 or bf16",
        "arithmetic of the networks; bf16 is mixed precision",
    ),
    "compile": Spec(
        "off",
        _one_of("on", "off", "graphs"),
        "on, off or graphs",
        "whether networks run compiled; graphs: as CUDA graphs",
    ),
}


def write(value: Value) -> str:
    """The text of a value, as ``--set`` takes it back."""
    if isinstance(value, tuple):
        return "/".join(map(write, value))
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def read(name: str, value: object) -> Value:
    """The value of one setting, checked.

    Raises:
        UsageError: for an unknown name or a value that it cannot take.
    """
    if name not in SETTINGS:
        raise UsageError(f"there is no setting {name!r}; nearest: {', '.join(nearest(name, SETTINGS))}")
    text = write(tuple(value)) if isinstance(value, (list, tuple)) else str(value)  # type: ignore[arg-type]
    try:
        return SETTINGS[name].read(text)
    except ValueError:
        raise UsageError(f"{name}={text} does not work: {name} takes {SETTINGS[name].form}") from None
