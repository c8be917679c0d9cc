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
from ganzoo.data.dataset import FILES, PIXELS, DataRequest, ImageData
from ganzoo.data.decode import UNREADABLE, central, cropped, is_deep, is_grey, planes, upright, why
from ganzoo.data.formats import SHOWN
from ganzoo.data.images import DECODERS, Images, LazyImages, MemoryImages
from ganzoo.data.labels import Label
from ganzoo.data.progress import progress_bar
from ganzoo.errors import DataError, either
from ganzoo.files.names import as_text
from ganzoo.gan.inputs import MODES
from ganzoo.registry.loading import log
from ganzoo.registry.sizes import Size, height_width, size_of

LARGEST_OWN = 1024
"""Shorter side of the largest pictures that are not square and are still shown at their own size."""

LARGEST_DEFAULT = 256
"""Photographs are not trained on at full size unless somebody says so."""


class Pictures(ABC):
    """Encoded pictures as a source found them; a source defines :meth:`read`.

    Args:
        where: what messages call the source.
        names: one per picture, unique.
        labels: of each a class number, or a label vector, all of one length; None for none.
        class_names: one per class, or per number in a label vector.
        label_kind: ``class``, ``multilabel`` or ``continuous``.
        left: names of files beside the pictures that are none.
        remarks: what a person should know of the source, in sentences; they are said as warnings at once.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        labels: Sequence[Label] | None = None,
        class_names: tuple[str, ...] = (),
        label_kind: str = "class",
        *,
        left: Sequence[str] = (),
        remarks: Sequence[str] = (),
    ) -> None:
        for text in remarks:
            log.warning("%s", text)
        self.where, self.names, self.labels = where, names, labels
        self.class_names, self.label_kind = tuple(map(as_text, class_names)), label_kind
        self.left, self.remarks = tuple(left), tuple(remarks)

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def read(self, index: int) -> Image.Image:
        """Open a picture, all its bytes checked as far as the source can; called from several threads."""

    def peek(self, index: int) -> Image.Image:
        """Open a picture for its header only."""
        return self.read(index)

    def digest(self, index: int) -> bytes:
        """sha256 of what is in a picture: of its encoded bytes where the source has them, else of its pixels."""
        with self.read(index) as image:
            return sha256(f"{image.mode} {image.size} ".encode() + image.tobytes()).digest()

    def stamp(self, index: int) -> str:
        """Name and size, or checksum: what ganzoo 0.1 knew pictures by that did not fit in memory."""
        return self.names[index]


@dataclass(frozen=True)
class Header:
    """What a picture says of itself: ``(height, width)`` as stored, whether it is grey, and whether grey of 16 bits."""

    size: tuple[int, int]
    grey: bool
    deep: bool = False

    @classmethod
    def of(cls, image: Image.Image) -> Header:
        """The header of a picture that is open; pixels are not decoded for it."""
        grey = is_grey(image)
        return cls((image.height, image.width), grey, grey and is_deep(image))


def refuse(pictures: Pictures, index: int, reason: str) -> DataError:
    """The error for a picture that cannot be read."""
    return DataError(
        f"{pictures.names[index]!r} in {pictures.where} cannot be read: {reason}; "
        "--skip-bad goes on without such pictures, and `ganzoo data check` lists them all"
    )


def refuse_few(pictures: Pictures) -> None:
    """Raise DataError for fewer than two pictures."""
    if len(pictures) < 2:
        what = "only one picture" if len(pictures) else f"no pictures ({SHOWN})"
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
        return _Found(MemoryImages(pixels), first.size, bits, bad)

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
            return _Found(MemoryImages(pixels), native, bits, bad)
        for index, stored in shapes.items():
            self.note_crop(index, stored, size_of(*shape[2:]))
        return _Found(self.lazy(shape, bits, sorted(headers)), native, bits, bad)

    def lazy(self, shape: tuple[int, int, int, int], bits: int, good: list[int]) -> LazyImages:
        """Images that are decoded when asked for; ``good`` are the numbers of the pictures behind them."""
        _, channels, height, width = shape
        size = size_of(height, width)

        def decode(position: int) -> np.ndarray:
            try:
                with self.pictures.read(good[position]) as image:
                    return planes(image, size, channels, bits)
            except UNREADABLE as error:
                raise refuse(self.pictures, good[position], why(error)) from error

        return LazyImages((len(good), channels, height, width), decode, self.request.workers)


def _files_fingerprints(pictures: Pictures, good: list[int], labels: Tensor | None, found: _Found) -> tuple[str, str]:
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
    if resolution is None and collector.cropped:  # data sets with a size of their own are cropped as is usual for them
        log.warning("%s", cropped(pictures.where, collector.cropped, len(good), size_of(*found.images.shape[2:])))
    labels = None
    if pictures.labels is not None:
        dtype = torch.int64 if pictures.label_kind == "class" else torch.float32
        labels = torch.tensor([pictures.labels[index] for index in good], dtype=dtype)
    kind = request.fingerprint_kind or (FILES if isinstance(found.images, LazyImages) else PIXELS)
    # Without one, ImageData makes the fingerprint of pixels, whether they are in memory or have to be decoded for it.
    own, former = _files_fingerprints(pictures, good, labels, found) if kind == FILES else ("", "")
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
