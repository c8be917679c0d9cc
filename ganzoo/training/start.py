"""Before the first step: what was asked for, which folder it goes to, and whether it agrees with what is there."""

from __future__ import annotations

import math
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.builder import assemble
from ganzoo.checkpoint import CONFIG, FORMAT, MODEL, read_config
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.data.open import as_path, is_path
from ganzoo.errors import ModelError, ResolutionError, RunError, UsageError, either
from ganzoo.files import LOCK, TORN, check_writable
from ganzoo.folder import field, read_json
from ganzoo.plan import Plan
from ganzoo.resolver import make_plan
from ganzoo.settings import read, write
from ganzoo.training.log import LOG
from ganzoo.training.output import SAMPLES
from ganzoo.training.precision import Precision
from ganzoo.training.state import TRAINING, checkpoints

RUN = "run.json"
RUNS = Path("runs")
STEPS = 20_000  # where neither a person nor the data set says
STARTED = (LOCK, TRAINING, LOG, SAMPLES, MODEL)  # what is there before config.json says that a run has begun
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")


@dataclass(frozen=True)
class Pacing:
    """When a run looks, saves and stops: the things that may change on resume.

    Attributes:
        steps: to stop at.
        save_every, grid_every, log_every: steps between checkpoints, grids and log lines.
        keep: snapshots of the weights to keep.
        log: further places for the log.
    """

    steps: int
    save_every: int = 250
    grid_every: int = 100
    log_every: int = 10
    keep: int = 0
    log: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "grid_every", "log_every"):
            if getattr(self, name) < 1:
                shown = name.replace("_", "-")
                raise UsageError(f"--{shown} {getattr(self, name)} does not work: it is a whole number from 1 up")
        if self.keep < 0:
            raise UsageError(f"--keep {self.keep} does not work: it is the number of snapshots to keep, from 0 up")

    def changed(self, given: Mapping[str, Any]) -> Pacing:
        """With what was given; None means as it was."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


# --- folders ------------------------------------------------------------------------------------------------


def holds_run(folder: Path) -> bool:
    """Whether a folder has a run or a model in it. A start that was killed before its end counts as none."""
    return (folder / CONFIG).exists() or max(checkpoints(folder), default=0) > 0


def check_new(folder: Path) -> None:
    """Refuse a folder that a new run cannot have.

    Raises:
        RunError: it holds a run, or other things, or cannot be written to.
    """
    if holds_run(folder):
        free = free_folder(folder)
        raise RunError(
            f"{folder} holds a run: go on with it (ganzoo train --resume {folder}), or start another (--out {free})"
        )
    check_writable(folder)
    if folder.is_dir() and any(
        path.name not in STARTED and not path.name.startswith(TORN) for path in folder.iterdir()
    ):
        raise RunError(f"{folder} is not empty and holds no run; choose another folder with --out")


def free_folder(folder: Path) -> Path:
    """``folder``, or ``folder-2``, ``folder-3``, ... whichever is not there yet."""
    number, path = 1, folder
    while path.exists() or path.is_symlink():
        number += 1
        path = folder.with_name(f"{folder.name}-{number}")
    return path


def default_folder(plan: Plan) -> Path:
    """Where a run goes that was given no folder: ``runs/<slug>``, numbered where the recipe has been run before.

    Different recipes can have one slug; the later one gets six digits of its plan's hash.
    """
    folder = RUNS / plan.slug
    try:
        other = holds_run(folder) and read_config(folder)["recipe"] != plan.recipe
    except ModelError:
        other = True
    return free_folder(folder.with_name(f"{folder.name}-{plan.hash[:6]}") if other else folder)


def check_run(folder: Path) -> None:
    """Refuse a folder that is no run to go on with.

    Raises:
        RunError: saying what it lacks.
    """
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder} to resume")
    if not holds_run(folder):
        raise RunError(f"{folder} is not a run: it has no {CONFIG}; give a folder that ganzoo train made")
    if not (folder / TRAINING / RUN).exists():
        raise RunError(
            f"{folder} is a model without its {TRAINING}/ folder: it cannot be resumed, but a new run can start from "
            f"it (--init {folder})"
        )
    check_writable(folder)


# --- data and plan ------------------------------------------------------------------------------------------


def check_license(license: str | None) -> None:
    """Refuse what cannot be the id of a licence, such as ``cc-by-4.0``."""
    if license is not None and not LICENSE.fullmatch(license):
        raise UsageError(f"--license {license} is no licence id: give one such as apache-2.0, mit or cc-by-4.0")


def data_text(data: object) -> str | None:
    """How the data can be found again; None for data in memory."""
    if isinstance(data, Path):
        return str(data.expanduser().resolve())
    if isinstance(data, str):
        return str(as_path(data).resolve()) if is_path(data) else data
    return None


def plan_and_data(
    recipe: str, data: Any, request: DataRequest, settings: Mapping[str, object], notes: list[str]
) -> tuple[Plan, ImageData]:
    """Resolve the recipe and open the data, at a size that the architecture can have.

    What is wrong with the recipe itself is said before any data is looked for.
    """
    draft = make_plan(recipe, ("image", "label"), settings)
    if request.resolution is not None:
        assemble(draft, request.resolution, request.channels or 3, 2, device="meta")
    opened = open_data(data, request)
    plan = make_plan(recipe, opened.provides, settings, opened.train)
    try:
        assemble(plan, opened.resolution, opened.channels, len(opened.class_names), device="meta")
    except ResolutionError as error:
        if request.resolution is not None or not error.nearest:
            raise
        size = min(error.nearest, key=lambda near: abs(math.log(near / opened.resolution)))
        notes.append(f"{opened.name} is {opened.resolution} px, which {plan.head.name} cannot be: shown at {size} px")
        opened = open_data(data, replace(request, resolution=size))
    return plan, opened


def steps_for(steps: int | None, images: int | None, per_step: int, otherwise: int) -> int:
    """Steps to take, from whichever was given."""
    if steps is not None and images is not None:
        raise UsageError("--steps and --images both say when to stop: give one of them")
    if images is not None and images < 1:
        raise UsageError(f"--images {images} does not work: it is a whole number from 1 up")
    return -(-images // per_step) if images is not None else steps if steps is not None else otherwise


# --- run.json -----------------------------------------------------------------------------------------------


def run_notes(data: str | None, skip_bad: bool, pacing: Pacing, horizon: int, where: Precision) -> dict[str, Any]:
    """The content of ``training/run.json``: what is of this machine, and what may change."""
    return {
        "format": FORMAT,
        "data": data,
        "skip_bad": skip_bad,
        "horizon": horizon,
        "pacing": {**asdict(pacing), "log": list(pacing.log)},
        **machine(where),
        "host": socket.gethostname(),
        "python": sys.version.split()[0],
    }


def read_run(folder: Path) -> tuple[dict[str, Any], dict[str, Any], Pacing]:
    """``config.json``, ``run.json`` and the pacing of a run.

    Raises:
        RunError: a file is missing, torn or foreign.
    """
    path = folder / TRAINING / RUN
    try:
        config, notes = read_config(folder), read_json(path)
        field(notes, "horizon", int, path)
        field(notes, "data", (str, type(None)), path)
        pacing = dict(field(notes, "pacing", dict, path))
        return config, notes, Pacing(**{**pacing, "log": tuple(pacing["log"])})
    except (ModelError, TypeError, KeyError) as error:
        raise RunError(f"{folder} cannot be resumed: {error}") from error


def machine(where: Precision) -> dict[str, Any]:
    """What the last bits of a number depend on."""
    here = {"device": str(where.device), "precision": where.name}
    return {**here, "threads": torch.get_num_threads(), "torch": torch.__version__}


def machine_notes(notes: Mapping[str, Any], where: Precision) -> list[str]:
    """What differs from where the run was before, and may change the last bits of a number."""
    here = machine(where)
    other = [f"{name} {here[name]} (was {notes.get(name)})" for name in here if notes.get(name) != here[name]]
    return [f"resumed with {', '.join(other)}: the last bits of numbers may differ"] if other else []


def refuse_other_maths(
    folder: Path, config: Mapping[str, Any], plan: Plan, recipe: str | None, given: Mapping[str, Any]
) -> None:
    """Refuse to resume with another recipe, setting, seed or size than the run has.

    Args:
        folder: of the run.
        config: its ``config.json``.
        plan: its plan.
        recipe: given now, or None.
        given: settings by name, and ``seed`` and ``resolution``, given now.

    Raises:
        RunError: naming everything that differs.
    """
    wrong = []
    if recipe is not None and make_plan(recipe, plan.provides).recipe != plan.recipe:
        wrong.append(f"the recipe {plan.recipe} (given: {make_plan(recipe, plan.provides).recipe})")
    for name, value in given.items():
        if name in ("seed", "resolution"):
            was, now = config[name], value
        else:
            was, now = write(plan[name]) if name in plan.settings else None, write(read(name, value))
        if was != now:
            wrong.append(f"{name}={was} (given: {now})")
    if wrong:
        raise RunError(
            f"{folder} was trained with {either(wrong, 'and')}; resume without that, or start a new run from it "
            f"(--init {folder} --out {free_folder(folder)})"
        )


def refuse_other_data(folder: Path, config: Mapping[str, Any], data: ImageData) -> None:
    """Refuse to resume on other images than the run has seen."""
    if data.fingerprint != config["dataset"].get("fingerprint"):
        raise RunError(
            f"{folder} was trained on {config['dataset'].get('name')}, and these {data.count} images are others "
            f"({data.name}); give the same data, or start a new run from it (--init {folder})"
        )


def refuse_past_horizon(plan: Plan, horizon: int, steps: int, folder: Path) -> None:
    """A schedule is spread over a horizon; going past it would be other mathematics than a longer run's."""
    rates = {name: setting.value for name, setting in plan.settings.items() if name.startswith("lr.")}
    schedules = [name for name, value in rates.items() if isinstance(value, str)]
    if schedules and steps > horizon:
        raise RunError(
            f"the schedule of {either(schedules, 'and')} ends at step {horizon:,}: {folder} cannot go on past it; "
            f"start a new run from it (--init {folder})"
        )
