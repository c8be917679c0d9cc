"""The metrics that were asked for, found by name, and whether what is to be scored has what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import ImageData
from ganzoo.errors import PluginError, UsageError, either, read_texts
from ganzoo.folder.scores import SEEN
from ganzoo.gan.gan import GAN
from ganzoo.metrics.extract import FeatureView, ModelView, View
from ganzoo.metrics.features import FeatureNetwork, open_network, was_seen
from ganzoo.metrics.metric import Experiment, Value, aliases_off_inception, own_statistics
from ganzoo.metrics.statistic import STATISTICS, Statistic, Wanted, statistic
from ganzoo.metrics.subjects import Fakes
from ganzoo.metrics.weights import OFFLINE_NETWORK, SECOND_NETWORK
from ganzoo.metrics.words import configured, metric_words, read_metric
from ganzoo.registry.entry import Entry
from ganzoo.registry.labels import LABEL_KEYS, label_keys
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Part

PAIRS, MODEL = "pairs", "model"  # needs of a metric that images, or what draws them, must meet


@dataclass(frozen=True)
class SelectedMetric:
    """A metric that was asked for by name, built.

    Attributes:
        entry: what was registered.
        metric: from two samples to numbers by name; or an :class:`~ganzoo.metrics.Experiment`.
        resize: how it wants images resized; None for the network's own way.
        aliases: what its numbers are called on networks other than the 2015 Inception graph.
        higher_is_better: which way is up.
        request: its name and the options that are not its defaults, ``kid:subsets=50``; just its name without any.
    """

    entry: Entry
    metric: Callable[..., Mapping[str, Value | float]]
    resize: str | None
    aliases: Mapping[str, str]
    higher_is_better: bool
    request: str

    @property
    def statistics(self) -> frozenset[Wanted]:
        """The statistics that it computes from, its own among them; none for one that is given the model itself."""
        named: frozenset[Wanted] = self.entry.requires & STATISTICS.keys()
        return named | own_statistics(self.metric)

    @property
    def experiment(self) -> Experiment | None:
        """The metric, if it is given the model itself; None if it compares samples."""
        return self.metric if isinstance(self.metric, Experiment) else None

    def view(self, chosen: Callable[[], FeatureNetwork], resolution: int, device: torch.device) -> View:
        """Its feature extractor and resizing: its own, or else the network that was chosen, which is opened now."""
        if self.experiment is not None:
            instrument = self.experiment.instrument(resolution)
            return ModelView(instrument, instrument.resize)
        own = getattr(self.metric, "own_network", None)
        network = (own(resolution, device) if own else None) or chosen()
        return FeatureView(network, self.resize or network.resize)


def choose(metrics: str | Sequence[str]) -> list[SelectedMetric]:
    """The metrics of these names and options, each once, in order.

    Args:
        metrics: such as ``("kid:subsets=50", "prdc")``; see :func:`ganzoo.metrics.words.metric_words`.

    Raises:
        UsageError: for none, an unknown name or option, or a value that an option cannot take.
        PluginError: for one that declares a need that nothing can meet.
    """
    asked = [read_metric(word) for word in metric_words(read_texts("metrics", metrics, "fid"))]
    if not asked:
        names = either((entry.name for entry in registry().entries("metric")), "and")
        raise UsageError(f"name a metric; there are {names}")
    entries = [registry().find(part.spelling, ("metric",), what="metric") for part in asked]
    found = [select_metric(entry, part) for entry, part in zip(entries, asked, strict=True)]
    return list({one.request: one for one in found}.values())


def asked_by(wanted: str) -> str:
    """What to ask for to get a value: what it is called, or the metric that it is one level of, ``swd`` for ``swd-32``.

    Raises:
        UsageError: no metric gives it.
    """
    try:
        choose([wanted])
    except UsageError:
        metric, _, level = wanted.rpartition("-")
        if not (metric and level.isdecimal()):
            raise
        choose([metric])
        return metric
    return wanted


def select_metric(entry: Entry, asked: Part | None = None) -> SelectedMetric:
    """A registered metric, built with the options that were ``asked`` for, and its defaults for the others.

    Raises:
        UsageError: there is no such option, or it cannot have that value.
        PluginError: it declares a need that nothing can meet, or is an experiment and does not say so.
    """
    unknown = entry.requires - STATISTICS.keys() - LABEL_KEYS - {MODEL}
    if unknown:
        known = either([*STATISTICS, *sorted(LABEL_KEYS), MODEL], "and")
        raise PluginError(f"{entry.spelling} requires {either(sorted(unknown), 'and')}; metrics can have {known}")
    options, request = configured(entry, asked or Part(entry.name))
    metric: Any = entry.load()(**options)
    if isinstance(metric, Experiment) != (MODEL in entry.requires):
        raise PluginError(
            f"{entry.spelling}: a ganzoo.metrics.Experiment, and no other metric, is registered with"
            f" requires={{{MODEL!r}}}"
        )
    if not all(isinstance(own, type) and issubclass(own, Statistic) for own in own_statistics(metric)):
        raise PluginError(f"{entry.spelling}: its statistics are subclasses of ganzoo.metrics.Statistic")
    return SelectedMetric(
        entry,
        metric,
        resize=getattr(metric, "resize", None),
        aliases=aliases_off_inception(metric),
        higher_is_better=bool(getattr(metric, "higher_is_better", False)),
        request=request,
    )


def with_floor(metrics: str | Sequence[str]) -> list[str]:
    """Those of the metrics that other real images can be measured by: neither of pairs nor of the model itself.

    Raises:
        UsageError: there are none.
    """
    names = [one.request for one in choose(metrics) if not {PAIRS, MODEL} & one.entry.requires]
    if not names:
        raise UsageError(
            "metrics of pairs, and of the model itself, compare with nothing that other real images could stand in for:"
            " leave --floor out"
        )
    return names


def check_images(selected: Sequence[SelectedMetric], fakes: Fakes, data: ImageData, count: int) -> None:
    """Refuse metrics that these images cannot be scored by.

    Raises:
        UsageError: naming the metric and what is missing.
    """
    if count < 2:
        raise UsageError(f"-n {count} does not work: a score rests on two images at least, and means little under 1000")
    if fakes.mismatch and fakes.follows:
        raise UsageError(f"{fakes.name} draws with the labels of {data.name}, and {fakes.mismatch}")
    for one in selected:
        if one.entry.labelled:
            _check_labels(one, fakes, data)
        if fakes.mismatch and (one.entry.labelled or one.experiment is not None):
            raise UsageError(f"{one.entry.name} is measured class by class, and {fakes.mismatch}")
        if PAIRS in one.entry.requires:
            _check_pairs(one, fakes, data)
        if one.experiment is not None:
            if fakes.gan is None:
                raise UsageError(f"{one.entry.name} puts a model to work, and {fakes.name} holds images, not a model")
            one.experiment.check(fakes.gan, data)


def _check_labels(one: SelectedMetric, fakes: Fakes, data: ImageData) -> None:
    real = f"the data set {data.name}"
    for labelled, who in ((data.labels is not None, real), (fakes.labelled, fakes.name)):
        if not labelled:
            raise UsageError(f"{one.entry.name} compares class by class, and {who} has no labels")
    for kind, who in ((data.label_kind, real), (fakes.label_kind, fakes.name)):
        if not one.entry.requires <= STATISTICS.keys() | label_keys(kind) | {MODEL}:
            wanted = either(sorted(one.entry.requires & LABEL_KEYS), "and")
            raise UsageError(f"{one.entry.name} needs {wanted}, and the labels of {who} are of the kind {kind}")


def _check_pairs(one: SelectedMetric, fakes: Fakes, data: ImageData) -> None:
    name = f"{one.entry.name} compares each image with the real one that belongs to it"
    if PAIRS not in data.provides:
        raise UsageError(f"{name}, and the data set {data.name} has no pairs: see 'ganzoo list dataset'")
    if not fakes.paired:
        raise UsageError(f"{name}, and {fakes.name} is not made from the source images of {data.name}")


def views_of(
    selected: Sequence[SelectedMetric],
    features: str | FeatureNetwork | None,
    resolution: int = 32,
    weights: Path | None = None,
    device: str | torch.device = "cpu",
    *,
    gan: GAN | None = None,
) -> list[View]:
    """The feature extractor and resizing of each metric; the network is opened only where one of them needs it.

    Args:
        selected: the metrics.
        features, weights: the feature network, and a file with its weights; see :func:`open_network`.
        resolution: of the images.
        device: where networks go.
        gan: the model that is scored; a network that its training looked through is marked.

    Raises:
        UsageError: for an unknown network, or one that a metric cannot use.
        GanzooError: weights are not on this machine and cannot be fetched.
    """

    def chosen() -> FeatureNetwork:
        return features if isinstance(features, FeatureNetwork) else open_network(features, resolution, weights, device)

    views = [one.view(chosen, resolution, torch.device(device)) for one in selected]
    for one, view in zip(selected, views, strict=True):
        if any(statistic(wanted).logits for wanted in one.statistics) and not view.network.classifies:
            raise UsageError(f"{one.entry.name} needs class probabilities, and {view.network.name} gives none")
    return [_marked(view, gan) for view in views]


def _marked(view: View, gan: GAN | None) -> View:
    """A view through a network that the training of a model looked through, too, with a name that says so."""
    if gan is None or not isinstance(view, FeatureView) or not was_seen(view.network.name, gan):
        return view
    return view._replace(network=replace(view.network, name=view.network.name + SEEN))


def flattered(views: Sequence[View], gan: GAN) -> list[str]:
    """What a person should know of views through networks that the training of a model looked through, too.

    Returns:
        A sentence for each such network, with another one to type; none where there is no such network.
    """
    other = next((name for name in (OFFLINE_NETWORK, SECOND_NETWORK) if not was_seen(name, gan)), "NAME")
    names = dict.fromkeys(view.network.name for view in views if view.network.name.endswith(SEEN))
    return [
        f"scores on {name.removesuffix(SEEN)} flatter, and are marked {SEEN}: training looks through it; another"
        f" network: --features {other}"
        for name in names
    ]
