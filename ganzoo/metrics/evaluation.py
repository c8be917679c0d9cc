"""Evaluation: from a model and real images to scores, each a record with its whole protocol."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import GanzooError, PluginError, UsageError, whole
from ganzoo.folder.scores import NAME, SEEN, Score, score_key
from ganzoo.gan.gan import GAN
from ganzoo.metrics.cache import floor_of, recall, remember
from ganzoo.metrics.extract import Belonging, FeatureView, Needs, Progress, View, extract
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.metric import Value
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.select import SelectedMetric, check_images, choose, views_of
from ganzoo.metrics.statistic import Wanted, statistic
from ganzoo.metrics.subjects import Fakes, Generated, Pictured, pictured_like
from ganzoo.registry.sizes import shorter, shown_as, size_text
from ganzoo.seeding import derive

REAL_ORDER = 0  # the seed of the order of real images: one for all models, so that their statistics can be cached
_LAYER_NOISE = 3  # what a derived seed is for


def check(metrics: str | Sequence[str], features: str | None = None, weights: Path | None = None) -> None:
    """Refuse what :func:`evaluate` would refuse of metrics, features and weights, before there is a model or data.

    Raises:
        UsageError: an unknown metric or network.
        GanzooError: the network's weights are not on this machine and cannot be fetched.
    """
    views_of(choose(metrics), features, weights=weights)


def check_amounts(seed: int, seeds: int, batch: int) -> None:
    """Refuse what is no whole number, or too small.

    Raises:
        UsageError: naming it.
    """
    whole("seed", seed)
    whole("seeds", seeds, 1)
    whole("batch", batch, 1)


def evaluate(
    model: GAN | ImageData | Path,
    data: ImageData,
    *,
    metrics: str | Sequence[str] = ("fid",),
    n: int = 50_000,
    features: str | FeatureNetwork | None = None,
    weights: Path | None = None,
    seed: int = 0,
    seeds: int = 1,
    batch: int = 64,
    device: str | torch.device = "cpu",
    step: int = 0,
    digest: str = "",
    progress: Progress | None = None,
    split: str | None = None,
) -> list[Score]:
    """Score a model, or images that are there already, against real images.

    The same arguments give the same numbers. Every random number generator and the model's mode stay as they were.

    Args:
        model: draws the images; or the images, opened or the folder or zip that holds them.
        data: the real images, of the model's size and channels; all of them are used.
        metrics: names of metrics, with options as in ``kid:subsets=50``.
        n: images to draw; of images that are there already, at most.
        features: the feature network, where a metric needs one; see :func:`ganzoo.metrics.open_network`.
        weights: a file with the network's weights.
        seed: of the noise.
        seeds: how many seeds to average over, from ``seed`` up.
        batch: images computed at once; the scores do not depend on it.
        device: where the feature network goes.
        step: of training, for the record.
        digest: sha256 of the weights that are scored, for the record.
        progress: called with how many images are done, and of how many.
        split: what the record calls the part of the data that ``data`` is; ``data.split`` by default.

    Returns:
        The scores, in the order of ``metrics``.

    Raises:
        UsageError: for what cannot be meant; before any image is computed.
    """
    check_amounts(seed, seeds, batch)
    selected, fakes = choose(metrics), _fakes(model, data)
    data = fakes.data if isinstance(fakes, Generated) else data
    count = fakes.count(whole("n", n))
    check_images(selected, fakes, data, count)
    views = views_of(selected, features, shorter(data.size), weights, device, gan=fakes.gan)
    begun = time.monotonic()
    each = range(seed, seed + seeds)
    with _undisturbed():
        runs = list(_runs(selected, views, fakes, data=data, count=count, seeds=each, batch=batch, progress=progress))
    protocol: dict[str, Any] = {
        "dataset": _dataset(data, split),
        "seed": seed,
        "seeds": seeds,
        "step": step,
        "seconds": round(time.monotonic() - begun, 2),
        "weights": digest,
    }
    return [
        _record(metric, view, name, [run[place][name] for run in runs], count, {**protocol, "shown": shown(view, data)})
        for place, (metric, view) in enumerate(zip(selected, views, strict=True))
        for name in runs[0][place]
    ]


def _runs(
    selected: Sequence[SelectedMetric],
    views: Sequence[View],
    fakes: Fakes,
    data: ImageData,
    count: int,
    seeds: range,
    batch: int,
    progress: Progress | None,
) -> Iterator[list[dict[str, Value]]]:
    """For each seed, the numbers of each metric."""
    needs = _needs(selected, views)
    real = reference(data, needs, batch, progress)
    for seed in seeds:
        torch.manual_seed(derive(_LAYER_NOISE, seed))  # for generators that draw noise in eval mode too
        fake = extract(fakes.batches(count, seed, batch), count, needs, _belonging(data), progress) if needs else {}
        said = [
            metric.metric(real[view], fake[view])
            if isinstance(view, FeatureView)
            else metric.metric(fakes.gan, data, n=count, seed=seed, batch=batch)
            for metric, view in zip(selected, views, strict=True)
        ]
        yield [_numbers(metric, view, one) for metric, view, one in zip(selected, views, said, strict=True)]


def _belonging(data: ImageData) -> Belonging:
    """The real images of rows ``start`` to ``stop``: image k belongs to row k of the data."""
    return lambda start, stop: data.images.fetch(torch.arange(start, stop))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Random number generators come back as they were."""
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices=devices):
        yield


