"""Checks of metrics, on features small enough to need no network."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from ganzoo.entry import Entry
from ganzoo.metrics.judges import judge
from ganzoo.metrics.metric import Value
from ganzoo.metrics.resize import RESIZES
from ganzoo.metrics.sample import Sample, sample_of
from ganzoo.metrics.statistic import STATISTICS
from ganzoo.scores import NAME
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect

COUNT, WIDTH, CLASSES = 240, 6, 4


def check_metric(entry: Entry) -> None:
    """Finite numbers under names that records can have, the same every time, and better for better images."""
    expect(entry.requires & STATISTICS.keys(), entry, f"requires one of {', '.join(STATISTICS)}, to look at")
    found = judge(entry)
    expect(found.resize in (None, *RESIZES), entry, f"its resize is None or one of {', '.join(RESIZES)}")
    for options in variants(entry):
        metric = entry.load()(**options)
        expect(isinstance(getattr(metric, "higher_is_better", None), bool), entry, "says whether higher_is_better")
        real = _sample(entry, 0, 0.0)
        close, far = (_numbers(entry, metric(real, _sample(entry, 1, distance))) for distance in (0.0, 25.0))
        expect(close == _numbers(entry, metric(real, _sample(entry, 1, 0.0))), entry, "gives the same numbers again")
        expect(close.keys() == far.keys(), entry, "gives the same names whatever the images")
        for name, value in close.items() if "moments" in entry.requires or "features" in entry.requires else ():
            better = value >= far[name] if metric.higher_is_better else value <= far[name]
            expect(better, entry, f"{name} is no worse for images like the real ones, {value}, than else, {far[name]}")


def _sample(entry: Entry, seed: int, distance: float) -> Sample:
    """Features of four classes around four places, all moved by ``distance``."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(COUNT) % CLASSES
    places = torch.nn.functional.one_hot(labels, WIDTH).float() * 3 + distance
    features = places + torch.randn(COUNT, WIDTH, generator=rng)
    logits = torch.randn(COUNT, CLASSES, generator=rng)
    return sample_of(features, labels=labels, logits=logits, requires=entry.requires & STATISTICS.keys())


def _numbers(entry: Entry, given: object) -> dict[str, float]:
    """The numbers that a metric gave, checked."""
    expect(isinstance(given, Mapping) and given, entry, f"returns numbers by name, not {given!r}")
    assert isinstance(given, Mapping)
    numbers = {name: value.value if isinstance(value, Value) else float(value) for name, value in given.items()}
    for name, value in numbers.items():
        expect(NAME.fullmatch(str(name)), entry, f"{name!r} has lower-case letters, digits, '.', '_' and '-' only")
        expect(math.isfinite(value), entry, f"{name} is a finite number, not {value}")
    return numbers
