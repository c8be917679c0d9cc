"""Data that is made up, and trainings as small as can be, for the tests of this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import ganzoo
from ganzoo import Trainer
from ganzoo.data import ImageData, MemoryImages

PLAIN = {
    "pix2pix": "pix2pix:ch=4",
    "cyclegan": "cyclegan:blocks=1,ch=4,pool=6",
    "cartoongan": "cartoongan:blocks=1,ch=4,warmup=2",
    "simgan": "simgan:blocks=1,ch=6,pool=6,warmup=1,warmup.d=1",
}
"""A small recipe of each system that comes by all of its turns in four steps."""


def pixels(count: int, resolution: int, channels: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, resolution, resolution), dtype=torch.uint8, generator=rng)


def data(paired: bool = True, labels: bool = False, resolution: int = 16, channels: int = 3) -> ImageData:
    """Twelve images and as many sources, or nine in an order of their own."""
    source = MemoryImages(pixels(12 if paired else 9, resolution, channels, 1))
    column: dict[str, Any] = {"paired" if paired else "unpaired": {"source": source}}
    return ImageData(
        name="made-up",
        images=MemoryImages(pixels(12, resolution, channels, 0)),
        labels=torch.arange(12) % 3 if labels else None,
        class_names=("cat", "dog", "cow") if labels else (),
        **column,
    )


def data_for(recipe: str, **options: Any) -> ImageData:
    """Pairs for pix2pix and esrgan, two sets for the others."""
    return data(paired=recipe.startswith(("pix2pix", "esrgan")), **options)


def trainer(recipe: str, labels: bool = False, **settings: object) -> tuple[Trainer, Any]:
    """A trainer at 16 px, and a function that takes a step."""
    torch.manual_seed(0)
    gan = ganzoo.build(recipe, 16, 3, classes=3 if labels else 0, settings={"batch": 4, "repeat.d": 1, **settings})
    made = Trainer(gan, 0, 4)
    stream = data_for(recipe, labels=labels).stream(4, 0)

    def step() -> None:
        first = made.step * made.batches_per_step
        made.train_step([stream.batch(first + k) for k in range(made.batches_per_step)])

    return made, step


def train(out: Path, recipe: str, **options: Any) -> Any:
    """A run of a few steps at batch 4."""
    fixed = {"batch": 4, "log_every": 1, "grid_every": 2, "save_every": 2, "quiet": True, "license": "mit"}
    return ganzoo.train(recipe, **{"data": data_for(recipe), "out": out, "steps": 4, **fixed, **options})


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


def differences(one: Path, two: Path) -> list[str]:
    """Files that only one of two runs has, or that are not the same."""
    first, second = contents(one), contents(two)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
