"""Whether all processes of a run were asked for the same: it would otherwise be the first one's run, without a word."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ganzoo.data import ImageData
from ganzoo.distributed.group import gather_objects
from ganzoo.errors import RunError, UsageError, command
from ganzoo.machine.precision import Precision, choose_device
from ganzoo.plan.settings import read, write
from ganzoo.registry.about import VERSION, install_exactly
from ganzoo.training.config import TrainConfig

# What a machine may have of its own: where things are there, what only the first process uses, and the data, whose
# content is compared when it is read.
OWN = ("data", "out", "device", "workers", "callback", "log", "quiet", "eval_data")
SETTING = "--set "


def words_of(config: TrainConfig) -> dict[str, str]:
    """What a run was asked for as words of a command line: the value by its option; the recipe has no option."""
    given = {each.name: getattr(config, each.name) for each in fields(TrainConfig) if each.name not in OWN}
    settings, recipe = given.pop("settings") or {}, given.pop("recipe")
    words = {f"--{name.replace('_', '-')}": _text(value) for name, value in given.items() if value not in (None, False)}
    words |= {f"{SETTING}{name}": _setting(name, value) for name, value in settings.items()}
    return words if recipe is None else {"": str(recipe), **words}


def _text(value: Any) -> str:
    """A value as it is typed; nothing for an option that takes none."""
    if isinstance(value, (list, tuple)):
        return ("," if isinstance(value, list) else "x").join(map(str, value))  # metrics; height and width
    return "" if value is True else str(value)


def _setting(name: str, value: object) -> str:
    """A setting's value in one spelling, whoever wrote it; as it was given where it cannot be read."""
    try:
        return write(read(name, value))
    except UsageError:
        return str(value)


def refuse_unlike(config: TrainConfig) -> None:
    """Compare what every process was asked for, before anything is read or made.

    Raises:
        UsageError: in every process, naming the first one that differs and what to type there.
    """
    device = choose_device(config.device).type
    mine = {
        "host": socket.gethostname(),
        "version": VERSION,
        "device": device,
        "data": str(config.data) if isinstance(config.data, (str, Path)) else None,
        "words": words_of(config),
    }
    first, *others = gather_objects(mine)
    for rank, other in enumerate(others, 1):
        if other["version"] != first["version"]:
            raise UsageError(
                f"process {rank} ({other['host']}) has ganzoo {other['version']}, and the first ({first['host']}) "
                f"{first['version']}: install the same there, {install_exactly(first['version'])}"
            )
        if other["device"] != first["device"]:
            raise UsageError(
                f"process {rank} ({other['host']}) computes on {other['device']}, and the first ({first['host']}) on "
                f"{first['device']}: give all of them --device {first['device']}, or --device cpu"
            )
        if other["words"] != first["words"]:
            raise UsageError(_unlike(rank, other, first))


def _unlike(rank: int, other: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    has, wanted = other["words"], first["words"]
    names = [name for name in {**wanted, **has} if has.get(name) != wanted.get(name)]
    own, right = (shlex.join(_typed({name: words[name] for name in names if name in words})) for words in (has, wanted))
    typed = command("train", *_typed(wanted if other["data"] is None else {**wanted, "--data": other["data"]}))
    return (
        f"process {rank} ({other['host']}) was started with {own or 'nothing of that kind'}, and the first "
        f"({first['host']}) with {right or 'nothing of that kind'}: all take the same words; type there: {typed}"
    )


def _typed(words: Mapping[str, str]) -> list[str]:
    """Options as they are typed."""
    typed = []
    for name, value in words.items():
        if name.startswith(SETTING):
            typed += ["--set", f"{name.removeprefix(SETTING)}={value}"]
        else:
            typed += [word for word in (name, value) if word]
    return typed


def refuse_other_precision(run_json: Mapping[str, Any], precision: Precision) -> None:
    """Refuse to compute in other arithmetic than the first process does.

    Raises:
        RunError: naming both, and the setting that makes them one.
    """
    if precision.name != run_json["precision"]:
        raise RunError(
            f"{socket.gethostname()} would compute in {precision.name}, and {run_json['host']} in "
            f"{run_json['precision']}: give all processes --set precision=fp32"
        )


def other_data(run_json: Mapping[str, Any], config_json: Mapping[str, Any], data: ImageData) -> RunError:
    """The error of a process whose images are not those of the first one."""
    dataset = config_json["dataset"]
    return RunError(
        f"the data of {socket.gethostname()} ({data.name}, {data.count:,} images) is not that of {run_json['host']} "
        f"({dataset.get('name')}, {int(dataset.get('count', 0)):,} images): copy that data here, or say by --data "
        "where the same images are on this machine"
    )
