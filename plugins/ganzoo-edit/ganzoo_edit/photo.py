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
        crop: take the middle of a photo that is not square.

    Returns:
        Bytes ``(C, H, W)`` and a line for each change, such as "resized from 640x640 to 32x32".

    Raises:
        UsageError: there is no such file, or the photo is not square and ``crop`` is not asked for.
        DataError: the file is no picture that can be read.
    """
    if not path.is_file():
        what = "is a folder; give one picture" if path.is_dir() else "is not there"
        raise UsageError(f"the photo {quoted(path)} {what}")
    channels, resolution = size[0], size[2]
    if channels not in (1, 3):
        raise UsageError(f"the model's images have {channels} channels, and photos have 1 or 3")
    image = read_picture(path, "the photo")
    shape = f"{image.width}x{image.height}"
    if image.width != image.height and not crop:
        raise UsageError(f"the photo is {shape} and the model draws squares: add --crop to take its middle square")
    notes = []
    if image.width != image.height:
        notes.append(f"cropped from {shape} to its middle square")
    if min(image.size) != resolution:
        notes.append(f"resized from {min(image.size)}x{min(image.size)} to {resolution}x{resolution}")
    if channels == 1 and image.mode != "L":
        notes.append("made grey, as the model's images are")
    return torch.from_numpy(planes(image, resolution, channels).copy()), notes
