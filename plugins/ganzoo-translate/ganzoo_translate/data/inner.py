"""The data that a data set is made from: choosing from it, and making pictures of its pictures."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from ganzoo.data import Images, MemoryImages, progress_bar

Derive = Callable[[Tensor, Tensor], Tensor]
"""From images uint8 ``(B, C, R, R)`` and their numbers ``(B,)`` to other images, uint8 ``(B, C, R, R)``."""

BLOCK = 256  # images that are made at once


def fingerprint_of(made: str, *fingerprints: str) -> str:
    """The fingerprint of what is made in a stated way of data with these fingerprints."""
    # Of the cheapest kind among them: asked for it again, the others give theirs of that kind too.
    kinds = {one.partition(":")[0] for one in fingerprints}
    kind = next((cheap for cheap in ("listing-sha256", "files-sha256") if cheap in kinds), "sha256")
    return f"{kind}:{sha256(repr((made, *fingerprints)).encode()).hexdigest()}"


class ChosenImages:
    """Some of the images of a set, in an order.

    Args:
        images: the set.
        rows: which, int64 ``(M,)``.
    """

    def __init__(self, images: Images, rows: Tensor) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(M, C, H, W)``."""
        _, c, h, w = self.images.shape
        return len(self.rows), c, h, w

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`ganzoo.data.Images.fetch`."""
        return self.images.fetch(self.rows[indices])


def chosen(images: Images, rows: Tensor) -> Images:
    """Some of the images of a set, in memory where it is."""
    return MemoryImages(images.pixels[rows]) if isinstance(images, MemoryImages) else ChosenImages(images, rows)


class DerivedImages:
    """Images made of others each time they are fetched.

    Args:
        images: the others.
        derive: makes them.
    """

    def __init__(self, images: Images, derive: Derive) -> None:
        self.images, self.derive = images, derive

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, C, H, W)``."""
        return self.images.shape

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`ganzoo.data.Images.fetch`."""
        return self.derive(self.images.fetch(indices), indices)


def derived(images: Images, derive: Derive, memory: int, what: str) -> Images:
    """Images made of others: once, where these are in memory and both fit there; else each time they are fetched.

    Args:
        images: the others.
        derive: makes them.
        memory: bytes that both may take.
        what: is done, for the progress shown.
    """
    lazy = DerivedImages(images, derive)
    if not isinstance(images, MemoryImages) or 2 * images.pixels.nbytes > memory:
        return lazy
    pixels = torch.empty_like(images.pixels)
    with progress_bar(what, len(pixels)) as advance:
        for rows in torch.arange(len(pixels)).split(BLOCK):
            pixels[rows] = lazy.fetch(rows)
            advance(len(rows))
    return MemoryImages(pixels)


def pictures(images: Tensor) -> list[np.ndarray]:
    """Images uint8 ``(B, C, R, R)`` as OpenCV takes them: ``(R, R)`` grey or ``(R, R, 3)``."""
    return [
        np.ascontiguousarray(one[..., 0] if one.shape[2] == 1 else one) for one in images.permute(0, 2, 3, 1).numpy()
    ]


def images_of(pictures: list[np.ndarray], channels: int) -> Tensor:
    """Images uint8 ``(B, channels, R, R)`` of such pictures; a grey one becomes equal planes."""
    stacked = torch.from_numpy(np.stack(pictures))
    return stacked[:, None].repeat(1, channels, 1, 1) if stacked.ndim == 3 else stacked.permute(0, 3, 1, 2).contiguous()
