"""Scores during training: every N steps against held-out images, each of them kept in ``metrics.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.data.dataset import kind_like
from ganzoo.data.holdout import VALID, HoldOut
from ganzoo.errors import UsageError
from ganzoo.folder import scores as records
from ganzoo.folder.scores import Score
from ganzoo.folder.weights import generator_state, tensors_digest
from ganzoo.gan.gan import GAN
from ganzoo.training.intervals import Intervals

HELD_OUT, TRAIN = "test", "train"
TRAINED_ON = "scores are against the images that are trained on"


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


def check_scorable(gan: GAN, data: ImageData | None, intervals: Intervals) -> list[str]:
    """Refuse metrics that this GAN and these images, if it is scored, cannot be measured by.

    Returns:
        What a person should know of these scores: that classes are others than the GAN's, or a network is one that
        it learns from; usually nothing.

    Raises:
        UsageError: naming the metric, and what is missing.
    """
    if data is None:
        return []
    from ganzoo.metrics.select import check_images, choose, flattered, views_of
    from ganzoo.metrics.subjects import Generated, match

    check_images(choose(intervals.metrics), Generated.of(gan, data), data, intervals.eval_n)
    # Networks are opened here for those models alone.
    views = views_of(choose(intervals.metrics), intervals.features, gan=gan) if gan.looked_through else []
    seen = flattered(views, gan)
    found = match(gan, data)
    said = found.problem or ("" if data.split == VALID else found.note)  # a few held out may miss some class
    return [*seen, *([said] if said else [])]


def new_hold_out(intervals: Intervals, data: ImageData, seed: int, notes: list[str]) -> HoldOut | None:
    """What a new run holds out of its data: some of it, where that is to choose the best step.

    Args:
        intervals: say whether anything is scored, and against what.
        data: the training images.
        seed: of the run.
        notes: told how many are held out.

    Raises:
        UsageError: there are too few to hold any out.
    """
    if not intervals.eval_every or intervals.eval_data is not None:
        return None
    held = HoldOut.drawn(data, seed)
    notes.append(
        f"{held.count:,} of the {data.count:,} images of {data.name} are held out, as the split {VALID}, to choose the"
        " best step"
    )
    return held


def divided(held: HoldOut | None, data: ImageData) -> tuple[ImageData, ImageData | None]:
    """The images to learn from, and those held out of them; all, and none, without a hold-out."""
    return (data, None) if held is None else held.divide(data)


def held_out(
    intervals: Intervals,
    value: Any,
    request: DataRequest,
    train: ImageData,
    *,
    valid: ImageData | None,
    notes: list[str],
) -> ImageData | None:
    """The images to score against: those that were named, or those held out of the training images.

    A run that learns from all of its images, as those of ganzoo 0.1.0 do, goes on to be scored against the data set's
    test split; where there is none, against what it learns from.

    Args:
        intervals: says whether anything is scored, and against what; if not, there are none.
        value: as ``--data`` takes it.
        request: as the training images were opened.
        train: those.
        valid: the images that were held out of them, if any were.
        notes: told what a score means against others than those.

    Raises:
        GanzooError: the images that were named cannot be opened.
    """
    if not intervals.eval_every:
        return None
    if intervals.eval_data is not None:
        return _named(str(intervals.eval_data), train, request.skip_bad, notes)
    if valid is not None:
        return valid
    like: dict[str, Any] = {"resolution": train.size, "channels": train.channels, "bits": train.bits}
    try:
        data = open_data(value, replace(request, split=HELD_OUT, fingerprint_kind=kind_like(train.fingerprint), **like))
    except UsageError:  # it has no such split; that is all that differs from how the training images were opened
        data = train
    if data.fingerprint != train.fingerprint:
        notes.append(
            f"this run holds no images out: the {HELD_OUT} split chooses its best step, so scores on it flatter"
        )
        return data
    notes.append(f"{train.name} holds no images out: {TRAINED_ON}; --eval-data names others")
    return train


def _named(value: str, train: ImageData, skip_bad: bool, notes: list[str]) -> ImageData:
    """The images that were named to score against, under the split that they are."""
    from ganzoo.scoring.score import open_split

    data, split = open_split(value, HELD_OUT, train, skip_bad=skip_bad)
    if not any(map(data.is_known_as, (train.fingerprint, train.valid.get("of")))):
        return replace(data, split=split)
    notes.append(f"--eval-data {value}: {TRAINED_ON}")
    return replace(data, split=TRAIN)


def drop_later(folder: Path, step: int) -> None:
    """Remove the scores of later steps than ``step``, which are going to be taken again."""
    found = records.read_scores(folder)
    kept = [score for score in found if score.step <= step]
    if len(kept) < len(found):
        records.write_scores(folder, kept)


def summary(scores: Sequence[Score]) -> str:
    """``fd10k-test@… 34.2  kid10k-test@… 0.0213``."""
    return "  ".join(f"{score.key} {score.value:.4g}" for score in scores)
