"""The Inception Score, which looks at generated images alone."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from torch import special

from ganzoo.metrics.metric import Metric, Value
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.statistic import Probabilities


class InceptionScore(Metric):
    """How sure a classifier is of each image and how many classes it sees in all; higher is better.

    Salimans et al. 2016 (arXiv:1606.03498): ``exp(E KL(p(y|x) ‖ p(y)))``, the mean and spread over ten parts of the
    images. It knows nothing of the real images, and says something of ImageNet-like pictures only.
    """

    higher_is_better: ClassVar[bool] = True

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """Mean and standard deviation over the splits."""
        scores = [_score(split) for split in fake.probabilities]
        return {"is": Value(float(np.mean(scores)), std=float(np.std(scores)), details={"splits": len(scores)})}


def _score(split: Probabilities) -> float:
    """``exp`` of the mean divergence: ``Σ p log p`` is summed already, ``Σ p log q`` is ``q log q`` per image."""
    q = split.p / split.count
    return float(np.exp(split.p_log_p / split.count + special.entr(q).sum().item()))
