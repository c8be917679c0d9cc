"""The images that are scored: a generator's, or a set that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.gan import GAN
from ganzoo.pictures import to_uint8
from ganzoo.seeding import derive

Batches = Iterator[tuple[Tensor, "Tensor | None"]]
_ORDER = 2  # what a derived seed is for


class Fakes(Protocol):
    """Images to be scored."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def labelled(self) -> bool:
        """Whether each has a class."""

    def count(self, n: int) -> int:
        """How many there are when ``n`` are asked for."""

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """Images uint8 ``(B, C, H, W)`` and labels int64 ``(B,)`` or None, ``n`` in all."""


@dataclass(frozen=True)
class Generated:
    """What a GAN draws: image k depends on the seed and k only, its class is k modulo their number."""

    gan: GAN

    @property
    def name(self) -> str:
        """For messages."""
        return "this model"

    @property
    def labelled(self) -> bool:
        """Whether the GAN is conditional."""
        return self.gan.classes > 0

    def count(self, n: int) -> int:
        """As many as one likes."""
        return n

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """See :class:`Fakes`; the same bytes as ``ganzoo sample`` writes."""
        for start in range(0, n, batch):
            size = min(batch, n - start)
            labels = torch.arange(start, start + size) % self.gan.classes if self.labelled else None
            z = self.gan.noise(size, seed, start=start)
            yield to_uint8(self.gan.generate(z, self.gan.one_hot(labels, size), batch), low=0), labels


@dataclass(frozen=True)
class Pictured:
    """Images of a folder, zip or data set, in an order drawn from the seed; without the seed's, some of them."""

    data: ImageData

    @property
    def name(self) -> str:
        """For messages."""
        return self.data.name

    @property
    def labelled(self) -> bool:
        """Whether they have labels."""
        return self.data.labels is not None

    def count(self, n: int) -> int:
        """No more than there are."""
        return min(n, self.data.count)

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """See :class:`Fakes`."""
        rng = torch.Generator().manual_seed(derive(_ORDER, seed))
        for indices in torch.randperm(self.data.count, generator=rng)[:n].split(batch):
            yield self.data.images.fetch(indices), None if self.data.labels is None else self.data.labels[indices]
