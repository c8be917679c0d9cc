"""Checks of metrics, on features small enough to need no network."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

import torch

from ganzoo.data import ImageData
from ganzoo.errors import GanzooError
from ganzoo.folder.records import HASH, WORD
from ganzoo.folder.scores import NAME
from ganzoo.gan.gan import GAN
from ganzoo.metrics.instruments import Instrument
from ganzoo.metrics.metric import Experiment, Value
from ganzoo.metrics.resize import RESIZES
from ganzoo.metrics.sample import Sample, sample_of
from ganzoo.metrics.select import MODEL, select_metric
from ganzoo.metrics.statistic import STATISTICS, Wanted
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect
from ganzoo.testing.tiny import BATCH, COLUMNS, RESOLUTION, subject, synthetic_data

COUNT, WIDTH, CLASSES = 240, 6, 4


def check_metric(entry: Entry) -> None:
    """Finite numbers under names that records can have, the same every time, and better for better images.

    The numbers of an experiment are not checked: they need a model that suits it, which its own tests have.
    """
    found = select_metric(entry)
    if found.experiment is not None:
        _check_experiment(entry)
        return
    expect(
        found.statistics,
        entry,
        f"requires one of {', '.join([*STATISTICS, MODEL])}, or has statistics of its own, to look at",
    )
    expect(found.resize in (None, *RESIZES), entry, f"its resize is None or one of {', '.join(RESIZES)}")
    for options in variants(entry):
        metric = entry.load()(**options)
        expect(isinstance(getattr(metric, "higher_is_better", None), bool), entry, "says whether higher_is_better")
        wanted = found.statistics
        real = _sample(wanted, 0, 0.0)
        close, far = (_numbers(entry, metric(real, _sample(wanted, 1, distance))) for distance in (0.0, 25.0))
        expect(close == _numbers(entry, metric(real, _sample(wanted, 1, 0.0))), entry, "gives the same numbers again")
        expect(close.keys() == far.keys(), entry, "gives the same names whatever the images")
        for name, value in close.items() if "moments" in entry.requires or "features" in entry.requires else ():
            better = value >= far[name] if metric.higher_is_better else value <= far[name]
            expect(better, entry, f"{name} is no worse for images like the real ones, {value}, than else, {far[name]}")


def _check_experiment(entry: Entry) -> None:
    """It says what it measures with; small models of everything registered get numbers, or a readable error."""
    for options in variants(entry):
        metric: Experiment = entry.load()(**options)
        expect(isinstance(metric.higher_is_better, bool), entry, "says whether higher_is_better")
        one, again = (metric.instrument(RESOLUTION) for _ in range(2))
        expect(isinstance(one, Instrument) and one == again, entry, "gives the same Instrument every time")
        expect(WORD.fullmatch(one.name) and HASH.fullmatch(one.sha256), entry, "its Instrument has a name and a sha256")
        for gan, data in _models():
            try:
                metric.check(gan, data)
            except GanzooError as error:
                expect(str(error), entry, "says why it refuses a model or data")
                continue
            with torch.random.fork_rng():
                found, repeated = (metric(gan, data, n=data.count, seed=0, batch=BATCH) for _ in range(2))
            expect(_numbers(entry, found) == _numbers(entry, repeated), entry, "gives the same numbers again")


def _models() -> Iterator[tuple[GAN, ImageData]]:
    """A small model of every architecture, with labelled images and what else it learns from."""
    for entry in registry().entries("architecture"):
        made = subject(entry)
        gan = made.build().eval()
        keys = made.plan.provides | COLUMNS | {f"{key}_label" for key in made.data().unpaired}
        yield gan, synthetic_data(keys, gan.resolution, gan.channels)


def _sample(wanted: Collection[Wanted], seed: int, distance: float) -> Sample:
    """Features of four classes around four places, all moved by ``distance``."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(COUNT) % CLASSES
    places = torch.nn.functional.one_hot(labels, WIDTH).float() * 3 + distance
    features = places + torch.randn(COUNT, WIDTH, generator=rng)
    logits = torch.randn(COUNT, CLASSES, generator=rng)
    return sample_of(features, labels=labels, logits=logits, requires=wanted)


def _numbers(entry: Entry, given: object) -> dict[str, float]:
    """The numbers that a metric gave, checked."""
    expect(isinstance(given, Mapping) and given, entry, f"returns numbers by name, not {given!r}")
    assert isinstance(given, Mapping)
    numbers = {name: value.value if isinstance(value, Value) else float(value) for name, value in given.items()}
    for name, value in numbers.items():
        expect(NAME.fullmatch(str(name)), entry, f"{name!r} has lower-case letters, digits, '.', '_' and '-' only")
        expect(math.isfinite(value), entry, f"{name} is a finite number, not {value}")
    return numbers
