"""``ganzoo.train``: a run from its first check to its last file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ganzoo.builder import assemble
from ganzoo.checkpoint import build_from, describe
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import RunError, UsageError
from ganzoo.files import check_writable, lock, make_folder
from ganzoo.folder import field as checked
from ganzoo.gan import GAN
from ganzoo.training import start
from ganzoo.training.init import copy_weights
from ganzoo.training.log import Log, checked_sinks, open_sinks, read_log
from ganzoo.training.loop import Trainer, preserved_randomness, reseed
from ganzoo.training.optim import repeat_of
from ganzoo.training.output import Output
from ganzoo.training.precision import Precision, choose_device, choose_precision, keep_memory
from ganzoo.training.progress import reporter
from ganzoo.training.session import Callback, Session
from ganzoo.training.state import drop_after, load_training


@dataclass
class Run:
    """A finished run.

    Attributes:
        folder: where everything is; ``ganzoo.load(run.folder)`` reads it.
        step: rounds taken.
        gan: as trained, the generator side averaged.
    """

    folder: Path
    step: int
    gan: GAN

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of ``log.jsonl``."""
        return read_log(self.folder)


@dataclass
class Request:
    """What :func:`train` was asked for; None where nothing was said."""

    recipe: str | None
    data: Any
    steps: int | None
    images: int | None
    seed: int | None
    resolution: int | None
    settings: dict[str, object]
    init: str | Path | None
    device: str | None
    license: str | None
    skip_bad: bool
    pacing: dict[str, Any]
    callback: Callback | None
    quiet: bool
    notes: list[str] = field(default_factory=list)


