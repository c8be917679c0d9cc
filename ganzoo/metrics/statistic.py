"""Statistics that are gathered while features pass: moments, the features themselves, class probabilities, pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.metrics.moments import Moments, RunningMoments

MOST_FEATURES = 10_000  # a side, for metrics that compare images with each other
SPLITS = 10  # of an Inception Score
SIZES = 15  # numbers of samples that FID-infinity is extrapolated from


@dataclass(frozen=True)
class FeatureBatch:
    """Some of the images of a side: ``features`` ``(n, d)``, ``logits`` ``(n, classes)``, ``labels`` ``(n,)``."""

    features: Tensor
    logits: Tensor | None = None
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.features)

    def part(self, start: int, stop: int) -> FeatureBatch:
        """The features, logits and labels of images ``start`` to ``stop`` of these."""
        logits = None if self.logits is None else self.logits[start:stop]
        return FeatureBatch(self.features[start:stop], logits, None if self.labels is None else self.labels[start:stop])


class Statistic(ABC):
    """A statistic of a set of images, gathered batch by batch.

    Those of :data:`STATISTICS` a metric asks for by name, ``requires={"moments"}``. One of its own is a subclass,
    listed in the metric's ``statistics``: it is gathered in the same pass, and read as ``real[MyStatistic]``.

    Args:
        total: how many images there will be.

    Attributes:
        fakes_only: nothing of real images is gathered.
        logits: it looks at the logits, so the feature network has to be a classifier.
        version: raised when it gives something else, so that nothing older is read from the cache.
    """

    fakes_only: ClassVar[bool] = False
    logits: ClassVar[bool] = False
    version: ClassVar[int] = 1

    def __init__(self, total: int) -> None:
        self.total, self.seen = total, 0

    def take(self, batch: FeatureBatch) -> None:
        """Add the next images, and count them."""
        self.add(batch)
        self.seen += len(batch)

    @abstractmethod
    def add(self, batch: FeatureBatch) -> None:
        """Take in images ``self.seen`` to ``self.seen + len(batch)``."""

    @abstractmethod
    def result(self) -> Any:
        """The statistic of all images, as metrics are handed it."""

    @classmethod
    def pack(cls, result: Any) -> Mapping[str, Tensor] | None:
        """A result as tensors by name, so that one of real images can be kept on disk; None, by default, keeps none.

        Then real images pass through the feature network each time that something is scored.
        """
        return None

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor]) -> Any:
        """The result that :meth:`pack` packed."""
        raise NotImplementedError(f"{cls.__name__} is packed, and has no unpack")


Wanted = str | type[Statistic]
"""A statistic as it is asked for: one of :data:`STATISTICS` by name, or a class."""


class _Moments(Statistic):
    """Mean and covariance."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.running = RunningMoments()

    def add(self, batch: FeatureBatch) -> None:
        self.running.add(batch.features)

    def result(self) -> Moments:
        return self.running.moments()

    @classmethod
    def pack(cls, result: Moments) -> Mapping[str, Tensor]:
        return result.tensors()

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor]) -> Moments:
        return Moments.from_tensors(tensors)


