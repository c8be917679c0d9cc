"""What a data set is once opened: images that can be fetched by number, their labels, and what may be done to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.compat.lookup import old_names
from ganzoo.data.images import DECODERS, Images
from ganzoo.data.stream import Stream, leader
from ganzoo.distributed.batch import SINGLE_PROCESS, World
from ganzoo.errors import DataError, UsageError, counted, either
from ganzoo.files.names import as_text
from ganzoo.gan.inputs import SOURCE, prepared
from ganzoo.registry.cache import default_root
from ganzoo.registry.labels import LABEL_KINDS, label_keys
from ganzoo.registry.shown import block, some
from ganzoo.registry.sizes import Size, Sized, colours_text, pixels_text, read_size, size_of, size_text

PIXELS, FILES, LISTING = "sha256", "files-sha256", "listing-sha256"
"""Kinds of fingerprints: over decoded pixels; over the bytes of the files; and, for data of so many pictures that
reading all of them takes minutes, over names, sizes, checksums where the source has them, and the bytes of some."""
KINDS = (LISTING, PIXELS, FILES)

HASHED_BYTES = 64 * 2**20  # decoded images that are in memory at once for a fingerprint


def kind_like(fingerprint: object) -> str | None:
    """The kind of a fingerprint, to ask for the same of other data; None for what is none."""
    kind = fingerprint.partition(":")[0] if isinstance(fingerprint, str) else None
    return kind if kind in KINDS else None


def _number_in(path: str, key: str = "") -> int | None:
    """The first number on the line of ``path`` that starts with ``key``; None where there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    words = next((line[len(key) :].split() for line in lines if line.startswith(key)), [])
    return int(words[0]) if words and words[0].isdigit() else None


def available_memory() -> int:
    """Bytes that this process may still take: what the machine has free, or what its container leaves."""
    free = _number_in("/proc/meminfo", "MemAvailable:")
    machine = free * 1024 if free is not None else 4 * 2**30
    limit = _number_in("/sys/fs/cgroup/memory.max")
    used = _number_in("/sys/fs/cgroup/memory.current")
    if limit is None or used is None:
        return machine
    return max(0, min(machine, limit - used))


