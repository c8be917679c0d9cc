"""Going on with a run: what ``training/run.json`` says, and what may not have changed since."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import ImageData
from ganzoo.data.dataset import kind_like
from ganzoo.data.holdout import HoldOut
from ganzoo.distributed.batch import world
from ganzoo.errors import ModelError, RunError, UsageError, command, either
from ganzoo.files.parse import fields_of
from ganzoo.files.untrusted import field, printable, quoted, read_json
from ganzoo.folder.config import shape_of
from ganzoo.folder.layout import CONFIG, RUN, TRAINING
from ganzoo.folder.model import ModelFolder
from ganzoo.gan.gan import GAN
from ganzoo.machine.precision import Precision
from ganzoo.parts.freeze import open_frozen
from ganzoo.plan.networks import entry_of
from ganzoo.plan.plan import Plan
from ganzoo.plan.precedence import players_of
from ganzoo.plan.resolver import make_plan
from ganzoo.plan.settings import PER_PLAYER, read, write
from ganzoo.training.clocks import SPENT, UNSPENT
from ganzoo.training.config import TrainConfig
from ganzoo.training.intervals import Intervals
from ganzoo.training.optim import schedules
from ganzoo.training.setup import free_folder

RUN_FORMAT = 2  # 1: of version 0.1.0, which drew its random numbers from other seeds

# --- run.json -----------------------------------------------------------------------------------------------


def run_json_of(
    *,
    data: str | None,
    skip_bad: bool,
    intervals: Intervals,
    horizon: int,
    precision: Precision,
    deterministic: bool,
    spent: Mapping[str, Any] = UNSPENT,
    forked_from: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of ``training/run.json``: what is of this machine, and what may change.

    Args:
        data: where the data is; None if it was in memory.
        skip_bad: leave out pictures that cannot be read.
        intervals: when to look, save, score and stop.
        horizon: steps that learning-rate schedulers spread over.
        precision: device and arithmetic.
        deterministic: whether only deterministic operations are used.
        spent: seconds of training so far, by each clock.
        forked_from: path and step of the run that this one left.
    """
    return {
        "format": RUN_FORMAT,
        "data": data,
        "skip_bad": skip_bad,
        "horizon": horizon,
        "pacing": {**asdict(intervals), "log": list(intervals.log)},
        **{key: spent.get(key) for key in SPENT.values()},
        **machine(precision, deterministic),
        "host": socket.gethostname(),
        "python": sys.version.split()[0],
        **({} if forked_from is None else {"forked_from": dict(forked_from)}),
    }


def read_run(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Intervals]:
    """``config.json``, ``run.json`` and the intervals of a run.

    Raises:
        RunError: a file is missing, torn or foreign.
    """
    path = folder / TRAINING / RUN
    try:
        config, notes = ModelFolder(folder).config, read_json(path)
        if not 0 < field(notes, "horizon", int, path) <= sys.maxsize:
            raise ModelError(f"{path}: horizon is {quoted(notes['horizon'])}, out of range")
        field(notes, "data", (str, type(None)), path)
        for key in SPENT.values():
            if (field({key: None, **notes}, key, (int, float, type(None)), path) or 0.0) < 0:
                raise ModelError(f"{path}: {key} is {quoted(notes[key])}, less than nothing")
        return config, notes, Intervals(**fields_of(Intervals, field(notes, "pacing", dict, path)))
    except (ModelError, UsageError) as error:
        raise RunError(f"{folder} cannot be resumed: {printable(error, 2_000)}") from error
    except ValueError as error:
        raise RunError(f"{folder} cannot be resumed: in {path}, {printable(error)}") from error


def refuse_other_frozen(folder: Path, config: Mapping[str, Any], gan: GAN) -> None:
    """Refuse to go on with frozen networks whose weights are not those that the run began with.

    Raises:
        RunError: naming the network and both digests.
    """
    before = field({"frozen": {}, **config}, "frozen", dict, folder / CONFIG)
    for name, digest in open_frozen(gan).items():
        if before.get(name) != digest:
            raise RunError(
                f"{folder} was trained with weights of {quoted(name)} whose sha256 is {quoted(before.get(name))}; those"
                f" here have {digest}: put the same file in their place, or start a new run"
            )


