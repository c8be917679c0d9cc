"""Checks of combinations: what the resolver accepts must train, and what it refuses must have a reason."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ganzoo.errors import GanzooError, UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.catalogue import columns, example, heads
from ganzoo.parts.freeze import frozen_networks
from ganzoo.registry.entry import Entry
from ganzoo.registry.labels import LABEL_KEYS
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Registry
from ganzoo.registry.recipe import EMPTY, PART_KINDS, WORD_KINDS, Part, Recipe
from ganzoo.testing.covering import Combination, covering
from ganzoo.testing.expect import error_line, expect
from ganzoo.testing.tiny import COLUMNS, Tiny, subject, tiny

STEPS = 2
DATA: Mapping[str, frozenset[str]] = {"labelled": COLUMNS, "unlabelled": frozenset({"image"})}
SITE = "@site"  # stands for the lowest resolution where an architecture has room for attention
NO_SITE = 8  # what is asked for where it has none
EXTREMES = ("-1", "0", "1")
HUGE = "1000000000000"


# --- combinations -------------------------------------------------------------------------------------------


def axes(**fixed: Sequence[str]) -> dict[str, list[str]]:
    """What can be combined: architectures, data, and every part of every kind that has parts, the plainest first.

    Args:
        fixed: by kind, the only values to take of it.
    """
    found = {"architecture": [*(head.spelling for head in heads()), *_of_one_side(registry())], "data": list(DATA)}
    for kind in PART_KINDS:
        names = list(dict.fromkeys(entry.spelling for entry in registry().entries(kind)))
        sites = [f"{name}{SITE}" for name in names if kind == "attention"]
        empty = [] if kind in ("loss", "conditioning") else [f"{kind}/{EMPTY}"]
        if names:
            found[kind] = [*empty, *names, *sites]
    return {**found, **{kind: list(values) for kind, values in fixed.items()}}


@lru_cache(maxsize=8)
def _of_one_side(known: Registry) -> tuple[str, ...]:
    """Architectures of one side behind another, but for those that look through weights which have to be fetched."""
    recipes = [example(entry) for entry in known.entries("architecture") if not entry.complete]
    return tuple(recipe for recipe in recipes if recipe and not frozen_networks(tiny(recipe).build(device="meta")))


def combinations(focus: str | None = None, **fixed: Sequence[str]) -> Iterator[Combination]:
    """Rows of a pairwise covering array over everything registered; see :func:`axes` and :func:`covering`."""
    return covering(axes(**fixed), fits, focus)


def describe_combination(row: Combination) -> str:
    """A row as a recipe, and its data."""
    return f"{recipe_of(row)} on {row['data']} data"


def recipe_of(row: Combination) -> str:
    """The recipe of a combination, its attention placed where the architecture has room."""
    words = [value for axis, value in row.items() if axis not in ("architecture", "data")]
    site = f"@{_lowest_site(row['architecture'], registry())}"
    return "+".join([row["architecture"], *(word.replace(SITE, site) for word in words)])


@lru_cache(maxsize=64)
def _lowest_site(head: str, known: Registry) -> int:
    """The lowest resolution where a tiny architecture has room for attention, or one that it has not."""
    try:
        sites = tiny(head, DATA["labelled"]).build(device="meta").sites
    except Exception:  # a plugin's code may raise anything; attempt() builds the same and says what
        return NO_SITE
    return min((number for side in sites.values() for number in side), default=NO_SITE)


def fits(row: Combination) -> bool:
    """Whether a row resolves and can be built. One that crashes counts: it is tried again where that is reported."""
    try:
        _made(recipe_of(row), _columns(row), registry())
    except GanzooError:
        return False
    except Exception:  # a plugin's code may raise anything; attempt() builds the same and says what
        return True
    return True


@lru_cache(maxsize=1024)
def _made(recipe: str, keys: frozenset[str], known: Registry) -> Tiny:
    return tiny(recipe, keys)


def _columns(row: Combination) -> frozenset[str]:
    """The columns of a row's data, and those that its parts ask for besides labels."""
    recipe = Recipe.parse(recipe_of(row))
    entries = [registry().find(part.spelling) for part in recipe.parts if part.name != EMPTY]
    return DATA[row["data"]].union(*(columns(entry) - LABEL_KEYS for entry in entries))


