"""The digits that come with scikit-learn: real data with no download."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ganzoo.data.dataset import DataRequest, ImageData, choose_split, no_argument
from ganzoo.data.images import MemoryImages
from ganzoo.registry.sizes import height_width

STEPS = 500  # about a minute on two cores
"""Suggested length of training."""

_HELD_OUT = 5  # every fifth picture is for testing
_LICENCE = "CC BY 4.0: Alpaydin & Kaynak 1998, UCI optical recognition of handwritten digits"


def _enlarge(picture: np.ndarray, resolution: int, white: int) -> np.ndarray:
    """0..16 at 8x8 to 0..``white`` at ``resolution``, bicubic when it grows, in floating point until the end."""
    image = Image.fromarray((picture * (white / 16)).astype(np.float32))
    kernel = Image.Resampling.LANCZOS if resolution < 8 else Image.Resampling.BICUBIC
    values = np.asarray(image.resize((resolution, resolution), kernel)).round().clip(0, white)
    return values.astype(np.uint8 if white == 255 else np.uint16)


def digits(argument: str, request: DataRequest) -> ImageData:
    """Handwritten digits of scikit-learn, 8x8 grey, ten classes, shown at 32x32; embedded, no download.

    Of the 1,797 pictures every fifth is held out: 1,438 to train with, 359 to test with (splits ``train``, ``test``,
    ``all``). White ink on black. Not mirrored: a mirrored digit is not a digit.
    """
    from sklearn.datasets import load_digits

    no_argument("digits", argument)
    split = choose_split("digits", request.split, ("train", "test", "all"))
    data = load_digits()
    held_out = np.arange(len(data.target)) % _HELD_OUT == _HELD_OUT - 1
    chosen = {"train": ~held_out, "test": held_out, "all": np.full_like(held_out, True)}[split]
    height, width = height_width(request.size or 32)
    side, bits = min(height, width), request.bits or 8
    drawn = np.stack([_enlarge(picture, side, 2**bits - 1) for picture in data.images[chosen]])
    above, left = (height - side) // 2, (width - side) // 2  # what is not square has black on two sides
    beside = ((0, 0), (above, height - side - above), (left, width - side - left))
    pixels = torch.from_numpy(np.pad(drawn, beside))[:, None]
    return ImageData(
        name="digits",
        images=MemoryImages(pixels.repeat(1, request.channels or 1, 1, 1)),
        labels=torch.from_numpy(data.target[chosen].astype(np.int64)),
        class_names=tuple("0123456789"),
        licence=_LICENCE,
        native=(8, 8),
        steps=STEPS,
        bits=bits,
    )
