"""What belongs to the caller stays as it was: random generators, modes, threads and flags of torch, the environment."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo

OTHERS = ("GRPC_", "PYTEST_", "TF_", "KMP_", "TORCHINDUCTOR_")  # what packages set that are imported on the way


def state() -> dict[str, Any]:
    """All of it that can be compared."""
    kind, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state().tolist(),
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), rest),  # type: ignore[union-attr]
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "environment": {name: text for name, text in os.environ.items() if not name.startswith(OTHERS)},
        "folder": os.getcwd(),
    }


@pytest.fixture(scope="module")
def gan() -> ganzoo.GAN:
    return ganzoo.build("dcgan:ch=4+cbn@g", resolution=16, channels=1, classes=3)


DATA = torch.arange(8 * 256, dtype=torch.int64).remainder(251).to(torch.uint8).view(8, 1, 16, 16)


@pytest.mark.parametrize(
    "call",
    [
        lambda gan, folder: gan.sample(2),
        lambda gan, folder: gan.sample(2, seed=1, labels=["0", "2"], truncation=0.5, output="pil"),
        lambda gan, folder: gan.noise(3, seed=4),
        lambda gan, folder: gan.interpolate(torch.ones(1, 128), torch.zeros(1, 128), 0.5),
        lambda gan, folder: gan.save(folder / "saved"),
        lambda gan, folder: ganzoo.load(gan.save(folder / "loaded")).sample(1),
        lambda gan, folder: ganzoo.build("gan", resolution=16, device="meta"),
        lambda gan, folder: ganzoo.list_models(),
        lambda gan, folder: ganzoo.info("hinge"),
        lambda gan, folder: ganzoo.train("gan:ch=4", data=DATA, steps=1, batch=4, out=folder / "run", quiet=True),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_of_the_callers_changes(
    gan: ganzoo.GAN, tmp_path: Path, call: Callable[[ganzoo.GAN, Path], object], training: bool
) -> None:
    gan.train(training)
    before = state()
    call(gan, tmp_path)
    assert state() == before
    assert gan.training is gan.G.training is training


def test_samples_without_a_seed_are_others_every_time(gan: ganzoo.GAN) -> None:
    torch.manual_seed(0)
    first = gan.sample(2)
    torch.manual_seed(0)
    assert not torch.equal(gan.sample(2), first)
