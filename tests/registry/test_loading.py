"""Plugins of other packages: found, guarded, chosen, remembered. Each test installs tiny packages in a folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from fake_site import EVERYONE, HOOKS, Site

import ganzoo
from ganzoo.errors import PluginError, UsageError
from ganzoo.registry.loading import registry
from ganzoo.testing import plugin


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def plugins_of(site: Site, **environment: str) -> dict[str, dict[str, object]]:
    """What ``ganzoo plugins`` says of the packages of the folder, by distribution."""
    done = site.run("plugins", "--json", **environment)
    assert done.returncode == 0, done.stderr
    found = {plugin["distribution"]: plugin for plugin in json.loads(done.stdout)}
    return {name: found[name] for name in found if (site.folder / f"{name.replace('-', '_')}.py").exists()}


def test_a_plugin_is_listed_with_what_it_registers(site: Site) -> None:
    site.install_loss("ganzoo-soft", "soft")
    done = site.run("plugins", GANZOO_PLUGINS=EVERYONE)
    assert done.returncode == 0 and not done.stderr
    row = next(line for line in done.stdout.splitlines() if "ganzoo-soft" in line)
    assert row.split() == ["ganzoo_soft", "ganzoo-soft", "1.0", "loss/soft"]
    listed = site.run("list", "loss", "--json", GANZOO_PLUGINS=EVERYONE)
    entry = next(entry for entry in json.loads(listed.stdout) if entry["name"] == "soft")
    assert entry["summary"] == "A part for tests." and entry["distribution"] == "ganzoo-soft"


BAD = [
    ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found', and bad-"),
    ("import sys; sys.exit(3)", "SystemExit: 3"),
    ("raise GeneratorExit('odd')", "GeneratorExit: odd"),
    ("def f(:", "SyntaxError"),
    (
        "GANZOO_PLUGIN_API = 99\nimport ganzoo\n@ganzoo.hookimpl\ndef register_losses(register): 1/0",
        "upgrade ganzoo",
    ),
    ("import ganzoo\n@ganzoo.hookimpl\ndef register_loses(register): 1/0", "nearest: register_losses"),
    ("import ganzoo\n@ganzoo.hookimpl\ndef register_losses(wrong): 1/0", "wrong"),
    ("import ganzoo\n@ganzoo.hookimpl\ndef register_losses(register): register('x', int, implys=())", "implies"),
    ("import ganzoo\n@ganzoo.hookimpl\ndef register_losses(register): register('Up', int)", "lower-case"),
    (
        "import ganzoo\n@ganzoo.hookimpl\ndef register_losses(register): [register('x', int), register('x', int)]",
        "registers loss/x twice",
    ),
    ("def register_losses(register): register('x', int)", "@ganzoo.hookimpl"),
]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], dict[str, str], str]:
    """What is said where all bad plugins and a good one are installed: of each, warnings by name, and for people."""
    site = Site(tmp_path_factory.mktemp("failing"))
    for number, (source, _) in enumerate(BAD):
        site.install(f"bad-{number}", source)
    site.install_loss("good-one", "soft")
    done = site.run("plugins", "--json")
    assert done.returncode == 0, done.stderr
    warnings = {line.split("plugin ")[1].split()[2]: line for line in done.stderr.splitlines()}
    assert len(warnings) == len(done.stderr.splitlines()) == len(BAD)
    found = {plugin["distribution"]: plugin for plugin in json.loads(done.stdout)}
    return found, warnings, site.run("plugins").stdout


@pytest.mark.parametrize("number", range(len(BAD)), ids=[source for source, _ in BAD])
def test_a_plugin_that_fails_is_quarantined(number: int, failing: Any) -> None:
    (found, warnings, listed), name, error = failing, f"bad-{number}", BAD[number][1]
    assert error in found[name]["error"] and found[name]["registers"] == []
    assert found["good-one"]["error"] is None and found["good-one"]["registers"] == ["loss/soft"]
    assert error in warnings[name]
    assert re.search(rf"\b{name}\b.*NOT USED", listed)


def test_a_plugin_that_fails_half_way_leaves_nothing(site: Site) -> None:
    site.install(
        "half-way",
        """
        import ganzoo
        @ganzoo.hookimpl
        def register_losses(register):
            register("first", dict)
            raise RuntimeError("half way")
        """,
    )
    names = [entry["name"] for entry in json.loads(site.run("list", "loss", "--json").stdout)]
    assert "first" not in names and "hinge" in names


def test_two_packages_with_one_name_are_both_named(site: Site) -> None:
    site.install_loss("one-soft", "soft")
    site.install_loss("two-soft", "soft")
    done = site.run("info", "soft")
    assert done.returncode == 1
    assert "one-soft 1.0 and two-soft 1.0" in done.stderr
    assert sum("contested" in line for line in site.run("list", "loss").stdout.splitlines()) == 2
    assert "contested: loss/soft" in site.run("plugins").stdout


def test_a_plugin_cannot_replace_a_built_in_part(site: Site) -> None:
    site.install_loss("sly", "hinge")
    done = site.run("info", "hinge")
    assert done.returncode == 1 and "ganzoo-core" in done.stderr and "sly" in done.stderr


def test_a_plugin_may_use_a_built_in_name_in_another_kind(site: Site) -> None:
    site.install_loss("other-kind", "hinge", hook="augments")
    entries = json.loads(site.run("list", "--json").stdout)
    assert {entry["kind"] for entry in entries if entry["name"] == "hinge"} == {"loss", "augment"}
    assert not any(entry["contested"] for entry in entries)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("one_soft", {"one-soft"}),
        ("ONE.Soft", {"one-soft"}),
        ("one-soft, two-hard", {"one-soft", "two-hard"}),
        ("", set()),
    ],
)
def test_ganzoo_plugins_chooses(site: Site, chosen: str, expected: set[str]) -> None:
    site.install_loss("one-soft", "soft")
    site.install_loss("two-hard", "hard")
    assert set(plugins_of(site, GANZOO_PLUGINS=chosen)) == expected
    assert set(site.imported()) == {name.replace("-", "_") for name in expected}


def test_ganzoo_plugins_with_a_name_that_is_not_installed(site: Site) -> None:
    site.install_loss("one-soft", "soft")
    site.install("only-models", "", "[ganzoo.models]\nsome = only_models\n")
    done = site.run("plugins", GANZOO_PLUGINS="one-soft,nobody,only-models")
    (warning,) = done.stderr.splitlines()
    assert "names nobody, which is not installed" in warning
    assert "nobody" in done.stdout and "one-soft" in done.stdout


# --- the memory of registrations --------------------------------------------------------------------------------


def test_a_known_plugin_is_not_imported_again(site: Site) -> None:
    site.install_loss("ganzoo-soft", "soft")
    first = site.run("list", "loss")
    assert site.imported() == ["ganzoo_soft"]
    assert site.run("list", "loss").stdout == first.stdout
    assert site.run("--help").returncode == 0
    assert site.imported() == []
    module = (site.folder / "ganzoo_soft.py").read_text()
    (site.folder / "ganzoo_soft.py").write_text(module.replace("'soft'", "'softer'"))
    assert "softer" in site.run("list", "loss").stdout
    assert site.imported() == ["ganzoo_soft"]


def test_a_remembered_part_is_imported_when_it_is_used(site: Site) -> None:
    site.install_loss("ganzoo-soft", "soft")
    site.run("list")
    site.imported()
    done = site.python("-c", "import ganzoo; e = ganzoo.info('soft'); print(e.summary); print(e.load()().g)")
    summary, method = done.stdout.splitlines()
    assert summary == "A part for tests." and "Part.g" in method
    assert site.imported() == ["ganzoo_soft"]


def test_a_part_that_cannot_be_written_down_is_imported_each_time(site: Site) -> None:
    site.install_loss("ganzoo-soft", "soft", build="lambda: Part()")
    for _ in range(2):
        assert "soft" in site.run("list", "loss").stdout
        assert site.imported() == ["ganzoo_soft"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "plugins": [1]}', '{"format": 9}'])
def test_a_corrupt_cache_is_ignored(site: Site, content: str) -> None:
    site.install_loss("ganzoo-soft", "soft")
    (site.cache / "ganzoo").mkdir(parents=True)
    (site.cache / "ganzoo" / "plugins.json").write_text(content)
    done = site.run("list", "loss")
    assert done.returncode == 0 and "ganzoo-soft" in done.stdout and not done.stderr


@pytest.mark.parametrize("name", ["Not A Name", "sofa"])
def test_a_cache_with_wrong_entries_is_ignored(site: Site, name: str) -> None:
    site.install_loss("ganzoo-soft", "soft")
    site.run("list")
    path = site.cache / "ganzoo" / "plugins.json"
    path.write_text(path.read_text().replace('"soft"', f'"{name}"'))
    assert set(plugins_of(site)["ganzoo-soft"]["registers"]) == {"loss/soft"}  # type: ignore[arg-type]


def test_a_cache_folder_that_cannot_be_written_is_no_error(site: Site) -> None:
    site.install_loss("ganzoo-soft", "soft")
    site.cache.write_text("a file in the way")
    done = site.run("list", "loss")
    assert done.returncode == 0 and "ganzoo-soft" in done.stdout and not done.stderr


def test_a_module_inside_a_package_is_found_without_importing_the_package(site: Site) -> None:
    package = site.folder / "deep"
    package.mkdir()
    site.install("deep-dist", "", "[ganzoo]\ndeep = deep.hooks\n")
    (package / "__init__.py").write_text(f"open({str(site.marker)!r}, 'a').write('deep ')")
    source = HOOKS.format(marker=str(site.marker), hook="losses", name="soft", build="Part")
    (package / "hooks.py").write_text(dedent(source))
    assert set(plugins_of(site)) == {"deep-dist"} and site.imported()
    assert set(plugins_of(site)) == {"deep-dist"} and not site.imported()


# --- commands ---------------------------------------------------------------------------------------------------

COMMAND = """
    import click
    with open({marker!r}, "a") as marker:
        marker.write(__name__ + "\\n")

    @click.command()
    def hello():
        "Say hello."
        click.echo("hello from a plugin")
