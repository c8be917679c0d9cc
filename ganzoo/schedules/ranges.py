"""``Range``: what the annotation of a part's option says of the numbers that it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from ganzoo.schedules.text import Number


@dataclass(frozen=True)
class Range:
    """The numbers that an option takes, for its annotation: ``weight: Annotated[float, Range(0)] = 10.0``.

    A recipe with another number is refused before anything is built, by the name of the part that was written, and
    ``ganzoo info`` shows the range. Of a schedule both of its numbers lie in it.

    Attributes:
        least, most: the ends, which belong to it; None for no upper end.
        above: whether ``least`` itself does not belong to it.
    """

    least: float
    most: float | None = None
    above: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether a number lies in it."""
        low = value > self.least if self.above else value >= self.least
        return low and value <= (math.inf if self.most is None else self.most)

    def __str__(self) -> str:
        """In words, behind "a number": ``from 0 up``, ``from 0 to 1``, ``above 0``."""
        if self.above:
            return f"above {self.least:g}" + (f", {self.most:g} at most" if self.most is not None else "")
        return f"from {self.least:g} " + ("up" if self.most is None else f"to {self.most:g}")


NotNegative: TypeAlias = Annotated[float, Range(0)]
"""The annotation of a weight: a number from 0 up."""
NotNegativeInt: TypeAlias = Annotated[int, Range(0)]
"""The annotation of a count that may be 0: a whole number from 0 up."""
Positive: TypeAlias = Annotated[float, Range(0, above=True)]
"""The annotation of what is divided by, or bounds something: a number above 0."""
PositiveInt: TypeAlias = Annotated[int, Range(1)]
"""The annotation of a size or a count: a whole number from 1 up."""
Share: TypeAlias = Annotated[float, Range(0, 1)]
"""The annotation of a share, a probability or a decay: a number from 0 to 1."""
NotNegativeNumber: TypeAlias = Annotated[Number, Range(0)]
"""The annotation of a weight that may be a schedule."""
