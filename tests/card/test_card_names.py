"""Names of folders in any script, with spaces and quotes: the card calls the model by them, and its code loads it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_models import saved

import ganzoo
from ganzoo.card import check_card, drift
from ganzoo.cli import main
from ganzoo.folder.model import ModelFolder

NAMES = ["猫", "café", "mein Modell", "it's", 'say "x"', "Кот-1", "a#b", "**bold**", "a$(b)", "-x", "first"]
OLD = "<!-- ganzoo:card ./- is generated: only what stands between begin and end marks is kept -->\n\n# -\n"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def code_of(card: str, start: str) -> str:
    return next(line for line in card.splitlines() if line.startswith(start))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(folder: Path, name: str) -> None:
    """The card of a folder is titled by its name, and what it says to type opens the folder beside it."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert re.sub(r"\\(.)", r"\1", code_of(card, "# ")) == f"# {name}"
    called = re.search(r"^gan = ganzoo\.load\((.*)\)$", card, re.MULTILINE)
    assert called is not None and ganzoo.load(eval(called[1])).image == (3, 16, 16)
    program, verb, ref = shlex.split(code_of(card, "ganzoo sample "))[:3]
    assert run(verb, ref, "-n", 1, "--out", "a.png").exit_code == 0 and program == "ganzoo"
    assert drift(ModelFolder(folder)) == ""
    assert [problem for problem in check_card(ModelFolder(folder)) if "licence" not in problem] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name_has_a_card_that_loads_it(name: str) -> None:
    saved(Path(name))
    assert run("card", f"./{name}").exit_code == 0
    check(Path(name), name)


@pytest.mark.parametrize("name", ["猫", "half the size"])
def test_so_has_a_converted_one(name: str, model: Path) -> None:
    assert run("convert", model, name).exit_code == 0
    check(Path(name), name)


@pytest.mark.parametrize("name", ["猫", "to be shipped"])
def test_so_has_an_exported_one(name: str, model: Path) -> None:
    result = run("push", model, f"./{name}", "--unscored", "--license", "mit")
    assert result.exit_code == 0, result.output
    check(Path(name), name)


def test_a_card_that_an_older_version_wrote_is_mended() -> None:
    saved(Path("猫"))
    Path("猫/README.md").write_text(OLD, encoding="utf-8")
    assert run("card", "猫").exit_code == 0
    check(Path("猫"), "猫")


def test_letters_that_show_as_nothing_become_a_dash() -> None:
    saved(Path("a\u202eb\nc"))
    assert run("card", "./a\u202eb\nc").exit_code == 0
    assert "\n# a-b c\n" in Path("a\u202eb\nc/README.md").read_text(encoding="utf-8")
