"""From an encoded picture to uint8 planes: orientation, palettes, transparency, depth, size.

The choices, which fingerprints depend on: transparency is laid on white, unless four channels are asked for; 16-bit
grey keeps its high byte (rounded) where 8 bits are asked for; a picture is cropped to its central square (or to the
proportions that are asked for) and then resized, with Lanczos when it shrinks (its support grows with the
factor, so it antialiases) and bicubic when it grows; grey to RGB repeats the plane, RGB to grey is ITU-R 601 luma.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ganzoo.data.formats import SHOWN, USUAL, open_any
from ganzoo.errors import DataError
from ganzoo.files.untrusted import quoted
from ganzoo.gan.inputs import MODES
from ganzoo.registry.requirements import missing_package
from ganzoo.registry.sizes import Size, height_width, size_text

MAX_PIXELS = 64 * 2**20
"""A picture that claims more is refused before it is decoded (decompression bombs)."""

UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError),
    *(RuntimeError, struct.error, zlib.error, zipfile.BadZipFile, Image.DecompressionBombError),
)
"""What readers of broken files raise."""

_DEEP = re.compile(r"(RGB|LA)\w?;16")  # how Pillow calls what it is going to read with 8 bits
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and those of its values that swap height and width
_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"})


def open_picture(file: Path | IO[bytes], name: str = "", trusted: bool = True) -> Image.Image:
    """Read the header of a picture in one of the formats of :mod:`ganzoo.data.formats`; nothing else is ever tried.

    Args:
        file: where it is.
        name: of the file, where ``file`` has no path.
        trusted: whether its owner chose it; of others the usual formats alone are read.

    Raises:
        ValueError: more than :data:`MAX_PIXELS`, or no regular file; or another of :data:`UNREADABLE`.
    """
    if isinstance(file, Path) and not stat.S_ISREG(file.stat().st_mode):  # opening a pipe would wait for ever
        raise ValueError("it is no regular file")
    image = open_any(file, name) if trusted else Image.open(file, formats=tuple(USUAL))
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ValueError(f"{image.width}x{image.height} is more than {MAX_PIXELS >> 20} million pixels")
    return image


def why(error: BaseException) -> str:
    """The reason a picture or a data set could not be read, in one line."""
    needed = missing_package(error)
    if needed is not None:
        return needed
    if isinstance(error, UnidentifiedImageError):
        return f"not a picture in a format that ganzoo reads ({SHOWN})"
    if isinstance(error, KeyError) or not str(error):
        return f"broken file ({type(error).__name__} {error})"
    return " ".join(str(error).split())


def is_grey(image: Image.Image) -> bool:
    """Whether the stored picture has no colour, by its mode; a palette of greys counts."""
    if image.mode != "P":
        return image.mode in _GREY
    palette = np.asarray(image.getpalette("RGB") or [0, 1, 2], dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def is_deep(image: Image.Image) -> bool:
    """Whether a picture, opened but not decoded, stores 16 bits or more of each value."""
    return image.mode.startswith("I") or any(_DEEP.match(_raw_mode(tile.args)) for tile in _tiles(image))


def _tiles(image: Image.Image) -> list[Any]:
    """How the pixels lie in the file of a picture that is open; nothing for one that comes from elsewhere."""
    return image.tile if isinstance(image, ImageFile.ImageFile) else []


def _raw_mode(arguments: Any) -> str:
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def values_of_16_bits(image: Image.Image) -> np.ndarray:
    """The values of a decoded grey picture, uint16 ``(height, width)``.

    Raises:
        ValueError: some are beyond 16 bits.
    """
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ValueError("32-bit values outside 0..65535 have no agreed range; save it with 8 or 16 bits")
    return values.astype(np.uint16)


def _from_16_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(((values_of_16_bits(image).astype(np.int64) + 128) // 257).astype(np.uint8))


def with_alpha(image: Image.Image) -> Image.Image:
    """The picture decoded: upright, 8 bits, mode ``RGBA``; what has no transparency is opaque.

    Raises:
        ValueError: as :func:`plain` does.
    """
    image.load()
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        upright = ImageOps.exif_transpose(image) if "exif" in image.info else image
        return upright.convert("RGBA")
    return plain(image).convert("RGBA")


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


def read_picture(path: Path, what: str = "the picture", alpha: bool = False) -> Image.Image:
    """The picture in a file, decoded as :func:`plain` does it: mode ``L`` where the file has no colour, else ``RGB``.

    Args:
        path: of a picture in any format that Pillow reads by itself.
        what: what the message calls it.
        alpha: keep what is transparent: the mode is ``RGBA``.

    Raises:
        DataError: the file cannot be read, is no such picture, or claims more than 64 million pixels.
    """
    try:
        with open_picture(path) as image:
            return with_alpha(image) if alpha else plain(image)
    except UNREADABLE as error:
        raise DataError(f"{what} {quoted(path)} cannot be read: {why(error)}") from error


def central(shape: tuple[int, int], size: Size) -> tuple[int, int]:
    """Height and width of the part of a picture of ``shape`` (height, width) that has the proportions of ``size``.

    The part is as wide or as high as the picture, whichever is less of it; for a square, the shorter side.
    """
    height, width = height_width(size)
    if shape == (height, width):
        return shape
    across = min(shape[1], max(1, round(shape[0] * width / height)))
    return min(shape[0], max(1, round(shape[1] * height / width))), across


def upright(image: Image.Image) -> tuple[int, int]:
    """Height and width of a picture that is open, as it is shown: cameras store it turned, and say so."""
    turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) in _TURNED
    return (image.width, image.height) if turned else (image.height, image.width)


def cropped(where: str, parts: Mapping[str, tuple[int, int]], total: int, size: Size) -> str:
    """A sentence about the pictures of which the edges are cut off; empty where there are none.

    Args:
        where: what the message calls the data.
        parts: height and width of these pictures, by name.
        total: pictures that there are, these among them.
        size: of the images.
    """
    if not parts:
        return ""
    name = min(parts)
    height, width = parts[name]
    to = "middle square" if isinstance(size, int) else f"middle of the proportions {size_text(size)}"
    its = "its" if len(parts) == 1 else "their"
    what = f"{len(parts):,} of {total:,} pictures" if total > 1 else "the picture"
    return f"{where}: {what} cropped to {its} {to}, such as {quoted(name)} of {width}x{height} pixels"


def cut(image: Image.Image, size: Size) -> Image.Image:
    """The largest central part of a decoded picture that has the proportions of ``size``, resized to it."""
    height, width = height_width(size)
    if image.size == (width, height):
        return image
    down, across = central((image.height, image.width), size)
    if (across, down) != image.size:
        left, top = (image.width - across) // 2, (image.height - down) // 2
        image = image.crop((left, top, left + across, top + down))
    kernel = Image.Resampling.LANCZOS if down > height else Image.Resampling.BICUBIC
    return image.resize((width, height), kernel)


def planes(image: Image.Image, size: Size, channels: int, bits: int = 8) -> np.ndarray:
    """Decode a picture to uint8 or uint16 ``(channels, height, width)``: its central part, resized.

    Args:
        image: opened, decoded or not.
        size: of the result in pixels: the side of a square, or height and width.
        channels: 1 (grey), 3 (RGB, transparency on white) or 4 (RGBA).
        bits: of each value, 8 or 16. Pictures of 8 bits are spread over 16, as 255 becomes 65535.

    Raises:
        ValueError: as :func:`plain` does, and for 16 bits in colour, of which Pillow reads the high byte alone.
    """
    if bits == 16:
        return _planes_of_16_bits(image, size, channels)
    decoded = with_alpha(image) if channels == 4 else plain(image)
    return _stacked(cut(decoded, size), channels)


def _stacked(image: Image.Image, channels: int) -> np.ndarray:
    """Bytes ``(channels, height, width)`` of a decoded picture."""
    wanted = MODES[channels]
    pixels = np.asarray(image if image.mode == wanted else image.convert(wanted))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _planes_of_16_bits(image: Image.Image, size: Size, channels: int) -> np.ndarray:
    if is_deep(image) and not is_grey(image):
        raise ValueError(
            "Pillow reads colour of 16 bits with 8: train with --bits 8, or save all images as one .npy of uint16 "
            "(N, C, H, W)"
        )
    if not is_deep(image):
        return planes(image, size, channels).astype(np.uint16) * 257
    image.load()
    image = ImageOps.exif_transpose(image) if "exif" in image.info else image
    values = values_of_16_bits(image)
    if image.size != height_width(size)[::-1]:
        resized = np.asarray(cut(Image.fromarray(values.astype(np.float32)), size))
        values = resized.round().clip(0, 65535).astype(np.uint16)
    grey = values[None]
    opaque = [np.full_like(grey, 65535)] if channels == 4 else []
    return np.concatenate([grey] * min(channels, 3) + opaque)
