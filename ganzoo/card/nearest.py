"""What a card says of the training images that samples lie nearest to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ganzoo.card.facts import Facts
from ganzoo.card.markdown import Markdown, code
from ganzoo.card.numbers import shown
from ganzoo.folder.neighbours import FEATURES, PIXELS


def nearest_section(facts: Facts, path_to: Callable[[object], str]) -> dict[str, Any] | None:
    """What is said of the training images that samples lie nearest to; None where nobody measured it.

    Args:
        facts: of the card.
        path_to: what to write in a command for data of a name.
    """
    found = facts.nearest
    if found is None:
        return None
    network = Markdown(f"in features of {code(found.network['name'])}")
    where = {PIXELS: Markdown("in pixels"), FEATURES: network}
    sentence, held = found.sentence, found.held_data
    split = f"-{held['split']}" if held else ""
    return {
        "held_path": Markdown(path_to(f"{held['name'].removesuffix(split)}{split}")) if held else "",
        "caption": found.caption,
        "rows": [{"what": what, **_shown_distances(found.numbers[kind])} for kind, what in where.items()],
        "sentence": f"{sentence[:1].upper()}{sentence[1:]}",
        "samples": found.numbers["samples"],
        "held": found.numbers["held_out"],
        "known": found.data["fingerprint"] == facts.config["dataset"].get("fingerprint"),
        **{name: getattr(found, name) for name in ("data", "held_data", "network", "seed", "each", "sources")},
    }


def _shown_distances(numbers: Mapping[str, float | None]) -> dict[str, str]:
    """Distances as a table has them, and the share of pairs as per cent."""
    cells = {name: "" if value is None else shown(value) for name, value in numbers.items()}
    share = numbers["samples_nearer"]
    return {**cells, "samples_nearer": "" if share is None else f"{share:.0%} of pairs"}
