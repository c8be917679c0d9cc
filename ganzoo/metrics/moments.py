"""Means and covariances gathered as images come, and the Fréchet distance between two sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor


class Moments:
    """Mean and covariance of features, in float64.

    A covariance of fewer samples than dimensions is kept as the centred samples that make it, which is smaller and
    makes distances cheap.

    Args:
        count: samples that they come from, at least 2.
        mean: ``(d,)``.
        covariance: ``(d, d)``, with ``count - 1`` in the denominator.
        rows: centred samples ``(count, d)``, in place of the covariance.
    """

    def __init__(self, count: int, mean: Tensor, covariance: Tensor | None = None, rows: Tensor | None = None) -> None:
        self.count, self.mean, self.rows = count, mean, rows
        if covariance is not None:
            self.covariance = covariance

    @cached_property
    def covariance(self) -> Tensor:
        """``(d, d)``, float64, with ``count - 1`` in the denominator."""
        root = self.root
        return root.T @ root

    @cached_property
    def root(self) -> Tensor:
        """A matrix ``R`` with ``R.T @ R`` the covariance and as few rows as its rank allows."""
        if self.rows is not None:
            return self.rows / (self.count - 1) ** 0.5
        # Cholesky is several times as fast as eigenvectors, and fails only where the covariance is singular.
        lower, failed = torch.linalg.cholesky_ex(self.covariance)
        if not failed:
            return lower.T.contiguous()
        values, vectors = torch.linalg.eigh(self.covariance)  # singular: dead features, or repeated images
        kept = values > values[-1].clamp_min(0) * len(values) * torch.finfo(values.dtype).eps
        return values[kept].sqrt()[:, None] * vectors[:, kept].T

    @property
    def rank(self) -> int:
        """An upper bound of the covariance's rank: the number of rows of :attr:`root`, or the dimension."""
        return len(self.mean) if self.rows is None else len(self.rows)

    @property
    def trace(self) -> float:
        """The total variance, the trace of the covariance; computed without it where only rows are kept."""
        if self.rows is not None:
            return self.rows.square().sum().item() / (self.count - 1)
        return self.covariance.trace().item()

    def tensors(self) -> dict[str, Tensor]:
        """The moments by name, to be written to a safetensors file."""
        spread = {"covariance": self.covariance} if self.rows is None else {"rows": self.rows}
        return {"count": torch.tensor(self.count), "mean": self.mean, **spread}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Moments:
        """The moments that :meth:`tensors` gave."""
        return cls(int(tensors["count"]), tensors["mean"], tensors.get("covariance"), tensors.get("rows"))


class RunningMoments:
    """Moments of features ``(n, d)`` that arrive in batches; memory is bounded by d² whatever their number.

    Sums are in float64 and taken about the mean of the first batch. Features of a network are positive with means far
    larger than their spread, so plain sums of squares would cancel most of their digits.
    """

    def __init__(self) -> None:
        self.count = 0
        self._batches: list[Tensor] = []  # kept until there are more images than dimensions: see Moments.rows
        self._shift = self._sum = self._outer = torch.empty(0)

    def add(self, features: Tensor) -> None:
        """Add features ``(n, d)``, of any dtype."""
        self.count += len(features)
        self._batches.append(features)
        if self.count > features.shape[1]:
            for batch in self._batches:
                self._absorb(batch.double())
            self._batches = []

    def _absorb(self, batch: Tensor) -> None:
        if not len(self._shift):
            d = batch.shape[1]
            self._shift, self._sum, self._outer = batch.mean(0), batch.new_zeros(d), batch.new_zeros(d, d)
        centred = batch - self._shift
        self._sum += centred.sum(0)
        self._outer.addmm_(centred.T, centred)

    def moments(self) -> Moments:
        """The moments of everything so far; what is added later does not change them."""
        if self._batches:
            features = torch.cat(self._batches).double()
            mean = features.mean(0)
            return Moments(self.count, mean, rows=features - mean)
        # Of x - shift the mean is ``offset`` and the scatter ``outer``; the shift moves the mean alone.
        offset = self._sum / self.count
        scatter = self._outer - self.count * offset.outer(offset)
        return Moments(self.count, self._shift + offset, scatter / (self.count - 1))


def trace_sqrt(a: Moments, b: Moments) -> float:
    """The trace of the square root of the product of two covariances, ``tr √(A B)``.

    With ``A = Rᵀ R`` the eigenvalues of ``A B``, but for zeros, are those of ``R B Rᵀ``, which is symmetric and as
    small as the lower of the two ranks: one Cholesky decomposition and the eigenvalues of one symmetric matrix, in
    place of a matrix square root.
    """
    thin, other = (a, b) if a.rank <= b.rank else (b, a)
    if other.rows is not None:
        half = thin.root @ other.root.T
        inner = half @ half.T
    else:
        inner = thin.root @ other.covariance @ thin.root.T
    # Symmetric but for rounding, and no eigenvalue negative but for rounding.
    return torch.linalg.eigvalsh((inner + inner.T) / 2).clamp_min(0).sqrt().sum().item()


def frechet(a: Moments, b: Moments) -> float:
    """The squared Fréchet distance between two normal distributions (Dowson and Landau 1982).

    ``|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 √(Σ₁ Σ₂))``; 0 for equal ones.
    """
    apart = (a.mean - b.mean).square().sum().item()
    return max(0.0, apart + a.trace + b.trace - 2 * trace_sqrt(a, b))
