"""Small models for the tests of the Hub: a folder as a training leaves it, and its files as a repository holds them."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch

from ganzoo.folder.config import describe
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.folder.scores import Score, add_scores
from ganzoo.gan.builder import build

DATASET = {"name": "digits", "fingerprint": "sha256:" + "0" * 64, "count": 1, "licence": "unknown"}


def saved(folder: Path, recipe: str = "dcgan:ch=4+sn", seed: int = 0, license: str | None = "mit") -> Path:
    """Write a model with fresh weights, 16 px and grey."""
    torch.manual_seed(seed)
    gan = build(recipe, 16, 1)
    folder.mkdir(parents=True)
    save_model(gan, folder, describe(gan, step=7, seed=1, dataset=DATASET, license=license))
    return folder


def scored(folder: Path, value: float = 30.0, metric: str = "fid") -> Path:
    """Put a score of the weights that are there into ``metrics.json``."""
    network = {"name": "inception-v3-compat", "input": 299, "pretrained": True, "sha256": "1" * 64}
    data = {"name": "digits", "fingerprint": DATASET["fingerprint"], "split": "train", "count": 1}
    key, weights = f"{metric}10k-train@inception-v3-compat", ModelFolder(folder).digest
    score = Score(key, metric, value, None, 10_000, data, network, "tf", 0, 1, 7, 1.0, weights, False)
    add_scores(folder, [score])
    return folder


@cache
def _files(seed: int) -> dict[str, bytes]:
    folder = saved(Path(mkdtemp()) / "model", seed=seed)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def files(seed: int = 0, /, **fields: Any) -> dict[str, bytes]:
    """The files of a model, fields of its ``config.json`` changed."""
    found = dict(_files(seed))
    found["config.json"] = json.dumps({**json.loads(found["config.json"]), **fields}).encode()
    return found


def fresh_process(code: str, **environment: str) -> str:
    """What ``code`` prints in a Python of its own, which has only the environment of the tests."""
    import os

    from huggingface_hub import constants

    given = {**os.environ, "HF_HUB_CACHE": constants.HF_HUB_CACHE, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
