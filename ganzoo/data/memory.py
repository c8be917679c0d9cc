"""Data that is in Python already: a tensor of images, or a torch data set."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.collect import Pictures, collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData
from ganzoo.data.images import MemoryImages
from ganzoo.errors import DataError


def to_picture(value: Any) -> Image.Image:
    """A PIL image of a PIL image, an array ``(H, W[, C])`` or tensor ``([C,] H, W)``, uint8 or float in [0, 1].

    Raises:
        ValueError: of another type, shape or range.
    """
    if isinstance(value, Image.Image):
        return value.copy()  # the caller closes what it is given, and a data set may hand out one image twice
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
        value = value.transpose(1, 2, 0) if value.ndim == 3 else value
    if not isinstance(value, np.ndarray):
        raise ValueError(f"an image is a PIL image, a tensor or an array, not a {type(value).__name__}")
    if value.ndim == 3 and value.shape[2] == 1:
        value = value[:, :, 0]
    if value.ndim not in (2, 3) or (value.ndim == 3 and value.shape[2] not in (3, 4)):
        raise ValueError(f"an image of shape {tuple(value.shape)} is neither grey nor RGB nor RGBA")
    if np.issubdtype(value.dtype, np.floating):
        if not (np.isfinite(value).all() and value.min() >= 0 and value.max() <= 1):
            raise ValueError("floating-point images must be in [0, 1]")
        value = (value * 255).round().astype(np.uint8)
    if value.dtype != np.uint8:
        raise ValueError(f"images are uint8, or float in [0, 1], not {value.dtype}")
    return Image.fromarray(np.ascontiguousarray(value))


def tensor_data(images: Tensor, request: DataRequest, name: str = "tensor") -> ImageData:
    """A uint8 tensor ``(N, C, H, W)`` with C 1 or 3; used without a copy when nothing has to be resized.

    Raises:
        DataError: of another type or shape.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            f"a tensor of images is uint8 of shape (N, 1 or 3, H, W), not {images.dtype} of shape "
            f"{tuple(images.shape)}; from floats in [-1, 1]: ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)"
        )
    _, channels, height, width = images.shape
    wanted = (request.channels or channels, request.resolution or height, request.resolution or width)
    if height == width and wanted == (channels, height, width):
        return ImageData(name=name, images=MemoryImages(images.detach().cpu()))
    return collect_pictures(ItemPictures(images, name), request, name=name)


class ItemPictures(Pictures):
    """Pictures out of anything with ``len`` and ``[]``; an item is an image, or a pair of image and label."""

    def __init__(self, items: Any, where: str, labels: list[int] | None = None, names: tuple[str, ...] = ()) -> None:
        self.items = items
        super().__init__(where, [f"{where}[{index}]" for index in range(len(items))], labels, names)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        item = self.items[index]
        return to_picture(item[0] if isinstance(item, tuple | list) else item)


def _label(value: Any, where: str) -> int:
    if isinstance(value, Tensor | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DataError(f"{where} has a label {value!r}; labels are class numbers from 0")
    return value


def _labels(items: Any, where: str) -> list[int] | None:
    """From the attribute ``targets`` or ``labels`` where the data set has one per item, else from the items."""
    first = items[0]
    if not isinstance(first, tuple | list) or len(first) < 2 or first[1] is None:
        return None
    for attribute in ("targets", "labels"):
        values = getattr(items, attribute, None)
        if isinstance(values, Sized) and len(values) == len(items):
            return [_label(value, where) for value in values]  # type: ignore[attr-defined]
    return [_label(items[index][1], where) for index in range(len(items))]


def dataset_data(items: Any, request: DataRequest) -> ImageData:
    """A torch data set with ``len``, whose items are images or pairs of an image and a class number.

    Images are PIL images, or tensors ``(C, H, W)``, uint8 or float in [0, 1]. Each item is read once while images fit
    into memory, so a random transform in the data set is frozen.

    Raises:
        DataError: an item is neither, or a label is not a class number.
    """
    where = type(items).__name__
    if len(items) < 2:
        raise DataError(f"{where} has {len(items)} images; a GAN needs two at least, and learns from thousands")
    labels = _labels(items, where)
    names = tuple(getattr(items, "classes", ()) or ())
    count = max(labels, default=-1) + 1 if labels else 0
    if labels and len(names) < count:
        names = tuple(str(number) for number in range(count))
    return collect_pictures(ItemPictures(items, where, labels, tuple(map(str, names))), request, name=where)
