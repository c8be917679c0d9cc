"""The registry: what plugins may declare, how options are read, and which part a name means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from ganzoo.api import list as list_parts
from ganzoo.cli import main
from ganzoo.data import open_data
from ganzoo.errors import DataError, PluginError, RecipeError, UnknownPart, UsageError
from ganzoo.registry.about import DISTRIBUTION
from ganzoo.registry.declarations import make_entry
from ganzoo.registry.entry import Entry, Plugin
from ganzoo.registry.loading import registry
from ganzoo.registry.lookup import Registry, known_plugins
from ganzoo.registry.options import Option
from ganzoo.registry.recipe import KINDS, PART_KINDS, Recipe


class Loss:
    """A loss.

    And more of it.
    """

    def __init__(
        self,
        *,
        weight: float = 1.0,
        every: int = 1,
        form: Literal["soft", "hard"] = "soft",
        ch_d: int | None = None,
        sites: tuple[int, ...] = (8, 16),
        betas: tuple[float, float] = (0.0, 0.9),
        on: bool = False,
        tag: str = "a",
    ) -> None:
        self.given = (weight, every, form, ch_d, sites, betas, on, tag)


def made(kind: str, name: str, distribution: str = DISTRIBUTION, **declarations: Any) -> Entry:
    build = "dcgan+sn" if kind == "preset" else Loss
    source = {"distribution": distribution, "version": "1.0", "built_in": distribution == DISTRIBUTION}
    return replace(make_entry(kind, name, build, **declarations), **source)


def registry_of(*entries: Entry, **more: Any) -> Registry:
    names = dict.fromkeys(entry.distribution for entry in entries)
    return Registry(
        [Plugin(name, name, "1.0", tuple(e for e in entries if e.distribution == name)) for name in names], **more
    )


# --- declarations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declarations", "hint"),
    [
        ({"implys": ("gp",)}, "nearest: implies"),
        ({"implies": "gp"}, "collection of names"),
        ({"implies": ("gp+r1",)}, "several parts"),
        ({"implies": ("los/gp",)}, "nearest: loss"),
        ({"implies": ("none",)}, "attention/none"),
        ({"requires": "label"}, "collection of names"),
        ({"provides": [1]}, "collection of names"),
        ({"train": ["lr.g"]}, "mapping"),
        ({"train": {"lr.g": object()}}, "number, text"),
        ({"family": 3}, "text"),
        ({"paper": "1706.08500"}, "arxiv:"),
        ({"aliases": ("No",)}, "no name"),
        ({"sides": ("g", "x")}, "('g', 'd')"),
        ({"sides": ()}, "('g', 'd')"),
        ({"game": 3}, "ganzoo.Game"),
        ({"networks": {"G": 1}}, "player"),
        ({"published": ({"score": "FID"},)}, "protocol"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(declarations: dict[str, Any], hint: str) -> None:
    with pytest.raises(PluginError) as caught:
        make_entry("loss", "mine", Loss, **declarations)
    assert "loss/mine" in str(caught.value) and hint in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "build", "hint"),
    [
        ("los", "x", Loss, "kinds are"),
        ("loss", "Hinge", Loss, "lower-case"),
        ("loss", "none", Loss, "not 'none'"),
        ("loss", "x", 3, "callable or 'module:Name'"),
        ("loss", "x", "no colon", "callable or 'module:Name'"),
        ("preset", "x", Loss, "text of a recipe"),
        ("preset", "x", "dcgan++sn", "nothing beside it"),
    ],
)
def test_what_cannot_be_registered(kind: str, name: str, build: Any, hint: str) -> None:
    with pytest.raises(PluginError) as caught:
        make_entry(kind, name, build)
    assert hint in str(caught.value)


def test_an_entry_says_what_it_is() -> None:
    entry = made("loss", "mine", implies=["gp"], train={"betas": (0, 0.9)}, paper="arxiv:1706.08500")
    assert entry.summary == "A loss."
    assert entry.load() is Loss
    assert entry.implies == ("gp",)
    assert made("preset", "p").summary == "dcgan+sn"
    with pytest.raises(UsageError, match="preset"):
        made("preset", "p").load()


def test_a_build_that_cannot_be_imported_names_the_package() -> None:
    entry = replace(make_entry("loss", "x", "ganzoo.nowhere:X"), distribution="some-dist", version="2.0")
    with pytest.raises(PluginError, match=r"loss/x of some-dist 2\.0 .* ganzoo\.nowhere:X"):
        entry.load()
    assert entry.summary == ""


# --- options ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("weight", "2", 2.0),
        ("weight", "1e-4", 1e-4),
        ("every", "16.0", 16),
        ("form", "hard", "hard"),
        ("ch.d", "32", 32),
        ("ch.d", "none", None),
        ("ch_d", "none", None),
        ("sites", "8/32", (8, 32)),
        ("sites", "none", ()),
        ("betas", "0.5/.999", (0.5, 0.999)),
        ("on", "true", True),
        ("tag", "b/c", "b/c"),
    ],
)
def test_options_are_read_by_their_annotation(key: str, text: str, value: object) -> None:
    entry = made("loss", "mine")
    read = entry.read_options({key: text})
    assert read == {key.replace(".", "_"): value}
    option = entry.options()[key.replace(".", "_")]
    assert option.parse(option.format(value)) == value
    entry.load()(**read)


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("weight", "big", "a number"),
        ("weight", "inf", "a number"),
        ("weight", "1e999", "a number"),
        ("every", "1.5", "a whole number"),
        ("form", "sft", "soft or hard"),
        ("ch.d", "wide", "a whole number or none"),
        ("sites", "8/x", "a list with '/'"),
        ("betas", "0", "2 values with '/'"),
        ("betas", "0/1/2", "2 values with '/'"),
        ("on", "1", "true or false"),
        ("wieght", "1", "nearest: weight"),
    ],
)
def test_what_an_option_cannot_be_names_it_and_what_works(key: str, text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        made("loss", "mine").read_options({key: text})
    assert key in str(caught.value) and hint in str(caught.value) and "mine" in str(caught.value)


def test_an_option_in_both_spellings_is_given_twice() -> None:
    with pytest.raises(UsageError, match="twice"):
        made("loss", "mine").read_options({"ch_d": "1", "ch.d": "2"})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_a_recipe(value: float) -> None:
    option = Option("weight", 1.0, float, "mine")
    recipe = Recipe.parse(f"dcgan+mine:weight={option.format(value)}")
    assert option.parse(dict(recipe.parts[0].options)["weight"]) == value


@given(st.integers())
@example(10**40 + 1)
def test_whole_numbers_survive_a_recipe(value: int) -> None:
    option = Option("every", 1, int, "mine")
    recipe = Recipe.parse(f"dcgan+mine:every={option.format(value)}")
    assert option.parse(dict(recipe.parts[0].options)["every"]) == value


def test_context_is_no_option() -> None:
    def build(module: NotImported, *, gain: float = 1.0) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Build."""

    assert list(replace(made("weight", "w"), build=build).options()) == ["gain"]


