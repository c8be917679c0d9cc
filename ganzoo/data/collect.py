"""From pictures wherever they are to one array of images: how many channels, what size, which of them are broken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.compat.lookup import old_names
from ganzoo.data.dataset import DataRequest, ImageData
from ganzoo.data.decode import UNREADABLE, is_grey, planes, why
from ganzoo.data.images import DECODERS, Images, LazyImages, MemoryImages
from ganzoo.data.progress import progress_bar
from ganzoo.errors import DataError

LARGEST_DEFAULT = 256
"""Photographs are not trained on at full size unless somebody says so."""


class Pictures(ABC):
    """Encoded pictures as a source found them; a source defines :meth:`read`.

    Args:
        where: what messages call the source.
        names: one per picture, unique.
        labels: class number of each, or None.
        class_names: one per class.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        labels: Sequence[int] | None = None,
        class_names: tuple[str, ...] = (),
    ) -> None:
        self.where, self.names, self.labels, self.class_names = where, names, labels, class_names

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def read(self, index: int) -> Image.Image:
        """Open a picture, all its bytes checked as far as the source can; called from several threads."""

    def peek(self, index: int) -> Image.Image:
        """Open a picture for its header only."""
        return self.read(index)

    def stamp(self, index: int) -> str:
        """What identifies a picture without decoding it: name, size, checksum."""
        return self.names[index]


@dataclass(frozen=True)
class Header:
    """What a picture says of itself: ``(height, width)`` as stored, and whether it is grey."""

    size: tuple[int, int]
    grey: bool

    @classmethod
    def of(cls, image: Image.Image) -> Header:
        """The header of a picture that is open; pixels are not decoded for it."""
        return cls((image.height, image.width), is_grey(image))


def refuse(pictures: Pictures, index: int, reason: str) -> DataError:
    """The error for a picture that cannot be read."""
    return DataError(
        f"{pictures.names[index]!r} in {pictures.where} cannot be read: {reason}; "
        "--skip-bad goes on without such pictures, and `ganzoo data check` lists them all"
    )


def refuse_few(pictures: Pictures) -> None:
    """Raise DataError for fewer than two pictures."""
    if len(pictures) < 2:
        what = "only one picture" if len(pictures) else "no pictures (png jpg webp bmp tif gif)"
        raise DataError(f"{pictures.where} has {what}; a GAN needs two at least, and learns from thousands")


def for_each(
    pictures: Pictures, do: Callable[[int], None], what: str, skip_bad: bool, workers: int = DECODERS
) -> dict[int, str]:
    """Call ``do(index)`` for every picture on a few threads.

    Returns:
        The pictures that could not be read and why, in order.

    Raises:
        DataError: one cannot be read, and ``skip_bad`` is false.
    """

    def some(indices: range) -> dict[int, str]:
        bad: dict[int, str] = {}
        for index in indices:
            try:
                do(index)
            except UNREADABLE as error:
                bad[index] = why(error)
                if not skip_bad:
                    break
        return bad

    bad: dict[int, str] = {}
    groups = [range(start, min(start + 64, len(pictures))) for start in range(0, len(pictures), 64)]
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ganzoo-decode")
    try:
        with progress_bar(what, len(pictures)) as advance:
            for indices, found in zip(groups, pool.map(some, groups), strict=True):
                bad.update(found)
                if bad and not skip_bad:
                    raise refuse(pictures, *next(iter(bad.items())))
                advance(len(indices))
    finally:
        pool.shutdown(cancel_futures=True)
    return bad


