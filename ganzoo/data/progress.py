"""A progress bar for work that turns out to take long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ganzoo.compat.lookup import old_names
from ganzoo.distributed.launch import said_elsewhere
from ganzoo.files.streams import is_quiet, is_terminal
from ganzoo.files.waiting import QUIET_SECONDS, no_status


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield ``advance(n)``. On a terminal a bar appears on stderr once the work has taken :data:`QUIET_SECONDS`,
    unless nothing is to be shown (:func:`ganzoo.files.streams.quiet`).

    Args:
        what: is being done, such as ``decoding``.
        total: how many of what ``advance`` counts there are.
    """
    begun, done, task = time.monotonic(), 0, None
    with ExitStack() as stack:
        bar = None

        def advance(n: int) -> None:
            nonlocal bar, task, done
            done += n
            if (
                bar is None
                and is_terminal(sys.stderr)
                and not is_quiet()
                and not said_elsewhere()
                and time.monotonic() - begun > QUIET_SECONDS
            ):
                from rich.console import Console
                from rich.progress import Progress

                stack.enter_context(no_status())
                piped = not is_terminal(sys.stdout)  # what is written to it is not for the terminal
                shown = Progress(console=Console(stderr=True), transient=True, redirect_stdout=not piped)
                bar = stack.enter_context(shown)
                task = bar.add_task(what, total=total)
            if bar is not None and task is not None:
                bar.update(task, completed=done)

        yield advance


__getattr__ = old_names(__name__)
