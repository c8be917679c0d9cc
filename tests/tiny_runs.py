"""The smallest trainings that are trainings, for the tests of run folders."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

import ganzoo
from ganzoo.errors import RunError
from ganzoo.training.finished import Run

RECIPE = "dcgan:ch=4"


class Labelled(Dataset):
    """Random 16 px images of three classes, the same every time."""

    classes = ("cat", "dog", "cow")

    def __init__(self, count: int = 48, channels: int = 1) -> None:
        rng = torch.Generator().manual_seed(1)
        self.images = torch.randint(0, 256, (count, channels, 16, 16), dtype=torch.uint8, generator=rng)
        self.targets = [index % 3 for index in range(count)]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], self.targets[index]


def tiny(out: Path, recipe: str = RECIPE, **options: Any) -> Run:
    """Train a few steps at batch 4."""
    fixed = {"batch": 4, "log_every": 1, "grid_every": 2, "save_every": 2, "quiet": True}
    return ganzoo.train(recipe, **{"data": Labelled(), "out": out, "steps": 4, **fixed, **options})


def resume(folder: Path, **options: Any) -> Run:
    """Go on with a run of :func:`tiny`."""
    return ganzoo.train(**{"resume": folder, "data": Labelled(), "quiet": True, **options})


def contents(folder: Path) -> dict[str, Any]:
    """Every file of a run byte for byte, of the log all but the clock; not what names the folder or the machine."""
    found: dict[str, Any] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "log.jsonl", "README.md")
    }
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    found["log.jsonl"] = [{key: value for key, value in record.items() if key != "clock"} for record in records]
    return found


# --- endings, for processes of their own --------------------------------------------------------------------

OPERATIONS = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "link")


def killed_at(operation: int, folder: Path, **options: Any) -> None:
    """Train until the file operation of this number, and die before it as after ``kill -9``."""
    left = operation

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **keywords)

        return call

    for name in OPERATIONS:
        setattr(os, name, counted(getattr(os, name)))
    tiny(folder, **options)


def full_disk(limit: int, folder: Path, **options: Any) -> None:
    """Train while no file can grow beyond ``limit`` bytes; exit status 3 when that was said as it should be."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        tiny(folder, **options)
    except RunError as error:
        sys.exit(3 if "make room or choose another folder" in str(error) else 4)
