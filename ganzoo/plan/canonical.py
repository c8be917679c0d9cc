"""The canonical text of a recipe, its only id: names resolved, then sorted; that text is its own canonical text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ganzoo.errors import RecipeError
from ganzoo.plan.claim import Claim
from ganzoo.plan.networks import entry_of
from ganzoo.plan.plan import IN_ORDER, SIDES, Slot
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, HEAD_KINDS, PART_KINDS, WORD_KINDS, Part, Recipe


def canonical_text(given: Part, head: Slot, replaced: Iterable[Slot], named: Iterable[tuple[Claim, Part]]) -> str:
    """The text of a recipe whose words have been resolved.

    Args:
        given: the first word as it was written.
        head: the architecture that it means, itself or as a preset.
        replaced: the architectures that stand on one side in place of it.
        named: every other part that the text names, and the word for it, in the order written.
    """
    first = registry().find(given.spelling, HEAD_KINDS, what="architecture or preset")
    read = _formatted if first.kind == "preset" else _kept
    start = Part(first.name, _shortest_kind(first, HEAD_KINDS), (), _options(read(entry_of(head), dict(given.options))))
    networks = [_network(slot) for slot in replaced if slot.reason == "named"]
    parts = sorted((_part(claim, word) for claim, word in named), key=_place)
    return str(Recipe(start, (*networks, *(part for _, part in parts))))


def _network(slot: Slot) -> Part:
    """An architecture on one side."""
    entry = entry_of(slot)
    known = entry.options(slot.side, head=False)
    options = {key: known[key].format(value) for key, value in slot.options.items() if value != known[key].default}
    return Part(slot.name, _shortest_kind(entry, WORD_KINDS), (str(slot.side),), _options(options))


def _part(claim: Claim, word: Part) -> tuple[str, Part]:
    """The kind of a part, and the part."""
    everywhere = SIDES if claim.entry is None else claim.entry.sides
    sides = () if set(claim.sides) == set(everywhere) else claim.sides
    places = (*sides, *map(str, claim.resolutions))
    if claim.entry is None:
        kind = word.kind if claim.families else claim.kind  # penalty/none empties less than regularizer/none
        return claim.kind, Part(EMPTY, kind, places)
    options = _options(_kept(claim.entry, dict(word.options)))
    return claim.kind, Part(claim.name, _shortest_kind(claim.entry, WORD_KINDS), places, options)


def _place(one: tuple[str, Part]) -> tuple[Any, ...]:
    """Where a part, given with its kind, stands; augmentations stay as they were written."""
    kind, part = one
    order = PART_KINDS.index(kind)
    return (order,) if kind == IN_ORDER else (order, part.name, part.places != (), part.order)


def _shortest_kind(entry: Entry, kinds: Collection[str]) -> str | None:
    """The kind to write before a name; None where the bare name means this part."""
    try:
        return None if registry().find(entry.name, kinds) == entry else entry.kind
    except RecipeError:  # a name of several kinds
        return entry.kind


def _formatted(entry: Entry, given: Mapping[str, str]) -> dict[str, str]:
    """Given options in their canonical spelling."""
    known = entry.options()
    return {key: known[key].format(value) for key, value in entry.read_options(given).items()}


def _kept(entry: Entry, given: Mapping[str, str]) -> dict[str, str]:
    """Given options that differ from the defaults, in their canonical spelling."""
    values, known = entry.read_options(given), entry.options()
    return {key: text for key, text in _formatted(entry, given).items() if values[key] != known[key].default}


def _options(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key.replace("_", "."), text) for key, text in given.items()))
