"""Which files are pictures: by what is in them, and by their names only where a format leaves no mark.

Formats that Pillow hands to other programs (EPS), or knows only by name (HDF5, GRIB), are never tried.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

USUAL = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
}
"""Formats that Pillow has at hand, with the suffixes of each; they are tried first."""

MORE = {
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "ICO": (".ico",),
    "CUR": (".cur",),
    "DDS": (".dds",),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "QOI": (".qoi",),
    "PSD": (".psd",),
    "ICNS": (".icns",),
    "SUN": (".ras",),
    "MSP": (".msp",),
    "BLP": (".blp",),
    "FITS": (".fits", ".fit"),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
    "HEIF": (),  # where a package such as pillow-heif has registered it
}
"""Further formats with a mark of their own in the first bytes of a file."""

UNMARKED = {"TGA": (".tga", ".icb", ".vda", ".vst"), "DIB": (".dib",), "IM": (".im",)}
"""Formats whose files begin like any other: they are tried only where the name says so."""

SUFFIXES = frozenset(suffix for formats in (USUAL, MORE, UNMARKED) for own in formats.values() for suffix in own)
"""What such a file ends in is meant to be a picture: one that cannot be read is broken."""

SHOWN = "png jpg webp bmp tif gif avif jp2 ppm ..."
"""The formats, as messages have them."""

_PASSED_OVER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_MARK = 16  # bytes by which Pillow knows a format


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is passed over: those of desktops and version control."""
    return name.startswith(".") or name.lower() in _PASSED_OVER


def suffix_of(name: str | Path) -> str:
    """The suffix of a file's name in small letters, with its dot; empty for none."""
    last = os.fspath(name).rpartition("/")[2]  # as os.path.splitext has it, in a third of the time: there are millions
    dot = last.rfind(".")
    return last[dot:].lower() if dot > 0 and last[:dot].strip(".") else ""


@cache
def _more() -> tuple[str, ...]:
    """The formats of :data:`MORE` that Pillow has here."""
    Image.init()
    return tuple(name for name in MORE if name in Image.OPEN)


def open_any(file: Path | IO[bytes], name: str | Path = "") -> Image.Image:
    """Open a picture by its content, whatever its name says; its pixels are not decoded.

    Args:
        file: where it is.
        name: of the file, for formats that leave no mark; that of ``file`` by default.

    Raises:
        UnidentifiedImageError: it is in none of the formats; or whatever Pillow raises for a broken header.
    """
    suffix = suffix_of(name or (file if isinstance(file, Path) else ""))
    try:
        return Image.open(file, formats=tuple(USUAL))
    except UnidentifiedImageError:
        # Loading Pillow's other readers takes a while, so only what needs them pays for it.
        unmarked = tuple(name for name, suffixes in UNMARKED.items() if suffix in suffixes)
        return Image.open(file, formats=(*_more(), *unmarked))


def looks_like_picture(start: bytes) -> bool:
    """Whether a file that begins with ``start``, its first 16 bytes, may be a picture in one of the marked formats."""
    if len(start) < _MARK:
        return False
    marks = [Image.OPEN[name][1] for name in (*_more(), *USUAL)]
    return any(accepts is not None and accepts(start) for accepts in marks)


def is_picture(file: IO[bytes]) -> bool:
    """Whether an open file of any name is a picture, by its header; a few bytes of it are read where it is none."""
    start = file.read(_MARK)
    try:
        if not looks_like_picture(start):
            return False
        file.seek(0)
        with open_any(file):
            return True
    except Exception:  # readers of broken headers raise what they like; what they cannot open is none
        return False
