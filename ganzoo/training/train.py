"""``ganzoo.train``: from what was asked for to a run at work, which is begun, resumed or forked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganzoo.data import ImageData, open_data
from ganzoo.data.classes import adopted, empty_note
from ganzoo.data.dataset import kind_like
from ganzoo.data.holdout import HoldOut
from ganzoo.distributed.batch import SINGLE_PROCESS, use_world, world
from ganzoo.distributed.group import join_world
from ganzoo.errors import RunError, UsageError
from ganzoo.files.names import path_text
from ganzoo.files.streams import quiet
from ganzoo.files.untrusted import field as checked
from ganzoo.files.write import check_writable, lock, make_folder
from ganzoo.folder.building import build_from, plan_of
from ganzoo.folder.config import shape_of
from ganzoo.folder.layout import CONFIG
from ganzoo.folder.versions import identity_of
from ganzoo.folder.weights import generator_state, tensors_digest
from ganzoo.gan.builder import assemble
from ganzoo.machine.deterministic import deterministic as deterministic_operations
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.machine.randomness import preserved_randomness
from ganzoo.registry.arguments import known_arguments
from ganzoo.training import fork as forking
from ganzoo.training import resume as resuming
from ganzoo.training import setup
from ganzoo.training.alike import refuse_unlike
from ganzoo.training.checkpoint import State, check_fits, drop_after, load_training
from ganzoo.training.clocks import check_counted, check_counts
from ganzoo.training.config import Callback, TrainConfig, with_arguments
from ganzoo.training.cost import cost_note
from ganzoo.training.estimate import Estimate, measure, timing_seconds_for
from ganzoo.training.evaluation import check_metrics, check_scorable, divided, held_out, new_hold_out
from ganzoo.training.finished import Run, finished
from ganzoo.training.init import copy_weights, model_to_start_from
from ganzoo.training.intervals import Intervals
from ganzoo.training.job import Job, config_of
from ganzoo.training.length import length_of_new, longer
from ganzoo.training.log import Log, checked_sinks, open_sinks
from ganzoo.training.lonely import refuse_lonely_classes
from ganzoo.training.optim import schedules
from ganzoo.training.progress import reporter
from ganzoo.training.session import Session
from ganzoo.training.setup import Setup
from ganzoo.training.single import refuse_single_image
from ganzoo.training.suggest import no_recipe
from ganzoo.training.worker import follow, lead


@known_arguments
def train(
    recipe: str | None = None,
    data: Any = None,
    out: str | Path | None = None,
    steps: int | None = None,
    images: int | None = None,
    budget: str | float | None = None,
    clock: str | None = None,
    batch: int | None = None,
    seed: int | None = None,
    resolution: str | int | tuple[int, int] | None = None,
    settings: Mapping[str, object] | None = None,
    init: str | Path | None = None,
    resume: bool | str | Path = False,
    fork: str | Path | None = None,
    horizon: int | None = None,
    callback: Callback | None = None,
    device: str | None = None,
    workers: int | None = None,
    deterministic: bool | None = None,
    save_every: int | None = None,
    grid_every: int | None = None,
    log_every: int | None = None,
    keep: int | None = None,
    license: str | None = None,
    guard: str | None = None,
    eval_every: int | None = None,
    metrics: Sequence[str] | None = None,
    eval_n: int | None = None,
    features: str | None = None,
    eval_data: str | Path | None = None,
    skip_bad: bool = False,
    log: Sequence[str] | None = None,
    quiet: bool = False,
    channels: int | None = None,
    bits: int | None = None,
) -> Run:
    """Train a GAN by name and write a run folder. A resumed run takes the very steps of an unbroken one.

    Args:
        See :class:`ganzoo.training.config.TrainConfig`, whose fields these are.

    Raises:
        UsageError: for what cannot be meant; nothing was touched.
        GanzooError: for data, folders and trainings that fail.
        Interrupted: after Ctrl-C or SIGTERM, once all is saved; says how to go on.
    """
    return run_training(TrainConfig(**locals()))  # parameters and fields are the same, as a test makes sure


with_arguments(train)


def run_training(config: TrainConfig) -> Run:
    """What :func:`train` does, for a config that was made before."""
    checked_sinks(config.log or (), (config.out, config.resume, config.fork))
    with quiet(config.quiet), preserved_randomness(), join_world(config.device) as joined:
        refuse_unlike(config)
        check_counts(config.clock, choose_device(config.device).type, world().size)
        if not joined.first:  # this process works on the run that the first one begins, resumes or forks
            return finished(*follow(config.data, config.device))
        folder = _run_to_resume(config)
        if config.fork is not None:
            return _fork(_source(folder, config), Path(config.fork), config)
        return _begin(config) if folder is None else _resume(folder, config)


def _source(folder: Path | None, config: TrainConfig) -> Path:
    """The run to fork."""
    if folder is None:
        what = "needs a run to leave" if config.resume is False else "finds no run in --out"
        raise UsageError(f"--fork {what}: ganzoo train --resume DIR --fork NEWDIR")
    return folder


def _run_to_resume(config: TrainConfig) -> Path | None:
    """The folder to go on with; None to begin a run."""
    resume, out = config.resume, None if config.out is None else Path(config.out)
    if resume is False:
        return None
    if resume is not True:
        if out is not None and out != Path(resume):
            raise UsageError(
                f"--resume {resume} goes on in that folder: leave out --out {out}, or write a bare --resume last"
            )
        setup.check_run(Path(resume), config)
        return Path(resume)
    if out is None:
        raise UsageError("--resume needs a run: --resume DIR, or --resume with --out DIR")
    if not setup.holds_run(out):
        return None
    setup.check_run(out, config)
    return out


# --- three ways to a run at work ----------------------------------------------------------------------------


def _begin(config: TrainConfig) -> Run:
    """Start a run. Everything that can be refused is, before the folder is made."""
    if config.recipe is None:
        raise no_recipe(config.data)
    if config.data is None:
        raise UsageError("--data is missing: ganzoo train dcgan+sn+hinge --data digits")
    out = None if config.out is None else Path(config.out)
    setup.check_new(out) if out is not None else check_writable(setup.RUNS)
    check_metrics(setup.intervals_of(config, Intervals(1)))
    device, seed, notes = choose_device(config.device), config.seed or 0, list[str]()
    wanted = setup.data_request(config)
    given, init = config.given_settings, config.init is not None
    plan, data = setup.plan_and_data(config.recipe, config.data, wanted, given, notes, init=init)
    source = None if config.init is None else model_to_start_from(config.init)
    if source is not None:
        data = _as_numbered(data, source.config, f"--init {config.init}", notes)
    precision = choose_precision(str(plan["precision"]), device)
    intervals = setup.intervals_of(config, Intervals(data.steps or setup.STEPS))
    data, valid = divided(new_hold_out(intervals, data, seed, notes), data)
    others = held_out(intervals, config.data, wanted, data, valid=valid, notes=notes)
    made = Setup(plan, data, seed, precision, intervals, others)
    length = length_of_new(config, made, _probe(made))
    gan = setup.fresh_gan(plan, data, seed)
    notes += check_scorable(gan, others, intervals)
    config_json = config_of(gan, data, seed, config.license, length.horizon)
    if source is not None:
        notes += copy_weights(gan, source, config.init or source.path)
        config_json["init"] = tensors_digest(generator_state(gan))
    notes += [*plan.notes, *([length.note] if length.note else [])]
    if config.resolution is None and not config.quiet:
        notes += cost_note(length.setup)
    run_json = resuming.run_json_of(
        data=setup.data_text(config.data),
        skip_bad=config.skip_bad,
        intervals=length.setup.intervals,
        horizon=length.horizon,
        precision=precision,
        deterministic=bool(config.deterministic),
    )
    folder = out or setup.default_folder(plan)
    make_folder(folder)
    with lock(folder):
        setup.check_new(folder)
        return _work(Job(length.setup, folder, gan, config_json, run_json, notes), config)


def _resume(folder: Path, config: TrainConfig) -> Run:
    """Go on with a run; only what leaves its hyperparameters alone may have changed."""
    with lock(folder):
        config_json, before, intervals = resuming.read_run(folder)
        resuming.refuse_other_seeds(folder, before)
        if config.init is not None:
            raise UsageError(f"--init starts a new run; {folder} holds one: leave out --init, or choose another --out")
        check_fits(build_from(config_json, folder, "meta"), folder, identity_of(config_json))
        gan, notes = build_from(config_json, folder, "cpu"), list[str]()
        resuming.refuse_other_hyperparameters(folder, config_json, gan.plan, config)
        resuming.refuse_other_frozen(folder, config_json, gan)
        world().part(int(gan.plan["batch"]))
        value, skip_bad = _data_again(folder, before, config)
        wanted = setup.data_request(config, skip_bad=skip_bad, **resuming.shape_of_data(folder, config_json))
        data = open_data(value, wanted)
        resuming.refuse_other_data(folder, config_json, data)
        data = _as_numbered(data, config_json, str(folder), notes)
        data, valid = divided(HoldOut.read(config_json, folder / CONFIG), data)
        intervals = setup.intervals_of(config, longer(config, gan.plan, intervals, before["horizon"]))
        check_metrics(intervals)
        others = held_out(intervals, value, wanted, data, valid=valid, notes=notes)
        notes += check_scorable(gan, others, intervals)
        resuming.refuse_other_horizon(gan.plan, before["horizon"], config.horizon, folder)
        if config.license is not None:
            config_json["license"] = config.license
        precision = choose_precision(str(gan.plan["precision"]), choose_device(config.device))
        check_counts(intervals.counted, precision.device.type, world().size)
        check_counted(intervals.counted, before, folder)
        exact = _exact(config, before)
        notes += resuming.machine_notes(before, resuming.machine(precision, exact))
        run_json = resuming.run_json_of(
            data=setup.data_text(value),
            skip_bad=skip_bad,
            intervals=intervals,
            horizon=config.horizon or before["horizon"],
            precision=precision,
            deterministic=exact,
            spent=before,
            forked_from=before.get("forked_from"),
        )
        made = Setup(gan.plan, data, int(config_json["seed"]), precision, intervals, others)
        return _work(Job(made, folder, gan, config_json, run_json, notes), config, resumed=True)


def _fork(source: Path, target: Path, config: TrainConfig) -> Run:
    """Fork a run: go on from where it stands in a new folder, with what was given now."""
    forking.check_free(target)
    if config.init is not None:
        raise UsageError(f"--fork goes on with the weights of {source}: leave out --init")
    config_json, before, intervals = resuming.read_run(source)
    old = plan_of(config_json, source)
    state, wrong = load_training(source, identity_of(config_json))
    notes = [f"{text}; forked from step {state.step:,}" for text in wrong]
    sizes = shape_of(config_json) | {n: v for n, v in config.shape.items() if v is not None}
    draft = forking.changed_plan(old, config.recipe, config.given_settings, old.provides)
    shape = (sizes["resolution"], sizes["channels"], config_json["classes"], config_json["z_dim"])
    forking.refuse_other_networks(assemble(draft, *shape, device="meta"), state, source)
    value, skip_bad = _data_again(source, before, config)
    before_it = resuming.learned_from(source, config_json)
    wanted = setup.data_request(config, skip_bad=skip_bad, fingerprint_kind=kind_like(before_it), **sizes)
    data = _as_numbered(open_data(value, wanted), config_json, str(source), notes)
    plan = forking.changed_plan(old, config.recipe, config.given_settings, data.provides, data.train)
    refuse_single_image(plan, data)
    notes += refuse_lonely_classes(plan, data)
    seed = config_json["seed"] if config.seed is None else config.seed
    precision = choose_precision(str(plan["precision"]), choose_device(config.device))
    intervals = setup.intervals_of(config, intervals)
    check_metrics(intervals)
    former = HoldOut.read(config_json, source / CONFIG)
    same = data.is_known_as(before_it)
    # A network has seen what its run did not hold out: only of other data can a fork hold out images of its own.
    data, valid = divided(former if same else new_hold_out(intervals, data, seed, notes), data)
    wanted = setup.data_request(config, skip_bad=skip_bad)
    others = held_out(intervals, value, wanted, data, valid=valid, notes=notes)
    made = Setup(plan, data, seed, precision, intervals, others)
    length = length_of_new(config, made, _probe(made), before["horizon"], state.step)
    notes += [length.note] if length.note else []
    gan = setup.fresh_gan(plan, data, seed)
    notes += check_scorable(gan, others, intervals)
    changed = config_of(gan, data, seed, config.license or config_json["license"], length.horizon)
    changed["forked_from"] = origin = {"recipe": old.recipe, "step": state.step, "identity": state.identity}
    run_json = resuming.run_json_of(
        data=setup.data_text(value),
        skip_bad=skip_bad,
        intervals=length.setup.intervals,
        horizon=length.horizon,
        precision=precision,
        deterministic=_exact(config, before),
        forked_from={"path": path_text(source.resolve()), **origin},
    )
    job = Job(length.setup, target, gan, changed, run_json, notes)
    trainer = job.trainer()
    notes += forking.carry_over(trainer, state, old, source)
    forking.write_fork(job, State(state.step, job.identity, trainer.tensors(), state.info), source)
    with lock(target):
        return _work(job, config, resumed=True)


def _as_numbered(data: ImageData, config_json: Mapping[str, Any], who: str, notes: list[str]) -> ImageData:
    """Data with its classes numbered as the networks of a model know them, by name; ``notes`` are told what differs."""
    if not config_json["classes"] or config_json["label_kind"] != data.label_kind:
        return data
    numbered, said = adopted(data, config_json["class_names"], who)
    notes += said
    return numbered


def _data_again(folder: Path, run_json: Mapping[str, Any], config: TrainConfig) -> tuple[Any, bool]:
    """The data of a run that goes on, and whether pictures that cannot be read are left out."""
    value = config.data if config.data is not None else run_json["data"]
    if value is None:
        raise RunError(f"{folder} was trained on data in memory: give the same data again")
    return value, config.skip_bad or bool(run_json.get("skip_bad"))


def _exact(config: TrainConfig, run_json: Mapping[str, Any]) -> bool:
    """Whether to use deterministic operations only: as before, unless it was said."""
    return bool(run_json.get("deterministic")) if config.deterministic is None else config.deterministic


def _probe(made: Setup) -> Callable[[float], Estimate]:
    """How a training is timed before it begins; scores cost time only where a scheduler depends on how many steps fit.

    Each process times its own part of the batch; the messages between processes are not measured.
    """
    mine = made.part_of(world()) if schedules(made.plan) else replace(made.part_of(world()), held_out=None)

    def probe(budget: float) -> Estimate:
        with use_world(SINGLE_PROCESS):
            return measure(mine, timing_seconds_for(budget))

    return probe


# --- the run itself -----------------------------------------------------------------------------------------


def _work(job: Job, config: TrainConfig, resumed: bool = False) -> Run:
    """Set up the trainer and let it run, in a folder that is locked."""
    with ExitStack() as stack:
        stack.enter_context(deterministic_operations(bool(job.run_json["deterministic"])))
        trainer = job.trainer()
        info: Mapping[str, Any] = {}
        notes = empty_note(job.setup.data) if job.gan.classes else []
        if resumed:
            state, wrong = load_training(job.folder, job.identity)
            trainer.restore(state.step, state.tensors, checked(state.info, "counts", dict, job.folder))
            info = state.info
            drop_after(job.folder, state.step)
            notes += [f"{text}; going on from step {state.step:,}" for text in wrong]
        lead(job, trainer)
        notes += [job.setup.precision.note] if job.setup.precision.note else []
        log = Log(job.folder, open_sinks(job.setup.intervals.log, job.folder, job.config_json), config.callback)
        stack.callback(log.close)
        shown = reporter(trainer.step, job.setup.intervals.steps, config.quiet)
        session = Session(job, trainer, log, shown, info)
        if resumed and session.over():
            notes.append(session.why_over())
        for note in dict.fromkeys([*job.notes, *notes]):
            shown.say(f"note: {note}")
        session.begin(resumed)
        session.go()
    return finished(job.folder, trainer, session.verdict)
