"""The state of a run, read from its folder alone: no process is asked, nothing is locked, nothing is written.

The folder may be a stranger's. Every file is opened as :mod:`ganzoo.files.untrusted` opens it, folders that are links
are not entered, and every text is made printable; the page shows texts as texts.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.names import as_text
from ganzoo.files.untrusted import open_regular, printable, read_json
from ganzoo.folder.layout import ANIMATION, CHECKPOINT, CONFIG, LOCK, LOG, RUN, SAMPLES, TRAINING
from ganzoo.folder.log import left_out
from ganzoo.folder.scores import Score, read_scores
from ganzoo.folder.spent import SPENT, WALL
from ganzoo.folder.versions import upgraded
from ganzoo.watch.curves import Tail, last_record

SIGNS = (CONFIG, LOG, TRAINING)  # each is in a run's folder and in no folder of runs
MOST_RUNS, DEPTH = 500, 2
MOST_ROWS = 200  # of a table
ONLY = "this"  # the name of the only run there is; browsers would leave a dot out of an address
QUIET = 600.0  # seconds without news after which a run of another host counts as stopped
HOLDER = re.compile(r"process ([1-9][0-9]{0,8}) on (\S+)\s*")
MOST_WAYS, LONGEST_COMMAND = 5, 2_000  # of what to try
UNREADABLE: Mapping[str, Any] = {
    **dict.fromkeys(("steps", "budget", "done", "left", "images", "speed", "best", "samples", "verdict")),
    **{"recipe": "", "status": "unreadable", "step": 0, "time": ""},
}
COLOURS = {"1": "grey", "3": "RGB", "4": "RGBA"}


# --- finding runs -------------------------------------------------------------------------------------------


def is_run(folder: Path) -> bool:
    """Whether ``folder`` holds a run, even one that has only begun."""
    return any((folder / name).exists() for name in SIGNS)


def find_runs(root: Path) -> dict[str, Path]:
    """The runs under ``root`` by their path from there, or ``root`` itself as ``this``; links are not followed."""
    if is_run(root):
        return {ONLY: root}
    found: dict[str, Path] = {}
    for folder in _runs_under(root, DEPTH):
        if len(found) == MOST_RUNS:
            break
        name = as_text(folder.relative_to(root).as_posix())  # for addresses, which take no other
        found[name if name not in found else f"{name} ({len(found)})"] = folder
    return found


def _runs_under(folder: Path, depth: int) -> Iterator[Path]:
    for path in sorted(_folders(folder)):
        if is_run(path):
            yield path
        elif depth > 1:
            yield from _runs_under(path, depth - 1)


def _folders(folder: Path) -> list[Path]:
    """Folders in ``folder``, hidden ones and links left out; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
    except OSError:
        return []


# --- one run ------------------------------------------------------------------------------------------------


