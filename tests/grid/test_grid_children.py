"""Trainings end with what started them, and a cluster that does not answer is known soon."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ganzoo.cli import main
from ganzoo.errors import RunError
from ganzoo.folder.layout import checkpoints
from ganzoo.grid import answering, runs

SOON = 60.0  # seconds, of which a busy machine may take some


def wait_for(condition, what="it"):
    """Wait until something holds."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end, f"{what} takes too long"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether a process is there and does something."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- children -----------------------------------------------------------------------------------------------

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(100)
"""
CHILDREN = {
    "pipe": """
import time
from ganzoo.distributed.parent import end_when_closed
end_when_closed(0)
print("ready", flush=True)
time.sleep(100)
""",
    "launcher": """
import time
from ganzoo.distributed.parent import end_when_orphaned
with end_when_orphaned():
    print("ready", flush=True)
    time.sleep(100)
""",
}


@pytest.mark.parametrize("how", CHILDREN)
def test_a_process_ends_with_the_one_that_started_it(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILDREN[how]], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert lives(child)
    parent.kill()
    parent.wait()
    wait_for(lambda: not lives(child), "the child")


def test_a_process_whose_launcher_lives_goes_on_after_the_block():
    code = "import time\nfrom ganzoo.distributed import parent\nparent.LOOK = 0.01\n"
    code += "with parent.end_when_orphaned():\n    time.sleep(0.1)\nprint('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_the_program_of_a_run_is_ganzoo_itself():
    command = [*runs.PROGRAM, "--version"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.read().startswith("ganzoo ")


@pytest.mark.slow
def test_a_training_of_a_grid_that_is_killed_saves_and_ends(tmp_path):
    words = ["gan", "--data", "digits", "--out", tmp_path / "g", "--resolution", "16", "--batch", "8", "--threads", "1"]
    words += ["--steps", "1000000", "--save-every", "10", "--device", "cpu"]
    driver = subprocess.Popen([sys.executable, "-m", "ganzoo", "grid", *map(str, words)], stderr=subprocess.DEVNULL)
    run = tmp_path / "g" / "gan-seed0"
    try:
        wait_for(lambda: max(checkpoints(run), default=0) > 0, "a step")
        children = Path(f"/proc/{driver.pid}/task").glob("*/children")
        child = next(int(pid) for path in children for pid in path.read_text().split())
    finally:
        driver.kill()  # also where this machine was too slow: it would train for ever
        driver.wait()
    try:
        wait_for(lambda: not lives(child), "the training")
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    assert "and saved; go on with" in (tmp_path / "g" / "logs" / "gan-seed0.txt").read_text()


# --- a cluster that does not answer -------------------------------------------------------------------------


@pytest.fixture
def silent():
    """The address of something that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    """An address where nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.mark.parametrize("spelled", ["{}", "ray://{}"])
def test_nothing_listens(closed, spelled):
    with pytest.raises(RunError, match=rf"no Ray cluster answers at .*{closed} \(Connection refused\): 'ray start"):
        answering.check_answers(spelled.format(closed))


def test_a_port_that_is_none():
    with pytest.raises(RunError, match="no number from 0 to 65535"):
        answering.check_answers("10.0.0.1:70000")


def test_what_listens_is_silent(silent, monkeypatch):
    monkeypatch.setattr(answering, "TRIAL", "import time; time.sleep(60)")
    monkeypatch.setattr(answering, "PATIENCE", 0.2)
    with pytest.raises(RunError, match=f"no Ray cluster answers at {silent} .not within 0 seconds"):
        answering.check_answers(silent)


def test_ray_says_no_and_why(silent, monkeypatch):
    said = 'import sys; print("no way"); print("[1 W 2] client.cc:7: token\\x1b[2J", file=sys.stderr); sys.exit(3)'
    monkeypatch.setattr(answering, "TRIAL", said)
    with pytest.raises(RunError) as caught:
        answering.check_answers(silent)
    assert "(no way; token" in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_trial_that_works_says_nothing(silent, monkeypatch):
    monkeypatch.setattr(answering, "TRIAL", "")
    answering.check_answers(silent)


@pytest.mark.parametrize("how", ["option", "environment"])
def test_nothing_is_written_where_no_cluster_answers(tmp_path, monkeypatch, closed, how):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    words = ["grid", "gan", "--data", "digits", "--out", "g", "--ray"]
    if how == "option":
        words.append(closed)
    else:
        monkeypatch.setenv("RAY_ADDRESS", closed)
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1 and f"no Ray cluster answers at {closed}" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not (tmp_path / "g").exists()
