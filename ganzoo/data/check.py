"""``ganzoo data check``: sizes, classes, duplicates and broken pictures of a data set, and recipes that fit it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.classes import said_of_empty
from ganzoo.data.collect import natural_resolution
from ganzoo.data.dataset import DataRequest, ImageData
from ganzoo.data.decode import plain, planes, values_of_16_bits
from ganzoo.data.memory import ItemPictures
from ganzoo.data.open import WHOLE, as_path, is_path, open_data, pictures_at
from ganzoo.data.pictures import Header, Pictures, for_each, refuse_few
from ganzoo.data.values import said_of_range
from ganzoo.errors import GanzooError, ResolutionError, command
from ganzoo.gan.builder import assemble
from ganzoo.images import visible
from ganzoo.plan.resolver import make_plan
from ganzoo.registry.labels import LABEL_KINDS, label_keys
from ganzoo.registry.loading import log, registry
from ganzoo.registry.sizes import Size, closest, colours_text, shown_as, size_text

PREVIEW = 64
"""Images in the preview, evenly spaced over the data set."""


@dataclass
class Fit:
    """Whether a recipe can be trained on the data: at which resolution, or why not."""

    recipe: str
    resolution: Size | None
    reason: str = ""


@dataclass
class Report:
    """The result of a check.

    Attributes:
        data: as it was given.
        count: pictures that can be read.
        resolution, channels, bits: of the images that training would see.
        sizes: pictures by ``(height, width)``, before resizing.
        modes: pictures by PIL mode, before conversion.
        classes: pictures by class; None without labels, and where labels are continuous.
        label_kind: what labels are; None without.
        ranges: of continuous labels, the least and the largest number, by name; None of others.
        duplicates: groups of pictures with equal pixels, by name.
        bad: pictures that cannot be read, with the reason of each.
        left: files that are no pictures.
        remarks: what a person should know of a folder or zip, in sentences.
        provides: batch keys that the data has, which parts may need.
        train: settings that the data asks for.
        fits: every architecture and preset.
        preview: uint8 ``(N, C, H, W)``, at most :data:`PREVIEW` images.
    """

    data: str
    count: int = 0
    resolution: Size = 0
    channels: int = 0
    bits: int = 8
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    classes: dict[str, int] | None = None
    label_kind: str | None = None
    ranges: dict[str, tuple[float, float]] | None = None
    duplicates: list[list[str]] = field(default_factory=list)
    bad: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    provides: frozenset[str] = frozenset({"image"})
    train: Mapping[str, object] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    preview: Tensor | None = None

    @property
    def empty(self) -> list[str]:
        """Names of the classes without pictures."""
        return [name for name, count in (self.classes or {}).items() if not count and self.label_kind == LABEL_KINDS[0]]

    @property
    def next(self) -> str | None:
        """The command to type next: the fitting architecture that most presets build on; None if none fits."""
        presets = [str(entry.build).partition("+")[0] for entry in registry().entries("preset")]
        fits = {fit.recipe: fit.resolution for fit in self.fits if fit.resolution is not None}
        heads = [entry.name for entry in registry().entries("architecture") if entry.complete and entry.name in fits]
        if not heads:
            return None
        recipe = max(heads, key=presets.count)
        size = ("--resolution", size_text(fits[recipe])) if fits[recipe] != self.resolution else ()
        return command("train", recipe, "--data", self.data, *size, *(["--skip-bad"] if self.bad else []))

    def as_json(self) -> dict[str, Any]:
        """The report as ``ganzoo data check --json`` prints it; sizes are written ``WIDTHxHEIGHT``."""
        return {
            "data": self.data,
            "count": self.count,
            "resolution": self.resolution,
            "channels": self.channels,
            "bits": self.bits,
            "sizes": {f"{width}x{height}": count for (height, width), count in self.sizes.most_common()},
            "modes": dict(self.modes.most_common()),
            "classes": self.classes,
            "label_kind": self.label_kind,
            "empty_classes": self.empty,
            "ranges": None if self.ranges is None else {name: list(both) for name, both in self.ranges.items()},
            "duplicates": self.duplicates,
            "bad": [{"name": name, "reason": reason} for name, reason in self.bad.items()],
            "left": self.left,
            "remarks": self.remarks,
            "recipes": [{"recipe": f.recipe, "resolution": f.resolution} for f in self.fits if f.resolution],
            "unfit": [{"recipe": f.recipe, "reason": f.reason} for f in self.fits if not f.resolution],
            "next": self.next,
        }


@dataclass
class _Inspected:
    """One picture: its header, PIL mode, and a digest of its decoded pixels, by which duplicates are found.

    ``top`` is its highest value by the bits that it is read with.
    """

    header: Header
    mode: str
    digest: bytes
    top: Mapping[int, int]


def _inspect(image: Image.Image) -> _Inspected:
    header, mode = Header.of(image), image.mode
    decoded = plain(image)
    digest = blake2b(f"{decoded.mode} {decoded.size} ".encode(), digest_size=16)
    values = values_of_16_bits(image) if header.deep else None  # they may differ in their low bytes alone
    digest.update(decoded.tobytes() if values is None else values.tobytes())
    top = int(np.asarray(decoded).max())
    return _Inspected(header, mode, digest.digest(), {8: top, 16: top * 257 if values is None else int(values.max())})


class _Fetched:
    """The images of an opened data set, one by one."""

    def __init__(self, data: ImageData) -> None:
        self.data = data

    def __len__(self) -> int:
        return self.data.count

    def __getitem__(self, index: int) -> Tensor:
        return visible(self.data.images.fetch(torch.tensor([index])))[0]


def _pictures(data: ImageData) -> Pictures:
    labels = None if data.labels is None else data.labels.tolist()
    return ItemPictures(_Fetched(data), data.name, labels, data.class_names, data.label_kind)


def check(value: str, request: DataRequest | None = None) -> Report:
    """Read every picture of ``value``, a path or the name of a data set, as ``--data`` takes it.

    Pictures that cannot be read are listed in the report, not refused.

    Raises:
        DataError: there is no such data, or it has fewer than two pictures.
    """
    request = request or DataRequest()
    report = Report(value)
    if is_path(value) and as_path(value).suffix.lower() not in WHOLE:
        pictures = pictures_at(as_path(value))
        refuse_few(pictures)
        report.provides |= frozenset() if pictures.labels is None else label_keys(pictures.label_kind)
        report.left, report.remarks = list(pictures.left), list(pictures.remarks)
        inspected = _inspect_all(pictures, report)
        report.sizes = Counter(one.header.size for one in inspected.values())
        report.resolution = natural_resolution(report.sizes.elements()) if inspected else 0
        report.channels = 1 if all(one.header.grey for one in inspected.values()) else 3
        report.bits = 16 if inspected and all(one.header.deep for one in inspected.values()) else 8
        if inspected:
            top = max(one.top[report.bits] for one in inspected.values())
            _remark(report, said_of_range(pictures.where, top, report.bits))
    else:
        data = open_data(value, request)
        pictures = _pictures(data)
        inspected = _inspect_all(pictures, report)
        if shown_as(data.channels, data.bits):  # what was looked at is not all of each image: look again
            for index, one in inspected.items():
                pixels = data.images.fetch(torch.tensor([index])).numpy().tobytes()
                words = colours_text(data.channels, data.bits)
                inspected[index] = replace(one, mode=words, digest=blake2b(pixels, digest_size=16).digest())
        report.sizes, report.provides, report.train = Counter({data.native: data.count}), data.provides, data.train
        report.resolution, report.channels, report.bits = data.size, data.channels, data.bits
    if inspected:
        _describe(report, pictures, inspected)
    return report


def _inspect_all(pictures: Pictures, report: Report) -> dict[int, _Inspected]:
    """Decode every picture; those that cannot be read go into the report."""
    inspected: dict[int, _Inspected] = {}

    def one(index: int) -> None:
        with pictures.read(index) as image:
            inspected[index] = _inspect(image)

    bad = for_each(pictures, one, f"looking at {pictures.where}", skip_bad=True)
    report.bad = {pictures.names[index]: reason for index, reason in bad.items()}
    return dict(sorted(inspected.items()))


def _describe(report: Report, pictures: Pictures, inspected: dict[int, _Inspected]) -> None:
    report.count = len(inspected)
    report.modes = Counter(one.mode for one in inspected.values())
    if pictures.labels is not None:
        _describe_labels(report, [pictures.labels[index] for index in inspected], pictures)
    same: dict[bytes, list[str]] = {}
    for index, one in inspected.items():
        same.setdefault(one.digest, []).append(pictures.names[index])
    report.duplicates = [names for names in same.values() if len(names) > 1]
    report.fits = _fits(report)
    report.preview = _preview(pictures, list(inspected), report)


def _describe_labels(report: Report, labels: Sequence[Any], pictures: Pictures) -> None:
    """Count the pictures of each class, or say between what numbers continuous labels lie."""
    report.label_kind, names = pictures.label_kind, pictures.class_names
    if report.label_kind == "class":
        counted = Counter(labels)
        report.classes = {name: counted[number] for number, name in enumerate(names)}
        _remark(report, said_of_empty(pictures.where, report.empty))
    elif report.label_kind == "multilabel":
        report.classes = {name: int(sum(column)) for name, column in zip(names, zip(*labels, strict=True), strict=True)}
    else:
        columns = zip(names, zip(*labels, strict=True), strict=True)
        report.ranges = {name: (min(column), max(column)) for name, column in columns}


def _remark(report: Report, said: Sequence[str]) -> None:
    """Keep sentences in the report, and say them."""
    report.remarks += said
    for text in said:
        log.warning("%s", text)


def _preview(pictures: Pictures, good: Sequence[int], report: Report) -> Tensor:
    chosen = [good[int(place)] for place in np.linspace(0, len(good) - 1, min(PREVIEW, len(good)))]
    images = []
    for index in chosen:
        with pictures.read(index) as image:
            images.append(planes(image, report.resolution, 1 if report.channels == 1 else 3))
    return torch.from_numpy(np.stack(images))


def _fits(report: Report) -> list[Fit]:
    entries = [entry for kind in ("architecture", "preset") for entry in registry().entries(kind) if entry.complete]
    return [_fit(entry.name, report) for entry in entries]


def _fit(recipe: str, report: Report) -> Fit:
    """Assemble the recipe without allocating anything, as training does; else at the closest size that it can have."""
    classes = len(report.classes or report.ranges or ())
    try:
        plan = make_plan(recipe, report.provides, suggested=report.train)
        try:
            assemble(plan, report.resolution, report.channels, classes, device="meta")
            return Fit(recipe, report.resolution)
        except ResolutionError as error:
            if not error.nearest:
                raise
            size = closest(error.nearest, report.resolution)
            assemble(plan, size, report.channels, classes, device="meta")
            return Fit(recipe, size)
    except GanzooError as error:
        return Fit(recipe, None, str(error))
