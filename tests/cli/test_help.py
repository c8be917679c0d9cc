"""``ganzoo help``: of commands as their ``--help``, of recipes and settings from the code that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_site import Site

import ganzoo
from ganzoo.cli import main
from ganzoo.cli.about import GROUPS, OTHERS
from ganzoo.cli.settings import rows, search
from ganzoo.cli.topics import TOPICS
from ganzoo.plan.settings import PER_PLAYER, SETTINGS, write
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import Recipe
from ganzoo.training.config import FACTS


def said(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr


# --- commands -----------------------------------------------------------------------------------------------


def test_help_alone_is_the_help_of_ganzoo() -> None:
    assert said("help") == said("--help")


@pytest.mark.parametrize("words", [("train",), ("data",), ("data", "check"), ("help",)])
def test_help_of_a_command_is_its_own(words: tuple[str, ...]) -> None:
    assert said("help", *words) == said(*words, "--help")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("trian",), "nearest: train"),
        (("recipe",), "words of the recipe"),
        (("generate",), "here it is sample"),
        (("data", "chek"), "nearest: check"),
        (("train", "dcgan"), "ganzoo help train"),
        (("recipes", "dcgan"), "ganzoo help recipes"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_is(words: tuple[str, ...], hint: str) -> None:
    error = said("help", *words, status=2)
    assert hint in error and len(error.splitlines()) == 1 and error.startswith("ganzoo: error: ")


def test_topics_are_listed_and_all_say_something() -> None:
    listed = said("help", "--help").partition("Topics:\n")[2]
    for name in TOPICS:
        assert f"  {name} " in listed and len(said("help", name).splitlines()) > 5


# --- recipes ------------------------------------------------------------------------------------------------


def shown_recipes() -> Iterator[str]:
    block = said("help", "recipes").partition("Examples:\n\n")[2].partition("\n\n")[0]
    yield from (line.split()[0] for line in block.splitlines())


def test_the_grammar_is_that_of_the_module() -> None:
    from ganzoo.registry import recipe

    text = said("help", "recipes")
    assert 'recipe = head ("+" part)*' in text and "``" not in text and "This module" not in text
    first = (recipe.__doc__ or "").split("\n")[0].replace("``", "")
    assert text.startswith(first)
    assert len(list(shown_recipes())) >= 8


@pytest.mark.parametrize("recipe", list(shown_recipes()))
def test_a_recipe_that_is_shown_builds(recipe: str) -> None:
    assert Recipe.parse(recipe)
    assert ganzoo.build(recipe, 32, 3, 10, device="meta").players


# --- settings -----------------------------------------------------------------------------------------------


def test_every_setting_is_there_with_what_the_code_says_of_it() -> None:
    text, everything = said("help", "settings"), list(rows())
    names = [row.name for row in everything]
    assert len(names) == len(set(names))
    for name, spec in {**SETTINGS, **PER_PLAYER}.items():
        line = next(line for line in text.splitlines() if re.match(rf"{re.escape(name)} ", line))
        assert write(spec.default) in line and spec.about in line
    for name in FACTS:
        if name not in ("recipe", "callback", "settings"):
            assert f"\n--{name.replace('_', '-')} " in text


def test_every_setting_has_a_group() -> None:
    assert "Other settings" not in said("help", "settings"), "put its name into GROUPS of ganzoo/cli/settings.py"


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("lr", {"lr", "lr.g", "lr.d"}),
        ("learning rate", {"lr", "lr.g", "lr.d", "--horizon"}),
        ("learning-rate", {"lr"}),
        ("scheduler", {"lr", "ema", "--horizon"}),
        ("batch size", {"batch"}),
        ("batch_size", {"batch"}),
        ("gradient accumulation", {"accumulate"}),
        ("gradient clipping", {"clip"}),
        ("checkpoint", {"--resume", "--save-every", "--keep"}),
        ("n_critic", {"repeat.d"}),
        ("latent dim", {"z-dim"}),
        ("mixed precision", {"precision"}),
        ("exponential moving average", {"ema"}),
        ("seed", {"--seed"}),
        ("kimg", {"--images"}),
        ("weight decay", {"weight-decay"}),
    ],
)
def test_a_term_that_a_stranger_searches_for_is_found(term: str, names: set[str]) -> None:
    assert names <= {row.name for row in search(term)}
    text = said("help", "settings", *term.split())
    assert all(re.search(rf"^{re.escape(name)} ", text, flags=re.MULTILINE) for name in names)
    assert len(search(term)) < 16


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("early stopping", "--guard stop"),
        ("scheduler", "--set lr=cosine/2e-4/0"),
        ("epochs", "--steps N"),
        ("multi-gpu", "torchrun"),
    ],
)
def test_what_is_no_setting_here_is_said(term: str, says: str) -> None:
    assert says in said("help", "settings", *term.split())


@pytest.mark.parametrize(
    ("term", "hint"),
    [("gp", "it is a regularizer"), ("spectral norm", "it is a weight"), ("xyzzy", "nearest: "), ("...", "nearest: ")],
)
def test_what_is_nothing_here_is_one_line(term: str, hint: str) -> None:
    error = said("help", "settings", *term.split(), status=2)
    assert hint in error and "'ganzoo help settings' lists all" in error and len(error.splitlines()) == 1


def test_metrics_and_data_sets_are_those_that_are_registered() -> None:
    for topic, kinds in {"metrics": ("metric", "features"), "datasets": ("dataset",)}.items():
        text = said("help", topic)
        for entry in (entry for kind in kinds for entry in registry().entries(kind)):
            assert f"\n{entry.name} " in text


# --- commands of packages -----------------------------------------------------------------------------------

SOURCE = '''
import click
from ganzoo.cli.kit import about
with open({marker!r}, "a") as marker:
    marker.write(__name__ + "\\n")

@about({group!r}, """
    Say hello:
    ganzoo hello
    Say it to somebody:
    ganzoo hello --to you
