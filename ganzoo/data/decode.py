"""From an encoded picture to uint8 planes: orientation, palettes, transparency, depth, size.

The choices, which fingerprints depend on: transparency is laid on white; 16-bit grey keeps its high byte (rounded);
a picture is cropped to its central square and then resized, with Lanczos when it shrinks (its support grows with the
factor, so it antialiases) and bicubic when it grows; grey to RGB repeats the plane, RGB to grey is ITU-R 601 luma.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganzoo.errors import DataError
from ganzoo.files.untrusted import quoted

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
MAX_PIXELS = 64 * 2**20
"""A picture that claims more is refused before it is decoded (decompression bombs)."""

UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError),
    *(RuntimeError, struct.error, zlib.error, zipfile.BadZipFile, Image.DecompressionBombError),
)
"""What readers of broken files raise."""

_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"})


def open_picture(file: Path | IO[bytes]) -> Image.Image:
    """Read the header of a picture in one of :data:`FORMATS`; nothing else is ever tried.

    Raises:
        ValueError: more than :data:`MAX_PIXELS`; or another of :data:`UNREADABLE`.
    """
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}x{image.height} is more than {MAX_PIXELS >> 20} million pixels")
    return image


def why(error: BaseException) -> str:
    """The reason a picture could not be read, in one line."""
    if isinstance(error, UnidentifiedImageError):
        return "not a picture in a format that ganzoo reads (png jpg webp bmp tif gif)"
    if isinstance(error, KeyError) or not str(error):
        return f"broken file ({type(error).__name__} {error})"
    return " ".join(str(error).split())


def is_grey(image: Image.Image) -> bool:
    """Whether the stored picture has no colour, by its mode; a palette of greys counts."""
    if image.mode != "P":
        return image.mode in _GREY
    palette = np.asarray(image.getpalette("RGB") or [0, 1, 2], dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _from_16_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ValueError("32-bit values outside 0..65535 have no agreed range; save it with 8 or 16 bits")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def plain(image: Image.Image) -> Image.Image:
    """The picture decoded: upright, 8 bits, mode ``L`` or ``RGB``, transparency on white.

    Raises:
        ValueError: its pixels have no agreed range; or another of :data:`UNREADABLE`, for a file that is broken.
    """
    image.load()
    if "exif" in image.info:
        image = ImageOps.exif_transpose(image)
    grey = is_grey(image)
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        image = _from_16_bits(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    wanted = "L" if grey else "RGB"
    return image if image.mode == wanted else image.convert(wanted)


def read_picture(path: Path, what: str = "the picture") -> Image.Image:
    """The picture in a file, decoded as :func:`plain` does it: mode ``L`` where the file has no colour, else ``RGB``.

    Args:
        path: of a png, jpg, webp, bmp, tif or gif.
        what: what the message calls it.

    Raises:
        DataError: the file cannot be read, is no such picture, or claims more than 64 million pixels.
    """
    try:
        with open_picture(path) as image:
            return plain(image)
    except UNREADABLE as error:
        raise DataError(f"{what} {quoted(path)} cannot be read: {why(error)}") from error


def square(image: Image.Image, resolution: int) -> Image.Image:
    """The central square of a decoded picture, resized to ``resolution``."""
    if image.size == (resolution, resolution):
        return image
    side = min(image.size)
    if image.width != image.height:
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    kernel = Image.Resampling.LANCZOS if side > resolution else Image.Resampling.BICUBIC
    return image.resize((resolution, resolution), kernel)


def planes(image: Image.Image, resolution: int, channels: int) -> np.ndarray:
    """Decode a picture to uint8 ``(channels, resolution, resolution)``: its central square, resized.

    Args:
        image: opened, decoded or not.
        resolution: side of the result in pixels.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        ValueError: as :func:`plain` does.
    """
    image = square(plain(image), resolution)
    wanted = "L" if channels == 1 else "RGB"
    pixels = np.asarray(image if image.mode == wanted else image.convert(wanted))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
