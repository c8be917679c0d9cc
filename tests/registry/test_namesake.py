"""A package of another that bears ganzoo's name, present or former: found, said, and never taken for ganzoo itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fake_site import HOOKS, Site

import ganzoo
from ganzoo.errors import PluginError
from ganzoo.registry import namesake as namesakes
from ganzoo.registry.about import DISTRIBUTION, FORMER, VERSION
from ganzoo.registry.loading import registry
from ganzoo.registry.namesake import namesake
from ganzoo.testing import plugin

AGAIN = "pip uninstall ganzoo && pip install --force-reinstall --no-deps 'ganzoo-core>=0.2'"
OWN_COMMANDS = "[ganzoo.commands]\ntrain = ganzoo.cli.train:train\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def pretend(folder: Path, version: str, entry_points: str = "", egg: bool = False) -> None:
    """Metadata of a distribution called ``ganzoo``, as pip leaves it or as a build does."""
    info = folder / ("ganzoo.egg-info" if egg else f"ganzoo-{version}.dist-info")
    info.mkdir()
    (info / ("PKG-INFO" if egg else "METADATA")).write_text(
        f"Metadata-Version: 2.1\nName: ganzoo\nVersion: {version}\n"
    )
    (info / "entry_points.txt").write_text(entry_points)


def warnings(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


# --- a package that has the name on PyPI ------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("--help",), ("list", "loss"), ("plugins",), ("doctor",)])
def test_a_stranger_of_the_name_is_said_in_one_line(site: Site, words: tuple[str, ...]) -> None:
    pretend(site.folder, "0.0.1")
    (line,) = warnings(site.run(*words))
    assert line.startswith(f"ganzoo: warning: the package ganzoo 0.0.1 in {site.folder} is not this library")
    assert "both write into one folder, ganzoo" in line and AGAIN in line


def test_without_one_nothing_is_said(site: Site) -> None:
    assert warnings(site.run("list", "loss")) == []
    found = json.loads(site.run("doctor", "--json").stdout)["package"]
    assert found == {"distribution": DISTRIBUTION, "installed": VERSION, "namesake": None}


@pytest.mark.slow
def test_doctor_reports_it(site: Site) -> None:
    pretend(site.folder, "0.0.1")
    found = json.loads(site.run("doctor", "--json").stdout)["package"]["namesake"]
    assert (found["version"], found["folder"], found["ours"]) == ("0.0.1", str(site.folder), False)
    assert AGAIN in found["problem"]
    shown = site.run("doctor").stdout.splitlines()
    assert f"another package: {found['problem']}" in shown
    assert any(line.split() == ["ganzoo", VERSION, "pip:", DISTRIBUTION, VERSION] for line in shown)


def test_it_is_said_where_a_plugin_fails_in_a_script(site: Site) -> None:
    pretend(site.folder, "0.0.1")
    code = "import ganzoo; ganzoo.list('loss')"
    assert warnings(site.python("-c", code)) == []
    site.install("bad-one", "import ganzoo.nowhere")
    first, second = warnings(site.python("-c", code))
    assert "bad-one" in first and "ganzoo.nowhere" in first
    assert second.startswith("the package ganzoo 0.0.1 in ") and AGAIN in second
    assert sum("0.0.1" in line for line in warnings(site.run("list", "loss"))) == 1  # once a process


def test_its_version_does_not_make_it_ours(site: Site) -> None:
    pretend(site.folder, "0.1.0", "[console_scripts]\nganzoo = ganzoo.main:run\n")
    (line,) = warnings(site.run("list", "loss"))
    assert "is not this library" in line


def test_the_command_starts_where_its_files_replaced_ours(site: Site) -> None:
    """As pip leaves it: the stranger's ``__init__.py`` in place of ours, all else as it was."""
    package = site.folder / "ganzoo"
    package.mkdir()
    (package / "__init__.py").write_text(f"__path__.append({str(Path(ganzoo.__file__).parent)!r})\n")
    pretend(site.folder, "0.0.1")
    (line,) = warnings(site.run("--version"))
    assert AGAIN in line
    assert f"another package: {line.partition('warning: ')[2]}" in site.run("doctor").stdout


# --- this library under its former name -------------------------------------------------------------------------


def test_the_former_name_is_told_from_a_stranger(site: Site) -> None:
    pretend(site.folder, "0.1.0", OWN_COMMANDS)
    (line,) = warnings(site.run("list", "loss"))
    assert "the package ganzoo 0.1.0 in " in line and "this library under its former name" in line
    assert line.endswith("type, in the checkout: pip uninstall ganzoo && pip install -e .")
    help_text = site.run("--help").stdout
    assert "Commands of plugins" not in help_text or " from ganzoo 0.1.0" not in help_text


def test_what_a_build_left_in_a_checkout_is_no_installation(site: Site) -> None:
    pretend(site.folder, "0.1.0", OWN_COMMANDS, egg=True)
    assert warnings(site.run("list", "loss")) == []
    pretend(site.folder, "0.0.1")
    assert "is not this library" in warnings(site.run("list", "loss"))[0]


def test_a_checkout_that_was_installed_under_the_former_name_still_has_its_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganzoo.registry import loading

    pretend(tmp_path, "0.1.0", OWN_COMMANDS)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    loading.own_commands.cache_clear()
    try:
        assert list(loading.own_commands()) == ["train"]
        found = namesake()
    finally:
        loading.own_commands.cache_clear()
    assert found is not None and found.ours


# --- a plugin that bears the name -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [DISTRIBUTION, FORMER, "Ganzoo_Core"])
def test_a_plugin_of_the_name_is_quarantined_and_never_imported(site: Site, name: str) -> None:
    module = "impostor"
    source = HOOKS.format(marker=str(site.marker), hook="losses", name="soft", build="Part")
    site.install(module, source, "[console_scripts]\nx = impostor:x\n")
    info = site.folder / f"{name.replace('-', '_')}-9.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
    commands = "[ganzoo.commands]\nhello = impostor:hello\ntrain = impostor:hello\n"
    (info / "entry_points.txt").write_text(f"[ganzoo]\nsoft = impostor\n\n{commands}")
    site.packages = [name]
    done = site.run("plugins", "--json")
    found = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    assert found["soft"]["registers"] == [] and "a name of ganzoo itself" in found["soft"]["error"]
    entries = json.loads(site.run("list", "loss", "--json").stdout)
    assert "soft" not in [entry["name"] for entry in entries]
    (hinge,) = [entry for entry in entries if entry["name"] == "hinge"]
    assert (hinge["distribution"], hinge["version"]) == (DISTRIBUTION, VERSION)
    refused = site.run("hello")
    assert refused.returncode == 1 and "'hello'" in refused.stderr and "a name of ganzoo itself" in refused.stderr
    assert "hello" not in site.run("train", "--help").stdout
    assert not site.imported()


class Hooks:
    """An in-line plugin."""

    @ganzoo.hookimpl
    def register_losses(self, register: ganzoo.Register) -> None:
        register("inline-loss", dict)


@pytest.mark.parametrize("name", [DISTRIBUTION, FORMER])
def test_an_inline_plugin_of_the_name_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="a name of ganzoo itself"), plugin(Hooks(), name):
        raise AssertionError("it was registered")
    assert "inline-loss" not in ganzoo.list("loss")


def test_built_in_is_how_a_part_was_registered() -> None:
    with plugin(Hooks(), "for-tests") as known:
        assert not known.find("inline-loss").built_in
    assert {entry.distribution for entry in registry().entries() if entry.built_in} == {DISTRIBUTION}


def test_the_look_reads_no_more_than_names_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    assert namesakes.namesake() is None
