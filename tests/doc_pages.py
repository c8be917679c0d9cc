"""Pages of ``docs`` as a reader follows them: their files are written, their commands run, their output compared.

A fenced block with a ``title`` is a file of that name. One of ``bash`` is typed line by line, one of ``python`` is run;
a block of ``text`` behind either is what they print. An HTML comment in front of a block says what is special about it:

- ``<!-- run: no, REASON -->``: it is not run, such as for want of a GPU; it still has to parse
- ``<!-- run: with --steps 20 -->``: its ganzoo commands are run with these words behind them, to be done sooner
- ``<!-- run: fails -->``: its last command ends with an error, which is what is printed

``python tests/doc_pages.py PAGE...`` runs pages and writes what they print into their blocks of ``text``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import ganzoo
from ganzoo.cli import main
from ganzoo.registry import loading

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(
    r'^(?:<!-- run: (?P<run>[^\n]*?) -->\n+)?```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?[^\n]*\n'
    r"(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Measured ones. A score of five digits may come out whole in a table, where counts of as many digits have commas.
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?|\b\d{4,5}(?=  )|\b\d+ (?=seconds|s\b|min|ms|images/s)")
GAP = re.compile(r" {2,}|-{2,}")
WITHOUT = ("watch", "push")  # commands that do not end, or need the Hub, unless they are asked for --help


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``start`` and ``stop`` are where its text stands."""

    language: str
    title: str
    run: str
    text: str
    start: int
    stop: int

    @property
    def runs(self) -> bool:
        return not self.run.startswith("no")

    @property
    def more(self) -> list[str]:
        """The words that are put behind commands when they are run."""
        return shlex.split(self.run.removeprefix("with ")) if self.run.startswith("with ") else []


def blocks_of(text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(found["language"], found["title"] or "", found["run"] or "", found["text"], *found.span("text"))
        for found in FENCE.finditer(text)
    ]


def lines_of(block: Block) -> list[str]:
    """The commands of a block, without comments and prompts; a line that ends in a backslash goes on in the next."""
    joined = re.sub(r"\\\n\s*", "", block.text)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def commands_of(block: Block) -> list[list[str]]:
    """The words of each ``ganzoo ...`` of a block."""
    parts = [part.strip() for line in lines_of(block) for part in line.split("&&")]
    return [shlex.split(part)[1:] for part in parts if part.startswith("ganzoo ")]


def alike(text: str) -> str:
    """An output without what differs between machines: measured numbers, and the widths of tables."""
    lines = (GAP.sub("  ", NUMBER.sub("N", line)).rstrip() for line in text.strip().splitlines())
    return "\n".join(line for line in lines if line.strip())


def agrees(said: str, expected: str) -> bool:
    """Whether an output is what a page says; ``…`` there stands for anything."""
    pattern = ".*".join(map(re.escape, re.split(r"\s*…\s*", alike(expected))))
    return re.fullmatch(rf"\s*{pattern}\s*", alike(said), re.DOTALL) is not None


