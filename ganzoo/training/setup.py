"""Before the first step: which folder a run goes to, what it is made of, and what of that is refused."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.data.open import as_path, is_path
from ganzoo.distributed.batch import World
from ganzoo.errors import ModelError, ResolutionError, RunError, UsageError, command, either
from ganzoo.files.names import path_text
from ganzoo.files.paths import to_path
from ganzoo.files.write import TORN, check_writable
from ganzoo.folder.layout import CONFIG, LOCK, LOG, MODEL, RUN, SAMPLES, TRAINING, checkpoints
from ganzoo.folder.model import ModelFolder
from ganzoo.gan.builder import assemble
from ganzoo.gan.gan import GAN
from ganzoo.machine.precision import Precision
from ganzoo.plan.plan import SIDES, Plan
from ganzoo.plan.resolver import make_plan, wants
from ganzoo.plan.settings import FREEZE
from ganzoo.registry.labels import LABEL_KEYS, LABEL_KINDS
from ganzoo.registry.sizes import closest, pixels_text, read_size
from ganzoo.training.config import TrainConfig
from ganzoo.training.intervals import Intervals
from ganzoo.training.lonely import refuse_lonely_classes
from ganzoo.training.loop import reseed
from ganzoo.training.optim import repeat_of
from ganzoo.training.single import refuse_single_image

RUNS = Path("runs")
STEPS = 20_000  # where neither a person nor the data set says
STARTED = (LOCK, TRAINING, LOG, SAMPLES, MODEL)  # what is there before config.json says that a run has begun


@dataclass(frozen=True)
class Setup:
    """What is trained on what, and how: everything that the length of a training depends on.

    Attributes:
        plan: resolved for the data.
        data: what it learns from.
        seed: of everything drawn.
        precision: device and arithmetic.
        intervals: when to look, save, score and stop.
        held_out: images that it is scored against, if it is.
    """

    plan: Plan
    data: ImageData
    seed: int
    precision: Precision
    intervals: Intervals
    held_out: ImageData | None = None

    def part_of(self, world: World) -> Setup:
        """With as many images in a batch as each of the processes has."""
        batch = self.plan.settings["batch"]
        mine = replace(batch, value=world.part(int(self.plan["batch"])))
        return replace(self, plan=replace(self.plan, settings={**self.plan.settings, "batch": mine}))


def intervals_of(config: TrainConfig, former: Intervals) -> Intervals:
    """The intervals of a training: what was given, and for the rest those that it had before, or has by default.

    ``steps`` and ``budget`` stay: :mod:`ganzoo.training.length` finds them, as they depend on the plan.

    Raises:
        UsageError: for numbers that do not work, and for what says how to score a run that is not scored.
    """
    given = {each.name: getattr(config, each.name) for each in fields(Intervals)}
    given |= {"steps": None, "budget": None, "eval_data": data_text(config.eval_data)}
    return former.changed(given)


def data_request(config: TrainConfig, **of_run: Any) -> DataRequest:
    """How the data is wanted; ``of_run`` is what a run says of it already."""
    wanted = {
        **config.shape,
        "workers": config.workers,
        "skip_bad": config.skip_bad or None,
    }
    return DataRequest(**{name: value for name, value in {**wanted, **of_run}.items() if value is not None})


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
            f"{folder} holds a run: go on with it ({command('train', '--resume', folder)}), or start"
            f" another ({shlex.join(['--out', str(free)])})"
        )
    check_writable(folder)
    if folder.is_dir() and not is_free(folder):
        raise RunError(f"{folder} is not empty and holds no run; choose another folder with --out")


def is_free(folder: Path) -> bool:
    """Whether a folder without a run has nothing in it but what a start left that was killed before its end."""
    return all(path.name in STARTED or path.name.startswith(TORN) for path in folder.iterdir())


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
        other = holds_run(folder) and ModelFolder(folder).config["recipe"] != plan.recipe
    except ModelError:
        other = True
    return free_folder(folder.with_name(f"{folder.name}-{plan.hash[:6]}") if other else folder)


def check_run(folder: Path, config: TrainConfig) -> None:
    """Refuse a folder that is no run to go on with.

    Args:
        folder: which one.
        config: what was asked for; a recipe and data in it are part of the command that begins the run instead.

    Raises:
        RunError: saying what it lacks, and what can be typed.
    """
    recipe = config.recipe or "RECIPE"
    data = data_text(config.data) or "DATA"
    begin = command("train", recipe, "--data", data, "--out", folder)
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder} to resume; a new run goes there by: {begin}")
    if not holds_run(folder):
        if is_free(folder):
            raise RunError(
                f"{folder} has nothing to go on with: no step of a run is saved there, as after a start that was ended "
                f"before its first checkpoint; begin it anew, in the same folder: {begin}"
            )
        raise RunError(f"{folder} is not a run: it has no {CONFIG}; give a folder that ganzoo train made")
    if not (folder / TRAINING / RUN).exists():
        raise RunError(
            f"{folder} is a model without its {TRAINING}/ folder: it cannot be resumed, but a new run can start from "
            f"it ({shlex.join(['--init', str(folder)])})"
        )
    check_writable(folder)


# --- data and plan ------------------------------------------------------------------------------------------


def data_text(data: object) -> str | None:
    """How the data can be found again; None for data in memory."""
    if isinstance(data, Path):
        return path_text(to_path(data).resolve())
    if not isinstance(data, str):
        return None
    if is_path(data):
        return path_text(as_path(data).resolve())
    name, colon, inner = data.rpartition(":")  # such as pairs:gray:./photos
    if not colon or not inner or not is_path(inner):
        return data
    path = to_path(inner)
    return f"{name}:{path_text(path.resolve())}" if path.exists() else data


def plan_and_data(
    recipe: str,
    data: Any,
    request: DataRequest,
    settings: Mapping[str, object],
    notes: list[str],
    *,
    init: bool = True,
) -> tuple[Plan, ImageData]:
    """Resolve the recipe and open the data, at a size that the architecture can have.

    What is wrong with the recipe itself is said before any data is looked for.

    Args:
        recipe, settings: as a person gives them.
        data, request: what is opened, and how it is wanted.
        notes: what a person should know is added to them.
        init: whether there are first weights, of which some may stay as they are.
    """
    draft = make_plan(recipe, {"image", *LABEL_KEYS, *wants(recipe)}, settings)
    if draft[FREEZE] and not init:
        raise UsageError(
            f"{FREEZE}={draft[FREEZE]} keeps first blocks of D as another model has them: add --init MODEL, or leave"
            f" out {FREEZE}"
        )
    if request.resolution is not None:
        assemble(draft, read_size(request.resolution), request.channels or 3, 2, device="meta")
    opened = open_data(data, request)
    plan = make_plan(recipe, opened.provides, settings, opened.train)
    try:
        assemble(plan, opened.size, opened.channels, len(opened.class_names), device="meta")
    except ResolutionError as error:
        if request.resolution is not None or not error.nearest:
            raise
        size = closest(error.nearest, opened.size)
        has, shown = pixels_text(opened.size), pixels_text(size)
        what = either(plan.architectures, "and")
        notes.append(f"{opened.name} is {has}, which {what} cannot be: shown at {shown}")
        opened = open_data(data, replace(request, resolution=size))
    refuse_single_image(plan, opened)
    notes += refuse_lonely_classes(plan, opened)
    return plan, opened


def fresh_gan(plan: Plan, data: ImageData, seed: int) -> GAN:
    """Networks with first weights that depend on the plan, the data's sizes and the seed only."""
    reseed("weights", seed)
    gan = assemble(plan, data.size, data.channels, len(data.class_names))
    gan.bits = data.bits
    if gan.classes:
        gan.class_names = data.class_names
        if data.labels is not None and data.label_kind == LABEL_KINDS[0]:
            gan.class_counts = tuple(data.labels.bincount(minlength=gan.classes).tolist())
    return gan


def images_per_step(plan: Plan) -> int:
    """Real images that one step uses."""
    return int(plan["batch"]) * max(repeat_of(plan, side) for side in SIDES)
