"""The speed of two installations on one machine: steps taken in turn, and what it takes to start."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from oracle.measure import cpu

SCRIPT = Path(__file__).resolve().parents[1] / "baselines.py"
WARM_UP = 3  # steps that do not count
STARTS = 7  # of each command; the first fills caches and does not count
LOADED = "dcgan-mnist"


class Child:
    """A training in one interpreter, that takes a step when it is told to."""

    def __init__(self, python: str, recipe: str, batch: int) -> None:
        self.folder = TemporaryDirectory(prefix="pace-")
        self.process = subprocess.Popen(
            [python, str(SCRIPT), "worker", "steps", recipe, str(batch)],
            cwd=self.folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Child:
        self.answer()  # of the first step, which it takes by itself
        return self

    def __exit__(self, *exception: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.folder.cleanup()

    def answer(self) -> float:
        """The seconds of the last step.

        Raises:
            RuntimeError: if the child has ended.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with status {self.process.wait(60)}")
        return float(line)

    def step(self) -> float:
        """Take a step; its seconds, with its batch and its line of the log."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()


def compare(old: str, new: str, recipes: list[str], pairs: int, batch: int) -> dict[str, Any]:
    """Times of both interpreters.

    Args:
        old, new: interpreters.
        recipes: to train at 32 pixels, in the arithmetic that ganzoo chooses.
        pairs: steps of each that count.
        batch: images in a batch.

    Returns:
        JSON: ``steps`` by recipe, with the medians ``old_ms`` and ``new_ms``, ``ratio``, the median of old over new
        time of each pair, and ``ratios``, their quartiles; ``start`` by interpreter, with the seconds of user time of
        ``--help`` and ``list`` and the seconds of ``load`` to the first sample beyond ``import torch``; ``machine``.
    """
    stepped = {recipe: interleaved(old, new, recipe, pairs, batch) for recipe in recipes}
    starts = {"old": start_up(old), "new": start_up(new)}
    return {"steps": stepped, "start": starts, "machine": cpu()}


def interleaved(old: str, new: str, recipe: str, pairs: int, batch: int) -> dict[str, Any]:
    """Steps of one recipe in turn, the first of a pair now old, now new."""
    with Child(old, recipe, batch) as one, Child(new, recipe, batch) as other:
        times: list[tuple[float, float]] = []
        for index in range(WARM_UP + pairs):
            if index % 2:
                second = other.step()
                times.append((one.step(), second))
            else:
                times.append((one.step(), other.step()))
        print(f"{recipe}: {pairs} pairs", file=sys.stderr, flush=True)
    counted = times[WARM_UP:]
    ratios = sorted(first / second for first, second in counted)
    return {
        "old_ms": round(1e3 * median(first for first, _ in counted), 2),
        "new_ms": round(1e3 * median(second for _, second in counted), 2),
        "ratio": round(median(ratios), 4),
        "ratios": [round(ratios[len(ratios) * quarter // 4], 4) for quarter in (1, 3)],
    }


def start_up(python: str) -> dict[str, float]:
    """Seconds of one interpreter to show help and a list (user time), and to draw from a shipped model."""
    with TemporaryDirectory(prefix="pace-") as folder:
        found = {}
        for name, words in {"help": ["--help"], "list": ["list"]}.items():
            taken = [user_seconds([python, "-m", "ganzoo", *words], folder) for _ in range(STARTS)]
            found[f"{name}_user_s"] = round(median(taken[1:]), 3)
        command = [python, str(SCRIPT), "worker", "load", LOADED]
        loads = [float(subprocess.check_output(command, cwd=folder, text=True)) for _ in range(STARTS)]
    return {**found, "load_s": round(median(loads[1:]), 3)}


def user_seconds(command: list[str], folder: str) -> float:
    """The user time of a child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
