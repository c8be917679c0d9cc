"""Whether the text of a recipe names what a plan has: a folder's text is not believed because it is there."""

from __future__ import annotations

from ganzoo.errors import ModelError, UnknownPart
from ganzoo.plan.plan import SIDED, SIDES, Plan, Slot
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, HEAD_KINDS, OLD_FAMILIES, WORD_KINDS, Part, Recipe, kind_of


def refuse_other_parts(plan: Plan) -> None:
    """Refuse a plan whose recipe names a part that is not in it, or is with other options than the recipe gives.

    What the text implies is not compared: the parts of a preset may be others in a later release.

    Raises:
        UnknownPart: the first word is nothing that is known.
        ModelError: naming the word.
    """
    recipe = Recipe.parse(plan.recipe)
    if not _has_head(plan, recipe.head):
        raise ModelError(
            f"its recipe {plan.recipe} starts with {recipe.head}, and its architecture is {plan.head.name}"
        )
    for word in recipe.parts:
        if not (_lacks(plan, word) if word.name == EMPTY else _has(plan, word)):
            raise ModelError(f"its recipe {plan.recipe} names {word}, which its parts lack")


def _has_head(plan: Plan, head: Part) -> bool:
    """Whether the architecture is the head, or that of the preset, with the options given to it."""
    entry = registry().find(head.spelling, HEAD_KINDS, what="architecture or preset")
    named = entry.kind == "architecture"
    return (not named or entry == plan.head.entry) and _same_options(plan.head, head)


def _lacks(plan: Plan, word: Part) -> bool:
    """Whether the slots that ``kind/none`` empties are empty."""
    kind, families = kind_of(str(word.kind)), OLD_FAMILIES.get(str(word.kind))
    left = [slot for slot in plan.parts(kind) if slot.name != EMPTY and (word.sides is None or slot.side in word.sides)]
    if word.resolutions:
        return not any(set(slot.resolutions) & word.resolutions for slot in left)
    if kind == "attention":  # a weaker one, but one that is named for a resolution may stay
        return all(slot.resolutions for slot in left)
    return not any(families is None or (slot.entry is not None and slot.entry.family in families) for slot in left)


def _has(plan: Plan, word: Part) -> bool:
    """Whether the plan has a part wherever the word puts it."""
    try:
        entry = registry().find(word.spelling, WORD_KINDS)
        kind, name, sides = entry.kind, entry.name, entry.sides
    except UnknownPart:  # what G does without is known by its name alone
        return any(slot.name == word.name and _same_options(slot, word) for slot in plan.unknown)
    places = [side for side in sides if side in (word.sides or SIDES)] if kind in (*SIDED, "architecture") else [None]
    slots = [slot for slot in plan.slots if (slot.kind, slot.name) == (kind, name) and _same_options(slot, word)]
    numbers = tuple(sorted(word.resolutions))
    return all(any(slot.side == place and slot.resolutions == numbers for slot in slots) for place in places)


def _same_options(slot: Slot, word: Part) -> bool:
    """Whether a part has every option as a word gives it."""
    given = dict(word.options)
    if slot.entry is None:
        return {key.replace(".", "_") for key in given} <= slot.options.keys()
    side = slot.side if slot.kind == "architecture" else None
    return all(slot.options.get(key) == value for key, value in slot.entry.read_options(given, side).items())