def test_an_option_without_default_or_with_a_strange_type_is_the_plugin_authors_error() -> None:
    def no_default(*, gain: float) -> None:
        """Build."""

    def strange(*, gain: complex = 1j) -> None:
        """Build."""

    with pytest.raises(PluginError, match="no default"):
        replace(made("weight", "w"), build=no_default).options()
    with pytest.raises(PluginError, match="gain"):
        replace(made("weight", "w"), build=strange).options()


# --- names ------------------------------------------------------------------------------------------------------


def test_names_aliases_and_kinds() -> None:
    known = registry_of(made("loss", "wgan"), made("conditioning", "onehot", aliases=("concat",)))
    assert known.find("wgan").kind == "loss"
    assert known.find("loss/wgan").name == "wgan"
    assert known.find("concat").name == "onehot"
    assert known.find("conditioning/concat").name == "onehot"
    with pytest.raises(RecipeError, match="no kind of part called 'los'"):
        known.find("los/wgan")


def test_an_unknown_name_gets_the_nearest() -> None:
    known = registry_of(made("architecture", "dcgan"), made("architecture", "sngan"), made("loss", "hinge"))
    with pytest.raises(UnknownPart, match="no architecture or preset is called 'dcgn'; nearest: dcgan"):
        known.find("dcgn", ("architecture", "preset"), what="architecture or preset")
    with pytest.raises(UnknownPart, match=r"it is a loss, as in ganzoo train dcgan\+hinge"):
        known.find("hinge", ("architecture",))
    with pytest.raises(UnknownPart, match="there are none"):
        known.find("fid", ("metric",))