def refuse_other_seeds(folder: Path, run_json: Mapping[str, Any]) -> None:
    """Refuse to go on with a run whose random numbers were drawn in another way: it would be another run.

    Raises:
        RunError: it was begun by version 0.1.0.
    """
    if field({"format": 1, **run_json}, "format", int, folder / TRAINING / RUN) < RUN_FORMAT:
        raise RunError(
            f"{folder} was begun by ganzoo 0.1, which drew its random numbers from other seeds: go on with it in a new"
            f" folder by {command('train', '--resume', folder, '--fork', 'NEWDIR')}"
        )


def processor(device: torch.device) -> str:
    """What computes: the GPU's name, or the CPU's with the instructions that torch uses of it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        return name
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def machine(where: Precision, deterministic: bool) -> dict[str, Any]:
    """What the last bits of a number depend on."""
    return {
        "device": str(where.device),
        "processor": processor(where.device),
        "precision": where.name,
        "threads": torch.get_num_threads(),
        "processes": world().size,
        "torch": torch.__version__,
        "deterministic": deterministic,
    }


def machine_notes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs from where the run was before, and may change the last bits of a number."""
    other = [f"{name} {now[name]} (was {before[name]})" for name in now if before.get(name, now[name]) != now[name]]
    return [f"resumed with {', '.join(other)}: the last bits of numbers may differ"] if other else []


# --- what is refused ----------------------------------------------------------------------------------------


def fork_hint(folder: Path, *more: object) -> str:
    """The command that goes on from a run with other hyperparameters, which ``more`` gives."""
    return command("train", "--resume", folder, "--fork", free_folder(folder), *more)


def refuse_other_hyperparameters(folder: Path, config_json: Mapping[str, Any], plan: Plan, config: TrainConfig) -> None:
    """Refuse to resume with another recipe, setting, seed or size than the run has.

    Args:
        folder: of the run.
        config_json: its ``config.json``.
        plan: its plan.
        config: what is given now.

    Raises:
        RunError: naming everything that differs.
    """
    wrong: list[str] = []
    sizes = {**shape_of(config_json), "seed": config_json["seed"]}
    if config.recipe is not None:
        given, own = (make_plan(text, plan.provides).recipe for text in (config.recipe, plan.recipe))
        wrong += [f"the recipe {own} (given: {given})"] if given != own else []
    for name, value in config.hyperparameters.items():
        if name in sizes:
            was, now = sizes[name], value
        else:
            now = write(read(name, value))
            was = next((said for said in _values(plan, name) if said != now), now)
        if was != now:
            wrong.append(f"{name}={was} (given: {now})")
    if wrong:
        raise RunError(
            f"{folder} was trained with {either(wrong, 'and')}; resume without that, or go on with it in a new folder: "
            f"{fork_hint(folder)} with the same options"
        )


def _values(plan: Plan, name: str) -> list[str]:
    """What a setting is in a plan; a plain name of what players have by themselves, for each of them."""
    players = [f"{name}.{player}" for player in players_of(entry_of(plan.head))] if name in PER_PLAYER else []
    return [write(plan[each]) for each in players or [name]]


def learned_from(folder: Path, config: Mapping[str, Any]) -> object:
    """The fingerprint in ``config.json`` of all the images that a run was given, those that it holds out included."""
    held = HoldOut.read(config, folder / CONFIG)
    return held.of if held else config["dataset"].get("fingerprint")


def shape_of_data(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """How the data of a run is asked for again: its size, and the kind of fingerprint that it is compared by."""
    return {**shape_of(config), "fingerprint_kind": kind_like(learned_from(folder, config))}


def refuse_other_data(folder: Path, config: Mapping[str, Any], data: ImageData) -> None:
    """Refuse to resume on other images than the run was given, those that it holds out among them."""
    if not data.is_known_as(learned_from(folder, config)):
        raise RunError(
            f"{folder} was trained on {config['dataset'].get('name')}, and these {data.count} images are others "
            f"({data.name}); give the same data, or go on with these in a new folder: "
            f"{fork_hint(folder, '--data', 'D')}"
        )


def refuse_other_horizon(plan: Plan, horizon: int, given: int | None, folder: Path) -> None:
    """A schedule without a length is spread over a horizon; with another one its numbers are not those of the run."""
    if not schedules(plan):
        return
    named = either(schedules(plan), "and")
    if given is not None and given != horizon:
        raise RunError(
            f"the schedule of {named} in {folder} spreads over {horizon:,} steps, not {given:,}; leave out --horizon, "
            f"or go on with it in a new folder: {fork_hint(folder, '--horizon', given)}"
        )
