"""From pictures wherever they are to one array of images: how many channels, what size, which of them are broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from ganzoo.compat.lookup import old_names
from ganzoo.data.dataset import FILES, LISTING, PIXELS, DataRequest, ImageData
from ganzoo.data.decode import UNREADABLE, central, cropped, is_grey, planes, upright, why
from ganzoo.data.images import Images, KeptImages, LazyImages, MemoryImages
from ganzoo.data.pictures import Header, Pictures, for_each, refuse, refuse_few
from ganzoo.errors import DataError, either
from ganzoo.gan.inputs import MODES
from ganzoo.registry.loading import log
from ganzoo.registry.sizes import Size, height_width, size_of

MANY, HEAVY = 100_000, 8 * 2**30
"""Pictures, and bytes of them, beyond which a training begins before all of them were looked at."""

LOOKED_AT = 256
"""Pictures that stand for all where there are so many."""

LARGEST_OWN = 1024
"""Shorter side of the largest pictures that are not square and are still shown at their own size."""

LARGEST_DEFAULT = 256
"""Photographs are not trained on at full size unless somebody says so."""


def natural_resolution(sizes: Iterable[tuple[int, int]]) -> Size:
    """The size to show pictures at when nobody says one.

    Their own when all are of one size, unless they are large photographs. Otherwise the largest power of two that nine
    in ten of them fill without being enlarged, and at most :data:`LARGEST_DEFAULT`.
    """
    counted = Counter(sizes)
    if len(counted) == 1:
        height, width = next(iter(counted))
        if height == width or min(height, width) <= LARGEST_OWN:
            return size_of(height, width)
    sides = sorted(min(size) for size in counted.elements())
    return min(LARGEST_DEFAULT, 2 ** (sides[len(sides) // 10].bit_length() - 1))


@dataclass
class _Found:
    images: Images
    native: tuple[int, int]
    bits: int
    bad: dict[int, str] = field(default_factory=dict)


class _MixedPictures(Exception):
    """The pictures are not all like the first one."""


class _Collector:
    """Decides the shape of the images and decodes them."""

    def __init__(self, pictures: Pictures, request: DataRequest, resolution: int | None) -> None:
        self.pictures, self.request = pictures, request
        self.size = request.size or resolution
        self.cropped: dict[str, tuple[int, int]] = {}
        if request.channels not in (None, *MODES):
            raise DataError(
                f"{pictures.where} has pictures, and these have {either(sorted(MODES))} channels, not "
                f"{request.channels}: images of other channels come from a tensor or a .npy, as (N, C, H, W)"
            )

    def shape(self, headers: Sequence[Header]) -> tuple[int, int, int, int]:
        """``(N, C, H, W)`` of the images to make of pictures with these headers."""
        height, width = height_width(self.size or natural_resolution(header.size for header in headers))
        channels = self.request.channels or (1 if all(header.grey for header in headers) else 3)
        return len(self.pictures), channels, height, width

    def bits(self, headers: Iterable[Header]) -> int:
        """Of the images to make of pictures with these headers: 16 where all are grey of 16 bits, unless asked for."""
        return self.request.bits or (16 if all(header.deep for header in headers) else 8)

    def fits(self, shape: tuple[int, int, int, int], bits: int) -> bool:
        """Whether images of ``shape`` may be held in memory."""
        return int(np.prod(shape, dtype=np.int64)) * bits // 8 <= self.request.memory

    def decode(
        self, shape: tuple[int, int, int, int], bits: int, expect: Header | None
    ) -> tuple[Tensor, dict[int, str]]:
        """Decode everything; stops with :class:`_MixedPictures` at a picture unlike ``expect``."""
        pixels = np.empty(shape, dtype=np.uint8 if bits == 8 else np.uint16)
        _, channels, *sides = shape
        size = size_of(*sides)

        def one(index: int) -> None:
            with self.pictures.read(index) as image:
                if expect is not None and not self.alike(Header.of(image), expect):
                    raise _MixedPictures
                self.note_crop(index, upright(image), size)
                pixels[index] = planes(image, size, channels, bits)

        request, what = self.request, f"decoding {self.pictures.where}"
        bad = for_each(self.pictures, one, what, request.skip_bad, request.workers)
        return torch.from_numpy(np.delete(pixels, list(bad), axis=0) if bad else pixels), bad

    def held(self, pixels: Tensor, bad: dict[int, str]) -> MemoryImages:
        """Images in memory, of which those ``bad`` are missing."""
        good = [index for index in range(len(self.pictures)) if index not in bad]
        return MemoryImages(pixels, runs_left(self.pictures.runs, good))

    def alike(self, header: Header, first: Header) -> bool:
        """Whether a picture gives the same shape and bits as the first; what was asked for need not be equal."""
        known = self.size is not None and self.request.channels is not None
        return (known or header == first) and (self.request.bits is not None or header.deep == first.deep)

    def note_crop(self, index: int, shape: tuple[int, int], size: Size) -> None:
        """Remember a picture of ``shape`` (height, width) of which not everything is seen at ``size``."""
        if central(shape, size) != shape:
            self.cropped[self.pictures.names[index]] = shape

    def one_pass(self) -> _Found | None:
        """Decode on the assumption that all pictures are like the first; None as soon as one is not.

        Most data sets are so, and reading every header first would read every file twice.
        """
        try:
            with self.pictures.peek(0) as image:
                first = Header.of(image)
        except UNREADABLE:
            return None
        shape, bits = self.shape([first]), self.bits([first])
        if not self.fits(shape, bits):
            return None
        try:
            pixels, bad = self.decode(shape, bits, first)
        except _MixedPictures:
            return None
        return _Found(self.held(pixels, bad), first.size, bits, bad)

    def two_passes(self) -> _Found:
        """Read every header first; then decode, or where images do not fit in memory leave that to each batch."""
        headers: dict[int, Header] = {}
        shapes: dict[int, tuple[int, int]] = {}

        def look(index: int) -> None:
            # What is going to be skipped has to be known now, so that no later epoch stumbles over it.
            with self.pictures.read(index) if self.request.skip_bad else self.pictures.peek(index) as image:
                header, shape = Header.of(image), upright(image)
                if self.request.skip_bad:
                    planes(image, 1, 1, self.request.bits or 8)
            headers[index], shapes[index] = header, shape

        request, what = self.request, f"looking at {self.pictures.where}"
        bad = for_each(self.pictures, look, what, request.skip_bad, request.workers)
        if not headers:
            raise refuse(self.pictures, *next(iter(bad.items())))
        shape, bits = self.shape(list(headers.values())), self.bits(headers.values())
        native = Counter(header.size for header in headers.values()).most_common(1)[0][0]
        if self.fits(shape, bits):
            pixels, bad = self.decode(shape, bits, None)
            return _Found(self.held(pixels, bad), native, bits, bad)
        for index, stored in shapes.items():
            self.note_crop(index, stored, size_of(*shape[2:]))
        good = sorted(headers)
        runs = runs_left(self.pictures.runs, good)
        return _Found(self.lazy(shape, bits, good, runs), native, bits, bad)

    def sampled(self) -> _Found:
        """Look at some of the pictures; the others are decoded when a batch asks for them, and kept if all fit.

        What is broken among these is said at once, and what is among the others when it is met.
        """
        headers = []
        for index in sample_of(len(self.pictures)):
            try:
                with self.pictures.read(index) as image:
                    header, stored = Header.of(image), upright(image)
                    planes(image, 1, 1, self.request.bits or 8)
            except UNREADABLE as error:
                raise refuse(self.pictures, index, why(error)) from error
            headers.append((index, header, stored))
        known = [header for _, header, _ in headers]
        shape, bits = self.shape(known), self.bits(known)
        for index, _, stored in headers:
            self.note_crop(index, stored, size_of(shape[2], shape[3]))
        native = Counter(header.size for header in known).most_common(1)[0][0]
        every = range(len(self.pictures))
        return _Found(self.lazy(shape, bits, every, self.pictures.runs, looked_at=len(headers)), native, bits)

    def lazy(
        self,
        shape: tuple[int, int, int, int],
        bits: int,
        good: Sequence[int],
        runs: Sequence[int],
        looked_at: int | None = None,
    ) -> LazyImages:
        """Images that are decoded when asked for.

        Args:
            shape: of all images.
            bits: of each value.
            good: the numbers of the pictures behind them.
            runs: see :class:`ganzoo.data.pictures.Pictures`.
            looked_at: how many of the pictures decided of their shape; None for all.
        """
        _, channels, height, width = shape
        size = size_of(height, width)
        grey = channels == 1 and self.request.channels is None and looked_at is not None

        def decode(position: int) -> np.ndarray:
            index = good[position]
            try:
                with self.pictures.read(index) as image:
                    if grey and not is_grey(image):
                        raise refuse_colour(self.pictures, index, looked_at or 0)
                    return planes(image, size, channels, bits)
            except UNREADABLE as error:
                raise refuse(self.pictures, index, why(error)) from error

        whole = (len(good), channels, height, width)
        if looked_at is not None and self.fits(whole, bits):
            return KeptImages(whole, decode, self.request.workers, runs, bits)
        return LazyImages(whole, decode, self.request.workers, runs)


def refuse_colour(pictures: Pictures, index: int, looked_at: int) -> DataError:
    """The error for a picture in colour among others that were taken to be grey."""
    return DataError(
        f"{pictures.names[index]!r} in {pictures.where} is in colour, and the {looked_at} pictures that were looked at"
        " are grey: say which it is, --channels 3 or --channels 1"
    )


def runs_left(runs: Sequence[int], good: Sequence[int]) -> tuple[int, ...]:
    """How many of the pictures ``good``, in rising order, are in each run."""
    stops = np.cumsum(runs)
    return tuple(np.bincount(np.searchsorted(stops, good, "right"), minlength=len(runs)).tolist()) if runs else ()


def sample_of(count: int) -> list[int]:
    """The numbers of at most :data:`LOOKED_AT` of ``count`` pictures, evenly spaced, the first and last among them."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(LOOKED_AT, count))})


