"""The base classes of metrics: two samples in, numbers by name out; or an experiment with the model itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from ganzoo.errors import UsageError
from ganzoo.metrics.instruments import Comparison, Instrument
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.statistic import Statistic

if TYPE_CHECKING:
    from ganzoo.data import ImageData
    from ganzoo.gan.gan import GAN


@dataclass(frozen=True)
class Value:
    """A number of a metric with its spread, sample size and details.

    Attributes:
        value: the number.
        std: its spread, for metrics that measure one.
        samples: generated images that it rests on; all of them by default.
        floor: what real images get, where the metric finds that out as it measures.
        details: what else is worth keeping, as JSON.
    """

    value: float
    std: float | None = None
    samples: int | None = None
    floor: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def at_least(option: str, value: int, least: int) -> int:
    """``value`` of an option, as a constructor checks it.

    Raises:
        UsageError: it is below ``least``.
    """
    if value < least:
        raise UsageError(f"{option}={value} does not work: it is a whole number from {least} up")
    return value


class Metric(ABC):
    """How unlike two sets of images are. Options are keyword-only arguments, with the published protocol as default.

    Attributes:
        higher_is_better: which way is up.
        resize: how images are brought to the network's size, a key of ``ganzoo.metrics.resize.RESIZES``; None for the
            network's own way.
        statistics: what it gathers besides the statistics that it is registered to require: subclasses of
            :class:`ganzoo.metrics.Statistic`, read as ``real[MyStatistic]``.
        aliases_off_inception: what a number is called on networks other than the 2015 Inception graph, where its name
            promises that network.
    """

    higher_is_better: ClassVar[bool] = False
    resize: ClassVar[str | None] = None
    statistics: ClassVar[tuple[type[Statistic], ...]] = ()
    aliases_off_inception: ClassVar[Mapping[str, str]] = {}

    def own_network(self, resolution: int, device: torch.device) -> Comparison | None:
        """The comparison of pairs, for a metric that requires ``pairs``; None to use the feature extractor.

        Args:
            resolution: of the images, in pixels.
            device: where it goes.

        Raises:
            UsageError: it cannot compare images of this size.
            GanzooError: its weights are not on this machine and cannot be fetched.
        """
        return None

    @abstractmethod
    def __call__(self, real: Sample, fake: Sample) -> Mapping[str, Value | float]:
        """The numbers by name, of nothing but the two samples.

        Names have lower-case letters, digits, ``.``, ``_`` and ``-``.
        """


def aliases_off_inception(metric: object) -> Mapping[str, str]:
    """What the numbers of a metric, or of its class, are called on networks other than the 2015 Inception graph."""
    return getattr(metric, "aliases_off_inception", None) or getattr(metric, "elsewhere", {})  # the name in 0.1.0


def own_statistics(metric: object) -> frozenset[type[Statistic]]:
    """The statistics that a metric, or its class, brings."""
    return frozenset(getattr(metric, "statistics", ()))


class Experiment(ABC):
    """A metric that puts the model itself to work, registered with ``requires={"model"}``.

    For what no comparison of two sets of images says, such as whether what a model makes of labelled sources is worth
    learning from. Options are keyword-only arguments, with the published protocol as default.

    Attributes:
        higher_is_better: which way is up.
    """

    higher_is_better: ClassVar[bool] = False

    @abstractmethod
    def instrument(self, resolution: int) -> Instrument:
        """The instrument that score records name.

        Args:
            resolution: of the images, in pixels.
        """

    @abstractmethod
    def check(self, gan: GAN, data: ImageData) -> None:
        """Refuse a model or data that it cannot be made with, before anything is computed.

        Raises:
            GanzooError: saying what is missing.
        """

    @abstractmethod
    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> Mapping[str, Value | float]:
        """The numbers by name; the same arguments give the same.

        Args:
            gan: the model, in whatever mode; it is left as it is.
            data: real images of its size and channels.
            n: images to draw.
            seed: of noise and of everything else that is drawn; global random numbers may be used up.
            batch: images computed at once.
        """
