"""Checks of data sets and of augmentations."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor

from ganzoo.data import DataRequest, ImageData
from ganzoo.errors import GanzooError
from ganzoo.registry.cache import default_root
from ganzoo.registry.entry import Entry
from ganzoo.testing.adversarial import sample_context
from ganzoo.testing.declared import variants
from ganzoo.testing.expect import expect

BATCH = 4
NOWHERE = "no-such-split"


def check_batches(entry: Entry) -> None:
    """It opens without an argument, and its batches are images in [-1, 1] with the keys that it declares.

    Raises:
        SkipTest: it needs an argument, or files that are not on this machine.
    """
    data = _opened(entry)
    batch = data.stream(BATCH, 0).batch(0)
    image = batch["image"]
    expected = (BATCH, data.channels, data.resolution, data.resolution)
    expect(tuple(image.shape) == expected, entry, f"its images are {expected}, not {tuple(image.shape)}")
    expect(image.dtype == torch.float32, entry, f"its images are float32, not {image.dtype}")
    expect(image.min() >= -1 and image.max() <= 1, entry, "its images lie in [-1, 1]")
    missing = sorted(entry.provides - data.provides)
    expect(not missing, entry, f"it has what it declares that it provides, also {missing}")
    for key, column in batch.items():
        expect(len(column) == BATCH, entry, f"its column {key} has a row for each image")


def check_repeats(entry: Entry) -> None:
    """Opened twice it is the same data: one fingerprint, and the same batch for the same number.

    Raises:
        SkipTest: it needs an argument, or files that are not on this machine.
    """
    one, again = _opened(entry), _opened(entry)
    expect(one.fingerprint == again.fingerprint, entry, "has the same fingerprint each time")
    first, second = one.stream(BATCH, 0).batch(1), again.stream(BATCH, 0).batch(1)
    expect(all(torch.equal(first[key], second[key]) for key in first), entry, "batch 1 is the same each time")


def check_sizes(entry: Entry) -> None:
    """It comes at the resolution and in the channels that are asked for.

    Raises:
        SkipTest: it needs an argument, or files that are not on this machine.
    """
    for channels in (1, 3):
        data = _opened(entry, resolution=16, channels=channels)
        shape = tuple(data.images.shape[1:])
        expect(shape == (channels, 16, 16), entry, f"gives ({channels}, 16, 16) when asked for that, not {shape}")


def check_refusal(entry: Entry) -> None:
    """A split that nobody has is refused in one line, not with a traceback; data without splits may ignore it."""
    with _offline(), tempfile.TemporaryDirectory() as nothing:
        try:
            entry.load()("", DataRequest(split=NOWHERE, root=Path(nothing)))
        except GanzooError as error:
            said = str(error).strip()
            expect(said and "\n" not in said, entry, f"refuses the split {NOWHERE!r} in one line, not {said!r}")


def _opened(entry: Entry, **wanted: Any) -> ImageData:
    with _offline(), tempfile.TemporaryDirectory() as nothing:
        there = (default_root() / entry.name).is_dir()
        root = default_root() if there else Path(nothing)  # one that is not here leaves no trace of the attempt
        try:
            return entry.load()("", DataRequest(root=root, **wanted))
        except GanzooError as error:
            raise SkipTest(f"{entry.spelling} cannot be opened here: {error}") from None


@contextmanager
def _offline() -> Iterator[None]:
    """No names are looked up, so that nothing is downloaded."""

    def refused(*arguments: object, **keywords: object) -> Any:
        raise socket.gaierror("the conformance suite downloads nothing")

    found = socket.getaddrinfo
    socket.getaddrinfo = refused
    try:
        yield
    finally:
        socket.getaddrinfo = found


def check_augment(entry: Entry) -> None:
    """What the critic sees has the images' shape."""
    for x, seen in _augmented(entry):
        expect(seen.shape == x.shape, entry, f"keeps the shape {tuple(x.shape)}, not {tuple(seen.shape)}")
        expect(torch.isfinite(seen).all(), entry, "its images are finite")


def check_augment_learns(entry: Entry) -> None:
    """Gradients go through it."""
    for x, seen in _augmented(entry):
        (slope,) = torch.autograd.grad(seen.square().sum(), x, allow_unused=True)
        expect(slope is not None and slope.any(), entry, "gradients go through it, or G could not learn")


def _augmented(entry: Entry) -> Iterator[tuple[Tensor, Tensor]]:
    """Images, and what each variant makes of them."""
    for options in variants(entry):
        part = entry.load()(**options)
        if hasattr(part, "images"):
            ctx = sample_context("d", lambda x: x.flatten(1).mean(1))
            x = ctx.real.clone().requires_grad_()
            yield x, part.images(x, ctx)
