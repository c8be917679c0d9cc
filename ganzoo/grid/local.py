"""Jobs on this machine, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from ganzoo.grid.runs import GridJob, Outcome, work
from ganzoo.training.signals import Signals


def spread(jobs: Sequence[GridJob], slots: int) -> Iterator[tuple[GridJob, Outcome]]:
    """Each job with its outcome, as it ends; ``slots`` of them are at work at once.

    After Ctrl-C or SIGTERM runs at work save and end, and no other is begun; a second one does not wait for them.
    """
    abandoned = threading.Event()
    with Signals() as signals, ThreadPoolExecutor(slots) as pool:

        def stop() -> bool:
            return signals.caught is not None or abandoned.is_set()

        try:
            futures = {pool.submit(work, job, stop): job for job in jobs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            abandoned.set()  # also where the reader of this generator failed
