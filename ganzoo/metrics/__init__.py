"""Metrics: how far generated images are from real ones, each measured by a stated protocol.

A metric is a part of kind ``metric``. It is handed two :class:`Sample`, statistics of the features that a feature
extractor gave of real and of generated images, and returns numbers by name. Which statistics it needs it declares when
it is registered, so that everything asked for is gathered in one pass over the images::

    class MeanDistance(Metric):
        "Distance of the mean features."

        def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
            return {"mean-distance": float((real.moments.mean - fake.moments.mean).norm())}

    @ganzoo.hookimpl
    def register_metrics(register):
        register("mean-distance", MeanDistance, requires={"moments"})

What no comparison of images says is an :class:`Experiment`: with ``requires={"model"}`` it is handed the model itself
and the data. The network that images are seen through is a part too, of the kind ``features``: see
:mod:`ganzoo.metrics.extractor`.

Names are imported when first used, so that listing the metrics imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.metrics.evaluation import check, evaluate
    from ganzoo.metrics.extractor import Extractor, FeatureRequest
    from ganzoo.metrics.features import FeatureNetwork, open_network
    from ganzoo.metrics.instruments import Instrument, version_digest
    from ganzoo.metrics.lpips import lpips_is_here, open_lpips
    from ganzoo.metrics.metric import Experiment, Metric, Value
    from ganzoo.metrics.moments import Moments, frechet
    from ganzoo.metrics.sample import Sample, sample_of
    from ganzoo.metrics.statistic import FeatureBatch, Statistic
    from ganzoo.metrics.weights import content_digest

_HOMES = {
    "Experiment": "ganzoo.metrics.metric",
    "Extractor": "ganzoo.metrics.extractor",
    "FeatureBatch": "ganzoo.metrics.statistic",
    "FeatureNetwork": "ganzoo.metrics.features",
    "FeatureRequest": "ganzoo.metrics.extractor",
    "Instrument": "ganzoo.metrics.instruments",
    "Metric": "ganzoo.metrics.metric",
    "Moments": "ganzoo.metrics.moments",
    "Sample": "ganzoo.metrics.sample",
    "Statistic": "ganzoo.metrics.statistic",
    "Value": "ganzoo.metrics.metric",
    "check": "ganzoo.metrics.evaluation",
    "content_digest": "ganzoo.metrics.weights",
    "evaluate": "ganzoo.metrics.evaluation",
    "frechet": "ganzoo.metrics.moments",
    "lpips_is_here": "ganzoo.metrics.lpips",
    "open_lpips": "ganzoo.metrics.lpips",
    "open_network": "ganzoo.metrics.features",
    "sample_of": "ganzoo.metrics.sample",
    "version_digest": "ganzoo.metrics.instruments",
}

__all__ = [
    "Experiment",
    "Extractor",
    "FeatureBatch",
    "FeatureNetwork",
    "FeatureRequest",
    "Instrument",
    "Metric",
    "Moments",
    "Sample",
    "Statistic",
    "Value",
    "check",
    "content_digest",
    "evaluate",
    "frechet",
    "lpips_is_here",
    "open_lpips",
    "open_network",
    "sample_of",
    "version_digest",
]


if not TYPE_CHECKING:  # for type checkers a misspelt name stays an error

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
