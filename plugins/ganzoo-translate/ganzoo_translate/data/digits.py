"""Rendered digits to be refined, and real ones: simulated training on digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganzoo import DataError
from ganzoo.data import DataRequest, ImageData, MemoryImages, derive, fingerprint, open_inner, progress_bar
from ganzoo_translate.data.fonts import DIGITS, Font, fonts, glyph
from ganzoo_translate.data.inner import fingerprint_of

MOST = 10_000  # rendered digits
ANGLE = 15.0  # degrees, either way
HEIGHT = (0.55, 0.8)  # of a digit, in sides of the image
SHIFT = 0.08  # of a digit, in sides of the image, either way
SEEDS = {"train": 0, "all": 0}  # other splits have other digits
OTHER = 1
FINE = 3  # times the size that digits are drawn at


def rendered_digits(argument: str, request: DataRequest) -> ImageData:
    """Digits rendered from the fonts of Pillow and matplotlib, to be refined towards real ones: rendered-digits:mnist.

    Sources are turned, scaled and shifted at random, without noise, and come with their label (source_label). Images
    are the real digits of SOURCE, such as mnist, and keep their labels; the two are no pairs.
    """
    inner = open_inner(argument, request, "rendered-digits")
    count, seed = min(inner.count, MOST), SEEDS.get(request.split, OTHER)
    pixels, labels = render(count, inner.resolution, seed)
    source = MemoryImages(pixels.repeat(1, inner.channels, 1, 1))
    return replace(
        inner,
        name=f"rendered-digits:{inner.name}",
        licence=f"{inner.licence}; sources rendered from fonts that Pillow and matplotlib bring",
        fingerprint=fingerprint_of("rendered-digits", inner.fingerprint, fingerprint(source, labels)),
        paired={},
        unpaired={"source": source, "source_label": labels},
    )


def render(count: int, side: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Digits white on black: uint8 ``(count, 1, side, side)`` and labels int64 ``(count,)``, 0 to 9 in turn.

    Digit k depends on the seed and on k.

    Raises:
        DataError: no font has digits; Pillow's own needs its FreeType support.
    """
    found = fonts(FINE * side)
    if not found:
        raise DataError("no font with digits is here; pip install --force-reinstall pillow brings one")
    pixels = torch.empty(count, 1, side, side, dtype=torch.uint8)
    with progress_bar("rendering digits", count) as advance:
        for index in range(count):
            rng = np.random.default_rng(derive(seed, index))
            font = found[int(rng.integers(len(found)))]
            pixels[index, 0] = torch.from_numpy(digit(font, DIGITS[index % len(DIGITS)], side, rng))
            advance(1)
    return pixels, torch.arange(count) % len(DIGITS)


def digit(font: Font, text: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """One digit, uint8 ``(side, side)``, turned, scaled and shifted at random."""
    ink = Image.fromarray(glyph(font, text, FINE * side))
    box = ink.getbbox() or (0, 0, *ink.size)
    turned = ink.crop(box).rotate(rng.uniform(-ANGLE, ANGLE), Image.Resampling.BICUBIC, expand=True)
    height = rng.uniform(*HEIGHT) * side
    factor = min(height / (box[3] - box[1]), 0.95 * side / max(turned.size))
    size = [max(1, round(length * factor)) for length in turned.size]
    page = Image.new("L", (side, side))
    room = [side - length for length in size]
    moved = [round(free / 2 + rng.uniform(-SHIFT, SHIFT) * side) for free in room]
    place = [min(max(0, at), free) for at, free in zip(moved, room, strict=True)]
    page.paste(turned.resize((size[0], size[1]), Image.Resampling.LANCZOS), (place[0], place[1]))
    return np.array(page)