def is_large(pictures: Pictures) -> bool:
    """Whether looking at every picture would take minutes: there are very many, or they take very many bytes.

    It follows from the pictures alone, not from this machine, as the kind of fingerprint does.
    """
    some = sample_of(len(pictures))
    mean = sum(map(pictures.encoded_bytes, some)) / len(some)
    return len(pictures) > MANY or mean * len(pictures) > HEAVY


def _listing_fingerprint(pictures: Pictures, good: Sequence[int], labels: Tensor | None, found: _Found) -> str:
    """A fingerprint over what is known of files without reading them, and over the bytes of some."""
    digest = sha256((repr(found.images.shape) + f" {found.bits} bits").encode())
    for start in range(0, len(good), 1024):
        stamps = "\n".join(map(pictures.stamp, good[start : start + 1024]))
        digest.update(stamps.encode(errors="surrogateescape"))
    for place in sample_of(len(good)):
        digest.update(pictures.digest(good[place]))
    if labels is not None:
        digest.update(labels.numpy().tobytes())
    return f"{LISTING}:{digest.hexdigest()}"


def _files_fingerprints(
    pictures: Pictures, good: Sequence[int], labels: Tensor | None, found: _Found
) -> tuple[str, str]:
    """Fingerprints over the bytes of the files, and over their names and sizes as ganzoo 0.1 had it."""
    digests = dict[int, bytes]()
    wanted = set(good)

    def one(index: int) -> None:
        if index in wanted:
            digests[index] = pictures.digest(index)

    for_each(pictures, one, f"reading {pictures.where}", skip_bad=False)
    start = (repr(found.images.shape) + ("" if found.bits == 8 else f" {found.bits} bits")).encode()
    content, former = sha256(b"content " + start), sha256(start)
    for position, index in enumerate(good):
        label = -1 if labels is None else labels[position].tolist()
        content.update(digests[index] + f" {label}\n".encode())
        former.update(f"{pictures.stamp(index)}\0{label}\n".encode(errors="surrogateescape"))
    return f"{FILES}:{content.hexdigest()}", f"{FILES}:{former.hexdigest()}"