class Reader:
    """Somebody who follows a page in an empty folder.

    Args:
        folder: where.
        patch: undone at the end.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, patch
        self.site = folder / ".site"
        self.site.mkdir(parents=True)
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.installed: list[str] = []
        self.places = [str(self.site)]
        self.skips: tuple[str, ...] = ()  # lines that are not typed
        patch.chdir(folder)
        patch.setenv("GANZOO_CACHE", str(folder / ".cache"))
        patch.setenv(loading.SELECTION, "")
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.syspath_prepend(str(self.site))

    def follow(self, text: str) -> Iterator[tuple[Block, str]]:
        """Each block of text behind one that was run, with what that printed."""
        said = None
        for block in blocks_of(text):
            if block.title:
                self.write(block)
            elif block.language in ("bash", "python") and block.runs:
                try:
                    said = self.type(block) if block.language == "bash" else self.execute(block)
                except BaseException as error:
                    raise AssertionError(f"in the block\n\n{block.text}\n{traceback.format_exc()}") from error
            else:
                if block.language == "text" and said is not None:
                    yield block, said
                said = None

    def write(self, block: Block) -> None:
        """Make the file that a block is."""
        path = Path(block.title)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        for name in [name for name in sys.modules if name.partition(".")[0] == path.stem]:
            del sys.modules[name]

    def execute(self, block: Block) -> str:
        """Run a block of Python where the former ones left off: what it prints."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(block.text, "<page>", "exec"), self.names)
        return said.getvalue()

    def type(self, block: Block) -> str:
        """Type the lines of a block: what the last one prints, or what it fails with."""
        said, lines = "", lines_of(block)
        for line in lines:
            fails = block.run == "fails" and line is lines[-1]
            for part in line.split(" && "):
                said = self._typed(shlex.split(part), part, block.more, fails)
        return said

    def _typed(self, words: list[str], line: str, more: list[str], fails: bool) -> str:
        if line in self.skips:
            return "…"
        if words[0] == "cd":
            self.patch.chdir(words[1])
            return ""
        if words[:2] == ["pip", "install"]:
            return self._install(words[2:])
        if words[0] == "ganzoo" and not set("|>$;") & set(line):
            with elsewhere():
                done = CliRunner(catch_exceptions=False).invoke(main, [*words[1:], *more])
            code, said, why = done.exit_code, done.stdout, done.stderr
        else:
            line = re.sub(r"^torchrun\b", f"{shlex.quote(sys.executable)} -m torch.distributed.run", line)
            shell = subprocess.run(
                ["bash", "-c", " ".join([line, *more])],
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=1200,
            )
            code, said, why = shell.returncode, shell.stdout, shell.stderr
        assert bool(code) == fails, f"{line}: exit status {code}\n{said}\n{why}"
        return why if fails else said

    def _install(self, words: list[str]) -> str:
        """What ``pip install -e FOLDER`` does to be seen by ganzoo; packages of PyPI are taken to be there."""
        for word in words:
            folder = Path(re.sub(r"\[.*\]$", "", word))
            if word.startswith("-") or not (folder / "pyproject.toml").exists():
                continue
            project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            name = project["name"]
            info = self.site / f"{name.replace('-', '_')}-{project['version']}.dist-info"
            info.mkdir(exist_ok=True)
            needs = "".join(f"Requires-Dist: {need}\n" for need in project.get("dependencies", []))
            head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n{needs}"
            (info / "METADATA").write_text(head, encoding="utf-8")
            points = [
                f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in group_points.items())
                for group, group_points in project.get("entry-points", {}).items()
            ]
            (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
            self.patch.syspath_prepend(str(folder.resolve()))
            self.places.append(str(folder.resolve()))
            self.installed.append(name)
            self.patch.setenv(loading.SELECTION, ",".join(self.installed))
            forget()
        return ""

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([*self.places, str(Path(ganzoo.__file__).parents[1])])
        return {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "COLUMNS": "200"}


def forget() -> None:
    """Let ganzoo look again at what is installed."""
    importlib.invalidate_caches()
    loading.entry_points.cache_clear()
    loading.installed.cache_clear()


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """As in another process: what this program registered for itself is not known."""
    here = dict(loading._here)
    if not here:
        yield
        return
    loading._here.clear()
    loading.installed.cache_clear()
    try:
        yield
    finally:
        loading._here.update(here)
        loading.installed.cache_clear()


@contextlib.contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """A reader in a folder, after whom nothing is installed that was not before."""
    known = dict(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        forget()
        try:
            yield Reader(folder, patch)
        finally:
            loading._here.clear()
            for name in set(sys.modules) - set(known):
                if not getattr(sys.modules[name], "__file__", None) or str(folder) in str(sys.modules[name].__file__):
                    del sys.modules[name]
    forget()


def filled(text: str, follow: Callable[[str], Iterator[tuple[Block, str]]], save: Callable[[str], object]) -> None:
    """Save a page with what its blocks print, as far as it can be followed; blocks with ``…`` that agree are left."""
    new, moved = text, 0
    for block, said in follow(text):
        if "…" in block.text and (agrees(said, block.text) or said == "…"):
            continue
        shown = re.sub(r"[ \t]+$", "", said, flags=re.MULTILINE).strip("\n") + "\n"
        new = new[: block.start + moved] + shown + new[block.stop + moved :]
        moved += len(shown) - (block.stop - block.start)
        save(new)


def fill(page: Path, skips: tuple[str, ...] = ()) -> None:
    """Run a page, and write what it prints into it."""
    home = tempfile.mkdtemp(prefix="page-")
    try:
        with reader(Path(home) / "here") as who:
            who.skips = skips
            filled(page.read_text(encoding="utf-8"), who.follow, page.write_text)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    for page in [Path(name).resolve() for name in sys.argv[1:] if name != "--quick"]:
        fill(page, ("pytest",) if "--quick" in sys.argv else ())
        print("ran", page)
