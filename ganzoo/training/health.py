"""How a GAN is doing, read off its 64 samples of fixed noise at the price of a few thousand small products.

An image is described by the mean and the spread of each plane in 8 by 8 cells. D's own features would be richer, but
they change with every step, differ between architectures, and are the first thing to fail; these numbers mean the same
throughout a run and for every run on the same data, see both layout and noise, and put samples beside real images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.files.parse import fields_of
from ganzoo.seeding import derive

CELLS = 8  # a side
REALS = 256  # real images to hold samples against
FEW = 64  # of them that are counted as samples are
NEAR = 0.3  # of the median distance from a real image to its nearest: closer images are near-duplicates
DIGITS = 6  # that a number keeps in the log


@dataclass(frozen=True)
class HealthReport:
    """What 64 samples show beside real images.

    Attributes:
        step: steps taken.
        modes: groups of near-duplicates among the samples: 64 where all differ, 1 where all are alike.
        of: the same among as many real images.
        duplicates: share of samples that have a near-duplicate.
        diversity: mean distance between two samples over that between two real images; 1 is as varied as the data.
        distance: energy distance between samples and real images over the mean distance between two real images
            (Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018): 0 is alike, one grey image is at about 1.4.
    """

    step: int
    modes: int
    of: int
    duplicates: float
    diversity: float
    distance: float

    @property
    def finite(self) -> bool:
        """Whether the samples are numbers."""
        return math.isfinite(self.distance)

    def to_json(self) -> dict[str, Any]:
        """The fields as the log has them, ``step`` as ``looked``."""
        return {**{name: value for name, value in asdict(self).items() if name != "step"}, "looked": self.step}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> HealthReport:
        """What :meth:`to_json` gave.

        Raises:
            KeyError, ValueError: for what it never gives.
        """
        given = {"step": fields["looked"], **{name: value for name, value in fields.items() if name != "looked"}}
        return cls(**fields_of(cls, given))


def describe(images: Tensor) -> Tensor:
    """Features ``(n, k)`` in float64 of images ``(n, C, H, W)`` in [0, 1]: mean and spread of each plane by cells."""
    mean = F.adaptive_avg_pool2d(images, CELLS)
    spread = (F.adaptive_avg_pool2d(images.square(), CELLS) - mean.square()).clamp(min=0).sqrt()
    return torch.cat([mean, spread], 1).flatten(1).double()


def distances(one: Tensor, other: Tensor) -> Tensor:
    """Distances ``(n, m)`` between features, exact for near-duplicates too."""
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def of_pairs(between: Tensor) -> Tensor:
    """The mean distance of two different ones, from a square of distances."""
    n = len(between)
    return between.sum() / max(n * (n - 1), 1)


def to_nearest(between: Tensor) -> Tensor:
    """Each one's distance ``(n,)`` to the nearest other one, from a square of distances."""
    return between.clone().fill_diagonal_(math.inf).amin(1)


def groups(between: Tensor, near: float) -> int:
    """How many groups there are when each joins the first group whose founder is nearer than ``near``."""
    founders: list[int] = []
    for number, close in enumerate((between < near).tolist()):
        if not any(close[founder] for founder in founders):
            founders.append(number)
    return len(founders)


class HealthProbe:
    """Real images that samples are held against.

    Args:
        data: what the GAN learns from.
        seed: of the choice of ``REALS`` images.
    """

    def __init__(self, data: ImageData, seed: int) -> None:
        order = torch.randperm(data.count, generator=torch.Generator().manual_seed(derive("health", seed)))
        self.real = describe(data.images.fetch(order[:REALS]).float() / 255)
        between = distances(self.real, self.real)
        self.between = max(float(of_pairs(between)), 1e-12)
        few = between[:FEW, :FEW]
        self.near = NEAR * float(to_nearest(few).median())
        self.modes = groups(few, self.near)

    def measure(self, step: int, images: Tensor) -> HealthReport:
        """What samples ``(64, C, H, W)`` in [0, 1] show; NaN makes ``distance`` NaN too."""
        samples = describe(images.cpu())
        between = distances(samples, samples)
        apart, away = float(of_pairs(between)), float(distances(samples, self.real).mean())
        return HealthReport(
            step=step,
            modes=groups(between, self.near),
            of=self.modes,
            duplicates=short((to_nearest(between) < self.near).double().mean()),
            diversity=short(apart / self.between),
            distance=short((2 * away - apart - self.between) / self.between),
        )


def short(value: Tensor | float) -> float:
    """A number with as many digits as are worth reading, fewer than depend on the order of a sum."""
    return float(f"{float(value):.{DIGITS}g}")


def printable(value: Any) -> Any:
    """A record for JSON, to any depth: None for a number that is NaN or infinite."""
    if isinstance(value, Mapping):
        return {key: printable(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
