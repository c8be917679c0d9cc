"""The guide and the pages about plugins are followed as a reader does, and what they show is what comes out."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
from doc_pages import ROOT, Block, agrees, blocks_of, commands_of, reader

from ganzoo.registry.hookspecs import HOOKS
from ganzoo.registry.lookup import known_provider
from ganzoo.testing import checks, plugin

DOCS = ROOT / "docs"
PAGES = sorted([*(DOCS / "plugins").glob("*.md"), *(DOCS / "guide").glob("*.md")])
TUTORIALS = [page for page in PAGES if page.parent.name == "plugins" and page.stem in (*HOOKS, "game")]
QUICK = ("declarations", "options", "shapes", "numbers", "images")  # checks that take no training
ROOMS = ("parts", "layers", "data", "metrics", "foreign", "testing", "cli.kit")
PUBLIC = ["ganzoo", *(f"ganzoo.{room}" for room in ROOMS)]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS).with_suffix(""))


every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
every_tutorial = pytest.mark.parametrize("page", TUTORIALS, ids=name_of)


def blocks(page: Path) -> list[Block]:
    return blocks_of(page.read_text(encoding="utf-8"))


@every_page
def test_every_command_parses(page: Path) -> None:
    for words in (words for block in blocks(page) if block.language == "bash" for words in commands_of(block)):
        found = [*entry_points(group="ganzoo.commands", name=words[0])]
        if not found:
            own = any(f"\n{words[0]} = " in block.text for block in blocks(page))
            assert own or known_provider("command", words[0]), f"nobody provides {words[0]}"
            continue
        command, rest = found[0].load(), words[1:]
        while hasattr(command, "commands") and rest and rest[0] in command.commands:
            command, rest = command.commands[rest[0]], rest[1:]
        options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
        assert given <= options | {"--help", "-h", "--debug"}, f"ganzoo {' '.join(words)}"


@every_page
def test_its_code_is_python_of_public_names(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            for node in ast.walk(ast.parse(block.text)):
                module = getattr(node, "module", None) if isinstance(node, ast.ImportFrom) else None
                names = [module] if module else [a.name for a in node.names] if isinstance(node, ast.Import) else []
                for name in names:
                    assert name.partition(".")[0] != "ganzoo" or name in PUBLIC, f"{page.name} imports {name}"


@every_page
def test_what_is_not_run_says_why(page: Path) -> None:
    for block in blocks(page):
        words = block.run.split(" ", 1)
        assert words[0] in ("", "no,", "with", "fails") and (words[0] in ("", "fails") or len(words) == 2), block.run
    fences = page.read_text(encoding="utf-8").count("\n```")
    assert fences == 2 * len(blocks(page)), "a fenced block is indented, or is not closed"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"{page.name} links to {target}"
        if anchor and other.suffix == ".md":
            headings = HEADING.findall(other.read_text(encoding="utf-8"))
            assert anchor in {slug(heading) for heading in headings}, f"{page.name} links to {target}"


def slug(heading: str) -> str:
    """The anchor that MkDocs and GitHub give a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def test_every_kind_has_a_tutorial_that_the_index_names() -> None:
    index = (DOCS / "plugins" / "index.md").read_text(encoding="utf-8")
    for page in (DOCS / "plugins").glob("*.md"):
        assert page.name == "index.md" or f"]({page.name}" in index, f"the index does not name {page.name}"
    assert {*HOOKS, "game"} == {page.stem for page in TUTORIALS}


def test_every_page_of_the_guide_is_in_its_index() -> None:
    index = (DOCS / "guide" / "index.md").read_text(encoding="utf-8")
    for page in (DOCS / "guide").glob("*.md"):
        assert page.name == "index.md" or f"]({page.name}" in index, f"the index does not name {page.name}"


def test_the_page_of_hooks_is_what_the_hooks_say() -> None:
    """To make it anew: python .ci/hooks.py."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / ".ci" / "hooks.py")
    assert spec is not None and spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    assert hooks.PAGE.read_text(encoding="utf-8") == hooks.page()


@pytest.fixture
def registered(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the module of a tutorial registers."""
    (module,) = [block for block in blocks(page) if block.title.endswith(".py")]
    (tmp_path / module.title).write_text(module.text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    name = Path(module.title).stem
    with plugin(importlib.import_module(name), name.replace("_", "-")) as known:
        yield [entry for entry in known.entries() if entry.distribution == name.replace("_", "-")]
    del sys.modules[name]


@every_tutorial
def test_the_part_of_a_tutorial_is_one(page: Path, registered: Any) -> None:
    (entry,) = registered
    assert entry.kind == {"game": "architecture"}.get(page.stem, page.stem)
    assert f"ganzoo new-plugin {entry.kind} {entry.name}\n" in page.read_text(encoding="utf-8")
    for check in checks(entry.spelling):
        if check.id.removeprefix(f"{entry.spelling}-") in QUICK:
            with suppress(SkipTest):
                check.run()


@pytest.mark.slow
@every_tutorial
def test_the_part_of_a_tutorial_conforms(page: Path, registered: Any) -> None:
    for check in checks(registered[0].spelling):
        with suppress(SkipTest):
            check.run()


@pytest.mark.slow
@every_page
def test_a_reader_sees_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    with reader(tmp_path / "here") as who:
        who.skips = ("pytest",)  # of a tutorial: the same checks are made above
        for block, said in who.follow(page.read_text(encoding="utf-8")):
            assert said == "…" or agrees(said, block.text), f"the page shows\n{block.text}\nand there came\n{said}"
