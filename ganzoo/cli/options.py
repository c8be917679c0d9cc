"""Options that several commands share: those of the fields of ``TrainConfig``, made from them, and a few of the command
line's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args, get_type_hints

import click

from ganzoo.cli.names import DATA, DEVICE, FEATURES, METRICS, MODEL, SETTING
from ganzoo.cli.paths import PATH, PLACE
from ganzoo.errors import UsageError
from ganzoo.training.config import FACTS, TrainConfig

F = TypeVar("F", bound=Callable[..., Any])
TYPES = get_type_hints(TrainConfig)
OWN: Mapping[str, Callable[[Any], Any]] = {  # by the name of the field or of what the command line has besides
    "settings": click.option(
        "--set", "pairs", type=SETTING, multiple=True, metavar="K=V", help=f"{FACTS['settings'].text}."
    ),
    "threads": click.option("--threads", type=int, metavar="N", help="Threads of the CPU to use."),
    "compiled": click.option(
        "--compile", "compiled", is_flag=True, help="Run the networks compiled: --set compile=on."
    ),
}


NAMED = {
    "data": DATA,
    "eval_data": DATA,
    "init": MODEL,
    "device": DEVICE,
    "metrics": METRICS,
    "features": FEATURES,
}
"""Types of the fields that are names, which the shell completes."""


def option(name: str, **other: Any) -> Callable[[Any], Any]:
    """The option of a field of :class:`TrainConfig`; ``other`` are keyword arguments of ``click.option`` besides."""
    fact, kinds = FACTS[name], get_args(TYPES[name]) or (TYPES[name],)
    spelled = f"--{name.replace('_', '-')}"
    details: dict[str, Any] = {"metavar": fact.metavar, "help": f"{fact.text}."}
    if kinds == (bool,):
        details |= {"is_flag": True}
    elif set(kinds) == {bool, type(None)}:
        spelled = f"{spelled}/--no-{name.replace('_', '-')}"
        details |= {"default": None}
    elif kinds[0] is int:
        details |= {"type": int}
    elif name in NAMED or fact.place:
        details |= {"type": NAMED.get(name, PLACE)}
    return click.option(spelled, **{**details, **fact.click, **other})


def options(*names: str) -> Callable[[F], F]:
    """Options of fields and of ``OWN``, in the order in which ``--help`` shows them."""

    def decorate(command: F) -> F:
        for name in reversed(names):  # decorators are applied from the last to the first
            command = OWN[name](command) if name in OWN else option(name)(command)
        return command

    return decorate


SKIP_BAD = option("skip_bad")

# Of commands that load a model, and of those that look at it beside real images.
ON_DEVICE = click.option("--device", type=DEVICE, help="Such as cpu or cuda:0.")
AT_STEP = click.option("--step", metavar="N|best", help="A checkpoint that train --keep kept.")
AT_ONCE = click.option(
    "--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images computed at once."
)
OF_DATA = click.option(
    "--split", metavar="S", help="Of the data: train (default), test, or valid, as training held out."
)
OF_NETWORK = click.option("--weights", type=PATH, metavar="FILE", help="The network's weights.")
LOOKED_THROUGH = click.option(
    "--features",
    type=FEATURES,
    metavar="NAME",
    help="Feature network: tf_efficientnet_lite0.in1k, or as eval takes it.",
)


def read_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """``K=V`` words as settings.

    Raises:
        UsageError: for a word without ``=``, or a setting given twice.
    """
    settings: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise UsageError(f"--set {pair} is no setting: write --set NAME=VALUE, such as --set lr.g=1e-4")
        if name in settings:
            raise UsageError(f"--set {name} is given twice: keep one of {settings[name]} and {value}")
        settings[name] = value
    return settings


def set_threads(threads: int | None) -> None:
    """Let torch use so many threads; None leaves it the choice.

    Raises:
        UsageError: for fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"--threads {threads} does not work: it is a whole number from 1 up")
    import torch

    torch.set_num_threads(threads)