""")
@click.command({words})
@click.option("--to")
def hello(to):
    "Say hello to somebody. And no more."
    click.echo("hello")
'''


def listed(site: Site, group: str, words: str = "") -> str:
    source = SOURCE.format(marker=str(site.marker), group=group, words=words)
    site.install("says-hello", source, "[ganzoo.commands]\nhello = says_hello:hello\n")
    text = site.run("--help").stdout
    assert not site.imported()
    return text


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_packages_command_stands_in_its_group_and_is_not_imported(site: Site) -> None:
    text = listed(site, "look")
    section = text.partition(f"\n{GROUPS['look']}:\n")[2].partition("\n\n")[0]
    assert re.search(r"^  hello +Say hello to somebody\. \(from says-hello 1\.0\)$", section, flags=re.MULTILINE)
    shown = site.run("hello", "--help").stdout
    assert "    Say it to somebody:\n      ganzoo hello --to you\n" in shown


def test_its_own_group_comes_after_those_of_ganzoo(site: Site) -> None:
    text = listed(site, "Greetings", 'short_help="Greet."')
    assert text.index(f"\n{GROUPS['plugins']}:\n") < text.index("\nGreetings:\n")
    assert "Greet. (from says-hello 1.0)" in text


def test_one_that_declares_nothing_is_listed_last(site: Site) -> None:
    source = "import click\n\n@click.command()\ndef hello():\n    'Say hello.'\n"
    site.install("says-hello", source, "[ganzoo.commands]\nhello = says_hello:hello\nother = says_hello.deep:x\n")
    section = site.run("--help").stdout.partition(f"\n{OTHERS}:\n")[2].partition("\n\n")[0]
    assert "Say hello. (from says-hello 1.0)" in section and re.search(r"other +from says-hello 1\.0", section)


@pytest.mark.parametrize("source", ["def hello(:", "hello = 1", "", "@about(*x)\n@f\n@g.h(1)\ndef hello(): pass"])
def test_a_source_that_says_nothing_is_no_error(site: Site, source: str) -> None:
    site.install("says-hello", source, "[ganzoo.commands]\nhello = says_hello:hello\n")
    done = site.run("--help")
    assert done.returncode == 0 and "from says-hello 1.0" in done.stdout and not done.stderr
