"""What the time of a training is counted by: the clock on the wall, or the processor's.

On a machine that does other work, too, ten minutes on the wall are a different number of steps every time. Ten minutes
of processor time are those in which the threads of the training were at work, so they are nearly the same steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import RunError, UsageError, command, either
from ganzoo.folder.spent import CPU, SPENT, WALL

CLOCKS: dict[str, Callable[[], float]] = {WALL: time.monotonic, CPU: time.process_time}
"""Seconds since some moment; those of the processor are of all threads of this process, added up."""
UNSPENT: Mapping[str, float] = dict.fromkeys(SPENT.values(), 0.0)
"""What ``run.json`` says of a run that begins."""


def check_clock(clock: str) -> None:
    """Refuse a word that is no clock.

    Raises:
        UsageError: naming those that there are.
    """
    if clock not in CLOCKS:
        raise UsageError(
            f"--clock {clock} does not work: it is {either(CLOCKS)}, the time on the wall or processor time"
        )


def check_counts(clock: str | None, device: str, processes: int) -> None:
    """Refuse processor time where it is not the time of the training.

    Args:
        clock: that the budget is counted by.
        device: type of the one that computes.
        processes: that train together.

    Raises:
        UsageError: saying why, and what works.
    """
    if clock != CPU:
        return
    if device != "cpu":
        raise UsageError(
            f"--clock {CPU} counts the processor's time, and {device} computes here: leave it out, or give --device cpu"
        )
    if processes > 1:
        raise UsageError(
            f"--clock {CPU} counts the time of one process, and {processes} train together here: leave it out"
        )


def check_counted(clock: str | None, run_json: Mapping[str, Any], folder: object) -> None:
    """Refuse to count processor time in a run that an older version began, which counted none.

    Raises:
        RunError: saying what works.
    """
    if clock == CPU and run_json.get(SPENT[CPU]) is None:
        words = ("train", "--resume", folder, "--clock", WALL, "--budget", "T")
        again = command(*words)
        raise RunError(f"{folder} was begun by a ganzoo that counted no processor time; go on with {again}")


def of_clock(clock: str) -> str:
    """What follows a time that was counted by a clock."""
    return " of processor time" if clock == CPU else ""


class Stopwatch:
    """Seconds of training, with those of earlier sessions.

    Args:
        spent: seconds of earlier sessions.
        clock: seconds since some moment; the time on the wall by default.
    """

    def __init__(self, spent: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._spent, self._zero = clock, spent, clock()

    @property
    def here(self) -> float:
        """Spent since it was made."""
        return self._clock() - self._zero

    @property
    def seconds(self) -> float:
        """Spent so far."""
        return self._spent + self.here


@dataclass(frozen=True)
class SessionTime:
    """The stopwatches of a session: all run, whichever of them its budget is counted by.

    Attributes:
        watches: by the name of the clock.
        counted: which of them a budget is counted by.
        unknown: those that earlier sessions did not count, so that nobody knows what was spent.
    """

    watches: Mapping[str, Stopwatch]
    counted: str = WALL
    unknown: frozenset[str] = frozenset()

    @classmethod
    def of(cls, run_json: Mapping[str, Any], counted: str) -> SessionTime:
        """Stopwatches that go on from what ``run.json`` says was spent."""
        spent = {name: run_json.get(key) for name, key in SPENT.items()}
        watches = {name: Stopwatch(spent[name] or 0.0, clock) for name, clock in CLOCKS.items()}
        return cls(watches, counted, frozenset(name for name in spent if spent[name] is None))

    @property
    def seconds(self) -> float:
        """Spent of a budget so far."""
        return self.watches[self.counted].seconds

    def wait(self, seconds: float) -> float:
        """Seconds on the wall until so many more are counted, at the pace of this session."""
        counted, wall = self.watches[self.counted].here, self.watches[WALL].here
        return seconds * wall / counted if min(counted, wall) > 0 else seconds

    def to_json(self) -> dict[str, float | None]:
        """As ``run.json`` keeps them."""
        known = {name: round(watch.seconds, 1) for name, watch in self.watches.items() if name not in self.unknown}
        return {key: known.get(name) for name, key in SPENT.items()}