def test_an_unknown_name_gets_the_package_that_provides_it() -> None:
    (distribution, parts), *_ = known_plugins().items()
    ((spelling, command),) = parts.items()
    kind, _, name = spelling.partition("/")
    with pytest.raises(UnknownPart, match=f"{distribution} provides it: {command}"):
        registry_of(made("loss", "hinge")).find(name, (kind,))
    with pytest.raises(UnknownPart, match="GANZOO_PLUGINS leaves it out"):
        registry_of(made("loss", "hinge"), skipped=[distribution]).find(name, (kind,))
    broken = Registry([Plugin("x", distribution, "1.0", error="boom")])
    with pytest.raises(UnknownPart, match="failed to load"):
        broken.find(name, (kind,))


def test_known_plugins_are_written_as_they_are_looked_up() -> None:
    for parts in known_plugins().values():
        for spelling, command in parts.items():
            assert spelling.partition("/")[0] in (*KINDS, "command", "peer", "model")
            assert command.startswith("pip install ")


def test_what_a_package_of_ours_would_bring_is_known_by_every_name(monkeypatch) -> None:
    monkeypatch.setenv("GANZOO_PLUGINS", "")
    with pytest.raises(DataError, match="ganzoo-translate provides it"):
        open_data("pairs:gray:./nowhere.zip")
    refused = CliRunner().invoke(main, ["paint", "runs/first"])

    assert "ganzoo-edit provides it: pip install ./plugins/ganzoo-edit" in refused.stderr


def test_a_built_in_bare_name_never_becomes_ambiguous() -> None:
    known = registry_of(made("loss", "hinge"), made("regularizer", "hinge", "other"))
    assert known.find("hinge").kind == "loss"
    assert known.find("penalty/hinge").distribution == "other"
    assert known.find("hinge", ("penalty",)).distribution == "other"


def test_two_plugins_with_a_bare_name_in_two_kinds() -> None:
    known = registry_of(made("loss", "soft", "one"), made("regularizer", "soft", "two"))
    with pytest.raises(RecipeError, match="write loss/soft or regularizer/soft"):
        known.find("soft")
    assert known.find("loss/soft").distribution == "one"


@pytest.mark.parametrize("first", [DISTRIBUTION, "one"])
def test_one_name_of_one_kind_from_two_packages_is_contested(first: str) -> None:
    known = registry_of(made("loss", "soft", first), made("loss", "soft", "two"), made("loss", "hinge"))
    for name in ("soft", "loss/soft"):
        with pytest.raises(PluginError) as caught:
            known.find(name)
        assert first in str(caught.value) and "two" in str(caught.value)
    assert list(known.contested) == ["loss/soft"]
    assert known.find("hinge").name == "hinge"


def test_an_alias_can_be_contested_too() -> None:
    known = registry_of(made("loss", "soft"), made("loss", "softer", "two", aliases=("soft",)))
    with pytest.raises(PluginError, match="two"):
        known.find("soft")
    assert known.find("softer").distribution == "two"


# --- what ganzoo ships ------------------------------------------------------------------------------------------


def test_built_in_names_mean_one_part_each() -> None:
    known = registry()
    for entry in known.entries():
        if entry.built_in:
            assert known.find(entry.spelling) == entry
            if entry.kind in PART_KINDS:
                assert known.find(entry.name, PART_KINDS) == entry
    assert not known.quarantined


@pytest.mark.parametrize("entry", [entry for entry in registry().entries() if entry.built_in], ids=lambda e: e.spelling)
def test_built_in_parts_say_what_they_are(entry: Entry) -> None:
    assert entry.summary
    assert entry.version


def test_a_kind_that_does_not_exist_has_no_list():
    with pytest.raises(UsageError, match="there is no kind called 'los'; nearest: loss"):
        list_parts("los")
