"""A child of ``same`` or ``bench``: does what it is told with the ganzoo of its own interpreter."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from oracle import measure


def work(words: Sequence[str]) -> int:
    """``runs TASKS.json OUTCOMES.json``, ``steps RECIPE BATCH`` or ``load MODEL``."""
    if words[0] == "runs":
        runs(Path(words[1]), Path(words[2]))
    elif words[0] == "steps":
        steps(words[1], int(words[2]))
    else:
        load(words[1])
    return 0


# --- runs ---------------------------------------------------------------------------------------------------


def runs(tasks: Path, outcomes: Path) -> None:
    """Carry out tasks in this folder; write how each ended, ``done`` or its error, by name."""
    ended = {}
    for name, task in json.loads(tasks.read_text(encoding="utf-8")).items():
        try:
            measure.one_thread()
            carry_out(name, task)
            ended[name] = "done"
        except Exception as error:
            ended[name] = f"{type(error).__name__}: {error}"
            if not hasattr(error, "status"):  # of ganzoo's own errors the text is enough
                traceback.print_exc()
        print(f"  {name}: {ended[name]}", file=sys.stderr, flush=True)
    outcomes.write_text(json.dumps(ended), encoding="utf-8")


def carry_out(name: str, task: dict[str, Any]) -> None:
    """One task: a training into the folder called ``name``, one that is stopped, or words of the command line."""
    import ganzoo

    if "words" in task:
        Path(name).mkdir()
        if "copy" in task:
            shutil.copytree(task["copy"], Path(name) / "run")
        print(measure.command(*task["words"]), file=sys.stderr)
        return
    options = {**measure.RUN, "steps": 2, **task.get("options", {})}
    options["settings"] = {"precision": "fp32", **options.get("settings", {})}
    if "resume" in options:
        options = {"quiet": True, **task["options"]}
        ganzoo.train(**options, **({"data": measure.noise()} if task.get("data") == "noise" else {}))
        return
    data = measure.noise() if task["data"] == "noise" else task["data"]
    if "stop" in task:
        measure.stop_half_way(Path(name), task["recipe"], data, task["stop"], **options)
    else:
        ganzoo.train(task["recipe"], data, out=name, **options)


# --- speed --------------------------------------------------------------------------------------------------


def steps(recipe: str, batch: int) -> None:
    """Train, and take a step each time that a line comes in; answer with its seconds. Ends when no line comes.

    The answers go where standard output went; what is printed goes to standard error.
    """
    import ganzoo

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    pacer = Pacer(answers)
    often = {"log_every": 1, "grid_every": 10**6, "save_every": 10**6, "guard": "off", "quiet": True, "device": "cpu"}
    settings = {"repeat.d": 1}
    ganzoo.train(recipe, photos(), out="run", steps=10**6, batch=batch, settings=settings, callback=pacer, **often)


def photos() -> Any:
    """512 random images of 32 pixels in colour."""
    import torch

    rng = torch.Generator().manual_seed(1)
    return torch.randint(256, (512, 3, 32, 32), dtype=torch.uint8, generator=rng)


class Pacer:
    """Called after each step: says how long it took, and waits for leave to take another."""

    def __init__(self, answers: TextIO) -> None:
        self.answers, self.start = answers, time.perf_counter()

    def __call__(self, record: dict[str, Any]) -> None:
        """Take the line of the log of a step."""
        print(time.perf_counter() - self.start, file=self.answers, flush=True)
        if not sys.stdin.readline():
            os._exit(0)
        self.start = time.perf_counter()


def load(name: str) -> None:
    """Print the seconds of ``ganzoo.load`` to the first sample, beyond those of ``import torch``."""
    import torch  # noqa: F401 - what the time is beyond of

    start = time.perf_counter()
    import ganzoo

    ganzoo.load(name).sample(1, seed=0)
    print(time.perf_counter() - start)
