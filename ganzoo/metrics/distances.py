"""Metrics that compare means and covariances: FID and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from torch import special

from ganzoo.errors import UsageError
from ganzoo.metrics.metric import Metric, Value
from ganzoo.metrics.moments import frechet
from ganzoo.metrics.sample import Sample
from ganzoo.metrics.statistic import Probabilities


class FID(Metric):
    """Fréchet Inception distance between real and generated images; 0 is best.

    ``‖μ_r - μ_g‖² + Tr(Σ_r + Σ_g - 2(Σ_r Σ_g)^½)``, of means and covariances of the features of real and generated
    images.

    Heusel et al. 2017 (arXiv:1706.08500), on the pooled features of the 2015 Inception graph. On any other network the
    same distance is called ``fd``. All real images of the split are compared, whatever the number of generated ones.
    """

    aliases_off_inception: ClassVar[Mapping[str, str]] = {"fid": "fd"}

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """The distance between the two normal distributions."""
        return {"fid": Value(frechet(real.moments, fake.moments))}


class CleanFID(Metric):
    """FID on images resized as a good image editor would: bicubic, antialiased, in floating point.

    ``‖μ_r - μ_g‖² + Tr(Σ_r + Σ_g - 2(Σ_r Σ_g)^½)``, as FID.

    Parmar, Zhang and Zhu 2022 (arXiv:2104.11222). The resizing of the original graph skips pixels when it shrinks, and
    so rates images by how they alias; images of 299 pixels are not resized and score alike.
    """

    resize: ClassVar[str | None] = "clean"
    aliases_off_inception: ClassVar[Mapping[str, str]] = {"clean-fid": "clean-fd"}

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """The distance between the two normal distributions."""
        return {"clean-fid": Value(frechet(real.moments, fake.moments))}


class IntraFID(Metric):
    """FID within each class, averaged over classes; needs labels and a conditional model.

    ``(1/K) Σ_k FID(real of class k, generated of class k)``.

    Miyato and Koyama 2018 (arXiv:1802.05637), where it is called intra FID. A generator that confuses its classes can
    have a good FID, and not a good one of these.

    As in ``ganzoo eval sngan-cond-mnist --data mnist --metrics intra-fid``.
    """

    aliases_off_inception: ClassVar[Mapping[str, str]] = {"intra-fid": "intra-fd"}

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """The mean over classes; ``details`` has each class."""
        ours, theirs = fake.class_moments, real.class_moments
        missing = sorted(theirs.keys() - ours.keys())
        if missing:
            raise UsageError(
                f"intra-fid needs two generated images of every class, and class {missing[0]} has fewer: raise -n"
            )
        by_class = {str(number): frechet(moments, ours[number]) for number, moments in theirs.items()}
        return {"intra-fid": Value(float(np.mean(list(by_class.values()))), details={"by_class": by_class})}


class FIDInfinity(Metric):
    """FID extrapolated to infinitely many generated images, which takes its bias in their number away.

    FID of N images is nearly ``FID_∞ + a/N``: a line over 1/N, read at 0.

    Chong and Forsyth 2020 (arXiv:1911.07023): a straight line through FID against 1/N, read off at 0, for 15 values
    of N from a tenth of the images to all of them. Here the N images are the first N of the same ones, not drawn anew
    for each N, and their noise is random, not from a Sobol sequence. Meant for thousands of images.
    """

    aliases_off_inception: ClassVar[Mapping[str, str]] = {"fid-infinity": "fd-infinity"}

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """Where the line meets 1/N = 0."""
        sizes = [moments.count for moments in fake.nested_moments]
        if len(sizes) < 2:
            raise UsageError("fid-infinity needs a line through several numbers of images: raise -n to 20 at least")
        distances = [frechet(real.moments, moments) for moments in fake.nested_moments]
        slope, intercept = np.polyfit(1 / np.array(sizes), distances, 1)
        details = {"smallest": sizes[0], "points": len(sizes), "slope": float(slope)}
        return {"fid-infinity": Value(float(intercept), details=details)}


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
