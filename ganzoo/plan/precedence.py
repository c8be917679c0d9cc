"""Which value a setting has where several ask for one: the higher level, then the more specific name."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from ganzoo.errors import UsageError, either
from ganzoo.plan.plan import GIVEN, Setting
from ganzoo.plan.settings import EXCLUDES, SETTINGS, outranks, rank, read, shares, split, write
from ganzoo.registry.entry import Entry

Suggestion = tuple[int, int, str, Mapping[str, object]]  # level, 0 the strongest; order of the kind; who; settings


def players_of(architecture: Entry) -> tuple[str, ...]:
    """The players of an architecture's game, as its networks declare them."""
    return tuple(dict.fromkeys(player.partition("@")[0] for player in architecture.networks.values()))


def settle(suggestions: Sequence[Suggestion], players: Collection[str]) -> dict[str, Setting]:
    """The settings that are asked for, and the defaults of those that every plan has.

    Args:
        suggestions: by whom and how strongly. Of one level the more specific name wins, then the later kind.
        players: of the game. What a part asks for others is not heeded, what a person does is refused.

    Raises:
        UsageError: for a name that does not exist, a value that it cannot take, or two that exclude each other.
    """
    table = {name: Setting(spec.default, "default") for name, spec in SETTINGS.items() if spec.always}
    levels = dict.fromkeys(table, math.inf)
    asked = [
        (-level, rank(name), order, name, read(name, value), reason)
        for level, order, reason, train in suggestions
        for name, value in train.items()
        if _is_for_players(name, reason, players)
    ]
    for below, _, _, name, value, reason in sorted(asked, key=lambda one: one[:3]):
        if (rival := EXCLUDES.get(name)) in table and levels[str(rival)] == -below:
            raise UsageError(
                f"{name} ({reason}) and {rival} ({table[str(rival)].reason}) say the same: keep one of them"
            )
        weaker = [other for other in table if outranks(name, other) and levels[other] > -below]
        before = table[name].overrides if name in table else ()
        before += tuple(_said(other, table[other]) for other in weaker)
        before += (f"{write(table[name].value)} ({table[name].reason})",) if name in table else ()
        for other in weaker:
            del table[other]
        table[name], levels[name] = Setting(value, reason, before), -below
        for other in shares(name, table):
            table[other], levels[other] = Setting(value, reason), -below
    return table


def _said(name: str, setting: Setting) -> str:
    return f"{name} {write(setting.value)} ({setting.reason})"


def _is_for_players(name: str, reason: str, players: Collection[str]) -> bool:
    """Whether a setting is for nobody else than the players of the game."""
    player = split(name)[1]
    if player is None or player in players:
        return True
    if reason == GIVEN:
        raise UsageError(f"there is no player {player!r} for {name}; the players here are {either(players, 'and')}")
    return False