def natural_resolution(sizes: Iterable[tuple[int, int]]) -> int:
    """The size to show pictures at when nobody says one.

    Their own when all are squares of one size. Otherwise the largest power of two that nine in ten of them fill
    without being enlarged, and at most :data:`LARGEST_DEFAULT`.
    """
    counted = Counter(sizes)
    if len(counted) == 1:
        height, width = next(iter(counted))
        if height == width:
            return height
    sides = sorted(min(size) for size in counted.elements())
    return min(LARGEST_DEFAULT, 2 ** (sides[len(sides) // 10].bit_length() - 1))


@dataclass
class _Found:
    images: Images
    native: tuple[int, int]
    bad: dict[int, str] = field(default_factory=dict)


class _MixedPictures(Exception):
    """The pictures are not all like the first one."""


class _Collector:
    """Decides the shape of the images and decodes them."""

    def __init__(self, pictures: Pictures, request: DataRequest, resolution: int | None) -> None:
        self.pictures, self.request = pictures, request
        self.resolution = request.resolution or resolution

    def shape(self, headers: Sequence[Header]) -> tuple[int, int, int, int]:
        """``(N, C, H, W)`` of the images to make of pictures with these headers."""
        side = self.resolution or natural_resolution(header.size for header in headers)
        channels = self.request.channels or (1 if all(header.grey for header in headers) else 3)
        return len(self.pictures), channels, side, side

    def fits(self, shape: tuple[int, int, int, int]) -> bool:
        """Whether images of ``shape`` may be held in memory."""
        return int(np.prod(shape, dtype=np.int64)) <= self.request.memory

    def decode(self, shape: tuple[int, int, int, int], expect: Header | None) -> tuple[Tensor, dict[int, str]]:
        """Decode everything; stops with :class:`_MixedPictures` at a picture unlike ``expect``."""
        pixels = np.empty(shape, dtype=np.uint8)
        _, channels, side, _ = shape

        def one(index: int) -> None:
            with self.pictures.read(index) as image:
                if expect is not None and Header.of(image) != expect:
                    raise _MixedPictures
                pixels[index] = planes(image, side, channels)

        request, what = self.request, f"decoding {self.pictures.where}"
        bad = for_each(self.pictures, one, what, request.skip_bad, request.workers)
        return torch.from_numpy(np.delete(pixels, list(bad), axis=0) if bad else pixels), bad

    def one_pass(self) -> _Found | None:
        """Decode on the assumption that all pictures are like the first; None as soon as one is not.

        Most data sets are so, and reading every header first would read every file twice.
        """
        try:
            with self.pictures.peek(0) as image:
                first = Header.of(image)
        except UNREADABLE:
            return None
        shape = self.shape([first])
        if not self.fits(shape):
            return None
        known = self.resolution is not None and self.request.channels is not None
        try:
            pixels, bad = self.decode(shape, None if known else first)
        except _MixedPictures:
            return None
        return _Found(MemoryImages(pixels), first.size, bad)

    def two_passes(self) -> _Found:
        """Read every header first; then decode, or where images do not fit in memory leave that to each batch."""
        headers: dict[int, Header] = {}

        def look(index: int) -> None:
            # What is going to be skipped has to be known now, so that no later epoch stumbles over it.
            with self.pictures.read(index) if self.request.skip_bad else self.pictures.peek(index) as image:
                header = Header.of(image)
                if self.request.skip_bad:
                    planes(image, 1, 1)
            headers[index] = header

        request, what = self.request, f"looking at {self.pictures.where}"
        bad = for_each(self.pictures, look, what, request.skip_bad, request.workers)
        if not headers:
            raise refuse(self.pictures, *next(iter(bad.items())))
        shape = self.shape(list(headers.values()))
        native = Counter(header.size for header in headers.values()).most_common(1)[0][0]
        if self.fits(shape):
            pixels, bad = self.decode(shape, None)
            return _Found(MemoryImages(pixels), native, bad)
        return _Found(self.lazy(shape, sorted(headers)), native, bad)

    def lazy(self, shape: tuple[int, int, int, int], good: list[int]) -> LazyImages:
        """Images that are decoded when asked for; ``good`` are the numbers of the pictures behind them."""
        _, channels, side, _ = shape

        def decode(position: int) -> np.ndarray:
            try:
                with self.pictures.read(good[position]) as image:
                    return planes(image, side, channels)
            except UNREADABLE as error:
                raise refuse(self.pictures, good[position], why(error)) from error

        return LazyImages((len(good), channels, side, side), decode, self.request.workers)


def _files_fingerprint(pictures: Pictures, good: list[int], labels: Tensor | None, images: Images) -> str:
    digest = sha256(repr(images.shape).encode())
    for position, index in enumerate(good):
        label = -1 if labels is None else int(labels[position])
        digest.update(f"{pictures.stamp(index)}\0{label}\n".encode())
    return f"files-sha256:{digest.hexdigest()}"


def collect_pictures(
    pictures: Pictures,
    request: DataRequest,
    *,
    name: str,
    licence: str = "unknown",
    flip: bool = False,
    resolution: int | None = None,
    steps: int | None = None,
) -> ImageData:
    """Decode ``pictures`` as ``request`` wants them.

    Args:
        pictures: the source.
        request: what is wanted.
        name: of the data set; never a path.
        licence: what is known of the terms of use.
        flip: whether a mirrored image is as real.
        resolution: the data set's own default; None for :func:`natural_resolution`.
        steps: suggested length of training.

    Raises:
        DataError: fewer than two pictures, or one that cannot be read.
    """
    refuse_few(pictures)
    collector = _Collector(pictures, request, resolution)
    found = collector.one_pass() or collector.two_passes()
    good = [index for index in range(len(pictures)) if index not in found.bad]
    labels = None
    if pictures.labels is not None:
        labels = torch.tensor([pictures.labels[index] for index in good], dtype=torch.int64)
    lazy = isinstance(found.images, LazyImages)
    return ImageData(
        name=name,
        images=found.images,
        labels=labels,
        class_names=pictures.class_names if labels is not None else (),
        flip=flip,
        licence=licence,
        fingerprint=_files_fingerprint(pictures, good, labels, found.images) if lazy else "",
        native=found.native,
        steps=steps,
        skipped={pictures.names[index]: reason for index, reason in found.bad.items()},
    )


__getattr__ = old_names(__name__)
