"""What a person sees while a run goes on: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

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


def losses_line(record: Mapping[str, Any]) -> str:
    """``d/loss 1.02  d/gp 0.13  g/loss 0.44``, and D's accuracy where it is known."""
    words = [f"{name} {value:.3g}" for name, value in record.get("losses", {}).items()]
    accuracy = record.get("accuracy")
    if accuracy:
        words.append(f"D right {accuracy['real']:.0%}/{accuracy['fake']:.0%}")
    return "  ".join(words)


class Pace:
    """Seconds per step, as a moving average that forgets the slow start."""

    def __init__(self, step: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.step, self.then = clock, step, clock()
        self.seconds: float | None = None

    def tick(self, step: int) -> float:
        """Seconds per step up to now."""
        now, steps = self.clock(), max(step - self.step, 1)
        latest = (now - self.then) / steps
        keep = MEMORY**steps
        self.seconds = latest if self.seconds is None else keep * self.seconds + (1 - keep) * latest
        self.step, self.then = step, now
        return self.seconds


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

    def __init__(self, stop: int, stream: TextIO, every: float = EVERY) -> None:
        self.stop, self.stream, self.every = stop, stream, every
        self.last = -float("inf")

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """See :class:`Reporter`."""
        now = time.monotonic()
        if record is None or (now - self.last < self.every and step < self.stop):
            return
        self.last = now
        time_left = f"{duration(left)} left" if step < self.stop else "done"
        self.say(f"step {step:,}/{self.stop:,}  {losses_line(record)}  {speed:,.0f} images/s  {time_left}")

    def say(self, text: str) -> None:
        """See :class:`Reporter`."""
        print(text, file=self.stream, flush=True)


class Bar:
    """A bar with step, losses, images/s and time left."""

    def __init__(self, start: int, stop: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self.console = Console(stderr=True)
        columns = ("step {task.completed:,}/{task.total:,}", "{task.fields[speed]}", "{task.fields[losses]}")
        step, speed, losses = (TextColumn(text, markup=False) for text in columns)
        self.progress = Progress(step, BarColumn(bar_width=20), speed, losses, console=self.console)
        self.task = self.progress.add_task("", total=stop, completed=start, speed="", losses="")

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, step: int, record: Mapping[str, Any] | None, speed: float, left: float) -> None:
        """See :class:`Reporter`."""
        fields = {"speed": f"{speed:,.0f} images/s, {duration(left)} left"}
        if record is not None:
            fields["losses"] = losses_line(record)
        self.progress.update(self.task, completed=step, **fields)  # type: ignore[arg-type]

    def say(self, text: str) -> None:
        """See :class:`Reporter`."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def reporter(start: int, stop: int, quiet: bool = False) -> Reporter:
    """The way to show a run here: nothing if ``quiet``, a bar if stderr is a terminal, lines otherwise."""
    if quiet:
        return Silence()
    return Bar(start, stop) if sys.stderr.isatty() else Lines(stop, sys.stderr)