def _usual_kind(sampled: bool, images: Images) -> str:
    if sampled:
        return LISTING
    return FILES if isinstance(images, LazyImages) else PIXELS


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

    Of more than :data:`MANY` pictures, or :data:`HEAVY` bytes of them, some are looked at now and the others when a
    batch asks for them, unless bad ones are to be skipped.

    Raises:
        DataError: fewer than two pictures, or one that cannot be read.
    """
    refuse_few(pictures)
    collector = _Collector(pictures, request, resolution)
    # Who skips bad pictures has to know them all before the order of the others can be drawn; and a fingerprint over
    # all content, where one is asked for, reads everything anyway.
    sampled = is_large(pictures)
    if sampled and not request.skip_bad and request.fingerprint_kind in (None, LISTING):
        found = collector.sampled()
    else:
        found = collector.one_pass() or collector.two_passes()
    good: Sequence[int] = range(len(pictures))
    if found.bad:
        good = [index for index in good if index not in found.bad]
    if resolution is None and collector.cropped:  # data sets with a size of their own are cropped as is usual for them
        log.warning("%s", cropped(pictures.where, collector.cropped, len(good), size_of(*found.images.shape[2:])))
    labels = None
    if pictures.labels is not None:
        dtype = torch.int64 if pictures.label_kind == "class" else torch.float32
        labels = torch.tensor([pictures.labels[index] for index in good], dtype=dtype)
    kind = request.fingerprint_kind or _usual_kind(sampled, found.images)
    # Without one, ImageData makes the fingerprint of pixels, whether they are in memory or have to be decoded for it.
    own, former = _files_fingerprints(pictures, good, labels, found) if kind == FILES else ("", "")
    own = _listing_fingerprint(pictures, good, labels, found) if kind == LISTING else own
    return ImageData(
        name=name,
        images=found.images,
        labels=labels,
        class_names=pictures.class_names if labels is not None else (),
        label_kind=pictures.label_kind,
        flip=flip,
        licence=licence,
        fingerprint=own,
        former=(own, former),
        native=found.native,
        bits=found.bits,
        steps=steps,
        skipped={pictures.names[index]: reason for index, reason in found.bad.items()},
    )


__getattr__ = old_names(__name__)