def train(
    recipe: str | None = None,
    data: Any = None,
    out: str | Path | None = None,
    steps: int | None = None,
    images: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    resolution: int | None = None,
    settings: Mapping[str, object] | None = None,
    init: str | Path | None = None,
    resume: bool | str | Path = False,
    callback: Callback | None = None,
    device: str | None = None,
    save_every: int | None = None,
    grid_every: int | None = None,
    log_every: int | None = None,
    keep: int | None = None,
    license: str | None = None,
    skip_bad: bool = False,
    log: Sequence[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Train a GAN by name and write a run folder. A resumed run takes the very steps of an unbroken one.

    Args:
        recipe: such as ``"sagan+sn+hinge"``; a resumed run knows its own.
        data: a name, a path, a uint8 tensor ``(N, C, H, W)`` or a torch data set; likewise.
        out: folder to make; ``runs/<recipe>`` by default.
        steps, images: when to stop: after so many rounds or real images; the data set's own length, else 20,000 steps.
        batch: images in a batch; a setting.
        seed: of everything drawn; 0 by default.
        resolution: of the images; the data set's own by default.
        settings: as ``--set`` takes them, such as ``{"lr.g": 1e-4}``.
        init: a folder to take the first weights from.
        resume: True to go on with the run in ``out`` if there is one, or the folder of a run to go on with.
        callback: called with every line of the log.
        device: such as ``"cuda"``; the GPU if there is one, by default.
        save_every, grid_every, log_every: steps between checkpoints (250), grids (100) and log lines (10).
        keep: snapshots of the weights to keep.
        license: id of the licence that the model is to carry.
        skip_bad: leave out pictures that cannot be read.
        log: of ``tensorboard``, ``trackio`` and ``wandb``.
        quiet: show nothing.

    Raises:
        UsageError: for what cannot be meant; nothing was touched.
        GanzooError: for data, folders and trainings that fail.
        Interrupted: after Ctrl-C or SIGTERM, once all is saved; says how to go on.
    """
    given = {**(settings or {}), **({} if batch is None else {"batch": batch})}
    pacing = {"save_every": save_every, "grid_every": grid_every, "log_every": log_every, "keep": keep}
    request = Request(
        recipe, data, steps, images, seed, resolution, given, init, device, license, skip_bad,
        {**pacing, "log": None if log is None else tuple(log)}, callback, quiet,
    )  # fmt: skip
    checked_sinks(log or ())
    start.check_license(license)
    with preserved_randomness():
        return _go(None if out is None else Path(out), resume, request)


def _go(out: Path | None, resume: bool | str | Path, request: Request) -> Run:
    folder = _run_to_resume(out, resume)
    return _begin(out, request) if folder is None else _resume(folder, request)


def _run_to_resume(out: Path | None, resume: bool | str | Path) -> Path | None:
    """The folder to go on with; None to begin a run."""
    if resume is False:
        return None
    if resume is not True:
        if out is not None and out != Path(resume):
            raise UsageError(
                f"--resume {resume} goes on in that folder: leave out --out {out}, or write a bare --resume last"
            )
        start.check_run(Path(resume))
        return Path(resume)
    if out is None:
        raise UsageError("--resume needs a run: --resume DIR, or --resume with --out DIR")
    if not start.holds_run(out):
        return None
    start.check_run(out)
    return out


def _begin(out: Path | None, request: Request) -> Run:
    """Everything that can be refused is, before the folder is made."""
    if request.recipe is None or request.data is None:
        missing = "RECIPE" if request.recipe is None else "--data"
        raise UsageError(f"{missing} is missing: ganzoo train dcgan+sn+hinge --data digits")
    start.check_new(out) if out is not None else check_writable(start.RUNS)
    start.Pacing(request.steps or 1).changed(request.pacing)
    device, seed = choose_device(request.device), request.seed or 0
    wanted = DataRequest(resolution=request.resolution, skip_bad=request.skip_bad)
    plan, data = start.plan_and_data(request.recipe, request.data, wanted, request.settings, request.notes)
    per_step = int(plan["batch"]) * max(repeat_of(plan, side) for side in ("d", "g"))
    steps = start.steps_for(request.steps, request.images, per_step, data.steps or start.STEPS)
    pacing = start.Pacing(steps).changed(request.pacing)
    reseed(seed)
    gan = assemble(plan, data.resolution, data.channels, len(data.class_names))
    if gan.classes:
        gan.class_names = data.class_names
    if request.init is not None:
        request.notes += copy_weights(gan, Path(request.init))
    request.notes += plan.notes
    precision = choose_precision(str(plan["precision"]), device)
    folder = out or start.default_folder(plan)
    make_folder(folder)
    with lock(folder):
        start.check_new(folder)
        dataset = {"name": data.name, "fingerprint": data.fingerprint, "count": data.count, "licence": data.licence}
        config = describe(gan, step=0, seed=seed, dataset=dataset, license=request.license)
        notes = start.run_notes(start.data_text(request.data), request.skip_bad, pacing, steps, precision)
        return _work(folder, gan, data, config, notes, pacing, precision, request)


def _resume(folder: Path, request: Request) -> Run:
    """Go on with a run; only what leaves the mathematics alone may have changed."""
    with lock(folder):
        config, notes, pacing = start.read_run(folder)
        if request.init is not None:
            raise UsageError(f"--init starts a new run; {folder} holds one: leave out --init, or choose another --out")
        gan = build_from(config, folder, "cpu")
        given = {"seed": request.seed, "resolution": request.resolution, **request.settings}
        said = {name: value for name, value in given.items() if value is not None}
        start.refuse_other_maths(folder, config, gan.plan, request.recipe, said)
        value = request.data if request.data is not None else notes["data"]
        if value is None:
            raise RunError(f"{folder} was trained on data in memory: give the same data again")
        skip_bad = request.skip_bad or bool(notes.get("skip_bad"))
        wanted = DataRequest(resolution=config["resolution"], channels=config["channels"], skip_bad=skip_bad)
        data = open_data(value, wanted)
        start.refuse_other_data(folder, config, data)
        per_step = int(gan.plan["batch"]) * max(repeat_of(gan.plan, side) for side in ("d", "g"))
        steps = start.steps_for(request.steps, request.images, per_step, pacing.steps)
        start.refuse_past_horizon(gan.plan, notes["horizon"], steps, folder)
        pacing = pacing.changed({**request.pacing, "steps": steps})
        if request.license is not None:
            config["license"] = request.license
        precision = choose_precision(str(gan.plan["precision"]), choose_device(request.device))
        request.notes += start.machine_notes(notes, precision)
        notes = start.run_notes(start.data_text(value), skip_bad, pacing, notes["horizon"], precision)
        return _work(folder, gan, data, config, notes, pacing, precision, request, resumed=True)


def _work(
    folder: Path,
    gan: GAN,
    data: ImageData,
    config: dict[str, Any],
    notes: dict[str, Any],
    pacing: start.Pacing,
    precision: Precision,
    request: Request,
    resumed: bool = False,
) -> Run:
    """Set up the trainer and let it run, in a folder that is locked."""
    if precision.device.type == "cpu":
        keep_memory()
    precision.place(gan)
    trainer = Trainer(gan, int(config["seed"]), int(notes["horizon"]), precision)
    identity = _identity(gan, config)
    if resumed:
        state, wrong = load_training(folder, identity)
        trainer.restore(state.step, state.tensors, checked(state.info, "counts", dict, folder))
        drop_after(folder, state.step)
        request.notes += [f"{text}; going on from step {state.step:,}" for text in wrong]
        if trainer.step >= pacing.steps:
            request.notes.append(f"{folder} has its {trainer.step:,} steps; --steps N goes on to N")
    request.notes += [precision.note] if precision.note else []
    with ExitStack() as stack:
        log = Log(folder, open_sinks(pacing.log, folder, config))
        stack.callback(log.close)
        shown = reporter(trainer.step, pacing.steps, request.quiet)
        for note in request.notes:
            shown.say(f"note: {note}")
        output = Output(folder, int(config["seed"]), pacing.keep)
        session = Session(folder, trainer, data, config, notes, pacing, identity, output, log, shown, request.callback)
        session.begin(resumed)
        session.go()
    for name, average in trainer.ema.averages.items():
        setattr(gan, name, average)
    return Run(folder, trainer.step, gan.eval())


def _identity(gan: GAN, config: Mapping[str, Any]) -> str:
    """A digest of the mathematics of a run."""
    sizes = [config[name] for name in ("resolution", "channels", "classes", "z_dim", "seed")]
    text = json.dumps([gan.plan.hash, sizes, config["dataset"].get("fingerprint")])
    return sha256(text.encode()).hexdigest()
