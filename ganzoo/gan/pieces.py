"""Which plans may take a batch in pieces: the settings ``accumulate`` of players."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ganzoo.distributed.batch import world
from ganzoo.errors import UsageError, either
from ganzoo.gan.game import Game, Parts
from ganzoo.plan.plan import SIDES, Plan, Slot


def refuse_mixing(plan: Plan, critics: Mapping[str, Parts], game: type[Game]) -> None:
    """Refuse a batch in pieces where that is not what one pass computes.

    Args:
        plan: with the settings.
        critics: the parts that act on each critic.
        game: that is played.

    Raises:
        UsageError: for a batch that does not divide, a game that makes more of a batch than its contexts give, or a
            part in the graph of a player that looks across the batch.
    """
    for player in game.players:
        count = int(plan[f"accumulate.{player}"])
        if count == 1:
            continue
        what = f"accumulate.{player}={count}"
        if not game.accumulates:
            raise UsageError(f"{what} does not work with {plan.head.name}, whose game takes a batch as a whole")
        batch = int(plan["batch"]) // world().size
        if batch % count:
            fits = either([number for number in range(1, batch + 1) if batch % number == 0])
            raise UsageError(f"{what} does not divide a batch of {batch} images: give {fits}")
        if mixing := list(dict.fromkeys(_mixing(plan, critics, player))):
            verb = "looks" if len(mixing) == 1 else "look"
            raise UsageError(
                f"{what} does not work with {either(mixing, 'and')}, which {verb} across the batch: leave out the"
                f" one or the other"
            )


def _mixing(plan: Plan, critics: Mapping[str, Parts], player: str) -> Iterator[str]:
    """Names of the parts in the graph of a player that declare ``across_batch``."""
    acting = {
        name: part for parts in critics.values() for name, part in parts.regularizers.items() if player in part.players
    }
    generating = any(part.generates or part.refines for part in acting.values())
    sides = SIDES if generating or player != "d" else ("d",)
    slots: list[Slot] = [plan.architecture(side) for side in sides]
    slots += [slot for slot in plan.slots if slot.kind != "architecture" and slot.side in (None, *sides)]
    for slot in slots:
        if slot.entry is not None and slot.entry.across_batch and (slot.kind != "regularizer" or slot.name in acting):
            yield slot.name
