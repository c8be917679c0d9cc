"""Precision, recall, density and coverage: which images lie among which, by nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.metrics.metric import Metric, Value, at_least
from ganzoo.metrics.sample import Sample

ROWS = 1000  # of a distance matrix that are in memory at once


class PrecisionRecall(Metric):
    """Improved precision and recall: shares of each side that lie on the other's manifold; 1 is best.

    Precision is ``|{g : some r has |g - r| ≤ NN_k(r)}| / |G|``, recall the same with both sides exchanged.

    Kynkäänniemi et al. 2019 (arXiv:1904.06991). The manifold of a side is the union of balls about its images that
    reach to the k-th neighbour. Precision falls for bad images, recall for missing ones. The paper uses VGG-16
    features; here they are those of the feature network that is named with the score.

    Args:
        k: the neighbour that a ball reaches to.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(self, *, k: int = 3) -> None:
        self.k = at_least("pr:k", k, 1)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """``precision`` and ``recall``, each in [0, 1]."""
        return _values(real, fake, {"precision": self.k, "recall": self.k})


class DensityCoverage(Metric):
    """Density and coverage: precision and recall that outliers do not blow up; 1 is a perfect generator's.

    Density is ``Σ_g |{r : |g - r| ≤ NN_k(r)}| / (k |G|)``, coverage ``|{r : some g has |g - r| ≤ NN_k(r)}| / |R|``.

    Naeem et al. 2020 (arXiv:2002.09797). Density counts the real balls that a generated image is in, over k; it can
    exceed 1. Coverage is the share of real balls with a generated image in them.

    Args:
        k: the neighbour that a ball reaches to.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(self, *, k: int = 5) -> None:
        self.k = at_least("dc:k", k, 1)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """``density``, from 0 up, and ``coverage``, in [0, 1]."""
        return _values(real, fake, {"density": self.k, "coverage": self.k})


class PRDC(Metric):
    """Precision, recall, density and coverage together, each with its paper's number of neighbours.

    All are counts of ``|g - r| ≤ NN_k(r)``, the distance of a generated image g from a real one r: see ``pr`` and
    ``dc``.

    Args:
        k_manifold: for precision and recall.
        k_balls: for density and coverage.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(self, *, k_manifold: int = 3, k_balls: int = 5) -> None:
        self.k_manifold, self.k_balls = at_least("prdc:k.manifold", k_manifold, 1), at_least("prdc:k.balls", k_balls, 1)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """All four, of the same distances."""
        a, b = self.k_manifold, self.k_balls
        return _values(real, fake, {"precision": a, "recall": a, "density": b, "coverage": b})


def _values(real: Sample, fake: Sample, wanted: dict[str, int]) -> dict[str, Value]:
    """The numbers named in ``wanted``, each with its number of neighbours k."""
    x, y = real.features, fake.features
    if min(len(x), len(y)) <= max(wanted.values()):
        raise UsageError(
            f"{' and '.join(wanted)} look at {max(wanted.values())} neighbours, and there are {len(y)} generated and"
            f" {len(x)} real images: raise -n"
        )
    found = neighbourhoods(x, y, sorted(set(wanted.values())))
    return {name: Value(found[k][name], samples=len(y), details={"real": len(x), "k": k}) for name, k in wanted.items()}


def neighbourhoods(real: Tensor, fake: Tensor, ks: Sequence[int]) -> dict[int, dict[str, float]]:
    """Precision, recall, density and coverage of features ``(n, d)`` and ``(m, d)``, for each number of neighbours."""
    middle = real.mean(0)  # distances do not change, and less cancels in their squares
    real, fake = real - middle, fake - middle
    reach_real, reach_fake = radii(real, ks), radii(fake, ks)
    holders = {k: torch.zeros(len(fake)) for k in ks}
    recalled = {k: torch.zeros(len(real), dtype=torch.bool) for k in ks}
    nearest = torch.empty(len(real))
    for start in range(0, len(real), ROWS):
        rows = slice(start, start + ROWS)
        apart = distances(real[rows], fake)
        nearest[rows] = apart.amin(1)
        for k in ks:
            holders[k] += (apart < reach_real[k][rows, None]).sum(0)
            recalled[k][rows] = (apart < reach_fake[k]).any(1)
    return {
        k: {
            "precision": _mean(holders[k] > 0),
            "recall": _mean(recalled[k]),
            "density": _mean(holders[k]) / k,
            "coverage": _mean(nearest < reach_real[k]),
        }
        for k in ks
    }


def _mean(x: Tensor) -> float:
    return x.double().mean().item()


def radii(x: Tensor, ks: Sequence[int]) -> dict[int, Tensor]:
    """Squared distances ``(n,)`` of each of ``x`` ``(n, d)`` to its ``k``-th neighbour, for each of ``ks``."""
    nearest = torch.cat([distances(rows, x).topk(max(ks) + 1, largest=False).values for rows in x.split(ROWS)])
    return {k: nearest[:, k].contiguous() for k in ks}  # the nearest of all is the image itself


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances ``(n, m)`` of features ``(n, d)`` and ``(m, d)``."""
    squares = x.square().sum(1)[:, None] + y.square().sum(1)
    return squares.addmm_(x, y.T, alpha=-2).clamp_min_(0)
