"""What the training of a model cost: measured by a run, published with its ``config.json``, or a person's words.

A run keeps it in ``training/run.json``, which stays where it was trained; whoever publishes the model puts it into
``config.json``, as an optional field ``cost`` that no loading depends on. Nothing in this module imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError, counted
from ganzoo.files.untrusted import field, quoted, read_json
from ganzoo.folder.layout import RUN, TRAINING, checkpoints
from ganzoo.folder.records import real_or_none, whole
from ganzoo.folder.spent import CPU, SPENT, WALL

COST = "cost"  # the key of config.json
SAID = "said"  # of a cost: the words of a person, where nothing was measured
LONGEST_COST = 300
LONGEST_PROCESSOR = 200
TEXTS, COUNTS = ("device", "processor"), ("threads", "processes")
MOST_PROCESSES = 10**6
HOUR, MINUTE = 3600, 60


def measured_cost(folder: Path) -> dict[str, Any] | None:
    """What the run in a folder has cost so far; None for a folder that is no run, or whose run counted nothing.

    Args:
        folder: of the run.

    Returns:
        ``seconds`` on the wall and ``processor_seconds`` of all threads, each None where it was not counted;
        ``device``, ``processor``, ``threads`` and ``processes``, those of the last session; and ``steps``, for which
        it is: of a run that keeps its best step more than the model has.

    Raises:
        ModelError: for notes that make no sense.
    """
    path, steps = folder / TRAINING / RUN, checkpoints(folder)
    if not steps or not path.is_file():
        return None
    notes = read_json(path)
    cost = {key: None if notes.get(key) is None else real_or_none(notes, key, path) for key in SPENT.values()}
    if not any(cost.values()):
        return None
    kept = {key: notes[key] for key in (*TEXTS, *COUNTS) if notes.get(key) is not None}
    return checked_cost({**cost, **kept, "steps": max(steps)}, path)


def cost_of(config: Mapping[str, Any], folder: Path) -> dict[str, Any] | None:
    """What a model cost: as its run measured it, where that is here, else as ``config.json`` has it; None if neither.

    Args:
        config: of the model, checked.
        folder: of the model.

    Raises:
        ModelError: for notes of a run that make no sense.
    """
    return measured_cost(folder) or config.get(COST)


def with_cost(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``config.json`` as it is published: with what the run in the folder has cost."""
    cost = measured_cost(folder)
    return {**config, COST: cost} if cost else dict(config)


def checked_cost(cost: object, path: Path) -> dict[str, Any]:
    """The field of a file that nobody vouches for, without what is not known here.

    Raises:
        ModelError: it is of another form.
    """
    if not isinstance(cost, dict):
        raise ModelError(f"{path}: {COST} is {quoted(cost)}, not an object")
    if SAID in cost:
        return {SAID: _short(cost, SAID, LONGEST_COST, path)}
    found: dict[str, Any] = {}
    for key in SPENT.values():
        found[key] = real_or_none(cost, key, path)
        if (found[key] or 0.0) < 0:
            raise ModelError(f"{path}: {key} is {quoted(found[key])}, less than nothing")
    found |= {key: _short(cost, key, LONGEST_PROCESSOR, path) for key in TEXTS if key in cost}
    found |= {key: whole(cost, key, path, 1, MOST_PROCESSES) for key in COUNTS if key in cost}
    return {**found, "steps": whole(cost, "steps", path)}


def _short(cost: Mapping[str, Any], name: str, longest: int, path: Path) -> str:
    text = str(field(cost, name, str, path))
    if not 0 < len(text.strip()) <= longest:
        raise ModelError(f"{path}: {name} of {COST} is {quoted(text)}; it is a text of at most {longest} letters")
    return text


# --- in words -----------------------------------------------------------------------------------------------


def cost_text(cost: Mapping[str, Any]) -> str:
    """A cost as a card says it: ``34 minutes of processor time, 2.1 hours on the wall on …, 1 thread; 9,000 steps``."""
    if SAID in cost:
        return f"{cost[SAID]} (as a person says; no clock of it was kept)"
    cpu, wall = cost[SPENT[CPU]], cost[SPENT[WALL]]
    on_cpu, processes = cost.get("device", "cpu").startswith("cpu"), cost.get("processes", 1)
    # Beside a GPU the processor's time says little, and of several processes run.json counts the first one's alone.
    times = [] if cpu is None or not on_cpu or processes > 1 else [f"{duration(cpu)} of processor time"]
    times += [] if wall is None else [f"{duration(wall)} on the wall"]
    where = f" on {cost['processor']}" if "processor" in cost else ""
    several = f", {processes} processes" if processes > 1 else ""
    threads = f", {counted(cost['threads'], 'thread')}" if on_cpu and "threads" in cost else ""
    return f"{', '.join(times) or 'not kept'}{where}{threads}{several}; {counted(cost['steps'], 'step')}"


def duration(seconds: float) -> str:
    """``2.1 hours``, ``34 minutes``, ``12 seconds``."""
    if seconds >= HOUR:
        return f"{seconds / HOUR:,.1f} hours"
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.0f} minutes"
    return f"{seconds:.0f} seconds"
