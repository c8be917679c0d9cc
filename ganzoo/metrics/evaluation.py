"""Scoring: from a model and real images to records with their whole protocol."""

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
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.gan import GAN
from ganzoo.metrics.cache import floor_of, recall, remember
from ganzoo.metrics.features import FeatureNetwork, open_network
from ganzoo.metrics.images import Fakes, Generated, Pictured
from ganzoo.metrics.judges import Judge, check_images, check_network, choose
from ganzoo.metrics.metric import Value
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.statistic import STATISTICS
from ganzoo.metrics.survey import Needs, Progress, survey
from ganzoo.scores import NAME, Score, score_key
from ganzoo.seeding import derive

REAL_ORDER = 0  # the seed of the order in which real images are looked at: the same for every model
_LAYER_NOISE = 3  # what a derived seed is for


def check(metrics: Sequence[str], features: str | None = None, weights: Path | None = None) -> None:
    """Refuse what :func:`evaluate` would refuse of metrics and feature network, before there is a model or data.

    Raises:
        UsageError: an unknown metric or network.
        GanzooError: the network's weights are not on this machine and cannot be fetched.
    """
    check_network(choose(metrics), open_network(features, weights=weights))


def evaluate(
    model: GAN | ImageData | Path,
    data: ImageData,
    *,
    metrics: Sequence[str] = ("fid",),
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
        metrics: names of metrics.
        n: images to draw; of images that are there already, at most.
        features: the feature network; see :func:`ganzoo.metrics.open_network`.
        weights: a file with the network's weights.
        seed: of the noise.
        seeds: how many seeds to average over, from ``seed`` up.
        batch: images computed at once; the scores do not depend on it.
        device: where the feature network goes.
        step: of training, for the record.
        digest: sha256 of the weights that are scored, for the record.
        progress: told how many images are done, and of how many.
        split: what the record calls the part of the data that ``data`` is; ``data.split`` by default.

    Returns:
        The scores, in the order of ``metrics``.

    Raises:
        UsageError: for what cannot be meant; before any image is computed.
    """
    judges, fakes = choose(metrics), _fakes(model, data)
    count = fakes.count(n)
    check_images(judges, fakes, data, count)
    if seeds < 1:
        raise UsageError(f"seeds={seeds} does not work: it is 1 or more")
    if not isinstance(features, FeatureNetwork):
        features = open_network(features, data.resolution, weights, device)
    check_network(judges, features)
    begun = time.monotonic()
    numbers = range(seed, seed + seeds)
    with _undisturbed():
        runs = list(_runs(judges, fakes, data, features, count, numbers, batch, progress))
    protocol: dict[str, Any] = {
        "dataset": _dataset(data, split),
        "network": features.record(),
        "seed": seed,
        "seeds": seeds,
        "step": step,
        "seconds": round(time.monotonic() - begun, 2),
        "weights": digest,
    }
    return [
        _record(judge, name, [run[place][name] for run in runs], features, count, protocol)
        for place, judge in enumerate(judges)
        for name in runs[0][place]
    ]


def _runs(
    judges: Sequence[Judge],
    fakes: Fakes,
    data: ImageData,
    network: FeatureNetwork,
    count: int,
    seeds: range,
    batch: int,
    progress: Progress | None,
) -> Iterator[list[dict[str, Value]]]:
    """For each seed, what each metric says."""
    needs = _needs(judges, network)
    real = reference(data, network, needs, batch, progress)
    for seed in seeds:
        torch.manual_seed(derive(_LAYER_NOISE, seed))
        fake = survey(fakes.batches(count, seed, batch), count, network, needs, progress)
        yield [_numbers(judge, real, fake, network) for judge in judges]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Random number generators come back as they were."""
    devices = range(torch.cuda.device_count())
    with torch.random.fork_rng(devices=devices):
        yield


def _fakes(model: GAN | ImageData | Path, data: ImageData) -> Fakes:
    """What is to be scored.

    Raises:
        UsageError: its images have another size or number of channels than the real ones.
    """
    if isinstance(model, Path):
        model = open_data(model, DataRequest(split="all"))
    if (model.resolution, model.channels) != (data.resolution, data.channels):
        raise UsageError(
            f"the generated images have {model.resolution} pixels and {model.channels} channels, those of {data.name}"
            f" {data.resolution} and {data.channels}: open the data with DataRequest(resolution=, channels=)"
        )
    return Pictured(model) if isinstance(model, ImageData) else Generated(model)


def _resize(judge: Judge, network: FeatureNetwork) -> str:
    return judge.resize or network.resize


def _needs(judges: Sequence[Judge], network: FeatureNetwork) -> dict[str, frozenset[str]]:
    """What to gather, by the way of resizing."""
    needs: dict[str, frozenset[str]] = {}
    for judge in judges:
        resize = _resize(judge, network)
        needs[resize] = needs.get(resize, frozenset()) | judge.statistics
    return needs


def reference(
    data: ImageData, network: FeatureNetwork, needs: Needs, batch: int, progress: Progress | None = None
) -> dict[str, Sample]:
    """What a network sees of real images; kept on disk, so that it is computed once for a data set.

    Args:
        data: all of its images are looked at.
        network: that looks.
        needs: what to gather; what is said of generated images only is left out.
        batch: images computed at once.
        progress: told how many images are done.
    """
    wanted = {(resize, name) for resize, names in needs.items() for name in names if not STATISTICS[name].fakes_only}
    keys = {one: (data.fingerprint, network.sha256, network.pixels, one[0]) for one in wanted}
    found = {one: recall(one[1], *keys[one]) for one in wanted}
    missing: dict[str, frozenset[str]] = {}
    for resize, name in (one for one in wanted if found[one] is None):
        missing[resize] = missing.get(resize, frozenset()) | {name}
    if missing:
        batches = Pictured(data).batches(data.count, REAL_ORDER, batch)
        for resize, sample in survey(batches, data.count, network, missing, progress).items():
            for name, statistic in sample.statistics.items():
                found[resize, name] = statistic
                remember(statistic, name, *keys[resize, name])
    return {
        resize: Sample(data.count, {name: found[resize, name] for where, name in wanted if where == resize})
        for resize in needs
    }


def _numbers(
    judge: Judge, real: Mapping[str, Sample], fake: Mapping[str, Sample], network: FeatureNetwork
) -> dict[str, Value]:
    """What a metric says, by the names that records use.

    Raises:
        PluginError: it gives a name that no record can have.
        GanzooError: it gives no finite number.
    """
    resize = _resize(judge, network)
    numbers: dict[str, Value] = {}
    for name, given in judge.metric(real[resize], fake[resize]).items():
        value = given if isinstance(given, Value) else Value(float(given))
        if not NAME.fullmatch(name):
            raise PluginError(f"{judge.entry.spelling} calls a number {name!r}: use lower-case letters, digits and '-'")
        if not math.isfinite(value.value):
            raise GanzooError(
                f"{name} is {value.value}: the images, or the network's weights, are beyond what it measures"
            )
        numbers[name if network.standard else judge.elsewhere.get(name, name)] = value
    return numbers


def _dataset(data: ImageData, split: str | None) -> dict[str, Any]:
    return {"name": data.name, "fingerprint": data.fingerprint, "split": split or data.split, "count": data.count}


def _record(
    judge: Judge, name: str, values: Sequence[Value], network: FeatureNetwork, count: int, protocol: Mapping[str, Any]
) -> Score:
    """The score that a metric's values for each seed amount to."""
    first, numbers = values[0], [value.value for value in values]
    samples = first.samples or count
    several = {"values": numbers} if len(values) > 1 else {}
    score = Score(
        key=score_key(name, samples, protocol["dataset"]["split"], network.name, network.unusual_pixels),
        metric=name,
        value=fmean(numbers),
        std=stdev(numbers) if len(values) > 1 else first.std,
        samples=samples,
        resize=_resize(judge, network),
        higher_is_better=judge.higher_is_better,
        details={**first.details, **several},
        **protocol,
    )
    return replace(score, floor=floor_of(score.protocol))