def _fakes(model: GAN | ImageData | Path, data: ImageData) -> Fakes:
    """The generated images to be scored.

    Raises:
        UsageError: its images have another size or number of channels than the real ones.
    """
    if isinstance(model, Path):
        model = open_data(model, DataRequest(split="all", channels=4 if data.channels == 4 else None))
    if (model.size, model.channels) != (data.size, data.channels):
        raise UsageError(
            f"the generated images have {size_text(model.size)} pixels and {model.channels} channels, those of"
            f" {data.name} {size_text(data.size)} and {data.channels}: open the data with"
            " DataRequest(resolution=, channels=)"
        )
    return pictured_like(model, data) if isinstance(model, ImageData) else Generated.of(model, data)


def _needs(selected: Sequence[SelectedMetric], views: Sequence[View]) -> dict[FeatureView, frozenset[Wanted]]:
    """The statistics to gather, by feature view, each view once whatever the number of metrics that share it."""
    needs: dict[FeatureView, frozenset[Wanted]] = {}
    for metric, view in zip(selected, views, strict=True):
        if isinstance(view, FeatureView):
            needs[view] = needs.get(view, frozenset()) | metric.statistics
    return needs


def reference(data: ImageData, needs: Needs, batch: int, progress: Progress | None = None) -> dict[FeatureView, Sample]:
    """Samples of the real images; cached on disk, so that a data set is sent through a network once and not per score.

    Args:
        data: all of its images count.
        needs: what to gather; statistics of generated images only are left out.
        batch: images computed at once.
        progress: called with how many images are done, and of how many.
    """
    wanted = {(view, name) for view, names in needs.items() for name in names if not statistic(name).fakes_only}
    images = (data.fingerprint, data.numbering) if data.numbering else (data.fingerprint,)
    keys = {one: (*images, one[0].network.sha256, one[0].network.pixels, one[0].resize) for one in wanted}
    found = {one: recall(one[1], *keys[one]) for one in wanted}
    missing: dict[FeatureView, frozenset[Wanted]] = {}
    for view, name in (one for one in wanted if found[one] is None):
        missing[view] = missing.get(view, frozenset()) | {name}
    if missing:
        batches = Pictured(data).batches(data.count, REAL_ORDER, batch)
        for view, sample in extract(batches, data.count, missing, _belonging(data), progress).items():
            for name, gathered in sample.statistics.items():
                found[view, name] = gathered
                remember(gathered, name, *keys[view, name])
    return {
        view: Sample(data.count, {name: found[view, name] for where, name in wanted if where == view}) for view in needs
    }


def shown(view: View, data: ImageData) -> dict[str, str]:
    """What a score is of, where that is not all of each image: ``{"shown": "alpha over a checkerboard"}``, or nothing.

    Networks see squares of grey or RGB with 8 bits.
    """
    words = [shown_as(data.channels, data.bits)] if isinstance(view, FeatureView) else []
    if isinstance(view, FeatureView) and isinstance(data.size, tuple) and view.resize != "none":
        words.append("stretched to squares")
    said = ", ".join(word for word in words if word)
    return {"shown": said} if said else {}


def _numbers(metric: SelectedMetric, view: View, said: Mapping[str, Value | float]) -> dict[str, Value]:
    """The numbers of a metric, checked, by the names that records use.

    Raises:
        PluginError: it gives a name that no record can have.
        GanzooError: it gives no finite number.
    """
    numbers: dict[str, Value] = {}
    for name, given in said.items():
        value = given if isinstance(given, Value) else Value(float(given))
        if not NAME.fullmatch(name):
            raise PluginError(
                f"{metric.entry.spelling} calls a number {name!r}: use lower-case letters, digits and '-'"
            )
        if not math.isfinite(value.value):
            raise GanzooError(
                f"{name} is {value.value}: the images, or the network's weights, are beyond what it measures"
            )
        numbers[name if view.network.standard else metric.aliases.get(name, name)] = value
    return numbers


def _dataset(data: ImageData, split: str | None) -> dict[str, Any]:
    return {"name": data.name, "fingerprint": data.fingerprint, "split": split or data.split, "count": data.count}


def _record(
    metric: SelectedMetric, view: View, name: str, values: Sequence[Value], count: int, protocol: Mapping[str, Any]
) -> Score:
    """The score that a metric's values for each seed amount to; ``protocol`` is all else that is recorded."""
    network = view.network
    rest = {key: value for key, value in protocol.items() if key != "shown"}
    first, numbers = values[0], [value.value for value in values]
    samples = first.samples or count
    request = "" if metric.request == metric.entry.name else metric.request
    several = {"values": numbers} if len(values) > 1 else {}
    score = Score(
        key=score_key(
            name, samples, protocol["dataset"]["split"], network.name, network.unusual_pixels, request=request
        ),
        metric=name,
        value=fmean(numbers),
        std=stdev(numbers) if len(values) > 1 else first.std,
        samples=samples,
        network=network.record(),
        resize=view.resize,
        higher_is_better=metric.higher_is_better,
        details={**first.details, **several, **protocol["shown"]},
        request=request,
        **rest,
    )
    floors = [value.floor for value in values if value.floor is not None]
    return replace(
        score, floor=fmean(floors) if floors else floor_of(tuple(text.replace(SEEN, "") for text in score.protocol))
    )