class _ClassMoments(Statistic):
    """Mean and covariance of each class."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.running: dict[int, RunningMoments] = {}

    def add(self, batch: FeatureBatch) -> None:
        assert batch.labels is not None
        for number in batch.labels.unique().tolist():
            self.running.setdefault(number, RunningMoments()).add(batch.features[batch.labels == number])

    def result(self) -> dict[int, Moments]:
        return {number: running.moments() for number, running in sorted(self.running.items()) if running.count > 1}

    @classmethod
    def pack(cls, result: dict[int, Moments]) -> Mapping[str, Tensor]:
        return {f"{number}.{key}": t for number, moments in result.items() for key, t in moments.tensors().items()}

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor]) -> dict[int, Moments]:
        classes: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            number, _, field = key.partition(".")
            classes.setdefault(int(number), {})[field] = tensor
        return {number: Moments.from_tensors(fields) for number, fields in sorted(classes.items())}


class _NestedMoments(Statistic):
    """Moments of the first N images for :data:`SIZES` values of N, from a tenth of all images to all of them."""

    fakes_only = True

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.sizes = sorted({round(size) for size in torch.linspace(max(2, total / 10), total, SIZES).tolist()})
        self.running, self.found = RunningMoments(), list[Moments]()

    def add(self, batch: FeatureBatch) -> None:
        stops = [size - self.seen for size in self.sizes if self.seen < size <= self.seen + len(batch)]
        start = 0
        for stop in stops:
            self.running.add(batch.features[start:stop])
            self.found.append(self.running.moments())
            start = stop
        if start < len(batch):
            self.running.add(batch.features[start:])

    def result(self) -> list[Moments]:
        return self.found


@dataclass(frozen=True)
class FeatureRows:
    """Features ``(m, d)`` float32 of the first images, and their labels ``(m,)`` if they have any."""

    features: Tensor
    labels: Tensor | None


class _Features(Statistic):
    """The features themselves, of at most :data:`MOST_FEATURES` images."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.batches: list[FeatureBatch] = []

    def add(self, batch: FeatureBatch) -> None:
        if self.seen < MOST_FEATURES:
            self.batches.append(batch.part(0, MOST_FEATURES - self.seen))

    def result(self) -> FeatureRows:
        labels = [batch.labels for batch in self.batches if batch.labels is not None]
        return FeatureRows(torch.cat([batch.features for batch in self.batches]), torch.cat(labels) if labels else None)

    @classmethod
    def pack(cls, result: FeatureRows) -> Mapping[str, Tensor]:
        return {"features": result.features, **({} if result.labels is None else {"labels": result.labels})}

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor]) -> FeatureRows:
        return FeatureRows(tensors["features"], tensors.get("labels"))


@dataclass
class Probabilities:
    """Class probabilities of a split, summed: ``p``, ``(classes,)``, and ``p log p``, over ``count`` images."""

    count: int
    p: Tensor
    p_log_p: float


class _Probabilities(Statistic):
    """Sums of class probabilities over each of :data:`SPLITS` consecutive parts of the images."""

    fakes_only = True
    logits = True

    def __init__(self, total: int) -> None:
        super().__init__(total)
        parts = min(SPLITS, total)
        self.stops = [(i + 1) * total // parts for i in range(parts)]
        self.splits: dict[int, Probabilities] = {}

    def add(self, batch: FeatureBatch) -> None:
        assert batch.logits is not None
        log_p = batch.logits.double().log_softmax(1)
        start = 0
        for number, stop in enumerate(self.stops):
            end = min(stop - self.seen, len(batch))
            if end <= start:
                continue
            logs = log_p[start:end]
            p = logs.exp()
            split = self.splits.setdefault(number, Probabilities(0, torch.zeros_like(p[0]), 0.0))
            split.count += len(p)
            split.p += p.sum(0)
            split.p_log_p += (p * logs).sum().item()
            start = end

    def result(self) -> list[Probabilities]:
        return [self.splits[number] for number in sorted(self.splits)]


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a number that each of ``count`` pairs of images has."""

    count: int
    mean: float
    std: float


class _Pairs(Statistic):
    """Mean and spread of what a comparison says of each generated image beside its own real one."""

    fakes_only = True

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.sum, self.squares = 0.0, 0.0

    def add(self, batch: FeatureBatch) -> None:
        values = batch.features[:, 0].double()
        self.sum += values.sum().item()
        self.squares += values.square().sum().item()

    def result(self) -> Spread:
        mean = self.sum / self.seen
        variance = max(0.0, self.squares / self.seen - mean**2)
        return Spread(self.seen, mean, variance**0.5)


STATISTICS: Mapping[str, type[Statistic]] = {
    "moments": _Moments,
    "class-moments": _ClassMoments,
    "nested-moments": _NestedMoments,
    "features": _Features,
    "probabilities": _Probabilities,
    "pairs": _Pairs,
}


def statistic(wanted: Wanted) -> type[Statistic]:
    """The class of a statistic that was asked for by name or by itself."""
    return STATISTICS[wanted] if isinstance(wanted, str) else wanted


def kept_name(wanted: Wanted) -> str:
    """What the cache calls a statistic."""
    return wanted if isinstance(wanted, str) else f"{wanted.__module__}.{wanted.__qualname__}-{wanted.version}"
