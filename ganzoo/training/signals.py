"""Ctrl-C and SIGTERM: finish the step, save, then go."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from ganzoo.errors import GanzooError

CAUGHT = (signal.SIGINT, signal.SIGTERM)


class Interrupted(GanzooError):
    """A run was asked to stop, and has saved; its text says how to go on. Exit status 130 or 143."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.status = 128 + number


class Signals:
    """Inside the block the first signal is only noted, in ``caught``; the next one acts as usual.

    Args:
        patient: note every signal, and go on doing so after an error in the block, so that it can be said: what starts
            several processes sends them a signal as soon as one ends, and ends by force what hangs.
    """

    def __init__(self, patient: bool = False) -> None:
        self.patient = patient
        self.caught: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in CAUGHT}
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if not self.patient or kind is None:
            self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self.patient:
            self._restore()
        self.caught = number
