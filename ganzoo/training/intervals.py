"""At which intervals a run looks, saves and scores, and when it stops. No step depends on it: a resume may change it.

``run.json`` keeps the fields of :class:`Intervals` under ``pacing``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganzoo.errors import UsageError, either
from ganzoo.folder.spent import WALL
from ganzoo.metrics.words import metric_words
from ganzoo.training.clocks import check_clock, of_clock
from ganzoo.training.progress import duration

TIME = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
GUARDS = ("warn", "stop", "rollback", "off")
UNITS = (3600.0, 60.0, 1.0)


def read_budget(budget: str | float | None) -> float | None:
    """Seconds of a budget: text such as ``20m``, ``90s`` or ``1h30m``, or a number of seconds; None for None.

    Raises:
        UsageError: for other text, or for no time at all.
    """
    if budget is None:
        return None
    if isinstance(budget, str):
        found = TIME.fullmatch(budget)
        given = found.groups() if found else ()
        seconds = sum(float(number) * unit for number, unit in zip(given, UNITS, strict=False) if number)
    else:
        seconds = float(budget)
    if not 0 < seconds < float("inf"):
        raise UsageError(f"--budget {budget} does not work: it is a time such as 90s, 20m or 1h30m")
    return seconds


@dataclass(frozen=True)
class Intervals:
    """The intervals at which a run looks, saves and scores, and when it stops.

    Attributes:
        steps: to stop at; None where only the budget says when.
        save_every, grid_every, log_every: steps between checkpoints, grids and log lines.
        keep: snapshots of the weights to keep.
        log: further places for the log.
        budget: seconds of training to stop after, those of earlier sessions included; None where only steps count.
        clock: what those are counted by: ``wall``, or ``cpu`` for processor time.
        guard: what happens when the GAN collapses or diverges: ``warn``, ``stop``, ``rollback`` or ``off``.
        eval_every: steps between scores; 0 for none.
        metrics, eval_n, features: what is scored: metrics, samples, and the feature network; None for the metrics' own.
        eval_data: name or path of the real images to score against; None for those that are held out of it.
    """

    steps: int | None
    save_every: int = 250
    grid_every: int = 100
    log_every: int = 10
    keep: int = 0
    log: tuple[str, ...] = ()
    budget: float | None = None
    clock: str = WALL
    guard: str = "warn"
    eval_every: int = 0
    metrics: tuple[str, ...] = ("fid",)
    eval_n: int = 10_000
    features: str | None = None
    eval_data: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", tuple(self.log))  # JSON and Python give lists
        object.__setattr__(self, "metrics", metric_words(self.metrics))
        if self.guard not in GUARDS:
            raise UsageError(f"--guard {self.guard} does not work: it is {either(GUARDS)}")
        check_clock(self.clock)
        if self.eval_every < 0:
            raise UsageError(f"--eval-every {self.eval_every} does not work: it is a whole number, 0 for no scores")
        if self.eval_n < 2:
            raise UsageError(f"--eval-n {self.eval_n} does not work: it is a whole number from 2 up")
        if not self.metrics:
            raise UsageError("--metrics is empty: give names such as fid,kid")
        for name in ("steps", "save_every", "grid_every", "log_every"):
            number = getattr(self, name)
            if number is not None and not 1 <= number <= sys.maxsize:
                shown = name.replace("_", "-")
                most = "" if number < 1 else f" to {sys.maxsize}"
                raise UsageError(f"--{shown} {number} does not work: it is a whole number from 1 up{most}")
        if self.budget is not None and not 0 < self.budget < float("inf"):
            raise UsageError(f"--budget {self.budget:g} does not work: it is a time such as 90s, 20m or 1h30m")
        if self.keep < 0:
            raise UsageError(f"--keep {self.keep} does not work: it is the number of snapshots to keep, from 0 up")

    @property
    def budget_text(self) -> str:
        """The budget in words, such as ``10 min 00 s of processor time``; nothing where there is none."""
        return "" if self.budget is None else f"{duration(self.budget)}{of_clock(self.clock)}"

    @property
    def counted(self) -> str | None:
        """The clock that counts how long the run is; None where steps do."""
        return None if self.budget is None else self.clock

    @property
    def bound(self) -> int:
        """Steps that are not passed; more than any run has where only the budget says when to stop."""
        return sys.maxsize if self.steps is None else self.steps

    def changed(self, given: Mapping[str, Any]) -> Intervals:
        """With what was given; None means as it was.

        Raises:
            UsageError: for numbers that do not work, and for what says how to score a run that is not scored.
        """
        said = {name: value for name, value in given.items() if value is not None}
        changed = replace(self, **said)
        for name in ("metrics", "eval_n", "features", "eval_data"):
            if name in said and not changed.eval_every:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} says how to score, but nothing is scored: give --eval-every N too")
        return changed


@dataclass(frozen=True)
class Stop:
    """What was said about when to stop: one of three ways, or nothing.

    Attributes:
        steps, images: how many in all.
        budget: seconds of training in all.
        clock: what those are counted by; None where nothing was said.
    """

    steps: int | None = None
    images: int | None = None
    budget: float | None = None
    clock: str | None = None

    def __post_init__(self) -> None:
        if self.clock is not None:
            check_clock(self.clock)
            if self.budget is None:
                raise UsageError(f"--clock {self.clock} says what a budget counts: give --budget T too, such as 20m")
        given = [f"--{name}" for name in ("steps", "images", "budget") if getattr(self, name) is not None]
        if len(given) > 1:
            both = "both" if len(given) == 2 else "all"
            raise UsageError(f"{either(given, 'and')} {both} say when to stop: give one of them")
        for name in ("steps", "images"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise UsageError(f"--{name} {number} does not work: it is a whole number from 1 up")

    def steps_of(self, per_step: int) -> int | None:
        """Steps to take at ``per_step`` real images each; None where neither steps nor images were given."""
        return self.steps if self.images is None else -(-self.images // per_step)
