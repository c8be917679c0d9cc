"""Data that is in Python already: a tensor of images, or a torch data set."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.collect import collect_pictures
from ganzoo.data.dataset import DataRequest, ImageData
from ganzoo.data.decode import cut, why
from ganzoo.data.images import MemoryImages
from ganzoo.data.labels import Label, Labels, length, read_values, refuse_identifiers
from ganzoo.data.pictures import Pictures
from ganzoo.errors import DataError, counted
from ganzoo.registry.sizes import height_width, size_of

ARRAYS = ".npy"  # the suffix of a file of images that pictures cannot hold
MOST_CHANNELS = 64  # of images; more are channels last by mistake


def to_picture(value: Any) -> Image.Image:
    """A PIL image of a PIL image, an array ``(H, W[, C])`` or tensor ``([C,] H, W)``, uint8 or float in [0, 1];
    grey may be uint16.

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
            raise ValueError("floating-point images must be in [0, 1]: of [-1, 1], give (x + 1) / 2")
        value = (value * 255).round().astype(np.uint8)
    if value.dtype == np.uint16 and value.ndim == 3:
        raise ValueError("pictures hold 16 bits in grey alone: give all images at once, as a tensor (N, C, H, W)")
    if value.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"images are uint8, uint16 in grey, or float in [0, 1], not {value.dtype}")
    return Image.fromarray(np.ascontiguousarray(value))


def tensor_data(images: Tensor, request: DataRequest, name: str = "tensor") -> ImageData:
    """A tensor ``(N, C, H, W)``, uint8 or uint16, with any number of channels.

    It is used without a copy when nothing has to be resized or converted.

    Raises:
        DataError: of another type or shape, or with channels that cannot become those that are asked for.
    """
    shape = tuple(images.shape)
    if images.dtype not in (torch.uint8, torch.uint16) or not is_channels_first(shape):
        raise DataError(
            f"a tensor of images is uint8 or uint16 of shape (N, C, H, W), with 1, 3, 4 or more channels, not "
            f"{images.dtype} of shape {shape}; from floats in [-1, 1]: "
            "((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)"
        )
    bits = 16 if images.dtype == torch.uint16 else 8
    wanted = (request.channels or images.shape[1], *height_width(request.size or size_of(*images.shape[2:])))
    if wanted == images.shape[1:] and request.bits in (None, bits):
        return ImageData(name=name, images=MemoryImages(images.detach().cpu()), bits=bits)
    if bits == 8 and images.shape[1] in (1, 3):
        return collect_pictures(ItemPictures(images, name), request, name=name)
    return _converted(images.detach().cpu(), request, name)


def is_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether a shape is ``(N, C, H, W)`` with channels that images can have; ``(N, H, W, 3)`` is another."""
    if len(shape) != 4 or not all(shape[1:]):
        return False
    _, channels, _, width = shape
    return channels <= MOST_CHANNELS and channels != 2 and not channels > 4 >= width


def _converted(images: Tensor, request: DataRequest, name: str) -> ImageData:
    """Images that no picture could hold, such as those of 8 channels: each plane is cut and resized by itself."""
    channels = images.shape[1]
    if request.channels not in (None, channels):
        raise DataError(f"{name} has {channels} channels, and {request.channels} are asked for: choose them beforehand")
    bits, deep = request.bits or (16 if images.dtype == torch.uint16 else 8), images.dtype == torch.uint16
    top, given = 2**bits - 1, 65535 if deep else 255
    height, width = images.shape[2:]
    size = request.size or size_of(height, width)
    pixels = np.empty((len(images), channels, *height_width(size)), np.uint16 if bits == 16 else np.uint8)
    for index, image in enumerate(images.numpy()):
        for plane, values in enumerate(image):
            resized = np.asarray(cut(Image.fromarray(values.astype(np.float32)), size))
            pixels[index, plane] = (resized.astype(np.float64) * (top / given)).round().clip(0, top)
    return ImageData(name=name, images=MemoryImages(torch.from_numpy(pixels)), native=(height, width), bits=bits)


def array_file(path: Path, request: DataRequest) -> ImageData:
    """The images of a ``.npy`` file, uint8 or uint16 ``(N, C, H, W)``: what pictures cannot hold, such as 8 channels.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)  # copy on write: nothing can change the file
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {why(error)}; it is a .npy of images (N, C, H, W)") from error
    if not isinstance(array, np.ndarray) or array.dtype not in (np.uint8, np.uint16) or array.ndim != 4:
        has = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise DataError(f"{path} has {has}; a .npy of images is uint8 or uint16 of shape (N, C, H, W)")
    native = array.dtype.newbyteorder("=")
    return tensor_data(torch.from_numpy(np.asarray(array, native)), request, name=path.stem)


