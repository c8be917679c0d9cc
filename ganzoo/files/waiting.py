"""A status line on the terminal while a work says nothing for long: what is being done, and since when.

It is shown once nothing was written for :data:`QUIET_SECONDS`, goes before anything else is written, and leaves no
trace. There is one for the process, begun by the command line; what knows more says it by :func:`doing`, and what shows
its own progress, or waits for a person, turns it off for that time by :func:`no_status`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import get_terminal_size
from typing import Any

from ganzoo.errors import printable
from ganzoo.files.streams import is_quiet, is_terminal

QUIET_SECONDS = 2.0
"""Work that takes less shows nothing."""
FRAME_SECONDS = 0.25
MARKS = "-\\|/"
CLEAR = "\r\033[K"
_stages: list[str] = []
_off = 0
_shown: _Status | None = None


@contextmanager
def status(what: str, wanted: bool = True) -> Iterator[None]:
    """Show a status line for as long as the block runs, if standard error is a terminal that is to show progress.

    Args:
        what: is being done, in front of what :func:`doing` says.
        wanted: show nothing otherwise, as where another process speaks.
    """
    global _shown
    if not wanted or _shown is not None or not is_terminal(sys.stderr) or is_quiet():
        yield
        return
    _shown = _Status(what)
    try:
        with _shown:
            yield
    finally:
        _shown = None


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Let the status line say ``what`` for as long as the block runs, such as ``checking the file``."""
    _stages.append(what)
    try:
        yield
    finally:
        _stages.pop()


@contextmanager
def no_status() -> Iterator[None]:
    """Show no status line for as long as the block runs: it shows its own progress, serves or asks."""
    global _off
    _off += 1
    if _shown is not None:
        _shown.hide()
    try:
        yield
    finally:
        _off -= 1
        if _shown is not None:
            _shown.wrote()


class _Status:
    """The line, a thread that draws it, and standard streams that take it away before they are written to.

    A process that was forked meanwhile, such as one that loads data, has no such thread and writes as ever.
    """

    def __init__(self, what: str) -> None:
        self.what, self.process = what, os.getpid()
        self.begun = self.last = time.monotonic()
        self.lock, self.ended = threading.RLock(), threading.Event()
        self.drawn = False
        self.terminal = sys.stderr
        self.streams = (sys.stdout, sys.stderr)

    def __enter__(self) -> _Status:
        if is_terminal(sys.stdout):
            sys.stdout = _Telling(self, sys.stdout)  # type: ignore[assignment]
        sys.stderr = _Telling(self, sys.stderr)  # type: ignore[assignment]
        self.thread = threading.Thread(target=self._draw_all, name="status line", daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if os.getpid() != self.process:
            return
        self.ended.set()
        self.thread.join()
        self.hide()
        for name, before in zip(("stdout", "stderr"), self.streams, strict=True):
            if isinstance(getattr(sys, name), _Telling):
                setattr(sys, name, before)

    def wrote(self) -> None:
        """Take the line away, as something else is written; it comes again after a while of silence."""
        if os.getpid() == self.process:
            with self.lock:
                self.hide()
                self.last = time.monotonic()

    def hide(self) -> None:
        """Take the line away."""
        with self.lock:
            if self.drawn:
                self.drawn = False
                self._write(CLEAR)

    def _draw_all(self) -> None:
        while not self.ended.wait(FRAME_SECONDS):
            with self.lock:
                silent = time.monotonic() - self.last >= QUIET_SECONDS
                if silent and not _off and not self.ended.is_set():
                    self.drawn = True
                    self._write(CLEAR + self._line())

    def _line(self) -> str:
        spent = time.monotonic() - self.begun
        mark = MARKS[int(spent / FRAME_SECONDS) % len(MARKS)]
        stage = f": {printable(_stages[-1])}" if _stages else ""
        text = f"{mark} {self.what}{stage}, {_clock(spent)}"
        return text[: max(get_terminal_size().columns - 1, 1)]

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError, AttributeError):  # the terminal is gone, which ends no work
            self.terminal.write(text)
            self.terminal.flush()


class _Telling:
    """A stream that says when it is written to."""

    def __init__(self, status: _Status, stream: Any) -> None:
        self.status, self.stream = status, stream

    def write(self, text: str) -> int:
        """Write, once the line is away."""
        self.status.wrote()
        return int(self.stream.write(text) or 0)

    def writelines(self, lines: Any) -> None:
        """Write, once the line is away."""
        self.status.wrote()
        self.stream.writelines(lines)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
