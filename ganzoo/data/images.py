"""Images that can be fetched by number: held in memory, or decoded each time."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

DECODERS = max(2, min(8, os.cpu_count() or 2))  # threads: PIL lets go of the interpreter while it decodes and resizes


class Images(Protocol):
    """Images of one size that can be fetched by number: uint8, or uint16 for those of 16 bits."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""

    def fetch(self, indices: Tensor) -> Tensor:
        """Those numbered ``indices`` (int64, ``(B,)``) as uint8 or uint16 ``(B, C, H, W)``, in memory of their own."""


class MemoryImages:
    """Images held in memory.

    Args:
        pixels: uint8 or uint16 ``(N, C, H, W)``; not copied.
        runs: see :class:`LazyImages`: the order of batches does not depend on whether images fit in memory.
    """

    def __init__(self, pixels: Tensor, runs: Sequence[int] = ()) -> None:
        self.pixels, self.runs = pixels, tuple(runs)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""
        n, c, h, w = self.pixels.shape
        return n, c, h, w

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`."""
        return selected(self.pixels, indices)


class MappedImages(MemoryImages):
    """Images in a file that is mapped into memory: the system reads what is asked for, and forgets what it must."""


def selected(pixels: Tensor, rows: Tensor) -> Tensor:
    """The rows of uint8 or uint16 images; of the latter by their bits, as few devices can choose among such numbers."""
    if pixels.dtype is torch.uint16:
        return pixels.view(torch.int16).index_select(0, rows).view(torch.uint16)
    return pixels.index_select(0, rows)


class LazyImages:
    """Images decoded each time they are fetched, on a few threads, for sets larger than memory.

    Args:
        shape: ``(N, C, H, W)``.
        decode: the image of a number as uint8 or uint16 ``(C, H, W)``; called from several threads.
        workers: how many threads.
        runs: how many images lie one after another in each file that is best read in order; empty for none such.
    """

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        decode: Callable[[int], np.ndarray],
        workers: int = DECODERS,
        runs: Sequence[int] = (),
    ) -> None:
        self.shape, self.runs = shape, tuple(runs)
        self._decode, self._workers = decode, workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ganzoo-decode")

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`. Raises what decoding raises, naming the picture."""
        return torch.from_numpy(self._decoded(indices.tolist()))

    def _decoded(self, rows: list[int]) -> np.ndarray:
        """The images of these numbers, of which each thread decodes as many."""
        # One task per thread, as handing over a small picture takes about as long as decoding it.
        share = max(1, -(-len(rows) // self._workers))
        parts = [rows[start : start + share] for start in range(0, len(rows), share)]
        return np.stack([image for part in self._pool.map(self._some, parts) for image in part])

    def _some(self, rows: list[int]) -> list[np.ndarray]:
        return [self._decode(row) for row in rows]


class KeptImages(LazyImages):
    """Images decoded when they are fetched for the first time, and held in memory from then on.

    So a training starts at once, and is as fast as with all of them in memory when each has been seen.

    Args:
        shape, decode, workers, runs: see :class:`LazyImages`.
        bits: of each value, 8 or 16.
    """

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        decode: Callable[[int], np.ndarray],
        workers: int = DECODERS,
        runs: Sequence[int] = (),
        bits: int = 8,
    ) -> None:
        super().__init__(shape, decode, workers, runs)
        self._pixels = _untouched(shape, np.dtype(np.uint8 if bits == 8 else np.uint16))
        self._here = np.zeros(shape[0], bool)

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`. Raises what decoding raises, naming the picture."""
        rows = indices.numpy()
        missing = np.unique(rows[~self._here[rows]])
        if len(missing):
            self._pixels[missing] = self._decoded(missing.tolist())
            self._here[missing] = True  # after its pixels are there, as another thread may look at it now
        return selected(torch.from_numpy(self._pixels), indices)


class ChosenImages:
    """Some of other images, numbered anew, and fetched from there.

    Args:
        images: all of them.
        rows: int64 ``(N,)``, the numbers of those that are chosen.
    """

    def __init__(self, images: Images, rows: Tensor) -> None:
        self.images, self.rows = images, rows
        self.runs = _runs_among(runs_of(images), rows)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""
        return len(self.rows), *self.images.shape[1:]

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`."""
        return self.images.fetch(self.rows[indices])


def _untouched(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array that takes memory only where something is written to it."""
    room = mmap.mmap(-1, max(1, prod(shape) * dtype.itemsize))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        # With huge pages each image, wherever it lies, would take 2 MB, and the time to clear them.
        room.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(room, dtype, prod(shape)).reshape(shape)


def runs_of(images: Images) -> tuple[int, ...]:
    """How many images lie one after another in each file that is best read in order; empty for none such."""
    return images.runs if isinstance(images, MemoryImages | LazyImages | ChosenImages) else ()


def _runs_among(runs: Sequence[int], rows: Tensor) -> tuple[int, ...]:
    """How many of the images ``rows``, in rising order, are in each run; nothing of what is in another order."""
    if not runs or bool((rows[1:] < rows[:-1]).any()):
        return ()
    stops = torch.tensor(runs).cumsum(0)
    return tuple(torch.bincount(torch.bucketize(rows, stops, right=True), minlength=len(runs)).tolist())


def chosen(images: Images, rows: Tensor) -> Images:
    """Images ``rows`` (int64) of others: copied where these are in memory, so that a GPU can hold them."""
    if isinstance(images, MemoryImages) and not isinstance(images, MappedImages):
        return MemoryImages(selected(images.pixels, rows), _runs_among(images.runs, rows))
    return ChosenImages(images, rows)
