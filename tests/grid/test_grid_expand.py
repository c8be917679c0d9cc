"""Patterns with braces: what a shell makes of them, and which choice each recipe stands for."""

import re
from itertools import product
from math import prod

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ganzoo.errors import UsageError
from ganzoo.grid.expand import NOTHING, Pattern, expand


def recipes(text: str) -> list[str]:
    return [variant.recipe for variant in Pattern.parse(text).variants()]


EXAMPLES = {
    "dcgan+{bn,normalization/none}+{bce,hinge}": [
        "dcgan+bn+bce", "dcgan+bn+hinge", "dcgan+normalization/none+bce", "dcgan+normalization/none+hinge",
    ],
    "dcgan": ["dcgan"],
    "sagan+sa@16,32+{hinge,ls}": ["sagan+sa@16,32+hinge", "sagan+sa@16,32+ls"],
    "{dcgan,sngan}+hinge": ["dcgan+hinge", "sngan+hinge"],
    "dcgan+sn@{g,d}": ["dcgan+sn@g", "dcgan+sn@d"],
    "dcgan{,+sn}+hinge": ["dcgan+hinge", "dcgan+sn+hinge"],
    "dcgan+{,sn}": ["dcgan", "dcgan+sn"],
    "dcgan+{,sn}+hinge": ["dcgan+hinge", "dcgan+sn+hinge"],
    r"dcgan+{gp,r1:gamma=1\,every=4}": ["dcgan+gp", "dcgan+r1:gamma=1,every=4"],
    "dcgan+{sn{,@d},wn}": ["dcgan+sn", "dcgan+sn@d", "dcgan+wn"],
    "dcgan+{sn}": ["dcgan+sn"],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.items(), ids=EXAMPLES.keys())
def test_examples(text, expected):
    assert recipes(text) == expected


def test_every_recipe_knows_what_was_chosen():
    pattern = Pattern.parse("dcgan+{,sn}+{bce,hinge}")
    assert pattern.factors == ((NOTHING, "sn"), ("bce", "hinge"))
    assert [variant.choices for variant in pattern.variants()] == list(product(*pattern.factors))
    assert Pattern.parse("dcgan{,+sn}").factors == ((NOTHING, "sn"),)
    assert Pattern.parse("dcgan+hinge").factors == ()


BAD = {
    "dcgan+{bn,sn": "'{' without its '}'", "dcgan+{bn,": "'{' without", "dcgan+{": "'{' without",
    "dcgan+bn}": "'}' without", "dcgan+{}": "nothing in them", "dcgan+{bn,{sn}": "'{' without",
    "a" + "{b,c}" * 10: "1,024 recipes",
    "a{" + "{b,c}" * 40 + "}": "more than 1,000",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=range(len(BAD)))
def test_what_cannot_be_meant(text, said):
    with pytest.raises(UsageError, match=said):
        Pattern.parse(text)


def test_several_patterns():
    patterns, variants = expand(["dcgan", "sngan+{hinge,ls}"])
    assert [(index, variant.recipe) for index, variant in variants] == [
        (0, "dcgan"), (1, "sngan+hinge"), (1, "sngan+ls"),
    ]  # fmt: skip
    assert len(patterns) == 2
    for twice in (["dcgan", "dcgan"], ["dcgan+{bn,bn}"], ["dcgan+{,bn}", "dcgan"]):
        with pytest.raises(UsageError, match="comes twice"):
            expand(twice)


LETTERS = st.text("abz09+@:=./-", min_size=1, max_size=5)
PIECES = st.lists(st.one_of(LETTERS, st.lists(LETTERS, min_size=1, max_size=3)), max_size=4)


@given(PIECES)
def test_it_is_the_product_of_its_alternatives(pieces):
    text = "".join(piece if isinstance(piece, str) else "{" + ",".join(piece) + "}" for piece in pieces)
    choices = [[piece] if isinstance(piece, str) else piece for piece in pieces]
    assert recipes(text) == ["".join(words) for words in product(*choices)]


@given(st.text("abz,+@:=", max_size=20))
def test_text_without_braces_is_one_recipe(text):
    assert [variant.recipe for variant in Pattern.parse(text).variants()] == [text]


def well_formed(text: str) -> bool:
    """Whether every brace has its other one and something in it, by taking away what is right until nothing is."""
    left = re.sub(r"\\[,{}\\]", "x", text)  # a sign after a backslash is a letter
    while (shorter := re.sub(r"{[^{}]+}", "x", left)) != left:
        left = shorter
    return "{" not in left and "}" not in left


@given(st.text("ab{},\\+", max_size=16))
@example(r"{a,\}}{\\,b}+\{")
def test_any_text_is_read_unless_its_braces_are_wrong(text):
    if not well_formed(text):
        with pytest.raises(UsageError):
            Pattern.parse(text)
        return
    pattern = Pattern.parse(text)
    variants = list(pattern.variants())
    assert len(variants) == prod(map(len, pattern.pieces))
    assert all(len(variant.choices) == len(pattern.factors) for variant in variants)
    assert not any(sign in variant.recipe for variant in variants for sign in "{}") or "\\" in text
