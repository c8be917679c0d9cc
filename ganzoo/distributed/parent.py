"""A process ends with the one that started it, however that one ends: nobody would look after it any more.

It is asked as by ``kill``: a training finishes its step, saves, and says so in its log.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK = 1.0  # seconds between looks at who the parent is


def terminate() -> None:
    """Send SIGTERM to this process."""
    os.kill(os.getpid(), signal.SIGTERM)


def end_when_closed(descriptor: int, end: Callable[[], None] = terminate) -> None:
    """End this process when the other end of a pipe is closed, as it is when the process that holds it is gone.

    Args:
        descriptor: of the end to read from; what is written to the other one is thrown away.
        end: called then, in a thread of its own.
    """

    def read_to_the_end() -> None:
        while os.read(descriptor, 1024):
            continue
        end()

    threading.Thread(target=read_to_the_end, name="parent", daemon=True).start()


@contextmanager
def end_when_orphaned() -> Iterator[None]:
    """End this process when the one that started it ends inside the ``with`` block: a launcher that gave us no pipe."""
    parent, over = os.getppid(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK):
            if os.getppid() != parent:
                terminate()
                return

    threading.Thread(target=look, name="parent", daemon=True).start()
    try:
        yield
    finally:
        over.set()
