"""Paths on the command line and in Python: ``~`` expanded, an empty one refused, and no home directory survived."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import ganzoo
from ganzoo.cli import main
from ganzoo.cli.kit import PathType
from ganzoo.cli.paths import PlaceType
from ganzoo.data import DataRequest, open_data
from ganzoo.errors import GanzooError, UsageError
from ganzoo.files.paths import expanded, provide_cache, to_path, user_cache
from ganzoo.registry.cache import cache_for, default_root
from ganzoo.registry.loading import own_commands
from ganzoo.training.config import FACTS, TrainConfig

NAMED = {"model", "names", "runs", "run", "folder", "folders", "value", "data", "eval_data", "floor", "init", "resume"}
NAMED |= {"fork", "out", "html", "draw", "weights", "source", "target", "ref", "repo", "photo", "start"}
NO_PATHS = {("search", "data"), ("import", "data")}  # the name of a data set in a card


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Every built-in command with the words that call it."""
    context = click.Context(main)
    for name in sorted(own_commands()):
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (([name, sub], command.commands[sub]) for sub in command.commands)
        elif command is not None:
            yield [name], command


def places() -> Iterator[tuple[list[str], str]]:
    """For each parameter that may be a path: words that call its command, with ``{}`` in its place."""
    for words, command in commands():
        needed = [p for p in command.params if p.required]
        for param in command.params:
            if isinstance(param.type, PathType | PlaceType):
                line = list(words)
                for other in [*(p for p in needed if p is not param), param]:
                    option = [other.opts[0]] if isinstance(other, click.Option) else []
                    line += [*option, "{}" if other is param else "x"]
                yield line, f"{' '.join(words)} {param.opts[0]}"


CASES = list(places())


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test, with the working directory beside it."""
    home, beside = tmp_path / "home", tmp_path / "beside"
    home.mkdir()
    beside.mkdir()
    monkeypatch.chdir(beside)
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No home directory; the folder for temporary files."""

    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    beside = tmp_path / "beside"
    beside.mkdir()
    monkeypatch.chdir(beside)
    for name in ("HOME", "XDG_CACHE_HOME", "GANZOO_CACHE", "GANZOO_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


# --- one type for all ---------------------------------------------------------------------------------------


def test_whatever_may_be_a_path_has_the_type_of_paths() -> None:
    wrong = [
        f"{' '.join(words)} {param.name}"
        for words, command in commands()
        for param in command.params
        if ((param.name in NAMED and (words[0], param.name) not in NO_PATHS) or isinstance(param.type, click.Path))
        and not isinstance(param.type, PathType | PlaceType)
        and not param.is_flag
    ]
    assert wrong == []
    assert len(CASES) > 40


def test_fields_of_a_training_that_may_be_paths_are_marked() -> None:
    marked = {name for name, fact in FACTS.items() if fact.place}
    assert marked == {"data", "out", "init", "resume", "fork", "eval_data"}


@pytest.mark.parametrize("words", [words for words, _ in CASES], ids=[name for _, name in CASES])
@pytest.mark.parametrize("path", ["", "~nosuchuser/x", "~nosuchuser"])
def test_an_empty_path_and_a_home_that_is_not_there_are_refused(words: list[str], path: str, at_home: Path) -> None:
    result = run(*(path if word == "{}" else word for word in words))
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output and len(result.output.strip().splitlines()) == 1
    assert ("it is empty" if not path else "there is no user 'nosuchuser'") in result.output
    assert not any(at_home.parent.joinpath("beside").iterdir())


def test_home_directories_are_asked_for_in_one_place() -> None:
    root = Path(ganzoo.__file__).parent
    files = [*root.rglob("*.py"), *root.parent.glob("plugins/*/ganzoo_*/**/*.py")]
    asking = [file.name for file in files if re.search(r"\.expanduser\(|Path\.home\(", file.read_text("utf-8"))]
    assert asking == ["paths.py"]


@pytest.mark.parametrize("folder", ["", "~nosuchuser/x"])
def test_saving_refuses_them_too(folder: str) -> None:
    with pytest.raises(UsageError, match=r"no empty text|^folder="):
        ganzoo.build("dcgan:ch=2", 16).save(folder)


# --- ~ is the home directory --------------------------------------------------------------------------------


def test_commands_expand_the_home_directory(at_home: Path, finished: Path, letters: Path, own_cache: None) -> None:
    shutil.copytree(finished, at_home / "run")
    shutil.copytree(letters, at_home / "letters")
    small = ("--resolution", 16, "--batch", 4, "--steps", 1, "--quiet")
    lines = [
        ("train", "dcgan:ch=2", "--data=~/letters", "--out=~/runs/a", *small),
        ("train", "--resume=~/runs/a", "--steps", 2, "--quiet"),
        ("sample", "~/run", "-n", 2, "--out=~/pictures/grid.png"),
        ("sample", "~/run", "-n", 2, "--out=~/arrays.npz"),
        ("interpolate", "~/run", "--rows", 1, "--steps", 2, "--out=~/walk.png"),
        ("leaderboard", "~/runs"),
        ("compare", "~/runs/a", "~/run", "--html=~/compare.html"),
        ("push", "~/run", "~/published", "--unscored", "--license", "mit"),
        ("convert", "~/run", "~/small"),
        ("data", "check", "~/letters", "--out=~/preview.png"),
        ("build", "dcgan:ch=2", "--draw=~/networks.svg"),
        ("new-plugin", "loss", "mine", "--out=~/mine"),
        ("search", "--local", "--runs=~/runs"),
    ]
    for words in lines:
        result = run(*words)
        assert result.exit_code == 0, (words, result.output)
    assert not (Path.cwd() / "~").exists()
    made = ["runs/a", "pictures/grid.png", "arrays.npz", "walk.png", "compare.html"]
    made += ["published", "small", "preview.png", "networks.svg", "mine"]
    assert [name for name in made if not (at_home / name).exists()] == []


@pytest.mark.parametrize("kind", [str, Path])
def test_python_expands_the_home_directory(
    kind: type, at_home: Path, model: Path, letters: Path, own_cache: None
) -> None:
    shutil.copytree(model, at_home / "first")
    shutil.copytree(letters, at_home / "letters")
    made = ganzoo.train("dcgan:ch=2", kind("~/letters"), out=kind("~/run"), steps=1, batch=4, resolution=16, quiet=True)
    assert made.folder == at_home / "run"
    again = ganzoo.train(resume=kind("~/run"), fork=kind("~/fork"), steps=2, quiet=True)
    assert again.folder == at_home / "fork"
    assert ganzoo.load(kind("~/first")).size == 16
    assert open_data(kind("~/letters"), DataRequest(resolution=16)).count == 60
    assert not (Path.cwd() / "~").exists()


@pytest.mark.parametrize("variable", ["GANZOO_CACHE", "GANZOO_DATA"])
def test_so_do_variables_of_the_environment(variable: str, at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "~/kept")
    found = cache_for("scores").parent if variable == "GANZOO_CACHE" else default_root()
    assert found == at_home / "kept"
    monkeypatch.setenv(variable, "~nosuchuser/kept")
    with pytest.raises(UsageError, match=f"{variable}='~nosuchuser/kept'.*no user"):
        cache_for("scores") if variable == "GANZOO_CACHE" else default_root()


def test_a_name_that_starts_with_a_tilde_can_be_written(at_home: Path, model: Path) -> None:
    shutil.copytree(model, "~nosuchuser")
    assert run("sample", "./~nosuchuser", "-n", 1, "--out", "./~1.png").exit_code == 0
    assert Path("~1.png").is_file()
    assert ganzoo.load("./~nosuchuser").size == 16
    assert expanded(expanded("./~x")) == os.path.abspath("~x")


@pytest.mark.parametrize("name", ["data", "out", "init", "resume", "fork", "eval_data"])
@pytest.mark.parametrize("value", ["", " ", "~nosuchuser/x", Path("~nosuchuser/x"), "a\0b"])
def test_python_refuses_paths_that_cannot_be_meant(name: str, value: str | Path) -> None:
    with pytest.raises(UsageError, match=f"^{name}="):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    "call",
    [
        lambda path: ganzoo.load(path),
        lambda path: open_data(path),
        lambda path: ganzoo.evaluate(path, "digits"),
        lambda path: ganzoo.evaluate("./x", path),
        lambda path: to_path(path),
    ],
    ids=["load", "open_data", "evaluate", "evaluate data", "to_path"],
)
@pytest.mark.parametrize("path", ["", "~nosuchuser/x"])
def test_functions_refuse_them_too(call: object, path: str, at_home: Path) -> None:
    with pytest.raises(GanzooError) as error:
        call(path)
    assert "\n" not in str(error.value)


