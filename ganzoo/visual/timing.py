"""When a walk is where: its images, its end, and its speed between two stops."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ganzoo.errors import UsageError, either, whole

EASINGS: Mapping[str, Callable[[float], float]] = {  # of the way between two stops, from 0 to 1
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "cosine": lambda t: (1 - math.cos(math.pi * t)) / 2,
}
ENDINGS = ("stop", "back", "loop")
Place = tuple[int, int, float]


@dataclass(frozen=True)
class Timing:
    """When a walk is where.

    Attributes:
        steps: images from one stop to the next, both counted.
        frames: images in all; None for as many as ``steps`` makes.
        ending: ``"stop"`` at the last stop, go ``"back"`` the same way, or ``"loop"``: on from the last to the first.
            The latter two end one image before the first one, so that a film of them has no seam.
        easing: one of :data:`EASINGS`: at an even speed, or slower near the stops.
    """

    steps: int = 8
    frames: int | None = None
    ending: str = "stop"
    easing: str = "linear"

    def __post_init__(self) -> None:
        whole("steps", self.steps, 2)
        if self.frames is not None:
            whole("frames", self.frames, 2)
        if self.ending not in ENDINGS:
            raise UsageError(f"ending={self.ending!r} does not work: it is {either(ENDINGS)}")
        if self.easing not in EASINGS:
            raise UsageError(f"easing={self.easing!r} does not work: it is {either(EASINGS)}")

    def places(self, stops: int) -> list[Place]:
        """For each image of a walk through so many stops: the stop before, the one behind, and how far between."""
        legs = stops if self.ending == "loop" else stops - 1
        there = legs * (self.steps - 1)
        count = self.frames or {"stop": there + 1, "back": 2 * there, "loop": there}[self.ending]
        return [self._place(self._position(number, count, legs), legs, stops) for number in range(count)]

    def _position(self, number: int, count: int, legs: int) -> float:
        if self.ending == "stop":
            return number * legs / (count - 1)
        if self.ending == "back":  # the same numbers on the way back as there
            return 2 * min(number, count - number) * legs / count
        return number * legs / count

    def _place(self, position: float, legs: int, stops: int) -> Place:
        leg = min(int(position), legs - 1)
        return leg, (leg + 1) % stops, EASINGS[self.easing](position - leg)
