"""Reading the photo that is to be found among the images of a generator."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ganzoo import UsageError
from ganzoo.cli.kit import quoted
from ganzoo.data import planes, read_picture


def read_photo(path: Path, size: tuple[int, int, int], crop: bool = False) -> tuple[Tensor, list[str]]:
    """A photo as the model would have drawn it, and what had to be done to it.

    Args:
        path: of a picture in any format that Pillow reads by itself.
        size: channels, height and width of the model's images.
        crop: take the middle of a photo of other proportions.

    Returns:
        Bytes ``(C, H, W)`` and a line for each change, such as "resized from 640x640 to 32x32".

    Raises:
        UsageError: there is no such file, or the photo has other proportions than the model's images, and ``crop`` is
            not asked for.
        DataError: the file is no picture that can be read.
    """
    if not path.is_file():
        what = "is a folder; give one picture" if path.is_dir() else "is not there"
        raise UsageError(f"the photo {quoted(path)} {what}")
    channels, height, width = size
    if channels not in (1, 3, 4):
        raise UsageError(f"the model's images have {channels} channels, and photos have 1, 3 or 4")
    image = read_picture(path, "the photo", alpha=channels == 4)
    shape, wanted = f"{image.width}x{image.height}", f"{width}x{height}"
    fits = image.width * height == image.height * width
    if not fits and not crop:
        what, middle = ("squares", "its middle square") if height == width else (wanted, "its middle")
        raise UsageError(f"the photo is {shape} and the model draws {what}: add --crop to take {middle}")
    scale = min(image.width / width, image.height / height)
    part = f"{round(scale * width)}x{round(scale * height)}"
    notes = []
    if not fits:
        notes.append(f"cropped from {shape} to its middle{' square' if height == width else ''}")
    if part != wanted:
        notes.append(f"resized from {part} to {wanted}")
    if channels == 1 and image.mode != "L":
        notes.append("made grey, as the model's images are")
    return torch.from_numpy(planes(image, (height, width), channels).copy()), notes
