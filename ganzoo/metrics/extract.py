"""One pass over images: each is made, resized and looked at once, and every statistic is gathered on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from torch import Tensor

from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.instruments import Comparison, Instrument
from ganzoo.metrics.sample import Gatherer, Sample
from ganzoo.metrics.statistic import FeatureBatch
from ganzoo.metrics.subjects import Batches


class Look(NamedTuple):
    """A way of looking at images: through what, and how they are resized for it."""

    network: FeatureNetwork | Comparison
    resize: str


class Setup(NamedTuple):
    """What an experiment is made with: it looks at images in its own way, and not in the pass that all others share."""

    network: Instrument
    resize: str


Needs = Mapping[Look, frozenset[str]]
"""Names of statistics by the way of looking at the images."""

Belonging = Callable[[int, int], Tensor]
"""The real images that belong to generated images ``start`` to ``stop``, uint8 ``(B, C, H, W)``."""

Progress = Callable[[int, int], None]
"""Called with how many images are done, and how many there are."""


def survey(
    batches: Batches, total: int, needs: Needs, belonging: Belonging, progress: Progress | None = None
) -> dict[Look, Sample]:
    """What networks see of images.

    Args:
        batches: images uint8 ``(B, C, H, W)`` and labels or None.
        total: how many there are.
        needs: what to gather; every image is looked at once in each way.
        belonging: the other side of the pairs, for what compares these.
        progress: told after each batch.

    Returns:
        A sample for each way of looking.
    """
    gatherers = {look: Gatherer(names, total) for look, names in needs.items()}
    wants_logits = {look: "probabilities" in names for look, names in needs.items()}
    done = 0
    for images, labels in batches:
        targets = partial(belonging, done, done + len(images))
        for look, gatherer in gatherers.items():
            features, logits = look.network.see(images, look.resize, targets)
            gatherer.add(FeatureBatch(features, logits if wants_logits[look] else None, labels))
        done += len(images)
        if progress is not None:
            progress(done, total)
    return {look: gatherer.sample() for look, gatherer in gatherers.items()}
