"""Reading the log of a run, one JSON line per tick: every reader of a log reads it here, within these bounds.

A line that is none of a log's (of another encoding, too long, too deep, with a step that is no step or a number that
nothing measures) is left out and counted: a log tells about a run, and must not keep anybody from going on with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.files.parse import parse_json
from ganzoo.files.untrusted import open_regular
from ganzoo.folder.layout import LOG
from ganzoo.registry.loading import log as warnings

LONGEST_LINE = 1 << 16  # bytes; a line of ours has about a thousand
LAST_STEP = 2**53  # what a page's JavaScript counts to
BIGGEST = 1e100  # of a number; losses are floats of 32 bits, and a curve's mean and axis must not overflow
SERIES, LONGEST_NAME = 100, 300  # of a run's numbers; more of them, or longer names, only a hostile log has
MOST_RECORDS = 200_000  # kept of a log; of a longer one every second, every fourth, ...


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a record by path, such as ``losses/d/gp``; ``step`` is left out."""
    values: dict[str, float] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            values |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, (int, float)) and key != "step":
            values[f"{prefix}{key}"] = float(value)
    return values


def parsed(line: bytes) -> tuple[dict[str, Any], dict[str, float]] | None:
    """A line of the log and the numbers in it by path; None for what is no such line."""
    if len(line) > LONGEST_LINE:
        return None
    try:
        record = parse_json(line)
    except ValueError:
        return None
    step = record.get("step") if isinstance(record, dict) else None
    if type(step) is not int or not 0 <= step < LAST_STEP:
        return None
    numbers = flat(record)
    return (record, numbers) if all(abs(value) < BIGGEST for value in numbers.values()) else None


def new_series(name: str, known: Collection[str]) -> bool:
    """Whether a number that is called so may begin a series of its own beside the ``known`` ones."""
    return name not in known and len(known) < SERIES and len(name) <= LONGEST_NAME


def lines_of(log: BinaryIO) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """The lines of an open log, each as it is and as a record; None for what makes no sense.

    Blank lines and a last one that was torn are left out: a run that is at work, or was killed, leaves one.
    """
    while line := log.readline(LONGEST_LINE + 1):
        whole = line.endswith(b"\n")
        while not whole and (rest := log.readline(LONGEST_LINE + 1)):
            whole, line = rest.endswith(b"\n"), bytes(LONGEST_LINE + 1)  # too long; its bytes are of no use
        found = parsed(line) if line.strip() else None
        if found is not None or (whole and line.strip()):
            yield line, None if found is None else found[0]


def left_out(count: int) -> str:
    """What is said of lines that make no sense."""
    return "1 line makes no sense and is left out" if count == 1 else f"{count:,} lines make no sense and are left out"


@cache
def say_once(text: str) -> None:
    """Warn of something, however many readers of a process come by it."""
    warnings.warning(text)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, oldest first; none where there is no log.

    What makes no sense is left out and said once. Of a log of more than ``MOST_RECORDS`` lines, lines of numbers are
    thinned evenly over all its length; what the guard saw is kept.

    Raises:
        ModelError: the log is a link, a folder or a pipe.
    """
    path = folder / LOG
    if not path.is_symlink() and not path.exists():
        return []
    records: list[dict[str, Any]] = []
    bad, seen, every = 0, 0, 1
    with open_regular(path) as log:
        for _, record in lines_of(log):
            if record is None:
                bad += 1
                continue
            seen += 1
            if "event" in record or seen % every == 0:
                records.append(record)
            if len(records) == MOST_RECORDS:
                records, every = _thinned(records), 2 * every
    if bad:
        say_once(f"{path}: {left_out(bad)}")
    return records


def _thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """About half of the records: every second line of numbers, and the later half of the events."""
    events = [place for place, record in enumerate(records) if "event" in record]
    kept = {*events[len(events) // 2 :], *range(1, len(records), 2)}.difference(events[: len(events) // 2])
    return [records[place] for place in sorted(kept)]
