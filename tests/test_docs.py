"""The README is executed: its plugin is installed and used, its commands parse, its pictures and links are there.

What the README once said of every command is in docs/guide: see also test_site.py.
"""

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

import ganzoo
from ganzoo.registry.loading import own_commands
from ganzoo.registry.lookup import known_provider

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
INSPECT = (ROOT / "docs" / "inspect.md").read_text()
DOCS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))
PLUGIN_SECTION = "A plugin in twelve lines"
PLUGIN = ROOT / "plugins" / "ganzoo-softhinge"


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def commands() -> list[list[str]]:
    """Every ``ganzoo ...`` line of the README and of docs/inspect.md, without comments."""
    pages = (README, INSPECT)
    lines = [line.partition("#")[0] for page in pages for block in blocks("bash", page) for line in block.splitlines()]
    words = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part)[1:] for part in words if part.startswith("ganzoo ")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_the_pages_parses(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").touch()
    found = [*entry_points(group="ganzoo.commands", name=words[0])]
    if not found:
        assert known_provider("command", words[0]), f"nobody is known to provide {words[0]}"
        return
    command, rest = found[0].load(), words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], list(rest), resilient_parsing=False)


def test_the_first_block_is_two_commands():
    install, check = blocks("bash")[0].strip().splitlines()
    assert install == "pip install -e . && ganzoo train dcgan+sn+hinge --data digits --out runs/first"
    assert check == "pip install -e '.[test]' && pytest"


def test_links_and_pictures_are_there():
    targets = [*re.findall(r"\]\(([^)#]+)\)", README), *re.findall(r"(?:src|href)=\"([^\"]+)\"", README)]
    assert len(targets) >= 25
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_the_page_on_looking_at_models_has_its_pictures_and_small_ones():
    targets = re.findall(r"\]\(([^)#]+)\)", INSPECT)
    pictures = [ROOT / "docs" / target for target in targets if target.endswith(".png")]
    assert len(pictures) >= 3 and all(picture.stat().st_size < 200_000 for picture in pictures)
    assert [target for target in targets if "://" not in target and not (ROOT / "docs" / target).exists()] == []


def test_every_built_in_command_is_in_the_readme_or_the_docs():
    shown = [name for name, point in own_commands().items() if not point.load().hidden]  # all but aliases
    assert len(shown) > 20 and [name for name in shown if f"ganzoo {name}" not in README + DOCS] == []


def test_the_readme_is_short():
    text = re.sub(r"<!-- (?:gallery|scores) -->.*?<!-- end -->", "", README, flags=re.DOTALL)
    assert len(text.splitlines()) < 110


def test_the_readmes_plugin_is_the_one_in_the_repository():
    (source,) = blocks("python", section(PLUGIN_SECTION))
    (project,) = blocks("toml", section(PLUGIN_SECTION))
    module = (PLUGIN / "ganzoo_softhinge.py").read_text()
    assert source.strip().partition("\n")[2].strip() == module.strip()
    declared = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["entry-points"]
    assert tomllib.loads(project)["project"]["entry-points"] == declared


@pytest.mark.slow
def test_the_readmes_plugin_works_once_installed(tmp_path):
    (source,) = blocks("python", section(PLUGIN_SECTION))
    (project,) = blocks("toml", section(PLUGIN_SECTION))
    ((name, module),) = tomllib.loads(project)["project"]["entry-points"]["ganzoo"].items()
    (tmp_path / f"{module}.py").write_text(source)
    info = tmp_path / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-softhinge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ganzoo]\n{name} = {module}\n")

    def run(*words: str) -> str:
        path = os.pathsep.join([str(tmp_path), str(Path(ganzoo.__file__).parents[1])])
        environment = {**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"),
                       "GANZOO_PLUGINS": "ganzoo-softhinge"}  # fmt: skip
        command = [sys.executable, *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    listed = run("-m", "ganzoo", "plugins")
    assert "softhinge" in listed and "ganzoo-softhinge" in listed and "1.0" in listed
    explained = run("-m", "ganzoo", "build", "dcgan+softhinge", "--explain")
    assert "softhinge" in explained and "ganzoo-softhinge" in explained
    quick = "declarations or options or shapes"  # test_newplugin.py has all checks of the same module
    checked = run("-m", "pytest", "-p", "no:cacheprovider", "--ganzoo", "softhinge", "-k", quick)
    assert "3 passed" in checked


def test_the_changelog_keeps_its_form():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n") and "keepachangelog.com" in text
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", text, flags=re.MULTILINE)
