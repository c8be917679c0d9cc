"""What a person sees while a run goes on: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Protocol, TextIO, TypeVar

from ganzoo.errors import printable
from ganzoo.files.streams import is_terminal, tell
from ganzoo.files.waiting import no_status

T = TypeVar("T")
EVERY = 10.0  # seconds between plain lines
MEMORY = 0.9  # of the moving average of seconds per step


def duration(seconds: float) -> str:
    """``45 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def of(step: int, stop: int | None) -> str:
    """``120/4,000``, or ``120`` where no number of steps ends the run."""
    return f"{step:,}" if stop is None else f"{step:,}/{stop:,}"


def losses_line(record: Mapping[str, Any]) -> str:
    """``d/loss 1.02  d/gp 0.13  g/loss 0.44``, what parts report, D's accuracy, and how the GAN is doing."""
    numbers = {**record.get("losses", {}), **record.get("reports", {})}
    words = [f"{name} {short(value)}" for name, value in numbers.items()]
    accuracy = record.get("accuracy")
    if accuracy:
        words.append(f"D right {accuracy['real']:.0%}/{accuracy['fake']:.0%}")
    return "  ".join([*words, *health_words(record.get("health", {}))])


def health_words(health: Mapping[str, Any]) -> list[str]:
    """``|grad| d 10.8 g 13.3``, ``drift 0.02``, and what the last look at the samples showed, if this line has one."""
    norms = " ".join(f"{player} {short(norm)}" for player, norm in health.get("gradients", {}).items())
    words = [f"|grad| {norms}"] if norms else []
    words += [f"drift {short(health['drift'])}"] if "drift" in health else []
    if "modes" in health:
        shown = f"modes {health['modes']}/{health['of']}", f"alike {health['duplicates']:.0%}"
        words += [*shown, f"diversity {short(health['diversity'])}", f"distance {short(health['distance'])}"]
    return words


def short(value: float | None) -> str:
    """Three digits; NaN, which logs have as null, is ``nan``."""
    return "nan" if value is None else f"{value:.3g}"


class Pace:
    """Seconds per step, as a moving average that forgets the slow start."""

    def __init__(self, step: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.step, self.then = clock, step, clock()
        self.seconds: float | None = None

    def rest(self) -> None:
        """Leave out the time since the last tick: it was not spent on steps."""
        self.then = self.clock()

    def tick(self, step: int) -> float:
        """Seconds per step up to now."""
        now, steps = self.clock(), max(step - self.step, 1)
        latest = (now - self.then) / steps
        keep = MEMORY**steps
        self.seconds = latest if self.seconds is None else keep * self.seconds + (1 - keep) * latest
        self.step, self.then = step, now
        return self.seconds


class DataShare:
    """Which share of the time of steps is spent waiting for batches, since it was last asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.waited, self.spent = clock, 0.0, 0.0

    def waiting(self, ask: Callable[[], T]) -> T:
        """What ``ask`` gives, once it gives it."""
        begun = self.clock()
        try:
            return ask()
        finally:
            self.waited += self.clock() - begun

    def working(self, do: Callable[[], None]) -> None:
        """Let ``do`` work."""
        begun = self.clock()
        try:
            do()
        finally:
            self.spent += self.clock() - begun

    def take(self) -> float:
        """The share, from 0 to 1; it is counted anew from now on."""
        waited, whole = self.waited, self.waited + self.spent
        self.waited = self.spent = 0.0
        return waited / whole if whole else 0.0


class Reporter(Protocol):
    """Shows how far a run is."""

    def __enter__(self) -> Reporter:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """Show ``step``; ``record`` is the newest log line, ``speed`` images/s, ``left`` seconds."""

    def say(self, text: str) -> None:
        """Print a line of its own."""


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Silence:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """See :class:`Reporter`."""

    def say(self, text: str) -> None:
        """See :class:`Reporter`."""


class Lines(Silence):
    """A line at the first tick, then at most every ten seconds, and at the last one; never cut off."""

    def __init__(self, stop: int | None, stream: TextIO | None, every: float = EVERY) -> None:
        self.stop, self.stream, self.every = stop, stream, every
        self.last = -float("inf")

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """See :class:`Reporter`."""
        now = time.monotonic()
        if record is None or (now - self.last < self.every and left > 0):
            return
        self.last = now
        time_left = f"{duration(left)} left" if left > 0 else "done"
        self.say(f"step {of(step, self.stop)}  {losses_line(record)}  {speed:,.0f} images/s  {time_left}")

    def say(self, text: str) -> None:
        """See :class:`Reporter`."""
        tell(printable(text, None), self.stream)


class Bar:
    """A bar with step, losses, images/s and time left."""

    def __init__(self, start: int, stop: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.console = Console(stderr=True)
        columns = ("step {task.fields[step]}", "{task.fields[speed]}", "{task.fields[losses]}")
        step, speed, losses = (TextColumn(text, markup=False) for text in columns)
        columns_shown = (step, BarColumn(bar_width=20), speed, losses)
        self.progress = Progress(*columns_shown, console=self.console, redirect_stdout=is_terminal(sys.stdout))
        done = start / stop if stop else 0.0
        self.stop, self.begun = stop, time.monotonic()
        self.task = self.progress.add_task("", total=1.0, step=of(start, stop), speed="", losses="")
        self.progress.update(self.task, completed=done)

    def __enter__(self) -> Bar:
        with ExitStack() as stack:
            stack.enter_context(no_status())
            stack.enter_context(self.progress)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """See :class:`Reporter`."""
        fields = {"step": of(step, self.stop), "speed": f"{speed:,.0f} images/s, {duration(left)} left"}
        if record is not None:
            fields["losses"] = losses_line(record)
        spent = time.monotonic() - self.begun
        done = step / self.stop if self.stop else spent / max(spent + left, 1e-9)
        self.progress.update(self.task, completed=done, **fields)  # type: ignore[arg-type]

    def say(self, text: str) -> None:
        """See :class:`Reporter`."""
        self.console.print(printable(text, None), markup=False, highlight=False, soft_wrap=True)


def reporter(start: int, stop: int | None, quiet: bool = False) -> Reporter:
    """The way to show a run here: nothing if ``quiet``, a bar if stderr is a terminal, lines otherwise."""
    if quiet:
        return Silence()
    return Bar(start, stop) if is_terminal(sys.stderr) else Lines(stop, sys.stderr)
