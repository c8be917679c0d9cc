"""Streams that are closed, taken away, without ``isatty``, or of an encoding with few letters."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import ganzoo
from ganzoo.cli import main
from ganzoo.data import DataRequest, open_data
from ganzoo.data import progress as bars
from ganzoo.files.streams import is_quiet, is_terminal, quiet, tell


class Gone(io.StringIO):
    """A terminal that went away."""

    def isatty(self) -> bool:
        raise OSError(5, "Input/output error")

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


STREAMS = {
    "none": lambda: None,
    "no isatty": lambda: type("Write", (), {"write": lambda self, text: len(text)})(),
    "gone": Gone,
    "closed": closed,
    "ascii": lambda: io.TextIOWrapper(io.BytesIO(), encoding="ascii"),
    "cp1252": lambda: io.TextIOWrapper(io.BytesIO(), encoding="cp1252"),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_training_goes_on_whatever_standard_error_is(
    kind: str, letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", STREAMS[kind]())
    run = ganzoo.train("dcgan:ch=2", letters, tmp_path / "猫", steps=1, batch=4, resolution=16)
    assert run.step == 1 and (tmp_path / "猫" / "model.safetensors").is_file()


@pytest.mark.parametrize("kind", STREAMS)
def test_a_line_is_written_where_it_can_be(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    stream = STREAMS[kind]()
    monkeypatch.setattr(sys, "stderr", stream)
    assert is_terminal(stream) is False
    tell("θ is a letter")
    if isinstance(stream, io.TextIOWrapper):
        assert stream.buffer.getvalue() == b"\\u03b8 is a letter\n"  # type: ignore[attr-defined]


def test_without_standard_error_nothing_goes_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    tell("step 1")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("silent", [True, False])
def test_quiet_holds_for_the_decoding_of_pictures(
    silent: bool, letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars, "QUIET_SECONDS", -1.0)
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    ganzoo.train("dcgan:ch=2", letters, tmp_path / "run", steps=1, batch=4, resolution=16, quiet=silent)
    assert bool(screen.getvalue()) is not silent
    assert not is_quiet()


def test_quiet_ends_with_its_block(letters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "QUIET_SECONDS", -1.0)
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    with quiet(), quiet(False):
        open_data(letters, DataRequest(resolution=16))
        assert is_quiet() and screen.getvalue() == ""
    open_data(letters, DataRequest(resolution=16))
    assert screen.getvalue()


# --- commands -----------------------------------------------------------------------------------------------


@pytest.fixture
def greek(letters: Path, tmp_path: Path) -> Path:
    """Pictures of a class whose name few encodings have."""
    for number, name in enumerate(("a", "θ猫")):
        shutil.copytree(letters / str(number), tmp_path / "data" / name)
    return tmp_path / "data"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])  # click takes ascii for UTF-8
def test_letters_that_the_output_lacks_are_escaped(encoding: str, greek: Path) -> None:
    done = CliRunner(charset=encoding).invoke(main, ["data", "check", str(greek)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert b"\\u03b8\\u732b" in done.stdout_bytes


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_json_in_every_encoding(encoding: str, greek: Path) -> None:
    done = CliRunner(charset=encoding).invoke(main, ["data", "check", str(greek), "--json"])
    assert list(json.loads(done.stdout_bytes.decode(encoding))["classes"]) == ["a", "θ猫"]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_refusals_are_written_in_every_encoding(encoding: str) -> None:
    done = CliRunner(charset=encoding).invoke(main, ["sample", "./θ"])
    assert done.exit_code == 1 and b"\\u03b8" in done.stderr_bytes and b"Traceback" not in done.stderr_bytes


@pytest.mark.parametrize(
    ("redirection", "words", "status"),
    [
        (">&-", ("list", "loss"), 0),
        ("<&- >&- 2>&-", ("list", "nosuch"), 2),
    ],
)
def test_commands_end_as_they_would_where_streams_are_closed(
    redirection: str, words: tuple[str, ...], status: int
) -> None:
    line = ["bash", "-c", f'exec "$@" {redirection}', "bash", sys.executable, "-m", "ganzoo", *words]
    done = subprocess.run(line, capture_output=True, timeout=60, check=False)
    assert done.returncode == status and b"Traceback" not in done.stderr + done.stdout
