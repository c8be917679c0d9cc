"""A score that nobody measured, for the tests of what reads scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ganzoo.folder.scores import Score

NETWORK = {"name": "tf_efficientnet_lite0.in1k", "input": 64, "pretrained": True, "sha256": "a" * 64}
DATA = {"name": "cifar10", "fingerprint": f"sha256:{'b' * 64}", "split": "test", "count": 10_000}


def score(**changes: Any) -> Score:
    """A score of a model of step 500, with some of its fields changed."""
    base = Score(
        key="fd10k-test@tf_efficientnet_lite0.in1k-64",
        metric="fd",
        value=55.2,
        std=None,
        samples=10_000,
        dataset=DATA,
        network=NETWORK,
        resize="bilinear",
        seed=0,
        seeds=1,
        step=500,
        seconds=12.5,
        weights="c" * 64,
        higher_is_better=False,
        floor=54.0,
        details={"by_class": {"0": 1.5}, "values": [1, 2.0], "note": "x", "none": None},
    )
    return replace(base, **changes)
