"""The size of images as people and files write it: ``64`` for a square, ``64x128`` or ``[64, 128]``, height first.

And what is said of their channels and bits. Nothing here needs torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ganzoo.errors import UsageError

Size = int | tuple[int, int]
"""The side of square images, or height and width of others, in pixels; a square is always the number alone."""

Sized = int | str | Sequence[int]
"""What is read as a size: see :func:`read_size`."""

LARGEST_SQUARE = 256  # of those that nobody asked for
COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}  # by channels
WRITTEN = re.compile(r"(\d{1,9})(?:x(\d{1,9}))?")


def size_of(height: int, width: int) -> Size:
    """The size of images ``height`` by ``width``: one number where these are equal."""
    return height if height == width else (height, width)


def read_size(given: Sized) -> Size:
    """A size from a number, ``"64"``, ``"64x128"`` (height first), or a pair of numbers.

    Raises:
        UsageError: for anything else, or less than 1 pixel.
    """
    sides: Sequence[object]
    if isinstance(given, str):
        found = WRITTEN.fullmatch(given.strip())
        sides = [int(number) for number in found.groups() if number] if found else []
    else:
        sides = list(given) if isinstance(given, Sequence) else [given]
    numbers = [side for side in sides if isinstance(side, int) and not isinstance(side, bool)]
    if len(numbers) != len(sides) or len(numbers) not in (1, 2):
        raise UsageError(f"resolution {given!r} is no size of images: write 64 for squares, or 64x128, height first")
    if min(numbers) < 1:
        raise UsageError(f"a resolution is at least 1 pixel, not {size_text(given)}")
    return size_of(numbers[0], numbers[-1])


def height_width(size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width in pixels of a size, or of a pair of numbers that a file holds for one."""
    return (size, size) if isinstance(size, int) else (size[0], size[-1])


def size_text(size: Sized) -> str:
    """The size as ``--resolution`` takes it: ``64``, or ``64x128``."""
    return str(size) if isinstance(size, (int, str)) else "x".join(map(str, size))


def pixels_text(size: int | Sequence[int]) -> str:
    """The size in words: ``64 px``, or ``64 x 128 px``."""
    height, width = height_width(size)
    return f"{height} px" if height == width else f"{height} x {width} px"


def closest(sizes: Sequence[Size], to: Sized) -> Size:
    """The size of ``sizes`` that is enlarged or shrunk least to become ``to``; the first of several.

    Sides are compared by their logarithms, so that half and double are equally far.
    """
    height, width = height_width(read_size(to))

    def distance(size: Size) -> float:
        h, w = height_width(size)
        return abs(math.log(h / height)) + abs(math.log(w / width))

    return min(sizes, key=distance)


def shorter(size: Size) -> int:
    """The shorter side in pixels."""
    return min(height_width(size))


def colours_text(channels: int, bits: int = 8) -> str:
    """The kind of images in words: ``grey``, ``RGBA``, ``8 channels``, ``RGB of 16 bits``."""
    colours = COLOURS.get(channels, f"{channels} channels")
    return colours if bits == 8 else f"{colours} of {bits} bits"


def shown_as(channels: int, bits: int = 8) -> str:
    """What ``ganzoo.images.visible`` shows of images, in words; nothing for grey and RGB of 8 bits, shown whole."""
    said = {1: "", 2: "the first of 2 channels", 3: "", 4: "alpha over a checkerboard"}
    words = [said.get(channels, f"the first three of {channels} channels"), "8 of 16 bits" if bits == 16 else ""]
    return ", ".join(word for word in words if word)


def square_side(size: Size) -> int:
    """The side, a power of two, of squares that stand in for images of ``size`` where only squares can be had."""
    return int(min(LARGEST_SQUARE, 2 ** (shorter(size).bit_length() - 1)))
