"""Where the weights of a card's model are from, and what their training cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganzoo.card.facts import Facts
from ganzoo.card.numbers import shown
from ganzoo.folder.config import IMPORTED, OWN_LOOP
from ganzoo.folder.cost import SAID, cost_text
from ganzoo.folder.records import HASH


def first_weights(facts: Facts) -> str | None:
    """The sha256 of the weights that the run began from; None for fresh ones."""
    digest = facts.config.get("init")
    return digest if isinstance(digest, str) and HASH.fullmatch(digest) else None


def origin(facts: Facts) -> Mapping[str, Any] | None:
    """The recipe and step of the run that this one was forked from; None for one of its own."""
    fork = facts.config.get("forked_from")
    return fork if isinstance(fork, Mapping) and {"recipe", "step"} <= fork.keys() else None


def imported(facts: Facts) -> Mapping[str, str] | None:
    """The foreign file that the weights are from: its name, sha256, project and converter; None for weights of ours."""
    found = facts.config["origin"]
    if not isinstance(found, Mapping) or IMPORTED not in found:
        return None
    return {key: str(found.get(key, "unknown")) for key in (IMPORTED, "sha256", "url", "converter")}


def cost_row(facts: Facts) -> str:
    """What the training cost, in hours of what; or that nobody kept it."""
    if facts.cost is None:
        elsewhere = imported(facts) or facts.config["origin"] == OWN_LOOP
        return "not known: another program trained it" if elsewhere else "not kept"
    before = "; without the run that it goes on from" if origin(facts) and SAID not in facts.cost else ""
    return f"{cost_text(facts.cost)}{before}"


def images_seen(facts: Facts) -> dict[str, Any] | None:
    """How many real images D was shown until the step in the folder, and how often each; None where it is not known."""
    config, plan = facts.config, facts.plan
    count = config["dataset"].get("count")
    repeats = [setting.value for name, setting in plan.settings.items() if name.startswith("repeat.")]
    batch = plan.settings.get("batch")
    sizes = [*repeats, *([] if batch is None else [batch.value])]
    elsewhere = config["origin"] is not None or origin(facts) is not None  # whose batches may have been others
    if elsewhere or batch is None or not sizes or not all(type(one) is int for one in sizes):
        return None
    seen = config["step"] * batch.value * max(repeats, default=1)
    known = type(count) is int and count > 0
    return {"count": seen, "passes": shown(seen / count) if known else ""}