def standing(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a run in one line: how far it is, how fast, what is best so far.

    Args:
        folder: of the run.
        record: the newest line of its log; empty before the first.
    """
    config, notes = upgraded(_json(folder / CONFIG)), _notes(folder)
    last, best = _checkpoints(folder)
    step = max(int(record.get("step", 0)), last)
    clock = _mapping(record, "clock")
    scores, problem = _scores(folder)
    at_work = _at_work(folder)
    pace = _pace(folder, notes, record, step, at_work)
    return {
        "name": printable(folder.resolve().name),
        "recipe": _text(config.get("recipe")),
        "status": _status(at_work, step, pace["done"]),
        "step": step,
        **pace,
        "images": _whole(record.get("images")),
        "speed": _real(clock.get("images_per_second")),
        "time": _text(clock.get("time")),
        "best": _best(scores, best),
        "samples": _version(folder / SAMPLES),
        "problem": problem,
        "verdict": None if at_work else _verdict(notes, step),
    }


def summary(folder: Path) -> dict[str, Any]:
    """One run of several: its :func:`standing`, without reading the whole log.

    Whatever is the matter with a folder, the page of all runs is answered, and shows the others.
    """
    try:
        return standing(folder, last_record(folder))
    except ModelError as error:
        return {**standing(folder, {}), "problem": printable(error)}
    except Exception as error:  # the last resort: no bound that was forgotten may hide the other runs
        return {**UNREADABLE, "name": printable(folder.name), "problem": printable(f"cannot be read: {error!r}")}


class Followed:
    """A run whose log is followed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tail, self.lock = folder, Tail(folder), threading.Lock()

    def state(self) -> dict[str, Any]:
        """Everything that the page of a run shows; ``more`` while the log has not been read to its end."""
        with self.lock:
            problem, more = None, False
            try:
                more = self.tail.read()
            except ModelError as error:
                problem = printable(error)
            state = standing(self.folder, self.tail.record)
            config = upgraded(_json(self.folder / CONFIG))
            return {
                **state,
                "problem": problem or state["problem"] or self.left_out(),
                "more": more,
                "animation": _version(self.folder / ANIMATION),
                "curves": {printable(name): curve.rounded() for name, curve in self.tail.curves.items() if "/" in name},
                "events": [{"step": step, "text": printable(text)} for step, text in self.tail.events],
                "scores": [_score(score) for score in _scores(self.folder)[0]],
                "parts": _parts(config),
                "settings": _settings(config),
                "facts": _facts(config, _notes(self.folder)),
            }

    def left_out(self) -> str | None:
        """What is said of the lines of the log that make no sense."""
        return f"{LOG}: {left_out(self.tail.bad)}" if self.tail.bad else None


# --- how far ------------------------------------------------------------------------------------------------


def _status(at_work: bool, step: int, done: float | None) -> str:
    """``waiting`` or ``starting`` (nothing logged yet), ``training``, ``stopped`` or ``finished``."""
    if at_work:
        return "training" if step else "starting"
    if done is not None and done >= 1:
        return "finished"
    return "stopped" if step else "waiting"


def _verdict(notes: Mapping[str, Any], step: int) -> dict[str, Any] | None:
    """What was said of a run when it ended, unless it has gone on since: a sentence, its cause, and what to try."""
    found = _mapping(notes, "verdict")
    ways = found.get("ways")
    if not isinstance(found.get("text"), str) or not isinstance(ways, list) or _whole(found.get("step")) != step:
        return None
    pairs = [pair for pair in ways[:MOST_WAYS] if isinstance(pair, list) and len(pair) == 2]
    shown = [{"why": printable(why), "how": printable(how, LONGEST_COMMAND)} for why, how in pairs]
    return {"text": printable(found["text"]), "cause": printable(found.get("cause", "")), "ways": shown}


def _at_work(folder: Path) -> bool:
    """Whether a process holds the folder. Its lock is only read: to try it could keep a run from starting."""
    try:
        with open_regular(folder / LOCK) as file:
            holder = HOLDER.fullmatch(file.read(200).decode(errors="replace"))
    except ModelError:
        return False
    if holder is None or holder[2] != socket.gethostname():
        newest = max(_version(folder / name) or 0 for name in (LOG, SAMPLES, LOCK))
        return time.time() - newest / 1e9 < QUIET
    try:
        os.kill(int(holder[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _checkpoints(folder: Path) -> tuple[int, int | None]:
    """The last step saved and the step kept as the best, by the names of their folders."""
    training = folder / TRAINING
    names = [] if training.is_symlink() else [path.name for path in _folders(training)]
    found = [match for name in names if (match := CHECKPOINT.fullmatch(name))]
    saved = [int(match[2]) for match in found if match[1] == "step"]
    best = [int(match[2]) for match in found if match[1] == "best"]
    return max(saved, default=0), max(best, default=None)


def _pace(
    folder: Path, notes: Mapping[str, Any], record: Mapping[str, Any], step: int, at_work: bool
) -> dict[str, Any]:
    """How far a run is to go: ``steps``, ``budget`` in seconds, the share ``done`` and seconds on the wall ``left``."""
    pacing = _mapping(notes, "pacing")
    steps, budget = _whole(pacing.get("steps")), _real(pacing.get("budget"))
    done = left = None
    if steps:
        done, left = step / steps, _time_left(record, step, steps)
    elif budget:
        wall = _real(notes.get(SPENT[WALL])) or 0.0
        spent = _real(notes.get(SPENT.get(_text(pacing.get("clock")), SPENT[WALL]))) or 0.0
        spent = max(spent, 0.0)
        share = spent / wall if spent > 0 and wall > 0 else 1.0  # of the time on the wall that the budget counts
        if at_work:  # run.json says what earlier sessions took, or how much this one had when it saved
            spent += share * max(time.time() - (_version(folder / TRAINING / RUN) or 0) / 1e9, 0.0)
        done, left = spent / budget, max(budget - spent, 0.0) / share
    return {"steps": steps, "budget": budget, "done": None if done is None else min(done, 1.0), "left": left}


def _time_left(record: Mapping[str, Any], step: int, steps: int) -> float | None:
    """Seconds to the last step at the speed of the newest log line."""
    images, at = _whole(record.get("images")), _whole(record.get("step"))
    speed = _real(_mapping(record, "clock").get("images_per_second"))
    if not images or not at or not speed or speed <= 0:
        return None
    return _real(max(steps - step, 0) * images / at / speed)


def _best(scores: list[Score], kept: int | None) -> dict[str, Any] | None:
    """The best score of the protocol that was measured first, else the step that the guard keeps for its health."""
    if not scores:
        return None if kept is None else {"step": kept, "key": None, "value": None}
    best = scores[0]
    for score in scores[1:]:
        if score.protocol == best.protocol and score.better_than(best):
            best = score
    return {"step": best.step, "key": best.key, "value": best.value}


def _score(score: Score) -> dict[str, Any]:
    shown = ("key", "metric", "value", "std", "samples", "step", "seed", "higher_is_better", "floor")
    fields = {name: getattr(score, name) for name in shown}
    return {**fields, "data": printable(score.dataset["name"]), "protocol": "/".join(score.protocol)}


# --- what it is ---------------------------------------------------------------------------------------------


def _parts(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """The parts of the plan that are there, each with its side, options and reason."""
    parts = config.get("parts")
    rows = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    shown = []
    for row in rows[:MOST_ROWS]:
        options = {name: value for name, value in _mapping(row, "options").items() if value is not None}
        written = ", ".join(f"{_text(name)}={_text(value)}" for name, value in options.items())
        told = {"part": row.get("part"), "side": row.get("side"), "because": row.get("reason")}
        shown.append({**{name: _text(value) for name, value in told.items()}, "options": written})
    return [part for part in shown if not part["part"].endswith("/none")]


def _settings(config: Mapping[str, Any]) -> list[dict[str, str]]:
    settings = _mapping(config, "settings")
    rows = [(name, row) for name, row in settings.items() if isinstance(row, dict)][:MOST_ROWS]
    return [
        {"name": _text(name), "value": _text(row.get("value")), "because": _text(row.get("reason"))}
        for name, row in rows
    ]


def _size(config: Mapping[str, Any]) -> str:
    """``64`` for square images, else ``64x128``, height first."""
    return "x".join(dict.fromkeys(_text(config.get(side)) for side in ("height", "width")))


def _bits(config: Mapping[str, Any]) -> str:
    return f", {_text(config['bits'])} bits" if config.get("bits", 8) != 8 else ""


def _facts(config: Mapping[str, Any], notes: Mapping[str, Any]) -> list[dict[str, str]]:
    data, names, channels = _mapping(config, "dataset"), config.get("class_names"), _text(config.get("channels"))
    classes = ", ".join(map(_text, names[:20])) if isinstance(names, list) else ""
    facts = {
        "data": f"{_text(data.get('name'))}, {_text(data.get('count'))} images",
        "licence of the data": _text(data.get("licence")),
        "images": f"{_size(config)} px, {COLOURS.get(channels, f'{channels} channels')}{_bits(config)}",
        "classes": f"{_text(config.get('classes'))}: {classes}" if classes else "none",
        "seed": _text(config.get("seed")),
        "machine": ", ".join(filter(None, (_text(notes.get(name)) for name in ("host", "device", "precision")))),
        "threads": _text(notes.get("threads")),
        "made with": f"ganzoo {_text(config.get('ganzoo'))}, torch {_text(notes.get('torch'))}",
    }
    return [{"name": name, "value": value} for name, value in facts.items() if value] if config else []


# --- a stranger's files -------------------------------------------------------------------------------------


def _json(path: Path) -> dict[str, Any]:
    """A JSON object, or nothing: a run may just be writing its first files."""
    try:
        return read_json(path)
    except ModelError:
        return {}


def _notes(folder: Path) -> dict[str, Any]:
    """``training/run.json``; nothing where ``training`` is a link."""
    return {} if (folder / TRAINING).is_symlink() else _json(folder / TRAINING / RUN)


def _scores(folder: Path) -> tuple[list[Score], str | None]:
    """The scores, and what is wrong with their file."""
    try:
        return read_scores(folder), None
    except ModelError as error:
        return [], printable(error)


def _version(path: Path) -> int | None:
    """A number that changes when a regular file does; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_mtime_ns if stat.S_ISREG(status.st_mode) else None


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _real(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e15 else None


def _text(value: object) -> str:
    if value is None:
        return ""
    return printable("/".join(map(str, value)) if isinstance(value, list) else value, 200)
