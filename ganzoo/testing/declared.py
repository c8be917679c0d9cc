"""Checks of what a part says of itself."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any, Literal

from ganzoo.errors import UsageError
from ganzoo.gan.catalogue import heads
from ganzoo.plan.settings import read, split
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, PART_KINDS, Recipe
from ganzoo.testing.expect import expect

NONSENSE = "not/a.value"


def check_declarations(entry: Entry) -> None:
    """A docstring, and declarations that name what exists."""
    expect(entry.summary, entry, "has a docstring whose first line says what it is")
    for word in entry.implies:
        part = Recipe.parse(f"head+{word}").parts[0]
        if part.name != EMPTY:
            registry().find(part.spelling, PART_KINDS)
    if entry.fallback not in (None, EMPTY):
        registry().find(entry.fallback, (entry.kind,))
    players = {player.partition("@")[0] for head in heads() for player in head.networks.values()}
    for name, value in entry.train.items():
        read(name, value)
        player = split(name)[1]
        known = player is None or player in players
        expect(
            known, entry, f"{name} is of a player that some game has: {', '.join(f'lr.{p}' for p in sorted(players))}"
        )


def check_options(entry: Entry) -> None:
    """Defaults survive being written and read; what is no value is refused with the option's name."""
    for option in entry.options().values():
        written = option.format(option.default)
        expect(
            option.parse(written) == option.default,
            entry,
            f"its option {option.key} has a default of its type: {option.default!r} reads back from {written!r}"
            f" as {option.parse(written)!r}",
        )
        if str not in (option.annotation, *typing.get_args(option.annotation)):
            expect(_refuses(entry, option.name), entry, f"refuses {option.key}={NONSENSE}")


def _refuses(entry: Entry, name: str) -> bool:
    try:
        entry.read_options({name: NONSENSE})
    except UsageError as error:
        return name.replace("_", ".") in str(error)
    return False


def variants(entry: Entry) -> Iterator[dict[str, Any]]:
    """Keyword arguments to try a part with: its defaults, then each choice of each option that has choices."""
    yield {}
    for option in entry.options().values():
        choices: tuple[Any, ...] = ()
        if option.annotation is bool:
            choices = (True, False)
        elif typing.get_origin(option.annotation) is Literal:
            choices = typing.get_args(option.annotation)
        for choice in choices:
            if choice != option.default:
                yield {option.name: choice}
