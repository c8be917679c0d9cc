"""A log that nobody can trust: every command that reads it goes on, says once what it left out, and loses nothing."""

import json
import math
import os
import shutil
import time
from itertools import pairwise

import pytest
from click.testing import CliRunner
from tiny_runs import resume, tiny
from watched_runs import line, make_run

from ganzoo.cli import main
from ganzoo.errors import ModelError
from ganzoo.folder import log
from ganzoo.folder.log import read_log
from ganzoo.grid.runs import measures
from ganzoo.training.log import Log
from ganzoo.watch.runs import Followed
from ganzoo.watch.server import Server

GOOD = line(1).encode()


def bad(**fields):
    return json.dumps({**json.loads(line(2)), **fields}).encode() + b"\n"


HOSTILE = {
    "UTF-16": "".join(line(step) for step in (1, 2)).encode("utf-16"),
    "bytes that are no UTF-8": GOOD + b'{"step": 2, "losses": {"d/\xff": 1}}\n',
    "nested 100,000 deep": GOOD + b'{"step": 2, "losses": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "objects 900 deep": GOOD + b'{"step": 2, "losses": ' + b'{"a":' * 900 + b"1" + b"}" * 901 + b"\n",
    "400 digits": GOOD + b'{"step": 2, "losses": {"d/loss": ' + b"9" * 400 + b"}}\n",
    "5,000 digits": GOOD + b'{"step": 2, "losses": {"d/loss": ' + b"9" * 5000 + b"}}\n",
    "a step of 400 digits": GOOD + b'{"step": ' + b"9" * 400 + b', "losses": {"d/loss": 1}}\n',
    "a step that is text": GOOD + bad(step="2"),
    "a step that is true": GOOD + bad(step=True),
    "a negative step": GOOD + bad(step=-3),
    "a broken step": GOOD + bad(step=1.5),
    "no step": GOOD + b'{"losses": {"d/loss": 1}}\n',
    "50,000 series in a line": GOOD + bad(losses={f"d/{number}": 1 for number in range(50_000)}),
    "a huge loss": GOOD + bad(losses={"d/loss": 1.7e308, "g/loss": -1.7e308}),
    "infinity": GOOD + b'{"step": 2, "losses": {"d/loss": 1e999}}\n',
    "NaN": GOOD + b'{"step": 2, "losses": {"d/loss": NaN}}\n',
    "a list": GOOD + b"[1, 2, 3]\n",
    "zeros": GOOD + bytes(300_000) + b"\n",
    "a line of 5 MB": GOOD + b'{"step": 2, "losses": {"d/loss": 1' + b" " * 5_000_000 + b"}}\n",
    "a picture": bytes(range(256)) * 300 + b"\n",
}
STRANGE = {  # no bad line is in them: only more than anybody needs, or fields that are not what they are called
    "50,000 series in all": b"".join(
        json.dumps({"step": n + 1, "losses": {f"d/{n}-{k}": 1 for k in range(500)}}).encode() + b"\n"
        for n in range(100)
    ),
    "hardly any speed": line(1).replace("640.0", "1e-300").encode(),
    "texts for numbers": bad(images="many", losses="high", clock="late", health=[1], score="best", lr=None),
    "an event that steers the terminal": bad(event={"text": "\x1b[2J\n\u202egone"}),
    "half a surrogate pair": GOOD + rb'{"step": 2, "losses": {"\udfff": 1}, "score": {"\ud800": 2}}' + b"\n",
    "an event that is half a surrogate pair": GOOD + rb'{"step": 2, "event": {"text": "\ud800"}}' + b"\n",
    "an event that is a list": bad(event=[1, {"a": "b"}]),
    "steps that go back": line(9).encode() + GOOD,
    "nothing": b"",
    "blank lines": b"\n\n" + GOOD + b"\r\n\n",
    "a torn line": GOOD + b'{"step": 2, "los',
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps, resumable, to be copied."""
    return tiny(tmp_path_factory.mktemp("log") / "run", steps=2, log_every=1, grid_every=9, save_every=1).folder


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture(autouse=True)
def unsaid():
    log.say_once.cache_clear()


def command(*words):
    """A command line that must end well or in one line, within seconds."""
    begun = time.monotonic()
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code in (0, 1), result.exception
    assert time.monotonic() - begun < 30
    for said in result.output.splitlines():
        assert said.isprintable(), said
    return result


@pytest.mark.parametrize("content", [*HOSTILE, *STRANGE])
def test_every_reader_answers(run, content, tmp_path):
    data = {**HOSTILE, **STRANGE}[content]
    (run / "log.jsonl").write_bytes(data)
    records = read_log(run)
    assert all(0 <= record["step"] < 2**53 for record in records)
    assert all(math.isfinite(measure.value) for measure in measures(run, scored=False).values())
    log.say_once.cache_clear()
    result = command("plot", run, "--out", tmp_path / "curves.png")
    assert result.exit_code == (0 if any("losses" in record for record in records) and "texts" not in content else 1)
    if content in HOSTILE:
        assert result.stderr.count("no sense") == 1 and "left out" in result.stderr
    else:
        assert "no sense" not in result.stderr


def check_kept(run, data, hostile, caplog):
    """What a resume leaves of a log: its good lines, and all of it beside them where there were others."""
    kept = (run / "log.jsonl").read_bytes().splitlines()
    assert all(log.parsed(record) is not None for record in kept)
    aside = run / "log.jsonl.old"
    if hostile:
        assert aside.read_bytes() == data  # nothing is lost
        assert caplog.text.count("no sense") == 1 and "log.jsonl.old" in caplog.text
    else:
        assert not aside.exists()


@pytest.mark.parametrize("content", [*HOSTILE, *STRANGE])
def test_a_log_is_cut_whatever_it_holds(tmp_path, content, caplog):
    data = {**HOSTILE, **STRANGE}[content]
    (tmp_path / "log.jsonl").write_bytes(data)
    Log(tmp_path).cut(2)
    check_kept(tmp_path, data, content in HOSTILE, caplog)


@pytest.mark.parametrize("content", ["UTF-16", "nested 100,000 deep", "a step that is text", "50,000 series in a line"])
def test_no_log_keeps_a_run_from_resuming(run, content, caplog):
    (run / "log.jsonl").write_bytes(HOSTILE[content])
    assert resume(run, steps=3).step == 3
    assert json.loads((run / "log.jsonl").read_bytes().splitlines()[-1])["step"] == 3
    check_kept(run, HOSTILE[content], True, caplog)


@pytest.mark.parametrize("kind", ["a folder", "a link", "a pipe"])
def test_a_log_that_is_no_file_keeps_no_run_from_resuming(tmp_path, kind, caplog):
    path = tmp_path / "log.jsonl"
    {"a folder": path.mkdir, "a link": lambda: path.symlink_to("/etc/passwd"), "a pipe": lambda: os.mkfifo(path)}[
        kind
    ]()
    with pytest.raises(ModelError):
        read_log(tmp_path)
    Log(tmp_path).cut(2)
    Log(tmp_path).write({"step": 3})
    assert [record["step"] for record in read_log(tmp_path)] == [3]
    assert os.path.lexists(tmp_path / "log.jsonl.old") and "log.jsonl.old" in caplog.text


def test_what_is_set_aside_twice_is_kept_twice(tmp_path):
    for number in (1, 2):
        with open(tmp_path / "log.jsonl", "ab") as file:
            file.write(b"nonsense %d\n" % number + line(number).encode())
        Log(tmp_path).cut(9)
    assert b"nonsense 1" in (tmp_path / "log.jsonl.old").read_bytes()
    assert b"nonsense 2" in (tmp_path / "log.jsonl.old-2").read_bytes()
    assert [record["step"] for record in read_log(tmp_path)] == [1, 2]


@pytest.mark.parametrize("content", [*HOSTILE, *STRANGE])
def test_watch_shows_every_run_whatever_a_log_holds(tmp_path, content):
    data = {**HOSTILE, **STRANGE}[content]
    (make_run(tmp_path / "runs" / "evil") / "log.jsonl").write_bytes(data)
    make_run(tmp_path / "runs" / "good")
    server = Server(tmp_path / "runs")
    try:
        rows = server.index()["runs"]
    finally:
        server.server_close()
    assert [row["id"] for row in rows] == ["evil", "good"] and rows[1]["step"] == 30
    follower, told = Followed(tmp_path / "runs" / "evil"), {"more": True}
    while told["more"]:
        told = follower.state()
    for value in (rows, told):
        json.dumps(value, allow_nan=False)
    assert content not in HOSTILE or "no sense" in told["problem"]
    assert len(told["curves"]) <= log.SERIES


def test_watch_says_of_a_run_that_breaks_it_that_it_cannot_be_read(tmp_path, monkeypatch):
    """Whatever bound was forgotten, the other runs are shown."""
    for name in ("evil", "good"):
        make_run(tmp_path / name)
    from ganzoo.watch import runs

    original = runs.standing

    def standing(folder, record):
        if folder.name == "evil":
            raise OverflowError("too large\x1b[2J")
        return original(folder, record)

    monkeypatch.setattr(runs, "standing", standing)
    evil, good = (runs.summary(tmp_path / name) for name in ("evil", "good"))
    assert evil["status"] == "unreadable" and "too large" in evil["problem"] and evil["problem"].isprintable()
    assert evil.keys() == good.keys() and good["step"] == 30


def test_the_card_is_made_beside_a_bad_log(run):
    (run / "log.jsonl").write_bytes(HOSTILE["a step that is text"] + STRANGE["an event that steers the terminal"])
    result = command("card", run)
    assert result.exit_code == 0 and result.stderr.count("no sense") == 1
    assert "\x1b" not in (run / "README.md").read_text()


def test_a_log_without_end_is_thinned_and_keeps_what_the_guard_saw(tmp_path, monkeypatch):
    monkeypatch.setattr(log, "MOST_RECORDS", 64)
    events = {7, 500, 999}
    lines = [bad(step=n, event={"text": "so"}) if n in events else line(n).encode() for n in range(1000)]
    (tmp_path / "log.jsonl").write_bytes(b"".join(lines))
    records = read_log(tmp_path)
    assert 16 <= len(records) <= 64
    assert {record["step"] for record in records if "event" in record} >= {500, 999}
    steps = [record["step"] for record in records]
    assert steps == sorted(steps) and steps[0] < 100
    assert max(later - earlier for earlier, later in pairwise(steps)) < 100
