"""The metrics that were asked for, found by name, and whether what is to be scored has what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.data import ImageData
from ganzoo.entry import Entry
from ganzoo.errors import PluginError, UsageError, either
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.images import Fakes
from ganzoo.metrics.metric import Value
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.statistic import STATISTICS
from ganzoo.registry import registry

LABEL = "label"  # the one need of a metric that data must meet


@dataclass(frozen=True)
class Judge:
    """A metric, built.

    Attributes:
        entry: what was registered.
        metric: from two samples to numbers by name.
        resize: how it wants images resized; None for the network's own way.
        elsewhere: what its numbers are called on networks other than the 2015 Inception graph.
        higher_is_better: which way is up.
    """

    entry: Entry
    metric: Callable[[Sample, Sample], Mapping[str, Value | float]]
    resize: str | None
    elsewhere: Mapping[str, str]
    higher_is_better: bool

    @property
    def statistics(self) -> frozenset[str]:
        """What it wants to know of the images."""
        return self.entry.requires & STATISTICS.keys()


def choose(metrics: Sequence[str]) -> list[Judge]:
    """The metrics of these names, each once, in order.

    Raises:
        UsageError: for none, or an unknown name.
        PluginError: for one that declares a need that nothing can meet.
    """
    found = [registry().find(name, ("metric",), what="metric") for name in metrics]
    if not found:
        names = either((entry.name for entry in registry().entries("metric")), "and")
        raise UsageError(f"name a metric; there are {names}")
    return [judge(entry) for entry in {entry.spelling: entry for entry in found}.values()]


def judge(entry: Entry) -> Judge:
    """A registered metric, built with its default options.

    Raises:
        PluginError: it declares a need that nothing can meet.
    """
    unknown = entry.requires - STATISTICS.keys() - {LABEL}
    if unknown:
        known = either([*STATISTICS, LABEL], "and")
        raise PluginError(f"{entry.spelling} requires {either(sorted(unknown), 'and')}; metrics can have {known}")
    metric: Any = entry.load()()
    return Judge(
        entry,
        metric,
        getattr(metric, "resize", None),
        getattr(metric, "elsewhere", {}),
        bool(getattr(metric, "higher_is_better", False)),
    )


def check_images(judges: Sequence[Judge], fakes: Fakes, data: ImageData, count: int) -> None:
    """Refuse metrics that these images cannot be scored by.

    Raises:
        UsageError: naming the metric and what is missing.
    """
    if count < 2:
        raise UsageError(f"-n {count} does not work: a score rests on two images at least, and means little under 1000")
    for one in judges:
        if LABEL not in one.entry.requires:
            continue
        for labelled, who in ((data.labels is not None, f"the data set {data.name}"), (fakes.labelled, fakes.name)):
            if not labelled:
                raise UsageError(f"{one.entry.name} compares class by class, and {who} has no labels")


def check_network(judges: Sequence[Judge], network: FeatureNetwork) -> None:
    """Refuse metrics that a feature network cannot serve.

    Raises:
        UsageError: naming the metric and the network.
    """
    for one in judges:
        if "probabilities" in one.entry.requires and not network.classifies:
            raise UsageError(f"{one.entry.name} needs class probabilities, and {network.name} gives none")
