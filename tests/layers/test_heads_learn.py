"""Every way for labels to enter D teaches G the labels: stripes whose class says which rows are bright."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_stripes import Striped

import ganzoo

HEADS = ("projection@d", "ac", "bilinear", "spd", "tac", "adc", "mh", "md", "2c", "d2dce")
ANY_ORDER = ("2c",)  # images of a class outweigh its proxy, so labels may come to stand for one another's classes
STEPS = 200


@pytest.mark.slow
@pytest.mark.parametrize("head", HEADS)
def test_images_show_the_label_that_was_asked_for(head: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"lr.g": 2e-3, "lr.d": 3e-4, "ema": 0.9, "precision": "fp32"}
    run = ganzoo.train(
        f"dcgan:ch=8+onehot@g+{head}",
        data=Striped(),
        out=tmp_path / "run",
        steps=STEPS,
        batch=32,
        settings=settings,
        save_every=STEPS,
        grid_every=STEPS,
        guard="off",
        quiet=True,
    )
    images = ganzoo.load(run.folder).sample(60, seed=0)
    brightest = images[:, :, :15].unflatten(2, (3, 5)).mean((1, 3, 4)).argmax(1).reshape(20, 3)
    meant = brightest.mode(0).values if head in ANY_ORDER else torch.arange(3)
    assert meant.unique().tolist() == [0, 1, 2]
    assert (brightest == meant).float().mean() >= 0.8
