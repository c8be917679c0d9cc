"""Commands that texts suggest: quoted for a shell, and with options that they have."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from eval_runs import NETWORK
from suggestions import called, options_of, strangers
from tiny_models import saved

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import command
from ganzoo.files.paths import to_path
from ganzoo.grid.plan import GridRequest, make_grid

ROOT = Path(ganzoo.__file__).parent
PLUGINS = ROOT.parent / "plugins"
FILES = [path for root in (ROOT, PLUGINS) for path in sorted(root.rglob("*.py")) if "tests" not in path.parts]
COMMANDS = "|".join(name for name in options_of() if name)


@cache
def trees() -> list[tuple[str, ast.AST]]:
    return [(str(path.relative_to(ROOT.parent)), ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text in a file with its line; an X for each value of an f-string."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


# --- the texts in the code ----------------------------------------------------------------------------------


def test_texts_name_only_options_that_their_command_has() -> None:
    wrong = [f"{file}:{line} {one}" for file, tree in trees() for line, text in texts(tree) for one in strangers(text)]
    assert wrong == []


def test_so_do_the_words_of_commands_that_are_written() -> None:
    wrong = []
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "command" and node.args:
                words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                names = [str(word) for word in words]
                options = {word for word in names if word.startswith("-")}
                if called(names):
                    wrong += [f"{file}:{node.lineno} {one}" for one in options - options_of()[called(names)]]
    assert wrong == []


def test_no_command_is_written_by_hand_with_a_value_in_it() -> None:
    pattern = re.compile(rf"\bganzoo ({COMMANDS}) [^;,.()`]*$")
    wrong = []
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                before = ""
                for part in node.values:
                    if isinstance(part, ast.Constant):
                        before += str(part.value)
                    elif pattern.search(before):
                        wrong.append(f"{file}:{node.lineno} {ast.unparse(node)}")
                        break
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in options_of() if name])
def test_help_names_only_options_that_are_there(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert list(strangers(" ".join(result.output.split()), name)) == []


def test_the_test_finds_what_is_wrong() -> None:
    assert list(strangers("type: ganzoo eval x --keep 3")) and list(strangers("--skip-bad goes on", "list"))
    assert not list(strangers("'ganzoo list', or --data", "eval"))
    assert called(["data", "check", "x"]) == "data check" and not called(["bogus"])


# --- quoting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my runs", "it's", "a$b", "a;b", "猫", "-x", "~x", "a&b", "{a,b}", "*"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (Path(name), tmp_path / name):
        program, verb, option, word = shlex.split(command("train", "--resume", path))
        assert (program, verb, option) == ("ganzoo", "train", "--resume")
        assert not word.startswith("-") and to_path(word).absolute() == path.absolute()


def suggested(text: str) -> list[str]:
    """The words of the first command in a text."""
    return shlex.split(re.split(r"[),]|\n", text[text.rindex("ganzoo ") :])[0])


@pytest.fixture
def spaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a model ``my model`` in it."""
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "my model")
    return Path("my model")


def test_commands_for_a_folder_with_a_space_can_be_copied(spaced: Path, finished: Path, letters: Path) -> None:
    Path("my letters").symlink_to(letters)
    Path("my run").symlink_to(finished)
    small = ("--resolution", 16, "--batch", 4, "--steps", 1, "--quiet")
    done = run("train", "dcgan:ch=2", "--data", "my letters", "--out", "a run", *small)
    assert suggested(done.output) == ["ganzoo", "sample", "a run", "-n", "64", "--out", "grid.png"]
    for words, option, value in [
        (("train", "dcgan", "--data", "my letters", "--out", "a run"), "--resume", "a run"),
        (("train", "--resume", "a run", "--set", "lr=1"), "--fork", "a run-2"),
        (("data", "check", "my letters"), "--data", "my letters"),
        (("verify", spaced, "--data", "digits"), "eval", "my model"),
        (("push", spaced, "./there", "--license", "mit"), "eval", "my model"),
        (("convert", spaced, "half the size"), "eval", "half the size"),
        (("card", spaced, "--check"), "card", "my model"),
        (("compare", spaced), "compare", "my model"),
    ]:
        output = run(*words).output
        assert "ganzoo " in output, (words, output)
        said = suggested(output)
        assert said[said.index(option) + 1] == value, (words, said)


# --- options that were suggested where they were not --------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path, letters: Path, own_cache: None) -> Path:
    """Pictures of which one cannot be read."""
    folder = tmp_path / "damaged"
    folder.mkdir()
    for index, file in enumerate(sorted(letters.rglob("*.png"))[:24]):
        (folder / f"{index}.png").write_bytes(file.read_bytes())
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def test_every_command_that_suggests_to_skip_bad_pictures_can(damaged: Path, model: Path, tmp_path: Path) -> None:
    scoring = ("--metrics", "kid:subsets=2,size=8", "-n", 16, "--features", NETWORK)
    for words in [
        ("plan", "dcgan:ch=2", "--data", damaged, "--steps", 2, "--batch", 4, "--resolution", 16),
        ("grid", "dcgan:ch=2", "--data", damaged, "--resolution", 16, "--out", tmp_path / "grid", "--dry-run"),
        ("eval", model, "--data", damaged, *scoring),
        ("verify", model, "--data", damaged),
        ("convert", model, tmp_path / "half", "--data", damaged),
    ]:
        refused = run(*words)
        assert refused.exit_code == 1 and "--skip-bad goes on without" in refused.output, refused.output
        passed = run(*words, "--skip-bad")
        assert passed.exit_code == 0, passed.output


def test_runs_of_a_grid_skip_what_the_grid_does(damaged: Path, tmp_path: Path) -> None:
    scoring = {"features": NETWORK}
    request = GridRequest(
        ("dcgan:ch=2",),
        str(damaged),
        tmp_path / "grid",
        resolution=16,
        metrics="fid",
        scoring=scoring,
        skip_bad=True,
    )
    assert ["--skip-bad" in words for words in make_grid(request).jobs[0].commands] == [True, True]


def test_training_skips_bad_pictures_of_the_data_it_is_scored_on(damaged: Path, letters: Path, tmp_path: Path) -> None:
    scored = ("--eval-every", 1, "--eval-data", damaged, "--eval-n", 8, "--features", NETWORK, "--metrics", "fid")
    words = ("train", "dcgan:ch=2", "--data", letters, "--resolution", 16, "--batch", 4, "--steps", 1, *scored)
    refused = run(*words, "--out", tmp_path / "a")
    assert refused.exit_code == 1 and "--skip-bad goes on without" in refused.output
    passed = run(*words, "--out", tmp_path / "a", "--skip-bad", "--quiet")
    assert passed.exit_code == 0, passed.output


def test_bench_says_what_it_times() -> None:
    result = run("bench", "dcgan+sa@7", "--rounds", 1)
    assert result.exit_code == 2
    assert "--resolution" not in result.output
