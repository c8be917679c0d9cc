"""A data set in the memory of a GPU, as uint8: a step then sends the numbers of its images, not the images.

For small images the copy from the host costs more than the arithmetic of a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import torch
from torch import Tensor

from ganzoo.data.images import Images, MemoryImages
from ganzoo.data.stream import Stream

SHARE = 1 / 3  # of the device's free memory that the images may take; the rest is for the networks


class DeviceImages(MemoryImages):
    """Images held in the memory of a device, fetched and made float there.

    Args:
        pixels: uint8 or uint16 ``(N, C, H, W)``; copied there.
        device: such as ``cuda``.
    """

    def __init__(self, pixels: Tensor, device: torch.device) -> None:
        super().__init__(pixels.to(device))

    def fetch(self, indices: Tensor) -> Tensor:
        """See :meth:`Images.fetch`; the images stay on the device."""
        return super().fetch(indices.to(self.pixels.device, non_blocking=True))


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device; 0 on a CPU, whose data sets are there already, and on other devices."""
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
    # All or nothing, as a batch is made in one place.
    return moved(stream, device) if len(pixels) == len(pictures) and sum(pixels) <= room else stream


def moved(stream: Stream, device: torch.device) -> Stream:
    """A copy of a stream whose images and tensors lie on ``device``, where it makes its batches."""

    def there(columns: Mapping[str, Images]) -> dict[str, Images]:
        return {n: DeviceImages(i.pixels, device) for n, i in columns.items() if isinstance(i, MemoryImages)}

    other = copy(stream)  # shallow: seeds, orders and rows are the same, so the batches are too
    other.pictures, other.unpaired = there(stream.pictures), there(stream.unpaired)
    other.tensors = {name: column.to(device) for name, column in stream.tensors.items()}
    other.followers = {name: column.to(device) for name, column in stream.followers.items()}
    return other
