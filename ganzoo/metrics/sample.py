"""A sample: the statistics of one set of images that metrics asked for, gathered in one pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import PluginError, either
from ganzoo.metrics.moments import Moments
from ganzoo.metrics.statistic import STATISTICS, FeatureBatch, Probabilities, Spread, Statistic, Wanted, statistic

CHUNK = 1024  # images taken in at once, whatever the batch size, so that rounding of sums does not depend on it


class Sample:
    """One side, real or generated, as the feature network saw it: what a metric asks for, and no more.

    Args:
        count: images that passed.
        statistics: by name, or by class where they are the metric's own.
    """

    def __init__(self, count: int, statistics: Mapping[Wanted, Any]) -> None:
        self.count, self.statistics = count, statistics

    def __getitem__(self, own: type[Statistic]) -> Any:
        """The result of a statistic of the metric's own (``statistics = (MyStatistic,)``)."""
        return self._get(own)

    def _get(self, wanted: Wanted) -> Any:
        if wanted in self.statistics:
            return self.statistics[wanted]
        sides = " are of generated images only, and" if statistic(wanted).fakes_only else ""
        if isinstance(wanted, str):
            raise PluginError(f"{wanted}{sides} have to be asked for: register(..., requires={{{wanted!r}}})")
        raise PluginError(f"{wanted.__name__}{sides} has to be asked for: statistics = ({wanted.__name__},)")

    @property
    def moments(self) -> Moments:
        """Mean and covariance (``requires={"moments"}``)."""
        return self._get("moments")

    @property
    def class_moments(self) -> dict[int, Moments]:
        """Mean and covariance by class, of classes with two images at least (``{"label", "class-moments"}``)."""
        return self._get("class-moments")

    @property
    def nested_moments(self) -> list[Moments]:
        """Of the first N generated images, for rising N (``{"nested-moments"}``)."""
        return self._get("nested-moments")

    @property
    def features(self) -> Tensor:
        """float32 ``(m, d)`` of at most 10,000 images drawn at random from real ones (``{"features"}``)."""
        return self._get("features").features

    @property
    def labels(self) -> Tensor | None:
        """int64 ``(m,)`` of the same images, or None (``{"features"}``)."""
        return self._get("features").labels

    @property
    def probabilities(self) -> list[Probabilities]:
        """Sums over ten consecutive splits of the generated images (``{"probabilities"}``)."""
        return self._get("probabilities")

    @property
    def pairs(self) -> Spread:
        """What the metric's own comparison says of the pairs (``requires={"pairs"}``, and ``own_network``)."""
        return self._get("pairs")


class Gatherer:
    """Makes a :class:`Sample` of features that come in batches.

    Args:
        statistics: what to gather.
        total: how many images there will be.
    """

    def __init__(self, statistics: Collection[Wanted], total: int) -> None:
        self.total = total
        self._found = {wanted: statistic(wanted)(total) for wanted in statistics}
        self._waiting: list[FeatureBatch] = []

    def add(self, batch: FeatureBatch) -> None:
        """Add the next images, ``n`` of them with features ``(n, d)``."""
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= CHUNK:
            self._pass_on(CHUNK)

    def _pass_on(self, least: int) -> None:
        """Hand on :data:`CHUNK` images at a time while as many as ``least`` wait."""
        waiting = _joined(self._waiting)
        while len(waiting) and len(waiting) >= least:
            # Chunks of one size: sums of floats depend on how they are grouped, and scores must not on the batch size.
            for gathered in self._found.values():
                gathered.take(waiting.part(0, CHUNK))
            waiting = waiting.part(CHUNK, len(waiting))
        self._waiting = [waiting] if len(waiting) else []

    def sample(self) -> Sample:
        """The sample of everything that was added; to be called once, at the end."""
        if self._waiting:
            self._pass_on(1)
        return Sample(self.total, {wanted: gathered.result() for wanted, gathered in self._found.items()})


def _joined(batches: list[FeatureBatch]) -> FeatureBatch:
    logits = [batch.logits for batch in batches if batch.logits is not None]
    labels = [batch.labels for batch in batches if batch.labels is not None]
    features = torch.cat([batch.features for batch in batches])
    return FeatureBatch(features, torch.cat(logits) if logits else None, torch.cat(labels) if labels else None)


def sample_of(
    features: Tensor, *, labels: Tensor | None = None, logits: Tensor | None = None, requires: Collection[Wanted]
) -> Sample:
    """A sample of features that are there already, for trying a metric out.

    Args:
        features: ``(n, d)``.
        labels: int64 ``(n,)``.
        logits: ``(n, classes)``.
        requires: statistics by name, such as ``{"moments"}``, or by class.

    Raises:
        PluginError: for a statistic that there is not.
    """
    unknown = {name for name in requires if isinstance(name, str)} - STATISTICS.keys()
    if unknown:
        raise PluginError(f"there is no statistic {sorted(unknown)[0]!r}; there are {either(STATISTICS, 'and')}")
    gatherer = Gatherer(requires, len(features))
    gatherer.add(FeatureBatch(features.float(), logits, labels))
    return gatherer.sample()
