"""Digits as the fonts of two packages have them, Pillow and matplotlib: the same ones on every machine.

Fonts of the system would make data, and so scores, that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont
DIGITS = "0123456789"
PROBE = 32  # pixels at which fonts are tried


def files() -> list[Path]:
    """matplotlib's font files, in the order of their names."""
    return sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("*.ttf"))


@lru_cache(maxsize=4)
def fonts(size: int) -> tuple[Font, ...]:
    """Fonts of a size in pixels that have ten different digits; each design once, Pillow's own first."""
    own = ImageFont.load_default(size)
    found, seen = [], set()
    tried = [(own, ImageFont.load_default(PROBE)), *_opened(size)]
    for font, probe in tried:
        shown = _shown(probe) if isinstance(font, Font) and isinstance(probe, Font) else None
        if shown is not None and shown not in seen:
            seen.add(shown)
            found.append(font)
    return tuple(found)


def _opened(size: int) -> Iterator[tuple[Font, Font]]:
    for path in files():
        try:
            yield ImageFont.truetype(str(path), size), ImageFont.truetype(str(path), PROBE)
        except (OSError, ValueError):  # a broken file, or a format that FreeType does not read
            continue


def _shown(font: Font) -> bytes | None:
    """The digits as a font has them; None where it lacks some, or shows all sorts of signs in their place."""
    glyphs = [glyph(font, digit, PROBE) for digit in DIGITS]
    missing = glyph(font, "\uffff", PROBE)
    ink = [int((one > 0).sum()) for one in glyphs]
    heights = [int((one > 0).any(1).sum()) for one in glyphs]
    if min(ink) == 0 or min(heights) < 0.6 * max(heights) or any(np.array_equal(one, missing) for one in glyphs):
        return None
    if len({one.tobytes() for one in glyphs}) < len(DIGITS):
        return None
    return b"".join(one.tobytes() for one in glyphs)


def glyph(font: Font, text: str, size: int) -> np.ndarray:
    """White ink on black, uint8 ``(2 size, 2 size)``, the middle of the ink in the middle."""
    image = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(image).text((size, size), text, fill=255, font=font, anchor="mm")
    return np.asarray(image)
