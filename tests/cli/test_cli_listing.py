"""``ganzoo list``, ``info``, ``plugins``, ``doctor``, and what the command line says of mistakes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import ganzoo
from ganzoo.cli import main
from ganzoo.cli.about import GROUPS
from ganzoo.gan import catalogue
from ganzoo.gan.builder import build
from ganzoo.registry.entry import Entry
from ganzoo.registry.entry import link as paper_link
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import KINDS, PART_KINDS, Recipe
from ganzoo.testing import plugin


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


class Hooks:
    """Two parts, one of them under a name that ganzoo has."""

    @ganzoo.hookimpl
    def register_losses(self, register: ganzoo.Register) -> None:
        register("mine", Mine, published=({"score": "FID", "value": 9.5, "data": "D", "source": "S", "protocol": "P"},))
        register("hinge", Mine)


class Mine:
    """A loss of mine.

    In full.

    Args:
        margin: how far, on both sides
    """

    def __init__(self, *, margin: float = 1.0, ch_d: int | None = None) -> None:
        self.margin = margin

    def d(self, critic: Any, real: Any, fake: Any) -> Any:
        return critic(fake).mean() - critic(real).mean()

    def g(self, critic: Any, real: Any, fake: Any) -> Any:
        return -critic(fake).mean()


def test_list_names_everything_whole() -> None:
    lines = run("list").stdout.splitlines()
    for entry in registry().entries():
        assert any(line.split()[:2] == [entry.name, entry.kind] and line.endswith(entry.summary) for line in lines)


@pytest.mark.parametrize("kind", KINDS)
def test_list_of_a_kind(kind: str) -> None:
    names = [entry["name"] for entry in json.loads(run("list", kind, "--json").stdout)]
    assert names == [entry.name for entry in registry().entries(kind)] == ganzoo.list(kind)


def test_list_takes_plurals_and_says_what_is_near() -> None:
    assert run("list", "losses").stdout == run("list", "loss").stdout
    wrong = run("list", "lossy")
    assert wrong.exit_code == 2 and "nearest: loss" in wrong.stderr


def test_info_says_everything() -> None:
    with plugin(Hooks(), "my-package"):
        text = run("info", "mine").stdout
        known = json.loads(run("info", "mine", "--json").stdout)
    assert "mine: loss of my-package 0" in text
    assert "A loss of mine.\n\nIn full." in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "margin 1 a number how far, on both sides" in rows and "ch.d none a whole number or none" in rows
    assert "not measured by ganzoo" in text and "9.5" in text
    assert known["options"][0] == {
        "name": "margin",
        "default": "1",
        "takes": "a number",
        "meaning": "how far, on both sides",
    }
    assert known["published"][0]["protocol"] == "P"
    assert known["example"].endswith("+mine")


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("mh", ["works only with multi-hinge"]),
        ("relativistic-average", ["works only with fake-labels=batch", "looks across the batch"]),
        ("2c", ["looks across the batch, at images of one class: at least two in a batch"]),
        ("lo", ["needs noise"]),
    ],
)
def test_info_says_in_what_company_a_part_works(name: str, facts: list[str]) -> None:
    assert set(facts) <= {" ".join(line.split()) for line in run("info", name).stdout.splitlines()}


@pytest.mark.parametrize(("paper", "link"), [
    ("arxiv:1706.08500", "https://arxiv.org/abs/1706.08500"),
    ("doi:10.1000/x", "https://doi.org/10.1000/x"),
    ("https://example.org/a", "https://example.org/a"),
    (None, None),
])  # fmt: skip
def test_papers_are_links(paper: str | None, link: str | None) -> None:
    assert paper_link(paper) == link


@pytest.mark.parametrize("entry", registry().entries("architecture"), ids=lambda entry: entry.name)
def test_architectures_have_their_attention_sites(entry: Entry) -> None:
    known = json.loads(run("info", entry.spelling, "--json").stdout)
    expected = build(known["example"], device="meta").sites
    own = {
        side: sorted(sites) for side, sites in expected.items() if sites and (entry.complete or side in entry.builders)
    }
    assert known["attention_sites"] == own


@pytest.mark.parametrize("kind", PART_KINDS)
def test_examples_have_the_part_in_them(kind: str) -> None:
    for entry in registry().entries(kind):
        recipe = catalogue.example(entry)
        assert recipe is not None
        assert entry.name in [part.name for part in Recipe.parse(recipe).parts]


def test_info_of_a_preset_says_what_is_in_it_even_where_that_is_a_preset() -> None:
    nested = [entry for entry in registry().entries("preset") if "stylegan2-cifar10+" in str(entry.build)]
    assert len(nested) > 3
    for entry in nested:
        assert catalogue.about(entry).startswith("stylegan2-cifar10: stylegan2:mapping=2")
        assert "\ndiffaugment: " in catalogue.about(entry) or "+diffaugment" not in str(entry.build)


def test_info_of_what_is_not_there() -> None:
    wrong = run("info", "hing")
    assert wrong.exit_code == 2 and "nearest: hinge" in wrong.stderr and not wrong.stdout
    wrong = run("info", "dcgan-cifar")
    assert wrong.exit_code == 2 and "no part or model is called 'dcgan-cifar'; nearest: dcgan-cifar10" in wrong.stderr


def test_contested_parts_are_shown_and_refused() -> None:
    with plugin(Hooks(), "my-package"):
        rows = [line for line in run("list", "loss").stdout.splitlines() if line.startswith("hinge ")]
        doctor = json.loads(run("doctor", "--json").stdout)
        used = run("info", "hinge")
        listed = run("plugins").stdout
    assert len(rows) == 2 and all("(contested)" in row for row in rows)
    assert doctor["contested"] == {"loss/hinge": ["ganzoo-core", "my-package"]}
    assert used.exit_code == 1 and "ganzoo-core" in used.stderr and "my-package" in used.stderr
    assert ["my-package", "my-package", "0", "loss/mine,", "loss/hinge"] in [
        line.split() for line in listed.splitlines()
    ]
    assert "contested: loss/hinge comes from ganzoo-core and my-package" in listed


def test_doctor_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path))
    (tmp_path / "file").write_bytes(b"x" * 1234)
    found = json.loads(run("doctor", "--json").stdout)
    assert found["versions"]["ganzoo"] == ganzoo.__version__ and found["versions"]["torch"]
    assert found["devices"][0]["device"] == "cpu" and set(found["devices"][0]["features"]) == {"avx512", "bf16", "amx"}
    assert {"what": "data", "path": str(tmp_path), "bytes": 1234} in found["caches"]
    for extra in found["extras"]:
        assert extra["installed"] or extra["install"] == f"pip install 'ganzoo-core[{extra['name']}]>=0.2'"
    text = run("doctor")
    assert text.exit_code == 0 and "1 kB" in text.stdout and "amx: " in text.stdout


# --- the command line itself ------------------------------------------------------------------------------------


def test_an_unknown_command_gets_the_nearest() -> None:
    wrong = run("trian")
    assert wrong.exit_code == 2 and not wrong.stdout
    said = "no command is called 'trian'; nearest: train, plan, info; 'ganzoo --help' lists them"
    assert wrong.stderr == f"ganzoo: error: {said}\n"


@pytest.mark.parametrize(("words", "hint"), [
    (("list", "--jsn"), "see 'ganzoo list --help'"),
    (("info",), "Missing argument 'NAME'"),
    (("--verison",), "there is no option --verison; nearest: --version"),
])  # fmt: skip
def test_mistakes_are_one_line_and_status_2(words: tuple[str, ...], hint: str) -> None:
    wrong = run(*words)
    assert wrong.exit_code == 2 and hint in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1 and wrong.stderr.startswith("ganzoo: error: ")


def test_without_words_there_is_help() -> None:
    assert all(f"{title}:" in run().stderr for title in GROUPS.values())
    assert run("--version").stdout == f"ganzoo {ganzoo.__version__}\n"
    assert "list" in run("-h").stdout


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """A command ``fail`` that raises what is put in here."""
    holder: dict[str, BaseException] = {}

    @click.command()
    def fail() -> None:
        raise holder["error"]

    monkeypatch.setattr(type(main), "get_command", lambda self, ctx, name: fail)
    return holder


@pytest.mark.parametrize(("error", "status", "line"), [
    (ganzoo.GanzooError("went wrong"), 1, "ganzoo: error: went wrong"),
    (PermissionError(13, "Permission denied", "/there"), 1, "ganzoo: error: /there: Permission denied"),
    (KeyboardInterrupt(), 130, "ganzoo: interrupted"),
    (ganzoo.GanzooError("from \x1b[31m a file"), 1, "ganzoo: error: from \\x1b[31m a file"),
])  # fmt: skip
def test_errors_are_one_line(failing: dict[str, BaseException], error: BaseException, status: int, line: str) -> None:
    failing["error"] = error
    done = run("list")
    assert done.exit_code == status
    assert done.stderr.strip() == line


def test_debug_shows_where(failing: dict[str, BaseException]) -> None:
    failing["error"] = ganzoo.GanzooError("went wrong")
    for words in (("--debug", "list"), ("list", "--debug")):
        done = run(*words)
        assert done.exit_code == 1 and "Traceback" in done.stderr and done.stderr.endswith("error: went wrong\n")


def test_a_bug_is_not_hidden(failing: dict[str, BaseException]) -> None:
    failing["error"] = ZeroDivisionError()
    assert isinstance(run("list").exception, ZeroDivisionError)


def test_warnings_reach_stderr_once(failing: dict[str, BaseException]) -> None:
    run("list")
    run("list")
    assert sum(type(handler).__name__ == "_Stderr" for handler in logging.getLogger("ganzoo").handlers) == 1
