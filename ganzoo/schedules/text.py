"""The text of numbers that may be schedules, and of times in steps or real images."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

NUMBER_MARK = "a number or a schedule"
Number: TypeAlias = Annotated[float | str, NUMBER_MARK]
"""The annotation of a part's option that may be a schedule; :meth:`ganzoo.parts.TurnContext.now` reads its value."""

FORM = "linear/A/B[/LENGTH], cosine/A/B[/LENGTH] or step/A/B/AT"
SHAPES = ("linear", "cosine", "step")
UNITS = {"M": 1_000_000, "k": 1_000}
COUNT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([kM])")


def is_schedule(value: object) -> bool:
    """Whether a value is one that :func:`read_number` takes for a schedule: its first word is a shape's name."""
    return isinstance(value, str) and value.partition("/")[0] in SHAPES


def read_images(text: str) -> int:
    """Real images: ``300k`` is 300,000, ``20M`` 20 million.

    Raises:
        ValueError: for anything else, fractions of images included.
    """
    found = COUNT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    count = float(found[1]) * UNITS[found[2]]
    if count < 1 or count != round(count) or not math.isfinite(count):
        raise ValueError(text)
    return round(count)


def write_images(count: int) -> str:
    """The shortest text that :func:`read_images` reads as ``count``."""
    unit = next((unit for unit, size in UNITS.items() if count % size == 0), None)
    return f"{count // UNITS[unit]}{unit}" if unit else f"{count / UNITS['k']:.3f}k"


def read_when(text: str) -> str:
    """A length or a time, in canonical spelling: whole steps, or real images with a suffix.

    Raises:
        ValueError: for what is neither, and for 0.
    """
    if text.isdecimal() and int(text) > 0:
        return str(int(text))
    return write_images(read_images(text))


def read_number(text: str, read: Callable[[str], float], write: Callable[[float], str]) -> float | str:
    """A number, or a schedule in its canonical spelling.

    Args:
        text: as a recipe or ``--set`` has it.
        read: reads one number, and raises ValueError for one that does not work.
        write: the canonical text of a number.

    Raises:
        ValueError: for anything else.
    """
    shape, *rest = text.split("/")
    if not rest:
        return read(text)
    least = 3 if shape == "step" else 2
    if shape not in SHAPES or not least <= len(rest) <= 3:
        raise ValueError(text)
    ends = [write(read(end)) for end in rest[:2]]
    return "/".join([shape, *ends, *map(read_when, rest[2:])])
