"""What ``ganzoo info`` says of a part, as plain data."""

from __future__ import annotations

import inspect
from typing import Any

from ganzoo.entry import Entry
from ganzoo.errors import GanzooError
from ganzoo.recipe import PART_KINDS
from ganzoo.registry import registry


def describe(entry: Entry) -> dict[str, Any]:
    """Everything known of a part, ready for JSON; imports it, and builds architectures without memory."""
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.summary,
        "about": _about(entry),
        "paper": entry.paper,
        "link": link(entry.paper),
        "options": [
            {"name": option.key, "default": option.format(option.default), "takes": option.form}
            for option in entry.options().values()
        ],
        "implies": list(entry.implies),
        "requires": sorted(entry.requires),
        "provides": sorted(entry.provides),
        "fallback": entry.fallback,
        "train": dict(entry.train),
        "flavour": entry.flavour,
        "aliases": list(entry.aliases),
        "sides": list(entry.sides),
        "networks": dict(entry.networks),
        "attention_sites": attention_sites(entry),
        "example": example(entry),
        "published": [dict(score) for score in entry.published],
        "distribution": entry.distribution,
        "version": entry.version,
        "entry_point": entry.entry_point,
    }


def link(paper: str | None) -> str | None:
    """Where to read a paper given as ``arxiv:…``, ``doi:…`` or a URL."""
    if paper is None:
        return None
    scheme, _, rest = paper.partition(":")
    return {"arxiv": f"https://arxiv.org/abs/{rest}", "doi": f"https://doi.org/{rest}"}.get(scheme, paper)


def attention_sites(entry: Entry, resolution: int = 32) -> dict[str, list[int]]:
    """Resolutions where attention can stand in an architecture at 32 pixels, by side; nothing for other kinds."""
    if entry.kind != "architecture":
        return {}
    from ganzoo.builder import build

    sites = build(entry.spelling, resolution=resolution, device="meta").sites
    return {side: sorted(where) for side, where in sites.items() if where}


def example(entry: Entry) -> str | None:
    """A recipe with the part in it that builds, or None if no architecture takes it."""
    if entry.kind in ("architecture", "preset"):
        return entry.name
    if entry.kind not in PART_KINDS:
        return None
    # The plainest architecture first, but those that name no parts at all take few, so they come last.
    heads = sorted(registry().entries("architecture"), key=lambda head: (not head.implies, len(head.implies)))
    return next((recipe for head in heads for recipe in _candidates(head, entry) if _builds(recipe)), None)


def _candidates(head: Entry, part: Entry) -> list[str]:
    word = part.spelling if _ambiguous(part) else part.name
    sites = attention_sites(head) if part.kind == "attention" else {}
    numbers = sorted({number for where in sites.values() for number in where})
    return [f"{head.name}+{word}{place}" for place in ("", *(f"@{number}" for number in numbers[-1:]))]


def _ambiguous(part: Entry) -> bool:
    try:
        return registry().find(part.name, PART_KINDS) != part
    except GanzooError:
        return True


def _builds(recipe: str) -> bool:
    from ganzoo.builder import build

    try:
        build(recipe, classes=10, device="meta")
    except GanzooError:
        return False
    return True


def _about(entry: Entry) -> str:
    return "" if entry.kind == "preset" else inspect.cleandoc(inspect.getdoc(entry.load()) or "").replace("``", "`")
