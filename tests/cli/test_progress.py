"""Whatever a command is at for over two seconds, a terminal says so; a file or a pipe gets nothing of it.

Not waited for: the two seconds are made two hundredths, and what is slow is a fake.
"""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from command_tree import commands
from tiny_models import saved, tutorial_weights

from ganzoo.cli import main
from ganzoo.cli.page import serve
from ganzoo.cli.show import say
from ganzoo.data import progress as bars
from ganzoo.data.progress import progress_bar
from ganzoo.files import waiting
from ganzoo.files.streams import quiet
from ganzoo.files.waiting import CLEAR, doing, no_status, status
from ganzoo.gan.gan import GAN
from ganzoo.training.progress import Bar

SOON, SLOW = 0.02, 0.12
LEAVES = [(name, command) for name, command in commands() if not isinstance(command, click.Group)]


class Screen(io.StringIO):
    """A terminal's stream; ``isatty`` says whether it is one."""

    def __init__(self, terminal: bool = True) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are two hundredths."""
    for module, name in ((waiting, "QUIET_SECONDS"), (waiting, "FRAME_SECONDS"), (bars, "QUIET_SECONDS")):
        monkeypatch.setattr(module, name, SOON)


@contextmanager
def screens(
    monkeypatch: pytest.MonkeyPatch, terminal: bool = True, piped: bool = True
) -> Iterator[tuple[Screen, Screen]]:
    """Standard output, by default a pipe, and standard error."""
    out, err = Screen(not piped), Screen(terminal)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        yield out, err


def seen(text: str, seconds: float = 60.0) -> bool:
    """Whether standard error, a screen, comes to show a text; at once, but for a machine that is busy."""
    ends = time.monotonic() + seconds
    while text not in sys.stderr.getvalue() and time.monotonic() < ends:  # type: ignore[attr-defined]
        time.sleep(0.01)
    return text in sys.stderr.getvalue()  # type: ignore[attr-defined]


def carry_out(monkeypatch: pytest.MonkeyPatch, *words: object, **screen: bool) -> tuple[str, str]:
    """What a command line writes to standard output and to standard error, which is a terminal."""
    with screens(monkeypatch, **screen) as (out, err):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        assert end.value.code == 0, err.getvalue()
    return out.getvalue(), err.getvalue()


def slow(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, until: str = "") -> None:
    """Let a function take its time before it does what it does: until the screen shows a text, if one is given."""
    original: Callable[..., Any] = getattr(where, name)

    def late(*arguments: Any, **words: Any) -> Any:
        if until:
            assert seen(until)
        else:
            time.sleep(SLOW)
        return original(*arguments, **words)

    monkeypatch.setattr(where, name, late)


# --- every command ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in LEAVES])
def test_a_terminal_is_told_that_a_command_works(
    name: str, command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "params", [])
    line = f"ganzoo {name.split()[0]}, "
    monkeypatch.setattr(command, "callback", lambda: click.echo(f"done {seen(line)}"))
    out, err = carry_out(monkeypatch, *name.split())
    assert out == "done True\n" and err.endswith(CLEAR)  # nothing of it is left


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in LEAVES[:3]])
def test_a_file_is_told_nothing(name: str, command: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "params", [])
    monkeypatch.setattr(command, "callback", lambda: (time.sleep(SLOW), click.echo("done"))[1])
    assert carry_out(monkeypatch, *name.split(), terminal=False) == ("done\n", "")


# --- what is slow in some of them ---------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    saved(tmp_path / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "first"


def test_sample_has_a_bar(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, GAN, "generate_moved")
    out, err = carry_out(monkeypatch, "sample", model, "-n", 12, "--batch", 4, "--out", "a.npz")
    assert "drawing" in err and "%" in err and out.startswith("12 images: a.npz")


def test_a_bar_leaves_what_goes_into_a_pipe_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with screens(monkeypatch) as (out, err), progress_bar("counting", 3) as advance:
        for number in range(3):
            time.sleep(SLOW)
            advance(1)
            print(number)
    assert out.getvalue() == "0\n1\n2\n" and "counting" in err.getvalue()


@pytest.mark.parametrize(
    ("words", "where", "stage"),
    [
        (("sample", "first", "-n", 1), "ganzoo.hub.locate:ModelReference.load", "loading first"),
        (("card", "first"), "ganzoo.card:draw_pictures", "drawing pictures"),
        (("leaderboard", "first"), "ganzoo.scoring.leaderboard:scored", "reading scores"),
        (("convert", "first", "small"), "ganzoo.publish.convert:convert_model", "writing small"),
        (("import", "netG.pth", "--out", "faces"), "ganzoo.foreign.importing:load_file", "reading netG.pth"),
        (
            ("compare", "first", "dcgan-mnist", "--html", "a.html"),
            "ganzoo.scoring.compare_page:page",
            "drawing samples",
        ),
    ],
)
def test_what_is_being_done_is_said(
    words: tuple[object, ...], where: str, stage: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(tutorial_weights(), "netG.pth")
    module, _, path = where.partition(":")
    *owner, name = path.split(".")
    found = import_module(module)
    slow(monkeypatch, getattr(found, owner[0]) if owner else found, name, stage)
    assert stage in carry_out(monkeypatch, *words)[1]


# --- the line ------------------------------------------------------------------------------------------------


def test_the_line_goes_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with screens(monkeypatch, piped=False) as (out, err), status("working"):
        assert seen("working, ")
        with doing("the second part"):
            assert seen("working: the second part, ")
        say("a result")
        assert err.getvalue().endswith(CLEAR) and out.getvalue() == "a result\n"
        say("a remark", err=True)
        assert err.getvalue().endswith(f"{CLEAR}a remark\n")
    assert not isinstance(sys.stdout, waiting._Telling)


@pytest.mark.parametrize("off", [no_status, quiet])
def test_no_line_where_something_else_is_shown(off: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with screens(monkeypatch) as (_, err), off(), status("working"):
        time.sleep(SLOW)
    assert err.getvalue() == ""


def test_a_server_and_a_bar_of_training_have_the_terminal_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    class Served:
        url = "http://127.0.0.1:1/"

        def serve_forever(self, poll_interval: float) -> None:
            time.sleep(SLOW)

    with screens(monkeypatch) as (_, err), status("working"):
        serve(Served(), "runs", False)  # type: ignore[arg-type]
        with Bar(0, 10):
            time.sleep(SLOW)
    assert "working" not in err.getvalue() and "step 0/10" in err.getvalue()


def test_it_is_as_long_as_the_terminal_is_wide_and_says_nothing_that_a_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    with screens(monkeypatch) as (_, err), status("working"), doing("\x1b[2J" + "x" * 99):
        assert seen("xx")
    lines = err.getvalue().split(CLEAR)
    assert max(map(len, lines)) == 29 and not any("\x1b" in line for line in lines)


def test_a_forked_process_writes_as_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with screens(monkeypatch), status("working"):
        assert seen("working")
        child = os.fork()
        if child == 0:
            sys.stderr.write("from a child")
            (tmp_path / "wrote").write_text(str(sys.stderr.stream.getvalue().endswith("from a child")))  # type: ignore[attr-defined]
            os._exit(0)
        os.waitpid(child, 0)
    assert (tmp_path / "wrote").read_text() == "True"


@pytest.mark.slow
def test_on_a_real_terminal(model: Path) -> None:
    """Standard error is a terminal and standard output a pipe, as in ``ganzoo models --json | less``."""
    source = f"""
import sys, time
from ganzoo.cli import main, search
from ganzoo.files import waiting
waiting.QUIET_SECONDS = waiting.FRAME_SECONDS = {SOON}
show = search._show
search._show = lambda *given: (time.sleep(2), show(*given))
main(["models", "--json"])
"""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=terminal, text=True
    ) as process:
        os.close(terminal)
        out, _ = process.communicate(timeout=120)
        seen = b""
        while select.select([screen], [], [], 0.2)[0]:
            try:
                seen += os.read(screen, 65536)
            except OSError:  # the other side is closed
                break
    os.close(screen)
    assert process.returncode == 0 and out.startswith("[") and "\r" not in out
    assert b"ganzoo models" in seen and seen.endswith(CLEAR.encode())
