"""Recipes as text: what parses, how it is written back, and what is said of what does not parse."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ganzoo.errors import RecipeError
from ganzoo.registry.recipe import EXPONENT_PLUS, HEAD_KINDS, PART_KINDS, Part, Recipe, canonical

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True).filter(lambda name: name != "none")
KEYS = st.from_regex(r"[a-z][a-z0-9._]{0,6}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9._/-]{1,10}", fullmatch=True)
PLACES = st.lists(st.sampled_from(["g", "d", "4", "8", "16", "32", "1024"]), unique=True)
OPTIONS = st.dictionaries(KEYS, VALUES, max_size=4)


def words(kinds: tuple[str, ...], places: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    def written(kind: str | None, name: str, places: list[str], options: dict[str, str]) -> str:
        text = f"{kind}/{name}" if kind else name
        text += "@" + ",".join(places) if places else ""
        return text + (":" + ",".join(f"{key}={value}" for key, value in options.items()) if options else "")

    return st.builds(written, st.none() | st.sampled_from(kinds), NAMES, places, OPTIONS)


RECIPES = st.builds(
    lambda head, parts: "+".join([head, *parts]),
    words(HEAD_KINDS, st.just([])),
    st.lists(words(PART_KINDS, PLACES), max_size=4, unique_by=lambda word: word.split("@")[0].split(":")[0]),
).filter(lambda text: not EXPONENT_PLUS.search(text))


@given(RECIPES)
@example("0e+0")
def test_text_round_trips(text: str) -> None:
    recipe = Recipe.parse(text)
    assert Recipe.parse(str(recipe)) == recipe
    assert str(Recipe.parse(str(recipe))) == str(recipe)
    assert [part.name for part in (recipe.head, *recipe.parts)] == [
        word.split(":")[0].split("@")[0].rpartition("/")[2] for word in text.split("+")
    ]


@given(words(PART_KINDS, PLACES), st.randoms())
def test_order_does_not_matter(text: str, random: object) -> None:
    part = Part.parse(text)
    places, options = list(part.places), list(part.options)
    random.shuffle(places)  # type: ignore[attr-defined]
    random.shuffle(options)  # type: ignore[attr-defined]
    assert Part(part.name, part.kind, tuple(places), tuple(options)) == part


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    text = canonical(repr(value).replace("e+", "e"))
    assert float(text) == value
    assert "+" not in text and canonical(text) == text


@given(st.integers())
def test_whole_numbers_keep_their_value(value: int) -> None:
    assert Decimal(canonical(str(value))) == value


@given(VALUES)
def test_canonical_is_canonical(value: str) -> None:
    assert canonical(canonical(value)) == canonical(value)


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        recipe = Recipe.parse(text)
    except RecipeError as error:
        assert str(error)
    else:
        assert Recipe.parse(str(recipe)) == recipe


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("dcgan", "dcgan"),
        ("dcgan+sn@d,g", "dcgan+sn@g,d"),
        ("sagan+sa@32,16,d,g", "sagan+sa@g,d,16,32"),
        ("sagan+sn@d+sa@16,32+hinge+r1:gamma=10,every=16", "sagan+sn@d+sa@16,32+hinge+r1:every=16,gamma=10"),
        ("dcgan:ch.d=64.0,ch=1e2", "dcgan:ch=100,ch.d=64"),
        ("dcgan+x:betas=0/.9,lr=1e-4", "dcgan+x:betas=0/0.9,lr=0.0001"),
        ("dcgan+x:a=2E-5,b=1e20,c=-0.0,d=007", "dcgan+x:a=2e-5,b=1e20,c=0,d=7"),
        ("preset/wgan-gp+attention/none", "preset/wgan-gp+attention/none"),
        ("dcgan+sn@g+sn@d:n=2", "dcgan+sn@g+sn@d:n=2"),
        ("dcgan+x:shape=cosine/2e-4/5e-5", "dcgan+x:shape=cosine/0.0002/5e-5"),
    ],
)
def test_normal_form(given_text: str, expected: str) -> None:
    assert str(Recipe.parse(given_text)) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "the recipe is empty"),
        ("   ", "the recipe is empty"),
        ("+", "names nothing"),
        ("dcgan+", "write 'dcgan'"),
        ("+dcgan", "write 'dcgan'"),
        ("dcgan++sn", "write 'dcgan+sn'"),
        ("dcgan+r1:gamma=1e+3", "write 1e3"),
        ("dcgan+x:betas=0/2.5E+3,a=b", "write 2.5e3"),
        ("dcgan + sn", "write 'dcgan+sn'"),
        ("dcgan+sn\n", "has a space"),
        ("DCGAN", "write 'dcgan'"),
        ("dcgan+SN@d", "write 'sn'"),
        ("dcgan+sn@D", "write @d"),
        ("dcgan+sn@x", "'x' is no place"),
        ("dcgan+sn@0", "'0' is no place"),
        ("dcgan+sn@016", "'016' is no place"),
        ("dcgan+sn@", "no place after '@'"),
        ("dcgan+sn@g,g", "given twice"),
        ("dcgan+sn@g,", "'' is no place"),
        ("dcgan@g", "head of the recipe"),
        ("dcgan+r1:", "no option after ':'"),
        ("dcgan+r1:gamma", "write key=value"),
        ("dcgan+r1:gamma=", "write key=value"),
        ("dcgan+r1:=1", "write key=value"),
        ("dcgan+r1:gamma=1,gamma=2", "given twice"),
        ("dcgan+r1:Gamma=1", "lower case"),
        ("dcgan+r1:gamma=1:every=2", "separated by ','"),
        ("dcgan+r1:gamma=1@d", "places come before options"),
        ("dcgan+r1@d,gamma=1", "options come after a ':'"),
        ("dcgan+r1:gamma=ü", "no value"),
        ("dcgan+none", "attention/none"),
        ("architecture/none", "leaves nothing to build"),
        ("dcgan+attention/none:heads=1", "takes no options"),
        ("loss/hinge+sn", "starts with an architecture or a preset"),
        ("dcgan+architecture/sagan", "can only be the first word"),
        ("dcgan+dataset/digits", "--data digits"),
        ("dcgan+metric/fid", "--metrics fid"),
        ("dcgan+los/hinge", "nearest: loss"),
        ("dcgan+/hinge", "no kind before the '/'"),
        ("dcgan+loss/", "no name"),
        ("dcgan+-x", "is no name"),
        ("dcgan,sn", "is no name"),
        ("dcgan+sn+sn", "stands twice"),
        ("dcgan+sn@d+sn@g,d", "stands twice"),
        ("dcgan+sa@16+sa@g", "stands twice"),
        ("dcgan+sa@16+sa@d,16,32", "stands twice"),
        ("dcgan+" + "x" * 5000, "characters"),
        ("dcgan+\x1b[31m", "is no name"),
    ],
)
def test_what_does_not_parse_says_what_would(text: str, hint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.parse(text)
    message = str(caught.value)
    assert hint in message
    assert "\n" not in message and "\x1b" not in message


@pytest.mark.parametrize("text", ["dcgan+sa@g,16+sa@d,16", "dcgan+sa@16+sa@32", "dcgan+sa@g,16+sa@g,32+sa@d"])
def test_a_part_may_stand_twice_in_different_places(text: str) -> None:
    assert str(Recipe.parse(text)) == text


def test_places() -> None:
    part = Part.parse("sa@32,d,16")
    assert part.sides == frozenset({"d"})
    assert part.resolutions == frozenset({16, 32})
    assert Part.parse("sa").sides is None
    assert Part.parse("sa").resolutions == frozenset()


def test_a_part_made_in_python_is_checked_and_normalised_too() -> None:
    assert str(Part("sn", "weight", ("16", "g"), (("b", "1.0"), ("a", "x")))) == "weight/sn@g,16:a=x,b=1"
    with pytest.raises(RecipeError, match="no place"):
        Part("sn", places=("here",))
