"""Parts that want slots, and which of them yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import RecipeError, either
from ganzoo.plan.plan import MANY, SIDED, SIDES
from ganzoo.registry.entry import Entry


@dataclass
class Claim:
    """A part that wants slots; ``sides`` shrink to the slots that it got.

    ``level`` is its precedence, 0 the strongest: even where somebody named the part (0 the person, 2 the preset, 4 the
    preset that this one builds on), odd where one of the level before implies it. So parity says which it is.
    """

    kind: str
    name: str
    entry: Entry | None
    sides: tuple[str, ...]
    resolutions: tuple[int, ...]
    options: Mapping[str, Any]
    level: int
    reason: str
    families: tuple[str, ...] = ()  # of an empty slot: what it keeps out; everything if it names none
    spelling: str = ""  # of an empty slot, as written

    @property
    def named(self) -> bool:
        """Whether somebody named it, the person or a preset; else it is implied."""
        return self.level % 2 == 0

    def __str__(self) -> str:
        return self.spelling if self.entry is None else self.name


def strongest_first(claim: Claim) -> tuple[Any, ...]:
    """The stronger first; of equals those at a resolution, then by name and side."""
    return claim.level, not claim.resolutions, claim.name, claim.resolutions, tuple(map(SIDES.index, claim.sides))


def acting_order(claim: Claim) -> int:
    """As written: what a preset or an architecture brings stands before what is added to it."""
    return -claim.level


def displaces(strong: Claim, weak: Claim) -> bool:
    """Whether an accepted many-valued claim keeps a weaker one out."""
    if strong.entry is None or weak.entry is None:
        return empties(strong, weak) or empties(weak, strong)
    if strong.name == weak.name:
        return True
    same_family = strong.entry.family is not None and strong.entry.family == weak.entry.family
    return strong.named and not weak.named and same_family


def empties(nothing: Claim, other: Claim) -> bool:
    """Whether an empty slot is one that the other claim would fill."""
    family = other.entry.family if other.entry else None
    return nothing.entry is None and (not nothing.families or other.entry is None or family in nothing.families)


def supersedes(strong: Claim, weak: Claim) -> bool:
    """Whether an accepted attention leaves a weaker one no site: naming a part's places moves it there."""
    if strong.level == weak.level:
        return False
    everywhere = not strong.resolutions and (strong.entry is None or not weak.resolutions)
    return everywhere or strong.name == weak.name


def refuse_conflicts(claims: list[Claim]) -> None:
    """Two named parts in one single-valued slot."""
    for i, one in enumerate(claims):
        for two in claims[i + 1 :]:
            clash = one.name == two.name or empties(one, two) or empties(two, one)
            if one.kind != two.kind or (one.kind in MANY and not clash):
                continue
            shared = [side for side in one.sides if side in two.sides]
            if one.kind in SIDED and not shared:
                continue
            if one.kind == "attention" and not _same_sites(one.resolutions, two.resolutions):
                continue
            where = f" on {either(shared, 'and')}" if shared else ""
            raise RecipeError(f"{one} and {two} both fill the {one.kind} slot{where}: keep one of them")


def _same_sites(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    return bool(set(one) & set(two)) or (not one and not two)