class ItemPictures(Pictures):
    """Pictures out of anything with ``len`` and ``[]``; an item is an image, or a pair of image and label."""

    def __init__(
        self,
        items: Any,
        where: str,
        labels: Sequence[Label] | None = None,
        names: tuple[str, ...] = (),
        label_kind: str = "class",
    ) -> None:
        self.items = items
        super().__init__(where, numbered(items, where), labels, names, label_kind)

    def read(self, index: int) -> Image.Image:
        """See :meth:`Pictures.read`."""
        item = self.items[index]
        return to_picture(item[0] if isinstance(item, tuple | list) else item)


class _Numbered(Sequence[str]):
    """``where[0]``, ``where[1]``, ...: written when somebody asks, as there may be a million."""

    def __init__(self, where: str, count: int) -> None:
        self.where, self.numbers = where, range(count)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """What the item of this number is called."""
        numbers = self.numbers[index]
        return f"{self.where}[{numbers}]" if isinstance(numbers, int) else [f"{self.where}[{n}]" for n in numbers]


def numbered(items: Any, where: str) -> Sequence[str]:
    """What messages call each item."""
    return _Numbered(where, len(items))


def _plain(value: Any) -> Any:
    """A label of a tensor or array as Python's own numbers, a list of them for a vector."""
    if isinstance(value, Tensor | np.generic | np.ndarray):
        numbers = value.tolist()
        return [float(number) for number in numbers] if np.ndim(value) == 1 else numbers
    return value


def _labels(items: Any, where: str, kind: str | None) -> Labels | None:
    """From the attribute ``targets`` or ``labels`` where the data set has one per item, else from the items.

    Their names are in the attribute ``classes``, their kind in ``label_kind``, where the data set has these.
    """
    first = items[0]
    if not isinstance(first, tuple | list) or len(first) < 2 or first[1] is None:
        return None
    for attribute in ("targets", "labels"):
        values = getattr(items, attribute, None)
        if isinstance(values, Sized) and len(values) == len(items):
            found = [_plain(value) for value in values]  # type: ignore[attr-defined]
            break
    else:
        found = [_plain(items[index][1]) for index in range(len(items))]
    said = kind or getattr(items, "label_kind", None)
    read, kind = read_values(
        found, said, numbered(items, where), where, "DataRequest(label_kind=) or the attribute label_kind:"
    )
    names, count = tuple(map(str, getattr(items, "classes", ()) or ())), length(read)
    if not names:
        refuse_identifiers(read, where, "give the data set the attribute classes, their names")
    if len(names) < count or (kind != "class" and len(names) != count):
        names = tuple(str(number) for number in range(count))
    return Labels(read, names, kind)


def dataset_data(items: Any, request: DataRequest) -> ImageData:
    """A torch data set with ``len``, whose items are images, or pairs of an image and a class number or label vector.

    Images are PIL images, or tensors ``(C, H, W)``, uint8 or float in [0, 1]. Each item is read once while images fit
    into memory, so a random transform in the data set is frozen. Label vectors of 0 and 1 are multilabel; of others
    the request, or the attribute ``label_kind`` of the data set, says what they are.

    Raises:
        DataError: an item is neither, or a label is neither a class number nor such a vector.
    """
    where = type(items).__name__
    if len(items) < 2:
        raise DataError(
            f"{where} has {counted(len(items), 'image')}; a GAN needs two at least, and learns from thousands"
        )
    labels = _labels(items, where, request.label_kind)
    known = (labels.values, labels.class_names, labels.kind) if labels else ()
    return collect_pictures(ItemPictures(items, where, *known), request, name=where)
