"""A growing ``log.jsonl``, followed a piece at a time; of each curve at most :data:`POINTS` points are kept.

So the page of a run of a million steps is as light as that of a thousand.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.files.untrusted import open_regular
from ganzoo.folder.layout import LOG
from ganzoo.folder.log import LONGEST_LINE, new_series, parsed

POINTS = 600  # of a curve at most; when they are full, neighbours are joined
PIECE = 4 << 20  # bytes of the log taken at once
TAIL = 2 * LONGEST_LINE  # bytes in which the last line of a log is looked for
EVENTS = 100  # the newest are shown
MARK = 64  # bytes before our place that must still be there


class ThinnedCurve:
    """One logged quantity, downsampled: points of ``every`` values each: last step, mean, min and max."""

    def __init__(self) -> None:
        self.every, self.held = 1, 0
        self.points: list[list[float]] = []

    def add(self, step: int, value: float) -> None:
        """Add the value of ``step``, which is later than all before."""
        if self.held in (0, self.every):
            self._make_room()
            self.points.append([step, value, value, value])
            self.held = 1
            return
        _, mean, low, high = self.points[-1]
        self.held += 1
        self.points[-1] = [step, mean + (value - mean) / self.held, min(low, value), max(high, value)]

    # Neighbours are joined and every point stands for twice as many from then on, so a curve is thinned evenly over
    # all its length, in one pass over the log and without knowing how long it will be.
    def _make_room(self) -> None:
        if len(self.points) < POINTS:
            return
        pairs = zip(self.points[::2], self.points[1::2], strict=True)
        self.points = [[b[0], (a[1] + b[1]) / 2, min(a[2], b[2]), max(a[3], b[3])] for a, b in pairs]
        self.every *= 2

    def rounded(self) -> list[list[float]]:
        """The points with five digits; only step and value where each stands for one."""
        columns = 4 if self.every > 1 else 2
        return [[point[0], *(float(f"{value:.5g}") for value in point[1:columns])] for point in self.points]


class Tail:
    """The log of a run, followed as it grows.

    Attributes:
        curves: by path in a line, such as ``losses/d/gp``.
        record: the newest line of numbers.
        events: of the guard, oldest first, as pairs of step and sentence.
        bad: lines that make no sense, and are left out.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG
        self._restart(None)

    def _restart(self, file: tuple[int, int] | None) -> None:
        self.file, self.offset, self.mark, self.skipping = file, 0, b"", False
        self.curves: dict[str, ThinnedCurve] = {}
        self.record: dict[str, Any] = {}
        self.events: deque[tuple[int, str]] = deque(maxlen=EVENTS)
        self.bad = 0

    def read(self) -> bool:
        """Take the next piece; True while there is more. A log that was cut or replaced is read anew.

        Raises:
            ModelError: it is no regular file.
        """
        if not self.path.is_symlink() and not self.path.exists():
            self._restart(None)
            return False
        with open_regular(self.path) as log:
            status = os.fstat(log.fileno())
            if (status.st_dev, status.st_ino) != self.file or not self._still_ours(log, status.st_size):
                self._restart((status.st_dev, status.st_ino))
            log.seek(self.offset)
            piece = log.read(PIECE)
        self._take(piece)
        return len(piece) == PIECE

    def _still_ours(self, log: BinaryIO, size: int) -> bool:
        """Whether what was read is still there: a resumed run cuts its log back and writes on."""
        if size < self.offset:
            return False
        log.seek(self.offset - len(self.mark))
        return log.read(len(self.mark)) == self.mark

    def _take(self, piece: bytes) -> None:
        """Every whole line of ``piece``; one that does not end in it waits, one longer than it is passed over."""
        end = piece.rfind(b"\n") + 1
        if end == 0 and len(piece) == PIECE:
            self.bad += not self.skipping
            end, self.skipping = len(piece), True
        elif end:
            lines = piece[: end - 1].split(b"\n")[int(self.skipping) :]
            self.skipping = False
            for line in lines:
                self._line(line)
        self.mark = (self.mark + piece[:end])[-MARK:]
        self.offset += end

    def _line(self, line: bytes) -> None:
        found = parsed(line)
        if found is None:
            self.bad += bool(line.strip())
            return
        record, numbers = found
        step = record["step"]
        if "event" in record:
            self.events.append((step, sentence(record["event"])))
            return
        self.record = record
        for name, value in numbers.items():
            if new_series(name, self.curves):
                self.curves[name] = ThinnedCurve()
            if name in self.curves:
                self.curves[name].add(step, value)


def sentence(event: object) -> str:
    """What an event of the guard says, as one sentence."""
    return str(event.get("text", event.get("kind", ""))) if isinstance(event, dict) else str(event)


def last_record(folder: Path) -> dict[str, Any]:
    """The newest line of numbers in a run's log; empty where there is none yet.

    Raises:
        ModelError: the log is no regular file.
    """
    path = folder / LOG
    if not path.is_symlink() and not path.exists():
        return {}
    with open_regular(path) as log:
        log.seek(max(os.fstat(log.fileno()).st_size - TAIL, 0))
        lines = log.read(TAIL).split(b"\n")[:-1]
    found = (parsed(line) for line in reversed(lines))
    return next((one[0] for one in found if one is not None and "event" not in one[0]), {})