"""


def test_commands_of_plugins_are_imported_when_called(site: Site) -> None:
    source = COMMAND.format(marker=str(site.marker))
    site.install("says-hello", source, "[ganzoo.commands]\nhello = says_hello:hello\ntrain = says_hello:hello\n")
    help_text = site.run("--help").stdout
    assert "from says-hello 1.0" in help_text and not site.imported()
    assert site.run("hello").stdout == "hello from a plugin\n" and site.imported()
    assert "hello" not in site.run("train", "--help").stdout
    assert "hello" not in site.run("--help", GANZOO_PLUGINS="").stdout


def test_a_command_that_cannot_be_imported_is_one_line(site: Site) -> None:
    site.install("says-hello", "import nowhere_at_all", "[ganzoo.commands]\nhello = says_hello:hello\n")
    done = site.run("hello")
    assert done.returncode == 1 and not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("ganzoo: error: ") and "says-hello 1.0" in line and "nowhere_at_all" in line
    assert "Traceback" in site.run("--debug", "hello").stderr
    assert site.run("--help").returncode == 0


def test_two_plugins_with_one_command(site: Site) -> None:
    for name in ("one-hello", "two-hello"):
        module = site.install(name, COMMAND.format(marker=str(site.marker)))
        info = site.folder / f"{module}-1.0.dist-info" / "entry_points.txt"
        info.write_text(f"[ganzoo.commands]\nhello = {module}:hello\n")
    done = site.run("hello")
    assert done.returncode == 1 and "one-hello and two-hello" in done.stderr


# --- in this process --------------------------------------------------------------------------------------------


class Hooks:
    """An in-line plugin."""

    @ganzoo.hookimpl
    def register_losses(self, register: ganzoo.Register) -> None:
        register("inline-loss", dict)


def test_an_inline_plugin_is_there_for_the_block() -> None:
    with plugin(Hooks(), "for-tests") as known:
        assert known.find("inline-loss").distribution == "for-tests"
        assert "inline-loss" in ganzoo.list("loss")
        with pytest.raises(UsageError, match="registered already"), plugin(Hooks(), "for-tests"):
            raise AssertionError("it was registered twice")
    assert "inline-loss" not in ganzoo.list("loss")


def test_an_inline_plugin_goes_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), plugin(Hooks()):
        raise ZeroDivisionError
    assert "inline-loss" not in ganzoo.list("loss")


def test_an_inline_plugin_that_cannot_be_registered_raises() -> None:
    with pytest.raises(PluginError, match="hookimpl"), plugin(object()):
        raise AssertionError("it was registered")
    assert registry().find("hinge")
