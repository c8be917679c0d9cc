"""Numbers that an option cannot be: refused by the name that was written, before anything is built."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import pytest
from torch import nn

import ganzoo
from ganzoo.errors import PluginError, UsageError
from ganzoo.parts import NotNegative, NotNegativeNumber, Range
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry
from ganzoo.registry.options import Option, options_of
from ganzoo.registry.recipe import PART_KINDS, WORD_KINDS, Recipe
from ganzoo.testing.tiny import subject

MAY_BE_NEGATIVE = {"ls:a", "ls:b", "ls:c", "ada:target", "apa:target", "drs:gamma"}
BUILT_IN = [entry for kind in ("architecture", *PART_KINDS) for entry in registry().entries(kind) if entry.built_in]
LOOKING = [entry for kind in ("metric", "sampler") for entry in registry().entries(kind) if entry.built_in]


def is_number(annotation: object) -> bool:
    return annotation in (int, float) or any(map(is_number, typing.get_args(annotation)))


def recipe_with(entry: Entry, key: str, value: str) -> str:
    """The smallest recipe that the part stands in, with an option of it."""
    recipe = Recipe.parse(subject(entry).plan.recipe)
    parts = [
        replace(part, options=tuple({**dict(part.options), key: value}.items()))
        if registry().find(part.spelling, WORD_KINDS) == entry
        else part
        for part in (recipe.head, *recipe.parts)
    ]
    return str(Recipe(parts[0], tuple(parts[1:])))


def refused_below_zero(entry: Entry, build: Callable[[str], object]) -> None:
    """``build`` makes the part with -1 for the option of a key, for each whose numbers are not negative."""
    for option in entry.options().values():
        written = f"{entry.name}:{option.key}"
        if is_number(option.annotation) and written not in MAY_BE_NEGATIVE:
            with pytest.raises(UsageError, match=f"{written}=-1 does not work: .*[0-9]"):
                build(option.key)


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.spelling.replace("/", "-"))
def test_a_negative_number_is_refused_by_the_name_that_was_written(entry: Entry) -> None:
    sizes = subject(entry).sizes
    refused_below_zero(entry, lambda key: ganzoo.build(recipe_with(entry, key, "-1"), **sizes, device="meta"))


@pytest.mark.parametrize("entry", LOOKING, ids=lambda entry: entry.spelling.replace("/", "-"))
def test_so_are_those_of_metrics_and_samplers(entry: Entry) -> None:
    refused_below_zero(entry, lambda key: entry.load()(**entry.read_options({key: "-1"})))


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("dcgan+r1:gamma=-10", "r1:gamma=-10 does not work: gamma takes a number from 0 up, or linear/A/B"),
        ("dcgan+r1:gamma=linear/10/-1", "r1:gamma=linear/10/-1 does not work: gamma takes a number from 0 up"),
        ("dcgan+cutmix:p=cosine/0/2", "cutmix:p=cosine/0/2 does not work: p takes a number from 0 to 1"),
        ("dcgan+blur:sigma=linear/10/-1", "blur:sigma=linear/10/-1 does not work: sigma takes a number from 0 to 100"),
        ("pggan:grow=linear/0/-8", "pggan:grow=linear/0/-8 does not work: grow takes a number from 0 up"),
        ("dcgan+wgan-clip:clip=0", "wgan-clip:clip=0 does not work: clip takes a number above 0, and is 0.01"),
        ("dcgan+bce:smooth=1.5", "bce:smooth=1.5 does not work: smooth takes a number from 0 to 1, and is 1"),
        ("sngan+sn:iterations=99999999999", "sn:iterations=99999999999 does not work: iterations takes a whole number"),
        ("stylegan3:ch.d=0", "stylegan3:ch.d=0 does not work: ch.d takes a whole number from 1 up or none"),
        ("dcgan+gn:groups=0", "gn:groups=0 does not work: groups takes a whole number from 1 up, and is 32"),
    ],
)
def test_the_error_says_what_would_work(recipe: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        ganzoo.build(recipe, device="meta")
    assert str(error.value).startswith(why), str(error.value)


def test_info_shows_the_range() -> None:
    assert registry().find("r1").options()["gamma"].form.startswith("a number from 0 up, or linear/")
    assert registry().find("bn").options()["momentum"].form == "a number from 0 to 1"


def test_ranges_are_read_from_annotations() -> None:
    def build(
        *,
        weight: NotNegative = 1.0,
        many: Annotated[int, Range(1, 5)] | None = None,
        size: Annotated[float, Range(0, 2, above=True)] = 1.0,
        gamma: NotNegativeNumber = 0.0,
    ) -> nn.Module:
        return nn.Identity()

    found = options_of(build, "mine")
    assert [found["many"].parse(text) for text in ("1", "5", "none")] == [1, 5, None]
    assert found["gamma"].parse("linear/0/1") == "linear/0/1"
    assert found["size"].form == "a number above 0, 2 at most"
    refused: list[tuple[Option, str]] = [
        *((found["weight"], text) for text in ("-1", "-1e-9", "nan", "inf", "none", "linear/0/1")),
        *((found["many"], text) for text in ("0", "6", "2.5")),
        *((found["size"], text) for text in ("0", "2.1")),
        *((found["gamma"], text) for text in ("-1", "step/1/-1/5")),
    ]
    for option, text in refused:
        with pytest.raises(UsageError, match=f"mine:{option.key}={text} does not work: {option.key} takes a"):
            option.parse(text)


def test_a_range_of_what_is_no_number_is_an_error_of_the_part() -> None:
    def build(*, word: Annotated[str, Range(0)] = "a") -> nn.Module:
        return nn.Identity()

    with pytest.raises(PluginError, match="mine: its option 'word' is annotated"):
        options_of(build, "mine")
