"""Pictures to translate from, made of the pictures to translate to: grey, edges, a hole, few pixels.

Each takes images uint8 ``(B, C, R, R)`` and their numbers ``(B,)`` and gives images of the same shape. Images of one
number always come out alike.
"""

from __future__ import annotations

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.data import derive
from ganzoo_translate.data.inner import images_of, pictures

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601
SLOPES = (80, 160)  # Canny's thresholds: an edge begins above the second and goes on above the first
HOLE = 3 / 8  # of the side
GREY = 128  # the colour of a hole: zero, once pixels are in [-1, 1]
FEWER = 4  # times as few pixels on a side


def gray(images: Tensor, numbers: Tensor) -> Tensor:
    """Brightness without colour, as three equal planes; what is to be learnt is to colour it."""
    weights = torch.tensor(LUMA).view(1, 3, 1, 1)
    return (images.float() * weights).sum(1, keepdim=True).round().clamp(0, 255).byte().repeat(1, 3, 1, 1)


def edges(images: Tensor, numbers: Tensor) -> Tensor:
    """Black lines on white where brightness jumps: Canny's edges, after a slight blur."""
    found = []
    for picture in pictures(images):
        brightness = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture
        found.append(255 - cv2.Canny(cv2.GaussianBlur(brightness, (3, 3), 0), *SLOPES))
    return images_of(found, images.shape[1])


def inpaint(images: Tensor, numbers: Tensor) -> Tensor:
    """The picture with a grey square hole of three eighths of its side; its place depends on the picture's number."""
    side = images.shape[-1]
    hole = max(1, round(side * HOLE))
    holed = images.clone()
    for picture, number in zip(holed, numbers.tolist(), strict=True):
        top, left = divmod(derive(number), side - hole + 1)
        top %= side - hole + 1
        picture[:, top : top + hole, left : left + hole] = GREY
    return holed


def downscale(images: Tensor, numbers: Tensor) -> Tensor:
    """The picture at a quarter of its size, each pixel the mean of what it covers, enlarged again (bicubic)."""
    side = images.shape[-1]
    small = F.interpolate(images.float(), size=max(1, side // FEWER), mode="area")
    return F.interpolate(small, size=side, mode="bicubic", align_corners=False).round().clamp(0, 255).byte()