@dataclass(frozen=True)
class DataRequest:
    """How a data set is wanted.

    Attributes:
        resolution: of the images in pixels: the side of squares, or height and width, such as ``(64, 128)`` or
            ``"64x128"``; None for the data set's own.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA), or the number that the data has; None for the data set's own.
        split: ``"train"``, ``"test"`` or another name that the data set knows.
        skip_bad: leave out pictures that cannot be read instead of refusing the data set.
        root: folder for downloads; ``$GANZOO_DATA`` or ``~/.cache/ganzoo/data``.
        memory: bytes that decoded images may take; above it they are decoded on demand. A third of what is free.
        workers: threads that decode pictures; what they make does not depend on their number.
        bits: of each value, 8 or 16; None for the data set's own.
        fingerprint_kind: ``sha256``, ``files-sha256`` or ``listing-sha256``, to compare with data that has such a
            fingerprint; None for what is cheaper, which depends on the number of pictures and on the memory.
        label_kind: what labels are, ``class``, ``multilabel`` or ``continuous``, for data in Python that do not say it;
            of other data it is only checked.
    """

    resolution: Sized | None = None
    channels: int | None = None
    split: str = "train"
    skip_bad: bool = False
    root: Path = field(default_factory=default_root)
    memory: int = field(default_factory=lambda: available_memory() // 3)
    workers: int = DECODERS
    bits: int | None = None
    label_kind: str | None = None
    fingerprint_kind: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint_kind not in (None, *KINDS):
            raise UsageError(f"a fingerprint is {either(KINDS)}, not {self.fingerprint_kind!r}")
        if self.label_kind not in (None, *LABEL_KINDS):
            raise UsageError(f"label_kind={self.label_kind!r} does not work: it is {either(LABEL_KINDS)}")
        if self.resolution is not None:
            object.__setattr__(self, "resolution", read_size(self.resolution))
        if self.workers < 1:
            raise UsageError(f"--workers {self.workers} does not work: it is a whole number from 1 up")
        if self.channels is not None and (self.channels < 1 or self.channels == 2):
            raise UsageError(f"images have 1 channel (grey), 3 (RGB), 4 (RGBA) or more, not {self.channels}")
        if self.bits not in (None, 8, 16):
            raise UsageError(f"images have 8 or 16 bits, not {self.bits}")

    @property
    def size(self) -> Size | None:
        """The resolution as it was read: one number for squares."""
        return None if self.resolution is None else read_size(self.resolution)

    def side(self, name: str, default: int) -> int:
        """The side that is asked for of data that is made square; ``default`` where nothing is.

        Args:
            name: of the data, for the message.
            default: the data's own.

        Raises:
            UsageError: images that are not square are asked for.
        """
        size = default if self.size is None else self.size
        if isinstance(size, int):
            return size
        raise UsageError(
            f"{name} is drawn in squares, not {size_text(size)}: a resolution of one number works, such as {min(size)}"
        )


@dataclass(repr=False)
class ImageData:
    """An opened data set.

    Attributes:
        name: what run folders and scores call it; never a path.
        images: the decoded images.
        labels: class numbers, int64 ``(N,)``, or label vectors, float32 ``(N, L)``; None for none.
        class_names: one per class, or per number in a label vector; empty without labels.
        label_kind: ``class``, ``multilabel`` (vectors of 0 and 1) or ``continuous``.
        flip: whether a mirrored image is as real as the original.
        licence: what is known of the terms of use.
        fingerprint: ``sha256:…`` over pixels and labels, or ``files-sha256:…`` over the bytes of the files and labels,
            by default when the images are decoded on demand. Both follow content alone, not names. Of more than
            100,000 pictures it is ``listing-sha256:…``, over names, sizes and checksums, and the bytes of some.
        former: such a fingerprint, and what ganzoo 0.1 had in its place, over names and sizes of the files.
        split: ``"train"``, ``"test"``, ...; ``"all"`` for data that has no splits, such as a folder.
        native: height and width of the pictures before resizing; the most common ones where they differ.
        steps: how long to train on it by default; None for no opinion.
        train: settings that suit it, for where neither the person nor a part says one.
        skipped: pictures left out because they could not be read, with the reason of each.
        paired: further batch keys with a row for each image: images of the same size, such as ``source``, or tensors.
        bits: of each value: 8 or 16.
        unpaired: further batch keys of images of the same size with an order, and a number, of their own; and tensors
            with a row for each of these, called after them, such as ``source_label`` for ``source``. An int64 one whose
            name is, or ends in, ``label`` has numbers of :attr:`class_names`.
        valid: which images were held out of these, as ``config.json`` keeps it; empty where none were.
        numbering: a digest of the class names by whose order labels are numbered; empty for the data set's own order,
            of which the fingerprint is. See :func:`ganzoo.data.classes.matched`.
    """

    name: str
    images: Images
    labels: Tensor | None = None
    class_names: tuple[str, ...] = ()
    flip: bool = False
    licence: str = "unknown"
    fingerprint: str = ""
    split: str = "all"
    native: tuple[int, int] = (0, 0)
    steps: int | None = None
    train: Mapping[str, object] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    paired: Mapping[str, Images | Tensor] = field(default_factory=dict)
    unpaired: Mapping[str, Images | Tensor] = field(default_factory=dict)
    valid: Mapping[str, Any] = field(default_factory=dict)
    bits: int = 8
    label_kind: str = LABEL_KINDS[0]
    former: tuple[str, str] = ("", "")
    numbering: str = ""

    def __post_init__(self) -> None:
        self.name, self.class_names = as_text(self.name), tuple(map(as_text, self.class_names))
        n, _, h, w = self.images.shape
        if n < 2:
            raise DataError(f"{self.name} has {n} images; a GAN needs two at least, and learns from thousands")
        for name, column in self.paired.items():
            if column.shape[0] != n:
                raise DataError(f"{self.name} has {n} images and {column.shape[0]} of {name}; they go in pairs")
        self._check_followers()
        self._check_labels()
        self.native = self.native if self.native != (0, 0) else (h, w)
        if not self.fingerprint:
            self.fingerprint = fingerprint(self.images, self.labels, {**self.paired, **self.unpaired})

    def __repr__(self) -> str:
        """What it holds, and on what terms."""
        others = [*self.paired, *self.unpaired]
        facts = [
            (
                "images",
                f"{self.count:,} of {self.split}: {colours_text(self.channels, self.bits)}, {pixels_text(self.size)}",
            ),
            (self.label_kind, f"{len(self.class_names)}: {some(self.class_names)}" if self.class_names else ""),
            ("also", ", ".join(others)),
            ("left out", f"{counted(len(self.skipped), 'picture')} that could not be read" if self.skipped else ""),
            ("licence", self.licence),
            ("fingerprint", self.fingerprint),
        ]
        return block(f"ImageData {self.name}", facts)

    def _check_labels(self) -> None:
        if self.label_kind not in LABEL_KINDS:
            raise DataError(f"{self.name} has labels of the kind {self.label_kind!r}; it is {either(LABEL_KINDS)}")
        if self.labels is None:
            return
        shape, n = tuple(self.labels.shape), self.images.shape[0]
        if self.label_kind == "class":
            if shape != (n,) or self.labels.is_floating_point():
                raise DataError(f"{self.name} has labels {shape} {self.labels.dtype}; classes are int64 ({n},)")
            low, high = int(self.labels.min()), int(self.labels.max())
            if self.class_names and not 0 <= low <= high < len(self.class_names):
                named = counted(len(self.class_names), "class")
                raise DataError(
                    f"{self.name} has labels from {low} to {high}, and names of {named}: labels"
                    f" are numbers from 0 to {len(self.class_names) - 1}"
                )
            return
        wanted = (n, len(self.class_names))
        if shape != wanted or not self.labels.is_floating_point() or not wanted[1]:
            raise DataError(
                f"{self.name} has labels {shape} {self.labels.dtype}; label vectors of {n} images with"
                f" {wanted[1]} names are floats {wanted}"
            )
        self.labels = self.labels.float()
        if not self.labels.isfinite().all():
            raise DataError(f"{self.name} has label vectors with NaN or infinite numbers")
        if self.label_kind == "multilabel" and not ((self.labels == 0) | (self.labels == 1)).all():
            raise DataError(f"{self.name} has multilabel vectors with other numbers than 0 and 1")

    def _check_followers(self) -> None:
        pictures = {name: column for name, column in self.unpaired.items() if not isinstance(column, Tensor)}
        for name, column in self.unpaired.items():
            if not isinstance(column, Tensor):
                continue
            of = leader(name, pictures)
            if of is None:
                raise DataError(f"{self.name} has unpaired {name} that go with no images: call them like theirs_{name}")
            if len(column) != pictures[of].shape[0]:
                raise DataError(f"{self.name} has {pictures[of].shape[0]} of {of} and {len(column)} of {name}")

    def is_known_as(self, fingerprint: object) -> bool:
        """Whether a fingerprint, such as that in a ``config.json``, is of this data; of the kind that this one has."""
        now, former = self.former
        return bool(fingerprint) and fingerprint in (self.fingerprint, former if now == self.fingerprint else None)

    @property
    def count(self) -> int:
        """How many images there are."""
        return self.images.shape[0]

    @property
    def channels(self) -> int:
        """1 (grey), 3 (RGB), 4 (RGBA), or another number of planes."""
        return self.images.shape[1]

    @property
    def resolution(self) -> int:
        """Height of the images in pixels: the side of squares."""
        return self.images.shape[2]

    @property
    def size(self) -> Size:
        """The side of square images, or height and width of others, as ``resolution=`` takes it."""
        return size_of(*self.images.shape[2:])

    @property
    def provides(self) -> frozenset[str]:
        """The keys of its batches; ``pairs`` where each image has a source of its own; ``label-class`` or the like."""
        labels = () if self.labels is None else label_keys(self.label_kind)
        pairs = ("pairs",) if SOURCE in self.paired else ()
        return frozenset({"image", *labels, *pairs, *self.paired, *self.unpaired})

    def column(self, name: str) -> Images | Tensor:
        """A column besides images and labels.

        Raises:
            UsageError: there is no such column; names data sets that have one.
        """
        found = self.paired.get(name, self.unpaired.get(name))
        if found is None:
            raise UsageError(f"this model takes {name}, which {self.name} does not have: see 'ganzoo list dataset'")
        return found

    def columns(self, names: Collection[str], rows: Tensor) -> dict[str, Tensor]:
        """The rows numbered ``rows`` (int64, ``(B,)``) of columns that repeat for ever, as networks take them."""
        found = {name: self.column(name) for name in sorted(names)}
        return {name: prepared(name, taken(column, rows % column.shape[0])) for name, column in found.items()}

    def stream(self, batch: int, seed: int, flip: bool | None = None, world: World = SINGLE_PROCESS) -> Stream:
        """Batches of so many images for training, whose order follows from ``seed``.

        ``flip`` overrides the data set's own, and each process of ``world`` gets its rows.
        """
        mirrored = self.flip if flip is None else flip
        return Stream(
            self.images,
            self.labels,
            batch,
            seed,
            flip=mirrored,
            world=world,
            paired=self.paired,
            unpaired=self.unpaired,
        )


def taken(column: Images | Tensor, rows: Tensor) -> Tensor:
    """Rows of a column by number: uint8 images, or rows of a tensor."""
    return column[rows] if isinstance(column, Tensor) else column.fetch(rows)


def fingerprint(images: Images, labels: Tensor | None, others: Mapping[str, Images | Tensor] | None = None) -> str:
    """``sha256:…`` over the shape, the uint8 pixels and the labels, in order, and then over other columns by name.

    Args:
        images: any, of which a few are decoded at once.
        labels: class numbers int64 ``(N,)``, label vectors float ``(N, L)``, or None.
        others: by name.
    """
    digest = sha256()
    _add_pixels(digest, images)
    if labels is not None:
        vectors = labels.is_floating_point()
        digest.update(repr(tuple(labels.shape)).encode() if vectors else b"")
        digest.update(labels.numpy().astype("<f4" if vectors else "<i8").tobytes())
    for name, column in sorted((others or {}).items()):
        digest.update(name.encode())
        if isinstance(column, Tensor):
            digest.update(repr((tuple(column.shape), column.dtype)).encode() + column.numpy().tobytes())
        else:
            _add_pixels(digest, column)
    return f"sha256:{digest.hexdigest()}"


def _add_pixels(digest: Any, images: Images) -> None:
    """Hash the shape and the uint8 pixels, image by image in order."""
    digest.update(repr(tuple(images.shape)).encode())
    n, *shape = images.shape
    at_once = max(1, min(1024, HASHED_BYTES // prod(shape)))  # lazy images are decoded here, as memory is short
    for indices in torch.arange(n).split(at_once):
        digest.update(images.fetch(indices).numpy().tobytes())


def no_argument(name: str, argument: str) -> None:
    """Refuse ``name:argument`` for a data set that takes none."""
    if argument:
        raise UsageError(f"{name}:{argument}: {name} takes nothing after the colon; write {name}")


def choose_split(name: str, split: str, splits: Collection[str]) -> str:
    """``split``, if the data set ``name`` has it.

    Args:
        name: what the message calls the data set.
        split: as a :class:`DataRequest` asks for it.
        splits: those that there are.

    Raises:
        UsageError: it has no such split; the message names those that it has.
    """
    if split not in splits:
        raise UsageError(f"the data set {name} has no split {split!r}; it has {either(splits, 'and')}")
    return split


__getattr__ = old_names(__name__)
