"""Every pair of parts, each in a recipe that says nothing else: what a covering array has in few rows, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations as pairs_of

from ganzoo.gan.catalogue import givers
from ganzoo.plan.plan import MANY, SIDES
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, Part
from ganzoo.testing.composing import DATA, SITE, axes, fits
from ganzoo.testing.covering import Combination

HEAD = "architecture"


def every_pair() -> Iterator[tuple[str, Combination]]:
    """What stands with what: two values of two axes, two parts of a kind that has many, or G of one and D of another.

    Yields:
        a name such as ``"regularizer/r1+loss/hinge"``, and the choices of the pair by axis.
    """
    found = axes()
    for one, two in pairs_of(found, 2):
        yield from ((f"{a}+{b}", {one: a, two: b}) for a in found[one] for b in found[two])
    for kind in MANY:
        parts = [value for value in found.get(kind, []) if value.rpartition("/")[2] != EMPTY]
        yield from ((f"{a}+{b}", {kind: f"{a}+{b}"}) for a, b in pairs_of(parts, 2))
    whole = [head for head in found[HEAD] if "+" not in head]
    judges = [_on_d(head) for head in found[HEAD]]
    for g in whole:
        yield from ((f"{g}+{d}", {HEAD: g, SIDES[1]: d}) for d in judges if d and d != _on_d(g))


def _on_d(head: str) -> str | None:
    """The words that give another network D of ``head``: an architecture, or one with another of one side behind it."""
    first, *behind = head.split("+")
    if not behind:
        return f"{first}@{SIDES[1]}"
    return next((word for word in behind if SIDES[1] in (Part.parse(word).sides or ())), None)


def completed(pair: Combination) -> Combination:
    """A pair in the first recipe that takes it, the plainest architecture first; else in the plainest of all.

    Beside the pair a recipe has at most one more part, where one of the pair needs what that brings.
    """
    found = axes()
    heads = [pair[HEAD]] if HEAD in pair else found[HEAD]
    data = [pair["data"]] if "data" in pair else list(DATA)
    rows = [{HEAD: head, **pair, "data": where, **more} for where in data for more in _helps(pair) for head in heads]
    return next((row for row in rows if fits(row)), rows[0])


def _helps(pair: Combination) -> Iterator[Combination]:
    """Nothing, then each part that brings something which one of the pair needs."""
    yield {}
    for axis, words in pair.items():
        if axis in (HEAD, "data", *SIDES):
            continue
        for word in words.removesuffix(SITE).split("+"):
            if word.rpartition("/")[2] != EMPTY:
                yield from ({e.kind: e.spelling} for e in givers(registry().find(word)) if e.kind not in pair)
