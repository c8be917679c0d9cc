"""KID: a distance between feature distributions without bias in the number of images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganzoo.metrics.metric import Metric, Value, at_least
from ganzoo.metrics.sample import Sample

ROWS = 1000  # of a kernel matrix that are in memory at once
SEED = 2020  # of the subsets, as torch-fidelity draws them


class KID(Metric):
    """Kernel Inception distance: the squared maximum mean discrepancy under a cubic kernel; 0 is best.

    ``E k(x, x') + E k(y, y') - 2 E k(x, y)`` with ``k(x, y) = (x·y/d + 1)³``, of features of d numbers.

    Bińkowski et al. 2018 (arXiv:1801.01401): the mean of unbiased estimates over random subsets, so that small values
    may be negative. Below the subset size there is one subset of all images.

    Args:
        subsets: how many subsets are averaged.
        size: images of each side in a subset.
    """

    def __init__(self, *, subsets: int = 100, size: int = 1000) -> None:
        self.subsets, self.size = at_least("kid:subsets", subsets, 1), at_least("kid:size", size, 2)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, Value]:
        """The mean over subsets; ``details`` has their number, size and spread."""
        mine, theirs = self._choose(len(fake.features), len(real.features))
        found = mmd2(fake.features, real.features, mine, theirs)
        details = {
            "real": len(real.features),
            "subsets": len(mine),
            "size": int(min(mine[0].sum(), theirs[0].sum())),
            "subset_std": float(found.std()),
        }
        return {"kid": Value(float(found.mean()), samples=len(fake.features), details=details)}

    def _choose(self, fakes: int, reals: int) -> tuple[Tensor, Tensor]:
        """Who is in which subset: two matrices of zeros and ones, subsets by images."""
        if min(fakes, reals) <= self.size:
            return torch.ones(1, fakes), torch.ones(1, reals)
        rng = np.random.RandomState(SEED)
        mine, theirs = torch.zeros(self.subsets, fakes), torch.zeros(self.subsets, reals)
        for a, b in zip(mine, theirs, strict=True):
            a[torch.from_numpy(rng.choice(fakes, self.size, replace=False))] = 1
            b[torch.from_numpy(rng.choice(reals, self.size, replace=False))] = 1
        return mine, theirs


def mmd2(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> np.ndarray:
    """Unbiased estimates of the squared maximum mean discrepancy of subsets, under ``k(a, b) = (a·b / d + 1)³``.

    The kernel of all images is computed once, some rows at a time, and summed for all subsets together.

    Args:
        x, y: features ``(n, d)`` and ``(m, d)``.
        in_x, in_y: who is in which subset, zeros and ones, ``(subsets, n)`` and ``(subsets, m)``.

    Returns:
        float64 ``(subsets,)``.
    """
    n, m = in_x.double().sum(1), in_y.double().sum(1)
    within_x = _sums(x, x, in_x, in_x) - in_x.double() @ _diagonal(x)
    within_y = _sums(y, y, in_y, in_y) - in_y.double() @ _diagonal(y)
    across = _sums(x, y, in_x, in_y)
    return (within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * across / (n * m)).numpy()


def _sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """Sums of the kernel over the pairs of each subset, float64 ``(subsets,)``."""
    total = torch.zeros(len(in_x), dtype=torch.float64)
    for start in range(0, len(x), ROWS):
        kernel = (x[start : start + ROWS] @ y.T).div_(x.shape[1]).add_(1).pow_(3)
        total += ((in_x[:, start : start + ROWS] @ kernel) * in_y).sum(1, dtype=torch.float64)
    return total


def _diagonal(x: Tensor) -> Tensor:
    return (x.double().square().sum(1) / x.shape[1] + 1) ** 3
