"""Whose networks a recipe has: the head's on both sides, or on one side those of a later architecture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ganzoo.errors import RecipeError, either
from ganzoo.plan.plan import SIDES, Slot
from ganzoo.plan.settings import PER_PLAYER, spec_of
from ganzoo.registry.entry import Entry
from ganzoo.registry.lookup import Registry
from ganzoo.registry.recipe import EMPTY, WORD_KINDS, Part

ARCHITECTURE = "architecture"
NETWORK = {"g": "generator", "d": "discriminator"}  # as register() calls what makes it

Layer = tuple[str, tuple[Part, ...], Entry | None]  # who says it, the words, and the preset that they are of


def brought(head: Slot, layers: Sequence[Layer], known: Registry) -> list[Slot]:
    """The head, and the architectures that stand on one side in place of it, G before D.

    Args:
        head: with both sides.
        layers: the words of the recipe, then those of its preset, and so on; the first that fills a side has it.
        known: the parts there are.

    Raises:
        RecipeError: for an architecture without one side, two for one side, or networks that come only together.
    """
    found: dict[str, Slot] = {}
    for said, words, _ in layers:
        own: dict[str, Slot] = {}
        for word in words:
            if (entry := _architecture(word, known)) is not None:
                side = _side(word, entry)
                if side in own:
                    both = f"{own[side].name}@{side} and {entry.name}@{side}"
                    raise RecipeError(f"{both} both bring the network of {side}: keep one of them")
                own[side] = Slot(ARCHITECTURE, side, entry.name, _options(entry, word, side), said, entry=entry)
        found = {**own, **found}
    replaced = [found[side] for side in SIDES if side in found]
    _check_head(head, replaced)
    if not replaced:
        return [head]
    (left,) = set(SIDES) - found.keys()
    return [_left_of(head, left), *replaced]


def _left_of(head: Slot, side: str) -> Slot:
    """The head with the network of one side, and the options that this takes."""
    known = entry_of(head).options(side)
    options = {name: value for name, value in head.options.items() if name in known}
    return Slot(ARCHITECTURE, side, head.name, options, head.reason, entry=head.entry)


def refuse_idle_options(given: Part, head: Slot) -> None:
    """Refuse an option of a recipe's first word that only the network declares which another replaces."""
    known = entry_of(head).options(head.side)
    for key, value in given.options:
        if key.replace(".", "_") not in known:
            replaced = next(side for side in SIDES if side != head.side)
            raise RecipeError(
                f"{given.name}:{key}={value} is of the {NETWORK[replaced]} of {head.name}, in whose place another"
                " stands: leave it out, or give it to that one"
            )


def _architecture(word: Part, known: Registry) -> Entry | None:
    """The architecture that a later word names; None for a part of any other kind."""
    if word.name == EMPTY:
        return None
    entry = known.find(word.spelling, WORD_KINDS, what="part")
    return entry if entry.kind == ARCHITECTURE else None


def rest_of(words: Sequence[Part], known: Registry) -> tuple[Part, ...]:
    """The words that are no architecture."""
    return tuple(word for word in words if _architecture(word, known) is None)


def _options(entry: Entry, word: Part, side: str) -> dict[str, Any]:
    defaults = {name: option.default for name, option in entry.options(side, head=False).items()}
    return {**defaults, **entry.read_options(dict(word.options), side, head=False)}


def _side(word: Part, entry: Entry) -> str:
    """The one side where an architecture is to stand."""
    places, name = word.places, entry.name
    if word.resolutions:
        raise RecipeError(f"{name}@{','.join(places)} does not work: an architecture stands on a side, @g or @d")
    if len(places) != 1:
        one = either(f"{name}@{side}" for side in (entry.builders or SIDES))
        raise RecipeError(
            f"{name} is an architecture, which can only be the first word of a recipe, or replace one side's network:"
            f" write {one}"
        )
    (side,) = places
    if not entry.builders:
        raise RecipeError(f"{name} builds its networks together: write it first, it cannot stand on {side} alone")
    if side not in entry.builders:
        raise RecipeError(f"{name} has no {NETWORK[side]}: it can stand on {either(entry.builders, 'and')} alone")
    return side


def _check_head(head: Slot, replaced: Sequence[Slot]) -> None:
    entry = entry_of(head)
    if not entry.complete:
        (side,) = entry.builders
        lacking = next(NETWORK[other] for other in SIDES if other != side)
        raise RecipeError(
            f"{head.name} has no {lacking}, so it cannot be the first word: write it behind an architecture that has"
            f" one, such as dcgan+{head.name}@{side}"
        )
    if not replaced:
        return
    words = either([f"{slot.name}@{slot.side}" for slot in replaced], "and")
    if not entry.builders:
        raise RecipeError(f"{head.name} builds its networks together: {words} cannot replace one of them")
    if len(replaced) == len(SIDES):
        g, d = replaced
        raise RecipeError(f"{words} leave {head.name} no network: write {g.name}+{d.name}@d")


def entry_of(slot: Slot) -> Entry:
    """The registered part of a slot that is not empty."""
    assert slot.entry is not None
    return slot.entry


def sides_of(slot: Slot) -> tuple[str, ...]:
    """The sides whose networks an architecture's slot brings."""
    return SIDES if slot.side is None else (slot.side,)


def train_of_sides(train: Mapping[str, object], sides: Collection[str], whole: bool) -> dict[str, object]:
    """What an architecture asks of the training where only the networks of some sides are its own.

    Args:
        train: settings by name; one that every player has by itself, such as ``betas``, is asked for each side alone.
        sides: those that it has.
        whole: whether it is the head, whose settings of the whole training count.
    """
    if len(sides) == len(SIDES):
        return dict(train)
    asked: dict[str, object] = {}
    for name, value in train.items():
        player = name.rpartition(".")[2] if "." in name else None
        if player in SIDES:
            asked |= {name: value} if player in sides else {}
        elif name in PER_PLAYER:
            asked |= {f"{name}.{side}": value for side in sides}
        elif (spec := spec_of(name)) is not None and spec.side is not None:
            asked |= {name: value} if spec.side in sides else {}
        elif whole:
            asked[name] = value
    return asked
