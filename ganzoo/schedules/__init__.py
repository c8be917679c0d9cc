"""Numbers that change over a training: ``linear/A/B[/LENGTH]``, ``cosine/A/B[/LENGTH]`` and ``step/A/B/AT``.

A schedule is a pure function of the step, not an object with a state: a resumed run needs nothing of it.
"""

from ganzoo.schedules.ranges import (
    NotNegative,
    NotNegativeInt,
    NotNegativeNumber,
    Positive,
    PositiveInt,
    Range,
    Share,
)
from ganzoo.schedules.text import FORM, NUMBER_MARK, Number, is_schedule, read_images, read_number, read_when
from ganzoo.schedules.value import number_at, reached, uses_horizon

__all__ = [
    "FORM",
    "NUMBER_MARK",
    "NotNegative",
    "NotNegativeInt",
    "NotNegativeNumber",
    "Number",
    "Positive",
    "PositiveInt",
    "Range",
    "Share",
    "is_schedule",
    "number_at",
    "reached",
    "read_images",
    "read_number",
    "read_when",
    "uses_horizon",
]
