"""How ganzoo is installed: one function makes the command, and every hint has a lower bound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from ganzoo.registry import about

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("ganzoo", "plugins", "model_cards", "docs", ".ci", "README.md", "pyproject.toml")
TEXT = {".py", ".md", ".tmpl", ".toml", ".json", ".js", ".html", ""}
ARGUMENTS = re.compile(r"pip3? install((?:[ \t]+(?:--?[a-z][\w-]*|'[^'\n]*'|\"[^\"\n]*\"|[^\s'\"`;&|()]+))+)")
OURS = re.compile(r"['\"]?ganzoo(?:-[a-z]+)*(?:\[[^\]]*\])?(?P<bound>[<>=!~ ][^'\"]*)?['\"]?[,.]?")
WORDS = ("in", "brings", "is", "where")  # prose after a command


def files() -> list[Path]:
    """Every text that a user may read a hint in."""
    found = [ROOT / place for place in PLACES if (ROOT / place).is_file()]
    for place in PLACES:
        found += [path for path in (ROOT / place).rglob("*") if path.is_file() and path.suffix in TEXT]
    return [path for path in found if "tests" not in path.parts and "__pycache__" not in path.parts]


def unbound(text: str) -> list[str]:
    """Requirements of ganzoo, or of a plugin of ours, that ``pip install`` is told without a lower bound."""
    wrong = []
    for arguments in ARGUMENTS.findall(text):
        for word in arguments.split():
            if word in WORDS:
                break
            ours = OURS.fullmatch(word)
            if ours and not re.match(r"(>=|==|~=)\d", ours["bound"] or ""):
                wrong.append(word)
    return wrong


def test_the_command_to_install_it() -> None:
    assert about.install() == "pip install 'ganzoo-core>=0.2'"
    assert about.install("hf", "plot") == "pip install 'ganzoo-core[hf,plot]>=0.2'"
    assert about.install(at_least="9.1") == "pip install 'ganzoo-core>=9.1'"
    assert about.install(upgrade=True) == "pip install --upgrade 'ganzoo-core>=0.2'"


@pytest.mark.parametrize("extras", [(), ("hf",), ("hf", "plot")])
def test_a_requirement_is_one_that_this_release_meets(extras: tuple[str, ...]) -> None:
    made = Requirement(about.requirement(*extras))
    assert made.name == about.DISTRIBUTION and made.extras == set(extras)
    assert Version(about.VERSION) in made.specifier and Version("0.1.0") not in made.specifier
    assert Version("0.0.1") not in made.specifier  # the stranger's


def test_the_project_is_called_as_the_code_says() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nname = "{about.DISTRIBUTION}"\n' in project and 'attr = "ganzoo.registry.about.VERSION"' in project


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").iterdir()), ids=lambda folder: folder.name)
def test_our_plugins_need_the_distribution_with_a_bound(folder: Path) -> None:
    (dependencies,) = re.findall(r"^dependencies = (\[.*\])$", (folder / "pyproject.toml").read_text("utf-8"), re.M)
    needed = [Requirement(text) for text in re.findall(r'"([^"]+)"', dependencies)]
    assert about.FORMER not in {one.name for one in needed}
    (core,) = [one for one in needed if one.name == about.DISTRIBUTION]
    assert str(core.specifier) == f">={about.SINCE}"


def test_no_hint_names_ganzoo_without_a_bound() -> None:
    looked_at = files()
    assert len(looked_at) > 250 and ROOT / "model_cards/dcgan-mnist/README.md" in looked_at
    texts = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in looked_at}
    assert {path: found for path, text in texts.items() if (found := unbound(text))} == {}
    assert [path for path, text in texts.items() if "pypi.org/project/ganzoo/" in text] == []


@pytest.mark.parametrize(
    "hint",
    [
        "pip install ganzoo",
        "`pip install ganzoo`.",
        "pip install 'ganzoo[hf]'",
        "pip install --upgrade ganzoo",
        "pip install ganzoo-core",
        "pip install 'ganzoo-core[plot]'",
        "pip install 'ganzoo-core>=0.2' ganzoo-text",
        "pip install 'ganzoo-core<1'",
    ],
)
def test_a_hint_without_a_bound_is_found(hint: str) -> None:
    assert len(unbound(hint)) == 1


@pytest.mark.parametrize(
    "hint",
    [
        "pip install -e . && ganzoo train dcgan",
        "pip install ./plugins/ganzoo-text in a clone of ganzoo",
        "pip install 'ganzoo-core[hf]>=0.2'",
        "pip install 'ganzoo-core>=0.2' 'ganzoo-text>=0.1.0'",
        "pip install lpips brings it",
    ],
)
def test_a_hint_with_a_bound_or_of_another_package_is_right(hint: str) -> None:
    assert unbound(hint) == []