# --- no home directory --------------------------------------------------------------------------------------


def test_without_a_home_directory_caches_are_among_the_temporary_files(homeless: Path) -> None:
    assert user_cache() == cache_for("scores").parents[1] == default_root().parents[1]
    assert user_cache().parent == homeless and user_cache().stat().st_mode & 0o777 == 0o700
    assert user_cache() == user_cache()
    provide_cache()  # for the libraries, which would make a folder called ~
    assert os.environ.pop("XDG_CACHE_HOME") == str(user_cache())


def test_a_cache_that_others_could_write_to_is_not_used(homeless: Path) -> None:
    folder = user_cache()
    folder.chmod(0o777)
    assert user_cache() != folder
    folder.rmdir()
    folder.symlink_to("/tmp")
    assert user_cache() not in (folder, Path("/tmp"))


def test_where_nothing_can_be_written_there_is_no_cache(homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> str:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.gettempdir", full)
    assert not user_cache().exists()


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_folder_is_none(home: str, homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    assert user_cache().parent == homeless
    with pytest.raises(UsageError, match="no home directory is known here; set HOME"):
        to_path("~/first")


def test_commands_need_no_home_directory(homeless: Path, finished: Path, letters: Path) -> None:
    lines = [
        ("list", "loss"),
        ("info", "hinge"),
        ("build", "dcgan:ch=2"),
        ("plugins",),
        ("doctor",),
        ("data", "check", letters),
        ("sample", finished, "-n", 1, "--out", "a.png"),
        ("train", "dcgan:ch=2", "--data", letters, "--resolution", 16, "--batch", 4, "--steps", 1, "--quiet"),
        ("leaderboard", finished),
        ("search", "--local"),
    ]
    for words in lines:
        result = run(*words)
        assert result.exit_code == 0, (words, result.output)
    result = run("sample", "~/first")
    assert result.exit_code == 2 and "no home directory is known here; set HOME" in result.output
    assert sorted(os.listdir()) == ["a.png", "runs"]


NOBODY = """
import pwd, runpy, sys
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
sys.argv = ["ganzoo", "list", "loss"]
import ganzoo
from huggingface_hub import constants
print(constants.HF_HOME)
runpy.run_module("ganzoo", run_name="__main__")
"""


def test_libraries_find_a_cache_without_a_home_directory(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", NOBODY], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / f"ganzoo-{os.getuid()}"
    assert done.stdout.startswith(str(folder / "huggingface")) and "hinge" in done.stdout
    assert "no home directory is known here" in done.stderr
    assert os.listdir(tmp_path) == [folder.name]
