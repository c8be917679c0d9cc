"""One pass over images: each is made once, resized and sent through each feature extractor once.

Every statistic that some metric asked for is gathered on the way, so that no image or feature is kept for longer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from torch import Tensor

from ganzoo.images import visible
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.instruments import Comparison, Instrument
from ganzoo.metrics.sample import Gatherer, Sample
from ganzoo.metrics.statistic import FeatureBatch, Wanted, statistic
from ganzoo.metrics.subjects import Batches


class FeatureView(NamedTuple):
    """A feature extractor and the way images are resized for it: what of a sample metrics can share."""

    network: FeatureNetwork | Comparison
    resize: str


class ModelView(NamedTuple):
    """The instrument of a metric that is given the model itself, and takes no part in the shared pass."""

    network: Instrument
    resize: str


View = FeatureView | ModelView

Needs = Mapping[FeatureView, frozenset[Wanted]]
"""Statistics by feature view."""

Belonging = Callable[[int, int], Tensor]
"""The real images that belong to generated images ``start`` to ``stop``, uint8 ``(B, C, H, W)``."""

Progress = Callable[[int, int], None]
"""Called with how many images are done, and how many there are."""


def _seen(belonging: Belonging, start: int, stop: int) -> Tensor:
    return visible(belonging(start, stop))


def extract(
    batches: Batches, total: int, needs: Needs, belonging: Belonging, progress: Progress | None = None
) -> dict[FeatureView, Sample]:
    """Samples of images: the statistics that metrics need, in one pass.

    Args:
        batches: images uint8 or uint16 ``(B, C, H, W)``, of which networks see what is visible (see
            :func:`ganzoo.images.visible`), and labels or None.
        total: how many there are.
        needs: what to gather, by feature view.
        belonging: the other side of the pairs, for what compares these.
        progress: called after each batch.

    Returns:
        A sample for each feature view.
    """
    gatherers = {view: Gatherer(wanted, total) for view, wanted in needs.items()}
    wants_logits = {view: any(statistic(one).logits for one in wanted) for view, wanted in needs.items()}
    done = 0
    for given, labels in batches:
        images, targets = visible(given), partial(_seen, belonging, done, done + len(given))
        for view, gatherer in gatherers.items():
            features, logits = view.network.see(images, view.resize, targets)
            gatherer.add(FeatureBatch(features, logits if wants_logits[view] else None, labels))
        done += len(images)
        if progress is not None:
            progress(done, total)
    return {view: gatherer.sample() for view, gatherer in gatherers.items()}
