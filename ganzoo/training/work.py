"""From a request to a run at work: begin one, go on with one, or fork one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.distributed.batch import SINGLE_PROCESS, World, use_world, world
from ganzoo.errors import RunError, UsageError
from ganzoo.files.atomic import check_writable, lock, make_folder
from ganzoo.files.untrusted import field as checked
from ganzoo.folder.log import read_log
from ganzoo.folder.model import build_from, plan_of
from ganzoo.folder.weights import generator_state, tensors_digest
from ganzoo.gan.builder import assemble
from ganzoo.gan.gan import GAN
from ganzoo.machine.deterministic import deterministic
from ganzoo.machine.precision import Precision, choose_device, choose_precision
from ganzoo.plan.plan import Plan
from ganzoo.training import fork, resume, setup
from ganzoo.training.checkpoint import State, drop_after, load_training
from ganzoo.training.estimate import Estimate, measure, patience_for
from ganzoo.training.evaluation import check_metrics, check_scorable, held_out
from ganzoo.training.init import copy_weights
from ganzoo.training.job import Job, config_of
from ganzoo.training.length import length_of_new, longer
from ganzoo.training.log import Log, open_sinks
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import schedules
from ganzoo.training.pacing import Pacing, Stop
from ganzoo.training.progress import reporter
from ganzoo.training.session import Callback
from ganzoo.training.worker import follow, lead


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
    """What :func:`ganzoo.train` was asked for; None where nothing was said.

    Attributes:
        recipe, data, seed, resolution, settings, init, horizon: the mathematics.
        stop, pacing: when to stop, look and save.
        device, workers, deterministic, skip_bad: how to compute, and to read pictures.
        license: of the model.
        callback, quiet: who is told.
        notes: what a person should know; grows while the run is set up.
    """

    recipe: str | None
    data: Any
    seed: int | None
    resolution: int | None
    settings: dict[str, object]
    init: str | Path | None
    horizon: int | None
    stop: Stop
    pacing: dict[str, Any]
    device: str | None
    workers: int | None
    deterministic: bool | None
    skip_bad: bool
    license: str | None
    callback: Callback | None
    quiet: bool
    notes: list[str] = field(default_factory=list)

    @property
    def maths(self) -> dict[str, object]:
        """Settings, seed and resolution that were given."""
        given = {"seed": self.seed, "resolution": self.resolution, **self.settings}
        return {name: value for name, value in given.items() if value is not None}

    def data_request(self, **of_run: Any) -> DataRequest:
        """How the data is wanted; ``of_run`` is what a run says of it already."""
        wanted = {"resolution": self.resolution, "workers": self.workers, "skip_bad": self.skip_bad or None, **of_run}
        return DataRequest(**{name: value for name, value in wanted.items() if value is not None})


def begin(out: Path | None, request: Request) -> Run:
    """Start a run. Everything that can be refused is, before the folder is made."""
    if request.recipe is None or request.data is None:
        missing = "RECIPE" if request.recipe is None else "--data"
        raise UsageError(f"{missing} is missing: ganzoo train dcgan+sn+hinge --data digits")
    setup.check_new(out) if out is not None else check_writable(setup.RUNS)
    check_metrics(Pacing(1).changed(request.pacing))
    device, seed = choose_device(request.device), request.seed or 0
    plan, data = setup.plan_and_data(
        request.recipe, request.data, request.data_request(), request.settings, request.notes
    )
    world().part(int(plan["batch"]))
    precision = choose_precision(str(plan["precision"]), device)
    otherwise = Pacing(data.steps or setup.STEPS).changed(request.pacing)
    others = held_out(otherwise, request.data, request.data_request(), data, request.notes)
    probe = _probe(plan, data, seed, precision, otherwise, others)
    length = length_of_new(request.stop, request.horizon, plan, otherwise, probe)
    gan = setup.fresh_gan(plan, data, seed)
    check_scorable(gan, others, otherwise)
    config = config_of(gan, data, seed, request.license, length.horizon)
    if request.init is not None:
        request.notes += copy_weights(gan, request.init)
        config["init"] = tensors_digest(generator_state(gan))
    request.notes += [*plan.notes, *([length.note] if length.note else [])]
    text = setup.data_text(request.data)
    exact = bool(request.deterministic)
    notes = resume.run_notes(text, request.skip_bad, length.pacing, length.horizon, precision, exact)
    folder = out or setup.default_folder(plan)
    make_folder(folder)
    with lock(folder):
        setup.check_new(folder)
        return _work(Job(folder, gan, data, config, notes, length.pacing, precision, others), request)


def go_on(folder: Path, request: Request) -> Run:
    """Resume a run; only what leaves the mathematics alone may have changed."""
    with lock(folder):
        config, notes, pacing = resume.read_run(folder)
        if request.init is not None:
            raise UsageError(f"--init starts a new run; {folder} holds one: leave out --init, or choose another --out")
        gan = build_from(config, folder, "cpu")
        resume.refuse_other_maths(folder, config, gan.plan, request.recipe, request.maths)
        world().part(int(gan.plan["batch"]))
        value, skip_bad = _data_again(folder, notes, request)
        wanted = request.data_request(resolution=config["resolution"], channels=config["channels"], skip_bad=skip_bad)
        data = open_data(value, wanted)
        resume.refuse_other_data(folder, config, data)
        pacing = longer(request.stop, gan.plan, pacing, notes["horizon"]).changed(request.pacing)
        check_metrics(pacing)
        others = held_out(pacing, value, wanted, data, request.notes)
        check_scorable(gan, others, pacing)
        resume.refuse_other_horizon(gan.plan, notes["horizon"], request.horizon, pacing.steps, folder)
        if request.license is not None:
            config["license"] = request.license
        precision = choose_precision(str(gan.plan["precision"]), choose_device(request.device))
        exact = _exact(request, notes)
        request.notes += resume.machine_notes(notes, resume.machine(precision, exact))
        seconds, forked = float(notes.get("seconds", 0.0)), notes.get("forked_from")
        horizon = request.horizon or notes["horizon"]
        text = setup.data_text(value)
        notes = resume.run_notes(text, skip_bad, pacing, horizon, precision, exact, seconds, forked)
        return _work(Job(folder, gan, data, config, notes, pacing, precision, others), request, resumed=True)


def branch(source: Path, target: Path, request: Request) -> Run:
    """Fork a run: go on from where it stands in a new folder, with what was given now."""
    fork.check_free(target)
    if request.init is not None:
        raise UsageError(f"--fork goes on with the weights of {source}: leave out --init")
    config, before, pacing = resume.read_run(source)
    old = plan_of(config, source)
    state, wrong = load_training(source, resume.identity(old, config))
    request.notes += [f"{text}; forked from step {state.step:,}" for text in wrong]
    size = request.resolution or config["resolution"]
    draft = fork.changed_plan(old, request.recipe, request.settings, old.provides)
    shape = (size, config["channels"], config["classes"], config["z_dim"])
    fork.refuse_other_networks(assemble(draft, *shape, device="meta"), state, source)
    value, skip_bad = _data_again(source, before, request)
    data = open_data(value, request.data_request(resolution=size, channels=config["channels"], skip_bad=skip_bad))
    plan = fork.changed_plan(old, request.recipe, request.settings, data.provides, data.train)
    world().part(int(plan["batch"]))
    seed = config["seed"] if request.seed is None else request.seed
    precision = choose_precision(str(plan["precision"]), choose_device(request.device))
    pacing = pacing.changed(request.pacing)
    check_metrics(pacing)
    others = held_out(pacing, value, request.data_request(skip_bad=skip_bad), data, request.notes)
    probe = _probe(plan, data, seed, precision, pacing, others)
    length = length_of_new(request.stop, request.horizon, plan, pacing, probe, before["horizon"], state.step)
    request.notes += [length.note] if length.note else []
    gan = setup.fresh_gan(plan, data, seed)
    check_scorable(gan, others, pacing)
    changed = config_of(gan, data, seed, request.license or config["license"], length.horizon)
    changed["forked_from"] = origin = {"recipe": old.recipe, "step": state.step, "identity": state.identity}
    forked = {"path": str(source.resolve()), **origin}
    text, exact = setup.data_text(value), _exact(request, before)
    notes = resume.run_notes(text, skip_bad, length.pacing, length.horizon, precision, exact, forked_from=forked)
    job = Job(target, gan, data, changed, notes, length.pacing, precision, others)
    trainer = job.trainer()
    request.notes += fork.carry_over(trainer, state, old, source)
    fork.write_fork(job, State(state.step, job.identity, trainer.tensors(), state.info), source)
    with lock(target):
        return _work(job, request, resumed=True)


def _data_again(folder: Path, notes: dict[str, Any], request: Request) -> tuple[Any, bool]:
    """The data of a run that goes on, and whether pictures that cannot be read are left out."""
    value = request.data if request.data is not None else notes["data"]
    if value is None:
        raise RunError(f"{folder} was trained on data in memory: give the same data again")
    return value, request.skip_bad or bool(notes.get("skip_bad"))


def _exact(request: Request, notes: dict[str, Any]) -> bool:
    """Whether to use deterministic operations only: as before, unless it was said."""
    return bool(notes.get("deterministic")) if request.deterministic is None else request.deterministic


def _probe(
    plan: Plan, data: ImageData, seed: int, precision: Precision, pacing: Pacing, others: ImageData | None
) -> Callable[[float], Estimate]:
    """How a training is timed before it begins; scoring, against ``others``, only where a schedule depends on it."""
    mine = _own_part(plan, world())
    against = others if schedules(plan) else None

    def probe(budget: float) -> Estimate:
        with use_world(
            SINGLE_PROCESS
        ):  # what this process does of every step; the messages between processes are not measured
            return measure(mine, data, seed, precision, pacing, patience_for(budget), against)

    return probe


def _own_part(plan: Plan, world: World) -> Plan:
    """The plan with as many images in a batch as each process has."""
    batch = plan.settings["batch"]
    return replace(plan, settings={**plan.settings, "batch": replace(batch, value=world.part(int(plan["batch"])))})


def _work(job: Job, request: Request, resumed: bool = False) -> Run:
    """Set up the trainer and let it run, in a folder that is locked."""
    with ExitStack() as stack:
        stack.enter_context(deterministic(bool(job.notes["deterministic"])))
        trainer = job.trainer()
        info: Mapping[str, Any] = {}
        if resumed:
            state, wrong = load_training(job.folder, job.identity)
            trainer.restore(state.step, state.tensors, checked(state.info, "counts", dict, job.folder))
            info = state.info
            drop_after(job.folder, state.step)
            request.notes += [f"{text}; going on from step {state.step:,}" for text in wrong]
        lead(job, trainer)
        request.notes += [*([job.precision.note] if job.precision.note else []), *job.remarks]
        log = Log(job.folder, open_sinks(job.pacing.log, job.folder, job.config))
        stack.callback(log.close)
        shown = reporter(trainer.step, job.pacing.steps, request.quiet)
        session = job.session(trainer, log, shown, request.callback, info)
        if resumed and session.over():
            request.notes.append(session.why_over())
        for note in request.notes:
            shown.say(f"note: {note}")
        session.begin(resumed)
        session.go()
    return _finished(job.folder, trainer)


def take_part(request: Request) -> Run:
    """Work on the run that the first of several processes begins, goes on with or forks."""
    return _finished(*follow(request.data, request.device))


def _finished(folder: Path, trainer: Trainer) -> Run:
    for name, average in trainer.ema.averages.items():
        setattr(trainer.gan, name, average)
    return Run(folder, trainer.step, trainer.gan.eval())
