"""``--fork``: a new run that goes on from where another one stands, with other hyperparameters."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ganzoo.errors import ModelError, RunError
from ganzoo.files.untrusted import quoted
from ganzoo.files.write import atomic_folder, check_writable, write_json
from ganzoo.folder.layout import CONFIG, FRAMES, LOG, RUN, TRAINING
from ganzoo.gan.gan import GAN
from ganzoo.plan.plan import GIVEN, Plan, Setting
from ganzoo.plan.resolver import make_plan
from ganzoo.plan.settings import read
from ganzoo.training.checkpoint import State, save_training
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import lr_of
from ganzoo.training.setup import free_folder

PART = "part_"  # how the names of a GAN's children begin that are parts, not networks
Units = dict[tuple[str, str], dict[str, Tensor]]


def check_free(folder: Path) -> None:
    """Refuse a folder that a fork cannot have.

    Raises:
        RunError: there is something in it, or it cannot be made.
    """
    empty = folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
    if (folder.exists() or folder.is_symlink()) and not empty:
        raise RunError(
            f"--fork {folder} is there already: choose another folder, such as {shlex.quote(str(free_folder(folder)))}"
        )
    check_writable(folder)


def changed_plan(
    before: Plan,
    recipe: str | None,
    settings: Mapping[str, object],
    provides: frozenset[str],
    suggested: Mapping[str, object] | None = None,
) -> Plan:
    """The plan of a run with what is given now in place of what it had; what a person had set stays set.

    Args:
        before: the plan of the run.
        recipe: another one, or None for its own.
        settings: as ``--set`` gives them.
        provides, suggested: by the data that the fork learns from.

    Raises:
        UsageError: for a recipe that does not resolve, or a setting that there is not.
    """
    if recipe is None and before.provides <= provides:
        given = {name: Setting(read(name, value), GIVEN) for name, value in settings.items()}
        return replace(before, settings={**before.settings, **given})
    kept = {name: setting.value for name, setting in before.settings.items() if setting.reason == GIVEN}
    return make_plan(recipe or before.recipe, provides, {**kept, **settings}, suggested)


def _units(tensors: Mapping[str, Tensor]) -> Units:
    """Tensors of networks, parts and averages by group and child: ``("gan", "G")``, ``("ema", "G")``, ..."""
    units: Units = {}
    for name, tensor in tensors.items():
        group, _, path = name.partition("/")
        if group in ("gan", "ema"):
            units.setdefault((group, path.partition(".")[0]), {})[name] = tensor
    return units


def _differences(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> list[str]:
    """What tells two sets of tensors apart, a sentence for each tensor."""
    found = []
    for name in sorted(here.keys() | there.keys()):
        shapes = [list(tensors[name].shape) if name in tensors else None for tensors in (there, here)]
        if shapes[0] != shapes[1]:
            was, now = ("missing" if shape is None else str(shape) for shape in shapes)
            found.append(f"{quoted(name.partition('/')[2])} is {was} there and {now} here")
    return found


def refuse_other_networks(gan: GAN, state: State, source: Path) -> None:
    """Refuse to fork into networks whose tensors are not those of the run.

    Args:
        gan: that is to go on, on any device.
        state: of the run.
        source: its folder, for messages.

    Raises:
        ModelError: naming what differs.
    """
    here, there = _units({f"gan/{key}": tensor for key, tensor in gan.state_dict().items()}), _units(state.tensors)
    networks = sorted(unit for unit in here.keys() | there.keys() if unit[0] == "gan" and not unit[1].startswith(PART))
    wrong = [text for unit in networks for text in _differences(here.get(unit, {}), there.get(unit, {}))]
    if wrong:
        more = f", and {len(wrong) - 1} more tensors differ" if len(wrong) > 1 else ""
        raise ModelError(
            f"{source} cannot become {gan.plan.recipe}: {wrong[0]}{more}; a fork keeps the networks, so start a new "
            "run for others"
        )


def carry_over(trainer: Trainer, state: State, before: Plan, source: Path) -> list[str]:
    """Let a fresh trainer stand where a run of another plan stood.

    Networks must be the same; parts and optimisers go on where they are the same, and start afresh where not.

    Args:
        trainer: without a step so far.
        state: of the run.
        before: the run's plan.
        source: its folder, for messages.

    Returns:
        What a person should know.

    Raises:
        ModelError: for networks that are not the run's, naming what differs.
    """
    refuse_other_networks(trainer.gan, state, source)
    plan, tensors = trainer.gan.plan, trainer.tensors()
    there, fresh = _units(state.tensors), []
    if before.slot("loss").name != plan.slot("loss").name:
        there.pop(("gan", f"{PART}loss"), None)
    for (group, child), own in _units(tensors).items():
        if _differences(own, there.get((group, child), {})):
            fresh.append(child)
        else:
            tensors |= there[group, child]
    notes = [f"{child.removeprefix(PART)} starts afresh" for child in dict.fromkeys(fresh)]
    others: list[str] = []
    for player in trainer.optimizers:
        old, new = before[f"optimizer.{player}"], plan[f"optimizer.{player}"]
        if old != new:
            others.append(player)
            notes.append(f"the optimizer of {player} starts afresh: {new} in place of {old}")
    tensors |= _remembered(trainer, state, fresh, others)
    kept = ("sum/", "updates/", *(("rate/",) if _same_rates(before, trainer) else ()))
    tensors |= {name: tensor for name, tensor in state.tensors.items() if name.startswith(kept)}
    trainer.restore(state.step, tensors, state.info["counts"])
    return notes


def _same_rates(before: Plan, trainer: Trainer) -> bool:
    """Whether learning rates are those of the run; else a factor that a guard put on them goes."""
    return all(lr_of(before, player) == lr_of(trainer.gan.plan, player) for player in trainer.optimizers)


def _remembered(trainer: Trainer, state: State, fresh: list[str], others: Collection[str]) -> dict[str, Tensor]:
    """What optimisers know of the parameters that go on, those of ``others`` among the players excepted."""
    starts = tuple(
        f"optimizer/{player}/{path}/"
        for player, own in trainer.parameters.items()
        for path in own
        if path.partition(".")[0] not in fresh and player not in others
    )
    return {name: tensor for name, tensor in state.tensors.items() if name.startswith(starts)}


def write_fork(job: Job, state: State, source: Path) -> None:
    """Make the folder of a fork in one piece: the state, and the log and frames of the run up to it.

    Raises:
        RunError: the disk is full or the folder cannot be written to; then there is none.
    """
    with atomic_folder(job.folder) as new:
        frames = new / TRAINING / FRAMES
        frames.mkdir(parents=True)
        for frame in sorted((source / TRAINING / FRAMES).glob("[0-9]*.png")):
            if int(frame.stem) <= state.step:
                shutil.copyfile(frame, frames / frame.name)
        if (source / LOG).exists():
            shutil.copyfile(source / LOG, new / LOG)
        Log(new).cut(state.step)
        write_json(new / TRAINING / RUN, job.run_json)
        write_json(new / CONFIG, {**job.config_json, "step": state.step})
        save_training(new, state)
