"""One run of a grid: a job of ``ganzoo train`` and ``ganzoo eval`` as processes of their own, and what came of it.

A run that crashes, or is killed for its memory, takes nothing with it.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ganzoo.errors import GanzooError
from ganzoo.files.untrusted import printable
from ganzoo.folder.log import flat, read_log
from ganzoo.folder.model import ModelFolder

DONE, FAILED, STOPPED, WAITING = "done", "failed", "stopped", "waiting"
ASKED_TO_STOP = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # how train says that it has saved and ended
PROGRAM = (sys.executable, "-m", "ganzoo.grid.child")
ERROR = "ganzoo: error: "
LOOK = 0.1  # seconds between looks at a process
RECENT = 0.1  # of a run, at its end, that a number of its log is averaged over
# What a log tells where nothing is scored, the most telling first, and which way is better.
LOGGED: Mapping[str, bool | None] = {
    "health/distance": False,
    "health/diversity": None,  # 1 is as varied as the data
    "accuracy/real": None,
    "accuracy/fake": None,
    "losses/d/loss": None,
    "losses/g/loss": None,
}


@dataclass(frozen=True)
class GridJob:
    """One recipe with one seed.

    Attributes:
        name: of its folder.
        folder, log: where the run goes, and what its commands say.
        recipe, pattern, choices, seed: which one it is; ``pattern`` is the number of the pattern.
        commands: words after ``ganzoo``, one list for each process, in order; they may be given again.
        threads, gpus: that it takes.
    """

    name: str
    folder: str
    log: str
    recipe: str
    pattern: int
    choices: tuple[str, ...]
    seed: int
    commands: tuple[tuple[str, ...], ...]
    threads: int = 1
    gpus: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        status: ``done``, ``failed``, or ``stopped`` (it has saved, and goes on when it is started again).
        seconds: that it took, this time.
        error: one line, where it failed.
    """

    status: str
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Measure:
    """A number that a run is compared by; ``higher`` says whether more is better, None where neither is."""

    value: float
    higher: bool | None


def _never() -> bool:
    return False


def work(job: GridJob, stop: Callable[[], bool] = _never) -> Outcome:
    """Run the commands of a job, one after the other.

    Args:
        job: to do.
        stop: asked now and then; once it says True the process at work is asked to save and end.
    """
    begun = time.monotonic()
    Path(job.log).parent.mkdir(parents=True, exist_ok=True)
    with open(job.log, "a", encoding="utf-8") as log:
        for words in job.commands:
            if stop():
                return Outcome(STOPPED, time.monotonic() - begun)
            print(f"$ ganzoo {shlex.join(words)}", file=log, flush=True)
            code = _run(words, job.threads, log, stop)
            if code != 0:
                ended = STOPPED if code in ASKED_TO_STOP or (stop() and code == -signal.SIGTERM) else FAILED
                error = None if ended == STOPPED else _reason(Path(job.log), code)
                return Outcome(ended, time.monotonic() - begun, error)
    return Outcome(DONE, time.monotonic() - begun)


def _run(words: tuple[str, ...], threads: int, log: TextIO, stop: Callable[[], bool]) -> int:
    """The exit status of a command. Ctrl-C in a terminal reaches us alone, and we pass it on, once, as SIGTERM.

    It ends when we do, even killed: its standard input is a pipe that we hold.
    """
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        start_new_session=True,
    )
    asked = False
    try:
        while True:
            try:
                return process.wait(LOOK)
            except subprocess.TimeoutExpired:
                if not asked and stop():
                    process.terminate()  # and no Ctrl-C: Ray's workers block it, and what they start inherits that
                    asked = True
    finally:
        if process.poll() is None:  # we are interrupted ourselves
            process.terminate()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()


def _reason(log: Path, code: int) -> str:
    """Why a command failed: the error that it printed, else its last line."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"killed by {name}" + (", perhaps for want of memory" if code == -signal.SIGKILL else "")
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith(ERROR)), lines[-1])
    return printable(last.removeprefix(ERROR))


# --- what came of it ----------------------------------------------------------------------------------------


def measures(folder: Path, scored: bool) -> dict[str, Measure]:
    """The numbers of a finished run by name, the one to compare by first.

    Args:
        folder: of the run.
        scored: take the scores of its weights, else the end of its log.

    Raises:
        ModelError: for a folder that does not hold together.
    """
    if scored:
        return {score.key: Measure(score.value, score.higher_is_better) for score in ModelFolder(folder).own_scores}
    records = [record for record in read_log(folder) if "event" not in record]
    late = records[-1]["step"] * (1 - RECENT) if records else 0
    lines = [(record["step"], flat(record)) for record in records]
    found = {}
    for name, higher in LOGGED.items():
        values = [(step, numbers[name]) for step, numbers in lines if name in numbers]
        recent = [value for step, value in values if step > late] or [value for _, value in values[-1:]]
        if recent:
            found[name] = Measure(sum(recent) / len(recent), higher)
    return found


def try_measures(folder: Path, scored: bool) -> tuple[dict[str, Measure], str | None]:
    """:func:`measures`, and what is wrong where there are none."""
    try:
        found = measures(folder, scored)
    except GanzooError as error:
        return {}, printable(error)
    return found, None if found or not scored else "no score of its weights is in metrics.json"
