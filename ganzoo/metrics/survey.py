"""One pass over images: each is made, resized and looked at once, and every statistic is gathered on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.images import Batches
from ganzoo.metrics.sample import Gatherer, Sample
from ganzoo.metrics.statistic import Block

Needs = Mapping[str, frozenset[str]]
"""Names of statistics by the way of resizing that the images are to be looked at under."""

Progress = Callable[[int, int], None]
"""Called with how many images are done, and how many there are."""


def survey(
    batches: Batches, total: int, network: FeatureNetwork, needs: Needs, progress: Progress | None = None
) -> dict[str, Sample]:
    """What a network sees of images.

    Args:
        batches: images uint8 ``(B, C, H, W)`` and labels or None.
        total: how many there are.
        network: looks at every image once for each way of resizing.
        needs: what to gather.
        progress: told after each batch.

    Returns:
        A sample for each way of resizing.
    """
    gatherers = {resize: Gatherer(names, total) for resize, names in needs.items()}
    wants_logits = {resize: "probabilities" in names for resize, names in needs.items()}
    done = 0
    for images, labels in batches:
        for resize, gatherer in gatherers.items():
            features, logits = network(images, resize)
            gatherer.add(Block(features, logits if wants_logits[resize] else None, labels))
        done += len(images)
        if progress is not None:
            progress(done, total)
    return {resize: gatherer.sample() for resize, gatherer in gatherers.items()}
