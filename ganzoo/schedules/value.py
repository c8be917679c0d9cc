"""What schedules are in a step."""

from __future__ import annotations

import math

from ganzoo.schedules.text import is_schedule, read_images


def uses_horizon(value: object) -> bool:
    """Whether a value is a schedule without a length of its own, so that it spreads over the horizon."""
    return isinstance(value, str) and is_schedule(value) and value.count("/") == 2


def reached(when: str, step: int, images_seen: int) -> float:
    """How much of a time or length, as :func:`read_when` gives it, is over before ``step``; 1 and more: all of it."""
    return step / int(when) if when.isdecimal() else images_seen / read_images(when)


def number_at(value: float | str, step: int, horizon: int, images_seen: int) -> float:
    """The value of a number, or of a schedule, in ``step``; past its end a schedule stays at its second number.

    Args:
        value: as :func:`read_number` gives it.
        step: counted from 0.
        horizon: steps that a schedule without a length spreads over.
        images_seen: real images before the step.
    """
    if not isinstance(value, str):
        return float(value)
    shape, start, end, *length = value.split("/")
    done = min(reached(length[0], step, images_seen) if length else step / max(horizon, 1), 1.0)
    if shape == "step":
        return float(end if done >= 1 else start)
    left = (1 + math.cos(math.pi * done)) / 2 if shape == "cosine" else 1 - done
    return float(end) + (float(start) - float(end)) * left
