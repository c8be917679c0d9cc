"""Scores during training: every N steps against held-out images, each of them kept in ``metrics.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import UsageError
from ganzoo.folder import scores as records
from ganzoo.folder.scores import Score
from ganzoo.folder.weights import generator_state, tensors_digest
from ganzoo.gan.gan import GAN
from ganzoo.training.intervals import Intervals

HELD_OUT = "test"


class Evaluation:
    """Scores a run.

    Args:
        data: the real images.
        intervals: says the metrics, of which the first chooses the best step, the samples and the feature network.
        device: where features are computed.
    """

    def __init__(self, data: ImageData, intervals: Intervals, device: torch.device) -> None:
        self.data, self.intervals, self.device = data, intervals, device

    def scores(self, gan: GAN, step: int) -> list[Score]:
        """Score a GAN, whose generator side is averaged, in the order of the metrics."""
        from ganzoo.metrics import evaluate

        return evaluate(
            gan,
            self.data,
            metrics=self.intervals.metrics,
            n=self.intervals.eval_n,
            features=self.intervals.features,
            device=self.device,
            step=step,
            digest=tensors_digest(generator_state(gan)),
        )


def check_metrics(intervals: Intervals) -> None:
    """Refuse metrics that cannot be computed here, before data is opened and anything is trained.

    Raises:
        UsageError: an unknown metric or feature network.
        GanzooError: its weights are not on this machine and cannot be fetched.
    """
    if intervals.eval_every:
        from ganzoo.metrics import check

        check(intervals.metrics, intervals.features)


def check_scorable(gan: GAN, data: ImageData | None, intervals: Intervals) -> None:
    """Refuse metrics that this GAN and these images, if it is scored, cannot be measured by.

    Raises:
        UsageError: naming the metric, and what is missing.
    """
    if data is not None:
        from ganzoo.metrics.select import check_images, choose
        from ganzoo.metrics.subjects import Generated

        check_images(choose(intervals.metrics), Generated(gan, data), data, intervals.eval_n)


def held_out(
    intervals: Intervals, value: Any, request: DataRequest, train: ImageData, notes: list[str]
) -> ImageData | None:
    """The images to score against: those that were named, or the data set's test split.

    Where there are neither, they are the ones that are trained on.

    Args:
        intervals: says whether anything is scored, and against what; if not, there are none.
        value: as ``--data`` takes it.
        request: as the training images were opened.
        train: those.
        notes: told if it is they.

    Raises:
        GanzooError: the images that were named cannot be opened.
    """
    if not intervals.eval_every:
        return None
    if intervals.eval_data is not None:
        from ganzoo.scoring.score import open_split

        data, split = open_split(intervals.eval_data, HELD_OUT, train.resolution, train.channels)
        return replace(data, split=split)
    sizes: dict[str, Any] = {"resolution": train.resolution, "channels": train.channels}
    try:
        data = open_data(value, replace(request, split=HELD_OUT, **sizes))
    except UsageError:  # it has no such split; that is all that differs from how the training images were opened
        data = train
    if data.fingerprint != train.fingerprint:
        return data
    notes.append(
        f"{train.name} holds no images out: scores are against the images that are trained on; --eval-data names others"
    )
    return train


def drop_later(folder: Path, step: int) -> None:
    """Remove the scores of later steps than ``step``, which are going to be taken again."""
    found = records.read_scores(folder)
    kept = [score for score in found if score.step <= step]
    if len(kept) < len(found):
        records.write_scores(folder, kept)


def summary(scores: Sequence[Score]) -> str:
    """``fd10k-test@… 34.2  kid10k-test@… 0.0213``."""
    return "  ".join(f"{score.key} {score.value:.4g}" for score in scores)
