"""Trainings as small as can be, on a few real digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo import Batch, Trainer

RECIPES = {
    "aae": "aae:ch=16",
    "bigan": "bigan:ch=4,joint=8",
    "clustergan": "clustergan:ch=4",
    "cogan": "cogan:ch=4,joint=8",
    "sgan": "sgan:ch=4",
    "vae-gan": "vae-gan:ch=4",
}
DATA = dict.fromkeys(RECIPES, "digits") | {"sgan": "few-labels:100:digits"}
SETTINGS = {"repeat.d": 1, "batch": 8}


def batch(labels: bool = False, n: int = 8, side: int = 8) -> Batch:
    """Images of noise, and labels of which every other is known."""
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(n, 1, side, side, generator=rng) * 2 - 1
    return {"image": images, **({"label": torch.arange(n) % 10, "labelled": torch.arange(n) % 2} if labels else {})}


def trainer(system: str, parts: str = "", **settings: object) -> Trainer:
    """A fresh one of 8 px in grey."""
    torch.manual_seed(0)
    classes = 10 if system == "sgan" else 0
    gan = ganzoo.build(RECIPES[system] + parts, 8, 1, classes=classes, settings={**SETTINGS, **settings})
    return Trainer(gan, 0, 4)


def terms(gan: Any, turn: str, given: Batch) -> dict[str, Tensor]:
    """The terms of a turn, by name."""
    torch.manual_seed(1)
    own = next(one for one in gan.turns() if one.name == turn)
    return own.loss(given, 0)


def train(out: Path, recipe: str, **options: Any) -> Any:
    """A run of three steps at 8 px."""
    system = recipe.partition(":")[0]
    fixed = {"log_every": 1, "grid_every": 3, "save_every": 1, "quiet": True, "license": "mit"}
    fixed |= {"settings": SETTINGS, "resolution": 8}
    return ganzoo.train(recipe, **{"data": DATA[system], "out": out, "steps": 3, **fixed, **options})


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
