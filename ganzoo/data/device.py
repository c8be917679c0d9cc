"""A data set that lives on the device: uint8 images there, so that a step moves only the numbers of its images."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import torch
from torch import Tensor

from ganzoo.data.images import Images, MemoryImages
from ganzoo.data.stream import Stream

SHARE = 1 / 3  # of the device's free memory that the images may take; the rest is for the networks


class DeviceImages(MemoryImages):
    """Images held in the memory of a device.

    Args:
        pixels: uint8 ``(N, C, H, W)``; copied there.
        device: such as ``cuda``.
    """

    def __init__(self, pixels: Tensor, device: torch.device) -> None:
        super().__init__(pixels.to(device))

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`; the images stay on the device."""
        return super().fetch(indices.to(self.pixels.device))


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device; 0 on a CPU, whose data sets are there already, and where it cannot be told."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def resident(stream: Stream, device: torch.device, free: int | None = None) -> Stream:
    """The stream with all that it hands out moved to the device, where that is in memory and fits; the same batches.

    Args:
        stream: of a data set.
        device: that trains.
        free: bytes free there; asked of the device by default.
    """
    pictures = [*stream.pictures.values(), *stream.unpaired.values()]
    pixels = [images.pixels.nbytes for images in pictures if isinstance(images, MemoryImages)]
    room = SHARE * (free_memory(device) if free is None else free)
    return moved(stream, device) if len(pixels) == len(pictures) and sum(pixels) <= room else stream


def moved(stream: Stream, device: torch.device) -> Stream:
    """A stream that makes its batches on the device."""

    def there(columns: Mapping[str, Images]) -> dict[str, Images]:
        return {n: DeviceImages(i.pixels, device) for n, i in columns.items() if isinstance(i, MemoryImages)}

    other = copy(stream)
    other.pictures, other.unpaired = there(stream.pictures), there(stream.unpaired)
    other.tensors = {name: column.to(device) for name, column in stream.tensors.items()}
    other.followers = {name: column.to(device) for name, column in stream.followers.items()}
    return other
