"""``ganzoo.train``: what it takes, checked as far as words can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganzoo.distributed.group import join_world
from ganzoo.errors import UsageError
from ganzoo.training import setup
from ganzoo.training.log import checked_sinks
from ganzoo.training.loop import preserved_randomness
from ganzoo.training.pacing import Stop, read_budget
from ganzoo.training.session import Callback
from ganzoo.training.work import Request, Run, begin, branch, go_on, take_part

__all__ = ["Run", "train"]


def train(
    recipe: str | None = None,
    data: Any = None,
    out: str | Path | None = None,
    steps: int | None = None,
    images: int | None = None,
    budget: str | float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    resolution: int | None = None,
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
) -> Run:
    """Train a GAN by name and write a run folder. A resumed run takes the very steps of an unbroken one.

    Args:
        recipe: such as ``"sagan+sn+hinge"``; a resumed run knows its own.
        data: a name, a path, a uint8 tensor ``(N, C, H, W)`` or a torch data set; likewise.
        out: folder to make; ``runs/<recipe>`` by default.
        steps, images: when to stop: after so many rounds or real images; the data set's own length, else 20,000 steps.
        budget: stop after so much training time instead: ``"20m"``, ``"1h30m"``, or seconds.
        batch: images in a batch; a setting.
        seed: of everything drawn; 0 by default.
        resolution: of the images; the data set's own by default.
        settings: as ``--set`` takes them, such as ``{"lr.g": 1e-4}``.
        init: a folder, or a model of the Hub such as ``"org/name"``, to take the first weights from.
        resume: True to go on with the run in ``out`` if there is one, or the folder of a run to go on with.
        fork: go on with ``resume`` in this new folder instead, with whatever else is given changed.
        horizon: steps that a schedule spreads over; those of the first start, or those that fit into its budget.
        callback: called with every line of the log.
        device: such as ``"cuda"``; the GPU if there is one, by default.
        workers: threads that decode pictures; results do not depend on it.
        deterministic: use only operations that give the same bits every time; a resumed run does as before.
        save_every, grid_every, log_every: steps between checkpoints (250), grids (100) and log lines (10).
        keep: snapshots of the weights to keep.
        license: id of the licence that the model is to carry.
        guard: when the GAN collapses or comes apart: ``"warn"`` (the default), ``"stop"``, ``"rollback"`` to the best
            step with half the learning rates, or ``"off"``.
        eval_every: steps between scores against held-out images; none by default. The best step by the first metric is
            the model then.
        metrics: such as ``["fid", "kid"]``; ``["fid"]`` by default.
        eval_n: samples to score; 10,000 by default.
        features: feature network of the metrics.
        eval_data: name or path of the images to score against; the test split of ``data`` by default.
        skip_bad: leave out pictures that cannot be read.
        log: of ``tensorboard``, ``trackio`` and ``wandb``.
        quiet: show nothing.

    Raises:
        UsageError: for what cannot be meant; nothing was touched.
        GanzooError: for data, folders and trainings that fail.
        Interrupted: after Ctrl-C or SIGTERM, once all is saved; says how to go on.
    """
    given = {**(settings or {}), **({} if batch is None else {"batch": batch})}
    pacing: dict[str, Any] = {"save_every": save_every, "grid_every": grid_every, "log_every": log_every, "keep": keep}
    pacing |= {"guard": guard, "eval_every": eval_every, "eval_n": eval_n, "features": features}
    pacing |= {"metrics": None if metrics is None else tuple(metrics), "eval_data": setup.data_text(eval_data)}
    request = Request(
        recipe, data, seed, resolution, given, init, _whole("horizon", horizon),
        Stop(steps, images, read_budget(budget)), {**pacing, "log": None if log is None else tuple(log)},
        device, _whole("workers", workers), deterministic, skip_bad, license, callback, quiet,
    )  # fmt: skip
    checked_sinks(log or ())
    setup.check_license(license)
    place = None if out is None else Path(out)
    with preserved_randomness(), join_world(device) as joined:
        if not joined.first:
            return take_part(request)
        folder = _run_to_resume(place, resume)
        if fork is not None:
            return branch(_source(folder, resume), Path(fork), request)
        return begin(place, request) if folder is None else go_on(folder, request)


def _whole(name: str, number: int | None) -> int | None:
    if number is not None and number < 1:
        raise UsageError(f"--{name} {number} does not work: it is a whole number from 1 up")
    return number


def _source(folder: Path | None, resume: bool | str | Path) -> Path:
    """The run to fork."""
    if folder is None:
        what = "needs a run to leave" if resume is False else "finds no run in --out"
        raise UsageError(f"--fork {what}: ganzoo train --resume DIR --fork NEWDIR")
    return folder


def _run_to_resume(out: Path | None, resume: bool | str | Path) -> Path | None:
    """The folder to go on with; None to begin a run."""
    if resume is False:
        return None
    if resume is not True:
        if out is not None and out != Path(resume):
            raise UsageError(
                f"--resume {resume} goes on in that folder: leave out --out {out}, or write a bare --resume last"
            )
        setup.check_run(Path(resume))
        return Path(resume)
    if out is None:
        raise UsageError("--resume needs a run: --resume DIR, or --resume with --out DIR")
    if not setup.holds_run(out):
        return None
    setup.check_run(out)
    return out