def attempt(row: Combination, steps: int = STEPS) -> str | None:
    """Train a row some steps.

    Returns:
        The reason, if the row is refused.

    Raises:
        AssertionError: it crashes, diverges, or is refused without a reason that names one of its parts.
    """
    try:
        made = _made(recipe_of(row), _columns(row), registry())
    except GanzooError as refused:
        reason = str(refused)
        if not any(name in reason for name in _names(row)):
            raise AssertionError(
                f"{describe_combination(row)} is refused and no part is named: {reason!r}"
            ) from refused
        return reason
    except Exception as error:  # of any type: what is no refusal is what this looks for
        raise AssertionError(f"{describe_combination(row)} cannot be built: {error_line(error)}") from error
    try:
        trainer = made.trainer()
        for _ in range(steps):
            trainer.train_step(made.batches(trainer))
        trainer.check()
    except Exception as error:
        raise AssertionError(f"{describe_combination(row)} cannot be trained: {error_line(error)}") from error
    return None


def _names(row: Combination) -> list[str]:
    texts = [word.removesuffix(SITE) for axis, words in row.items() if axis != "data" for word in words.split("+")]
    return [Part.parse(text).name for text in texts if f"/{EMPTY}" not in text]


def check_composes(entry: Entry) -> None:
    """With every architecture and part, on data with labels and without: it trains, or is refused with a reason."""
    whole = entry.spelling if entry.complete or entry.kind != "architecture" else str(example(entry))
    values = [whole, *([f"{entry.spelling}{SITE}"] if entry.kind == "attention" else [])]
    trained = 0
    for row in combinations(entry.kind, **{entry.kind: values}):
        try:
            trained += attempt(row, steps=1) is None
        except AssertionError as error:
            raise AssertionError(f"{entry.spelling}: {error}") from error
    expect(trained, entry, "some combination with it is accepted")


# --- options ------------------------------------------------------------------------------------------------


def check_ranges(entry: Entry) -> None:
    """A number that an option cannot be is refused in a sentence; one that it can be trains."""
    for option in entry.options().values():
        for text in (*EXTREMES, HUGE):
            try:
                option.parse(text)
            except UsageError:
                continue
            if not _is_number(option.annotation):
                continue
            recipe = _with_option(entry, option.key, text)
            try:
                _try(recipe, subject(entry), memory=text != HUGE)
            except GanzooError:
                continue
            except Exception as error:
                raise AssertionError(
                    f"{entry.spelling}: {recipe} is refused in a sentence or trains: {error_line(error)}"
                ) from error


def _is_number(annotation: object) -> bool:
    return annotation in (int, float) or any(_is_number(inner) for inner in typing.get_args(annotation))


def _with_option(entry: Entry, key: str, text: str) -> str:
    """The recipe that the part is checked in, with an option of it set."""
    recipe = Recipe.parse(subject(entry).plan.recipe)
    if entry.complete:
        return str(Recipe(replace(recipe.head, options=((key, text),)), recipe.parts))
    parts = [
        replace(part, options=((key, text),)) if registry().find(part.spelling, WORD_KINDS) == entry else part
        for part in recipe.parts
    ]
    return str(Recipe(recipe.head, tuple(parts)))


def _try(recipe: str, like: Tiny, memory: bool) -> None:
    """Build a recipe, and train it a step unless it may take much memory."""
    if not memory:
        build(recipe, **like.sizes, device="meta")
        return
    made = tiny(recipe, like.plan.provides)
    trainer = made.trainer()
    trainer.train_step(made.batches(trainer))
    trainer.check()
