"""Ctrl-C and SIGTERM: finish the step, save, then go."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ganzoo.errors import GanzooError

CAUGHT = (signal.SIGINT, signal.SIGTERM)
ONE_WISH = 0.5  # seconds in which several signals are one: a terminal and a launcher may both send theirs


_open: list[Signals] = []  # whose blocks are at work


class Interrupted(GanzooError):
    """A run was asked to stop, and has saved; its text says how to go on. Exit status 130 or 143."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number


class Signals:
    """Inside the block the first signal is only noted, in ``caught``; one that comes later acts as usual.

    Handlers stay in place until the end of the block: Python finds a signal first and calls its handler later, and
    complains on standard error where the handler was taken away meanwhile.

    Args:
        patient: note every signal, and go on doing so after an error in the block, so that it can be said: what starts
            several processes sends them a signal as soon as one ends, and ends by force what hangs.
    """

    def __init__(self, patient: bool = False) -> None:
        self.patient = patient
        self.caught: int | None = None
        self._since = 0.0  # when the first one came
        self._before: dict[int, Any] = {}
        self._leaving = False

    def __enter__(self) -> Signals:
        _open.append(self)
        if threading.current_thread() is threading.main_thread():
            for number in CAUGHT:
                # None is a handler of the program that Python runs in: it could not be put back, so it stays.
                if signal.getsignal(number) is not None:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        _open.remove(self)
        if not self.patient or kind is None:
            self._restore()

    def _restore(self) -> None:
        self._leaving = True
        if self._before and threading.current_thread() is threading.main_thread():
            with _held_back():
                for number, handler in self._before.items():
                    signal.signal(number, handler)
            self._before = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.caught is None:
            self.caught, self._since = number, now
        elif self.patient:
            self.caught = number
        elif now - self._since > ONE_WISH and not self._leaving:
            _act(number, self._before[number], frame)


def ask_to_stop() -> None:
    """Send SIGTERM to this process, unless it has been asked to stop already: a second signal would not let it save."""
    if not any(block.caught is not None for block in _open):
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _held_back() -> Iterator[None]:
    """Let signals wait; those that Python found before have been handled once the block begins."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _act(number: int, handler: Any, frame: FrameType | None) -> None:
    """Do what a signal does by ``handler``."""
    if callable(handler):
        handler(number, frame)
    elif handler == signal.SIG_DFL:
        signal.signal(number, handler)
        signal.raise_signal(number)


class _Ended(BaseException):
    """SIGTERM or SIGHUP came: what is open is closed, and temporary files go, before the process does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # the next one acts at once, should this one be stuck in something
    raise _Ended(number)


@contextmanager
def tidy() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, and then the process as they would have at once.

    Whoever starts the process sees it killed by the signal. A signal that the process was told to ignore, as by
    ``nohup``, stays ignored. For the main thread of a process that is ours.
    """
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # Windows has no SIGHUP
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        yield
    except _Ended as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        signal.raise_signal(ended.number)


def end_by_the_next() -> None:
    """Let the next Ctrl-C end the process at once: it would meet a process that ends, and print a traceback."""
    while True:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        except KeyboardInterrupt:  # one that was on its way
            continue
        return
