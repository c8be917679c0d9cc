"""Folders of models with random weights, and scores that nobody measured, for the tests of what reads them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner, Result

from ganzoo.card import make_card
from ganzoo.cli import main
from ganzoo.files.write import write_json
from ganzoo.folder.config import describe
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.folder.scores import Score, score_key
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.images import grid, save_png, to_uint8

DATASET = {"name": "digits", "fingerprint": f"sha256:{'1' * 64}", "count": 1438, "licence": "CC BY 4.0: somebody"}
NAMES = ("cat", "dog", "cow")


def saved(folder: Path, recipe: str = "dcgan:ch=4", classes: int = 0, channels: int = 3, **changes: Any) -> GAN:
    """Write a model of 16 px; ``changes`` are to its config, and ``settings`` what a person set."""
    settings = changes.pop("settings", {})
    torch.manual_seed(int(changes.get("seed", 0)))
    gan = build(recipe, 16, channels, classes=classes, z_dim=8, settings=settings)
    gan.class_names = NAMES[:classes]
    folder.mkdir(parents=True)
    config = describe(gan, step=7, seed=1, dataset=DATASET, license="apache-2.0")
    save_model(gan, folder, {**config, **changes})
    save_png(grid(to_uint8(gan.sample(4, seed=1), low=0), 2), folder / "samples.png")
    return gan


def change_config(folder: Path, **changes: Any) -> None:
    """Change fields of ``config.json``."""
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**config, **changes})


def score(folder: Path, metric: str = "fd", value: float = 12.345, **changes: Any) -> Score:
    """A score of the weights in a folder."""
    samples, network = changes.pop("samples", 300), changes.pop("network", "tf_efficientnet_lite0.in1k")
    fields: dict[str, Any] = {
        "std": None,
        "samples": samples,
        "dataset": {"name": "digits", "fingerprint": f"sha256:{'2' * 64}", "split": "test", "count": 359},
        "network": {"name": network, "input": 64, "pretrained": True, "sha256": "3" * 64},
        "resize": "bicubic",
        "seed": 0,
        "seeds": 1,
        "step": 7,
        "seconds": 1.5,
        "weights": ModelFolder(folder).digest,
        "higher_is_better": metric in ("is", "precision"),
    }
    key = score_key(metric, samples, "test", network, 64)
    return Score(key=key, metric=metric, value=value, **{**fields, **changes})


def write(folder: Path) -> str:
    """Write the card of a folder, and return it."""
    (folder / "README.md").write_text(make_card(ModelFolder(folder)), encoding="utf-8")
    return (folder / "README.md").read_text(encoding="utf-8")


def run(*words: object) -> Result:
    """What came of ``ganzoo`` with these words."""
    return CliRunner().invoke(main, [str(word) for word in words])


def tutorial_weights() -> dict[str, torch.Tensor]:
    """The generator of PyTorch's DCGAN tutorial, narrow, as its ``state_dict``."""
    layers, widths = [], (100, 16, 8, 4, 2, 3)
    for index, (a, b) in enumerate(pairwise(widths)):
        layers += [torch.nn.ConvTranspose2d(a, b, 4, *((1, 0) if index == 0 else (2, 1)), bias=False)]
        layers += [torch.nn.BatchNorm2d(b), torch.nn.ReLU()] if b != 3 else [torch.nn.Tanh()]
    return {f"main.{name}": tensor for name, tensor in torch.nn.Sequential(*layers).state_dict().items()}
