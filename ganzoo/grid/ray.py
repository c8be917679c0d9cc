"""Jobs on a cluster of machines, through Ray: the very commands that :mod:`local` runs, so the very results.

The grid's folder and the data must be where every machine sees them under one path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.files.untrusted import printable
from ganzoo.grid.answering import check_answers, no_answer
from ganzoo.grid.runs import DONE, FAILED, GridJob, Outcome, work
from ganzoo.registry.about import install
from ganzoo.training.signals import Signals

LOOK = 0.5  # seconds between looks at Ctrl-C
ADDRESS = "RAY_ADDRESS"
BY_NAME = ("auto", "local")  # addresses that Ray finds by itself
STOP = ".stop"  # a file in the grid's folder, which all machines see: runs at work are to save and end


def check_ray(address: str) -> None:
    """Refuse what cannot work before anything is written.

    Args:
        address: a cluster's, or empty for ``$RAY_ADDRESS`` or this machine.

    Raises:
        UsageError: Ray is not installed.
        RunError: no cluster answers at the address.
    """
    _import_ray()
    given = address or os.environ.get(ADDRESS, "")
    if given not in ("", *BY_NAME):
        check_answers(given)


def open_ray(address: str) -> Any:
    """Ray, connected; ``address`` is as :func:`check_ray` takes it.

    Raises:
        UsageError: Ray is not installed.
        RunError: there is no cluster at ``address``.
    """
    ray = _import_ray()
    try:
        ray.init(address=address or None, log_to_driver=False, logging_level="error")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise no_answer(address or os.environ.get(ADDRESS, ""), str(error)) from error
    return ray


def _import_ray() -> Any:
    try:
        return import_module("ray")
    except ImportError:
        raise UsageError(f"--ray needs a package: {install('ray')}") from None


def spread(jobs: Sequence[GridJob], address: str = "") -> Iterator[tuple[GridJob, Outcome]]:
    """Each job with its outcome, as it ends; Ray starts as many at once as there are CPUs and GPUs for.

    After Ctrl-C or SIGTERM runs at work save and end, and no other is begun.
    """
    ray = open_ray(address)
    flags = {Path(job.folder).parent / STOP for job in jobs}
    try:
        _clear(flags)
        with Signals() as signals:
            pending = {_submit(ray, job): job for job in jobs}
            while pending:
                if signals.caught is not None:
                    for flag in flags:
                        flag.touch()
                for task in ray.wait(list(pending), timeout=LOOK)[0]:
                    job = pending.pop(task)
                    yield job, _outcome(ray, task, job)
    finally:
        _clear(flags)
        ray.shutdown()


def _clear(flags: Iterable[Path]) -> None:
    for flag in flags:
        flag.unlink(missing_ok=True)


def _submit(ray: Any, job: GridJob) -> Any:
    """A task that is tried once: a run that failed is told, and goes on when the grid is started again."""
    return ray.remote(num_cpus=job.threads, num_gpus=job.gpus, max_retries=0)(_work).remote(job)


def _work(job: GridJob) -> Outcome:
    """What a machine of the cluster does; Ray's own way to cancel a task gives it no time to save."""
    return work(job, (Path(job.folder).parent / STOP).exists)


def _outcome(ray: Any, task: Any, job: GridJob) -> Outcome:
    try:
        outcome: Outcome = ray.get(task)
    except ray.exceptions.RayError as error:
        return Outcome(FAILED, error=f"Ray lost it: {printable(str(error).splitlines()[0])}")
    if outcome.status == DONE and not Path(job.folder).is_dir():
        return Outcome(FAILED, error=f"it ran where {job.folder} is another folder: use one that all machines share")
    return outcome
