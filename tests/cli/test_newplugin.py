"""``ganzoo new-plugin``: what it writes works as it is."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

import ganzoo
from ganzoo.cli import main
from ganzoo.registry.recipe import KINDS
from ganzoo.testing import check_component, plugin


def new_plugin(*words: str) -> Result:
    return CliRunner().invoke(main, ["new-plugin", *words])


@pytest.mark.parametrize(
    "kind", [kind if kind in ("architecture", "loss") else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_a_new_plugin_passes_its_own_tests(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "made"
    done = new_plugin(kind, f"test-{kind}", "--out", str(folder))
    assert done.exit_code == 0, done.stderr
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    ((_, module),) = project["project"]["entry-points"]["ganzoo"].items()
    assert project["project"]["name"] == f"ganzoo-test-{kind}"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(folder / "tests"))
    tests = importlib.import_module(f"test_{module}")
    with plugin(importlib.import_module(module), project["project"]["name"]):
        names = [name for name in vars(tests) if name.startswith("test_")]
        assert len(names) == 2
        for name in names:
            getattr(tests, name)()


@pytest.mark.parametrize("name", ["2fast", "a.b_c", "class", "torch", "conditioning", "true"])
def test_any_name_makes_a_package(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("weight", "conditioning"):
        folder = tmp_path / kind
        assert new_plugin(kind, name, "--out", str(folder)).exit_code == 0
        monkeypatch.syspath_prepend(str(folder))
        (path,) = folder.glob("*.py")
        monkeypatch.delitem(sys.modules, path.stem, raising=False)
        with plugin(importlib.import_module(path.stem)):
            assert name in ganzoo.list(kind)
        monkeypatch.delitem(sys.modules, path.stem)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("loss", "Hinge"), "lower-case"),
        (("loss", "none"), "no name of a part"),
        (("loss", "hinge"), "loss/hinge exists already, from ganzoo-core"),
        (("conditioning", "concat"), "exists already"),
        (("los", "mine"), "nearest: loss"),
        (("optimizer", "mine"), f"all: {', '.join(KINDS)}"),
        (("loss", "core"), "would be called ganzoo-core, which is ganzoo itself"),
    ],
)
def test_what_it_refuses(words: tuple[str, str], hint: str, tmp_path: Path) -> None:
    done = new_plugin(*words, "--out", str(tmp_path / "made"))
    assert done.exit_code == 2 and hint in done.stderr
    assert not list(tmp_path.iterdir())


def test_its_help_names_every_kind() -> None:
    words = new_plugin("--help").stdout.replace(",", " ").replace(".", " ").split()
    assert not {*KINDS} - {*words}


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = new_plugin("loss", "mine", "--out", str(tmp_path))
    assert done.exit_code == 2 and "exists already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_the_folder_is_called_like_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "pip install -e" in new_plugin("loss", "my.loss").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["ganzoo-my-loss"]


def test_the_tutorial_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).resolve().parents[2] / "plugins" / "ganzoo-softhinge"
    monkeypatch.syspath_prepend(str(folder))
    with plugin(importlib.import_module("ganzoo_softhinge"), "from-source") as known:
        check_component("softhinge")
        assert any(entry.distribution == "from-source" for entry in known.entries("loss"))
