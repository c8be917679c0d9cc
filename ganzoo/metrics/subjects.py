"""The generated images that are scored: samples of a model, or a set of images that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.data import ImageData
from ganzoo.data.classes import Match, matched, pictured, unnamed
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE, SOURCE
from ganzoo.images import to_uint8
from ganzoo.seeding import derive

Batches = Iterator[tuple[Tensor, "Tensor | None"]]
_ORDER = 2  # what a derived seed is for


class Fakes(Protocol):
    """Generated images that can be drawn batch by batch, and what metrics have to know of them."""

    @property
    def name(self) -> str:
        """How error messages call them."""

    @property
    def gan(self) -> GAN | None:
        """The model that draws them; None for images that are there already."""

    @property
    def labelled(self) -> bool:
        """Whether each has a label."""

    @property
    def label_kind(self) -> str:
        """What their labels are: ``class``, ``multilabel`` or ``continuous``."""

    def count(self, n: int) -> int:
        """How many there are when ``n`` are asked for."""

    @property
    def paired(self) -> bool:
        """Whether each belongs to one of the real images."""

    @property
    def follows(self) -> bool:
        """Whether each is made from what belongs to one of the real images, and so has its label."""

    @property
    def mismatch(self) -> str:
        """Why their labels are not those of the real images, naming the classes; empty where they are."""

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """Images uint8 ``(B, C, H, W)``, ``n`` in all, and labels: class numbers ``(B,)``, vectors ``(B, L)``, None."""


@dataclass(frozen=True)
class Generated:
    """What a GAN draws: image k depends on the seed and k only, its class is k modulo their number.

    Inputs besides noise are row k of the data, and then so is its label; so are label vectors, which are no classes,
    where those of the data are of the model's kind and length. Each source image is used once.

    Attributes:
        gan: the model.
        data: the real images, their labels in the model's numbering.
        mismatch: why their labels cannot be brought into it; empty where they can.
    """

    gan: GAN
    data: ImageData
    mismatch: str = ""

    @classmethod
    def of(cls, gan: GAN, data: ImageData) -> Generated:
        """What a GAN draws beside real images, whose labels are matched with its own by name."""
        found = match(gan, data)
        return cls(gan, found.data, found.problem)

    @property
    def name(self) -> str:
        """How error messages call them: nothing better is known of a model here."""
        return "this model"

    @property
    def labelled(self) -> bool:
        """Whether the GAN is conditional, or makes them from rows of data that have labels."""
        return self.gan.classes > 0 or (self.follows and self.data.labels is not None)

    @property
    def label_kind(self) -> str:
        """That of the labels that :meth:`batches` gives."""
        return self.data.label_kind if self._takes_labels else self.gan.label_kind

    @property
    def _takes_labels(self) -> bool:
        """Whether labels are rows of the data's."""
        known, gan = self.data.labels, self.gan
        if known is None or (self.mismatch and gan.classes > 0):
            return False
        fitting = gan.label_kind == self.data.label_kind != "class" and known.shape[1:] == (gan.classes,)
        return self.follows or (gan.classes > 0 and fitting)

    @property
    def follows(self) -> bool:
        """Whether each is made from what belongs to one of the data's images, and so has its class."""
        names = self.gan.input_names - {NOISE}
        return bool(names) and names <= self.data.paired.keys()

    @property
    def paired(self) -> bool:
        """Whether the GAN makes them from source images of pairs."""
        return SOURCE in self.gan.input_names and SOURCE in self.data.paired

    def count(self, n: int) -> int:
        """As many as one likes of noise, or as there are source images."""
        return n if NOISE in self.gan.input_names else min(n, self.data.column(SOURCE).shape[0])

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """As :meth:`Fakes.batches`; the same bytes as ``ganzoo sample`` writes."""
        for start in range(0, n, batch):
            size = min(batch, n - start)
            rows = torch.arange(start, start + size)
            columns = self.data.columns(self.gan.input_names - {NOISE}, rows)
            labels = self._labels(rows) if self.labelled else None
            inputs = self.gan.inputs(size, seed, labels, start=start, columns=columns)
            yield to_uint8(self.gan.generate(**inputs, batch=batch), low=0), labels

    def _labels(self, rows: Tensor) -> Tensor | None:
        known = self.data.labels if self._takes_labels else None
        return self.gan.default_labels(len(rows), int(rows[0])) if known is None else known[rows % len(known)]


@dataclass(frozen=True)
class Pictured:
    """Images that are there already, of a folder, zip or data set; the seed draws which come first.

    Attributes:
        data: the images.
        mismatch: as :attr:`Fakes.mismatch`.
    """

    data: ImageData
    mismatch: str = ""

    @property
    def name(self) -> str:
        """The data set's name, for error messages."""
        return self.data.name

    @property
    def gan(self) -> None:
        """None: no metric that puts a model to work can be made with images alone."""
        return None

    @property
    def labelled(self) -> bool:
        """Whether they have labels."""
        return self.data.labels is not None

    @property
    def label_kind(self) -> str:
        """That of the data set."""
        return self.data.label_kind

    @property
    def follows(self) -> bool:
        """No: they are there already."""
        return False

    @property
    def paired(self) -> bool:
        """No: their order is not that of the real images."""
        return False

    def count(self, n: int) -> int:
        """No more than there are."""
        return min(n, self.data.count)

    def batches(self, n: int, seed: int, batch: int) -> Batches:
        """As :meth:`Fakes.batches`; a shuffle, so that the first n of sorted files are not of a few classes."""
        rng = torch.Generator().manual_seed(derive(_ORDER, seed))
        for indices in torch.randperm(self.data.count, generator=rng)[:n].split(batch):
            yield self.data.images.fetch(indices), None if self.data.labels is None else self.data.labels[indices]


def match(gan: GAN, data: ImageData) -> Match:
    """Real images with their labels numbered as a model numbers its own, by the names of classes.

    A GAN that was built in Python and given no names knows its classes by number alone, and is taken at its word.
    """
    own = gan.classes > 0 and gan.label_kind == data.label_kind
    if not own or (gan.class_counts is None and unnamed(gan.class_names)):
        return Match(data)
    return matched(data, gan.class_names, "the model", gan.drawn_classes)


def pictured_like(images: ImageData, data: ImageData) -> Pictured:
    """Images that are there already, their labels numbered as those of the real images are, by the names of classes."""
    if images.label_kind != data.label_kind or images.labels is None or data.labels is None:
        return Pictured(images)
    found = matched(images, data.class_names, data.name)
    missing = matched(data, images.class_names, images.name, pictured(images))
    return Pictured(found.data, found.problem or missing.problem)
