"""Time that is shared out: stages that know what is left, and commands that end before it does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENDING = 5.0  # seconds that a command has between being asked to end and being ended


class Skipped(Exception):
    """A stage, or a part of it, is left out for a reason."""


@dataclass(frozen=True)
class Done:
    """A command that ended.

    Attributes:
        status: its exit status; None where it was ended as the time was up.
        text: what it printed.
        seconds: that it took.
    """

    status: int | None
    text: str
    seconds: float

    @property
    def reason(self) -> str:
        """Why it failed, in a line: the last that it printed."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        last = lines[-1][:300] if lines else "nothing was printed"
        return f"ended as its time was up: {last}" if self.status is None else f"exit status {self.status}: {last}"


class Clock:
    """What is left of the time for everything.

    Args:
        seconds: for everything.
        log: where commands and what they print go.
        environment: of the commands.
        folder: where they run.
    """

    def __init__(self, seconds: float, log: Path, environment: Mapping[str, str], folder: Path) -> None:
        self.begun, self.seconds, self.log = time.monotonic(), seconds, log
        self.environment, self.folder = dict(environment), folder

    @property
    def left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.begun)

    def say(self, line: str) -> None:
        """Print a line, and keep it."""
        print(f"[{time.monotonic() - self.begun:6.1f} s] {line}", flush=True)
        self.keep(f"== {line}\n")

    def keep(self, text: str) -> None:
        """Add to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(text)

    def run(self, words: Sequence[str], most: float) -> Done:
        """Run a command for ``most`` seconds, or for what is left of all."""
        begun = time.monotonic()
        self.keep(f"$ {' '.join(words)}\n")
        process = subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,  # so that what it starts ends with it
        )
        try:
            text, status = process.communicate(timeout=max(1.0, min(most, self.left)))[0], process.returncode
        except subprocess.TimeoutExpired:
            text, status = _ended(process), None
        self.keep(f"{text}\n")
        return Done(status, text, time.monotonic() - begun)


def _ended(process: subprocess.Popen[str]) -> str:
    """End a command and what it started; what it had printed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.killpg(process.pid, number)
        try:
            return process.communicate(timeout=ENDING)[0]
        except subprocess.TimeoutExpired:
            continue
    return ""


@dataclass
class Stage:
    """One stage of the whole, and what came of it.

    Attributes:
        name: of it.
        share: of all the time that it may take.
        least: seconds without which it does not begin.
        work: is given the seconds that it may take, and returns what it found, for JSON; it raises :class:`Skipped`.
    """

    name: str
    share: float
    least: float
    work: Callable[[float], Any]
    status: str = "not begun"
    reason: str | None = None
    seconds: float = 0.0
    found: Any = field(default=None, repr=False)

    def go(self, clock: Clock) -> None:
        """Do it in its share of the time, or say why not."""
        begun, most = time.monotonic(), min(self.share * clock.seconds, clock.left)
        if clock.left < self.least:
            self.status, self.reason = "skipped", f"{clock.left:.0f} s were left, and it takes {self.least:.0f}"
        else:
            clock.say(f"{self.name}: {most:.0f} s")
            try:
                self.found, self.status = self.work(most), "done"
            except Skipped as why:
                self.status, self.reason = "skipped", str(why)
            except Exception as error:  # a stage that breaks is told of, and the others go on
                self.status, self.reason = "failed", f"{type(error).__name__}: {error}"
        self.seconds = time.monotonic() - begun
        clock.say(f"{self.name}: {self.status}{f', {self.reason}' if self.reason else ''}")

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "seconds": round(self.seconds, 1),
            "found": self.found,
        }
