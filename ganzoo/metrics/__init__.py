"""Metrics: how far generated images are from real ones, each measured by a stated protocol.

A metric is a part of kind ``metric``. It is handed two :class:`Sample`, the real images and the generated ones as a
feature network saw them, and returns numbers by name. What it wants to know of a side it declares when it is
registered, so that everything asked for is gathered in one pass over the images::

    class MeanDistance(Metric):
        "Distance of the mean features."

        def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
            return {"mean-distance": float((real.moments.mean - fake.moments.mean).norm())}

    @ganzoo.hookimpl
    def register_metrics(register):
        register("mean-distance", MeanDistance, requires={"moments"})

What no comparison of images says is an :class:`Experiment`: with ``requires={"model"}`` it is handed the model itself
and the data.

Names are imported when first used, so that listing the metrics imports no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Experiment": "metric",
    "FeatureNetwork": "features",
    "Instrument": "instruments",
    "Metric": "metric",
    "Moments": "moments",
    "Sample": "sample",
    "Value": "metric",
    "check": "evaluation",
    "evaluate": "evaluation",
    "frechet": "moments",
    "open_network": "features",
    "sample_of": "sample",
    "version_digest": "instruments",
}

__all__ = [
    "Experiment",
    "FeatureNetwork",
    "Instrument",
    "Metric",
    "Moments",
    "Sample",
    "Value",
    "check",
    "evaluate",
    "frechet",
    "open_network",
    "sample_of",
    "version_digest",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
