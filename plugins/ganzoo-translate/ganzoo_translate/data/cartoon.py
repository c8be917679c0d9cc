"""Photos, and other photos made into cartoons by filters: a stand-in for drawn frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor

from ganzoo import DataError
from ganzoo.data import DataRequest, ImageData, open_inner
from ganzoo_translate.data.inner import chosen, derived, fingerprint_of, images_of, pictures

VERSION = 1  # raised when cartoons come out otherwise
LEVELS = 8  # of each colour
ROUNDS = 3  # of smoothing
SMOOTH = 40.0  # differences of brightness, in 255, that smoothing takes for shading
DARK = 14  # how much darker than its surroundings a line is, in 255


def cartoon(argument: str, request: DataRequest) -> ImageData:
    """Photos and cartoons without pairs: cartoon:SOURCE makes every second photo of SOURCE into a cartoon by filters.

    No drawn frames: bilateral smoothing, few colours, dark edges (OpenCV), a stand-in for them. Photos with even
    numbers are the sources, those with odd ones become cartoons, so none is on both sides.
    """
    inner = open_inner(argument, request, "cartoon")
    if inner.count < 4:
        raise DataError(f"{inner.name} has {inner.count} images; cartoon:SOURCE needs two photos and two to cartoonise")
    even, odd = torch.arange(0, inner.count, 2), torch.arange(1, inner.count, 2)
    name = f"cartoon:{inner.name}"
    return replace(
        inner,
        name=name,
        images=derived(chosen(inner.images, odd), cartoonised, request.memory, f"drawing {name}"),
        labels=None if inner.labels is None else inner.labels[odd],
        licence=f"{inner.licence}; cartoons are such photos after filters (smooth, few colours, dark edges), not drawn",
        fingerprint=fingerprint_of(f"cartoon {VERSION}", inner.fingerprint),
        paired={},
        unpaired={"source": chosen(inner.images, even)},
    )


def cartoonised(images: Tensor, numbers: Tensor) -> Tensor:
    """Images uint8 ``(B, C, R, R)`` as cartoons: smooth areas of few colours, with dark lines between them."""
    return images_of([_drawn(picture) for picture in pictures(images)], images.shape[1])


def _drawn(picture: np.ndarray) -> np.ndarray:
    """One picture, ``(R, R)`` or ``(R, R, 3)``."""
    reach = max(5, picture.shape[0] // 16 | 1)
    smooth = picture
    for _ in range(ROUNDS):
        smooth = cv2.bilateralFilter(smooth, reach, SMOOTH, reach)
    step = 255 / (LEVELS - 1)
    few = (np.round(smooth / step) * step).round().astype(np.uint8)
    brightness = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY) if smooth.ndim == 3 else smooth
    brightness = cv2.medianBlur(brightness, 3)
    paper = cv2.adaptiveThreshold(brightness, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, reach | 1, DARK)
    return np.where((paper if few.ndim == 2 else paper[..., None]) == 0, few // 4, few)
