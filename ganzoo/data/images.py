"""Images that can be fetched by number: held in memory, or decoded each time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    """

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""
        n, c, h, w = self.pixels.shape
        return n, c, h, w

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`."""
        return selected(self.pixels, indices)


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
    """

    def __init__(
        self, shape: tuple[int, int, int, int], decode: Callable[[int], np.ndarray], workers: int = DECODERS
    ) -> None:
        self.shape = shape
        self._decode = decode
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="ganzoo-decode")

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`. Raises what decoding raises, naming the picture."""
        return torch.from_numpy(np.stack(list(self._pool.map(self._decode, indices.tolist()))))


class ChosenImages:
    """Some of other images, numbered anew, and fetched from there.

    Args:
        images: all of them.
        rows: int64 ``(N,)``, the numbers of those that are chosen.
    """

    def __init__(self, images: Images, rows: Tensor) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""
        return len(self.rows), *self.images.shape[1:]

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`."""
        return self.images.fetch(self.rows[indices])


def chosen(images: Images, rows: Tensor) -> Images:
    """Images ``rows`` (int64) of others: copied where these are in memory, so that a GPU can hold them."""
    if isinstance(images, MemoryImages):
        return MemoryImages(selected(images.pixels, rows))
    return ChosenImages(images, rows)
