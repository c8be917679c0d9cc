"""``ganzoo watch``: what the page is told, and who is told nothing."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import pytest
from click.testing import CliRunner
from watched_runs import HOSTILE, line, make_run

from ganzoo.cli import main
from ganzoo.errors import RunError
from ganzoo.files.write import lock
from ganzoo.folder.scores import Score, add_scores
from ganzoo.watch import curves
from ganzoo.watch.curves import POINTS, Tail, ThinnedCurve
from ganzoo.watch.runs import Followed, find_runs, summary
from ganzoo.watch.server import PAGE, Server


def ask(server: Server, path: str, method: str = "GET", token: str | None = None, **headers):
    """Status, headers and body of one request, sent as it is written here."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
        token = server.token if token is None else token
        connection.putrequest(method, f"/{token}/{path}", skip_host=True)
        for name, value in {"Host": f"127.0.0.1:{server.server_port}", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()


def state(server: Server, run: str = "this") -> dict:
    status, _, body = ask(server, f"run/{run}/state.json")
    assert status == 200
    return json.loads(body)


# --- who is told nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong", "%00", "%C3%A9"])
@pytest.mark.parametrize("path", ["", "page.js", "runs.json", "run/this/samples.png"])
def test_every_request_needs_the_token(tmp_path, serve, token, path):
    server = serve(make_run(tmp_path / "first"))
    status, _, body = ask(server, path, token=token)
    assert status == 403 and b"token" in body
    assert ask(server, path)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "192.168.0.1:80", "[::1]"])
def test_another_hosts_name_is_refused(tmp_path, serve, host):
    assert ask(serve(make_run(tmp_path / "first")), "", Host=host)[0] == 403


def test_a_forwarded_port_is_answered(tmp_path, serve):
    assert ask(serve(make_run(tmp_path / "first")), "", Host="localhost:9999")[0] == 200


def test_it_listens_on_this_machine_only(tmp_path, serve):
    assert serve(tmp_path).server_address[0] == "127.0.0.1"
    assert serve(tmp_path).token != serve(tmp_path).token and len(serve(tmp_path).token) >= 32


def test_answers_keep_other_pages_out(tmp_path, serve):
    server = serve(make_run(tmp_path / "first"))
    for path, method in (("", "GET"), ("run/this/state.json", "GET"), ("nothing", "GET"), ("", "DELETE")):
        _, headers, _ = ask(server, path, method, Origin="https://evil.example")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
def test_nothing_but_get(tmp_path, serve, method):
    assert ask(serve(make_run(tmp_path / "first")), "", method)[0] == 501


@pytest.mark.parametrize(
    "path",
    ["config.json", "run/this/config.json", "run/this/training/run.json", "run/this/training%2Frun.json",
     "run/this/.lock",
     "run/../samples.png", "run/..%2Fsecret/samples.png", "run/%2e%2e/samples.png", "run//samples.png", "../page.js",
     "..%2Fserver.py", "server.py", "run/this/model.safetensors", "run/this/", "run/this"],
)  # fmt: skip
def test_only_what_is_listed_can_be_asked_for(tmp_path, serve, path):
    make_run(tmp_path / "secret")
    server = serve(make_run(tmp_path / "first"))
    (tmp_path / "first" / "model.safetensors").write_bytes(b"weights")
    assert ask(server, path)[0] == 404


def test_links_pipes_and_folders_are_not_read(tmp_path, serve):
    secret = make_run(tmp_path / "secret", logged=9)
    run = make_run(tmp_path / "runs" / "first")
    for name in ("samples.png", "log.jsonl", "config.json", "training/run.json"):
        (run / name).unlink()
        (run / name).symlink_to(secret / name)
    os.mkfifo(run / "progress.gif")
    (tmp_path / "runs" / "link").symlink_to(secret)
    server = serve(tmp_path / "runs")
    assert [row["id"] for row in json.loads(ask(server, "runs.json")[2])["runs"]] == ["first"]
    assert ask(server, "run/link/samples.png")[0] == 404
    assert ask(server, "run/first/samples.png")[0] == 404
    assert ask(server, "run/first/progress.gif")[0] == 404
    told = state(server, "first")
    assert told["curves"] == {} and told["recipe"] == "" and told["steps"] is None and told["samples"] is None
    assert "is a link" in told["problem"]


def test_training_that_is_a_link_is_not_entered(tmp_path):
    secret = make_run(tmp_path / "secret", steps=77)
    run = make_run(tmp_path / "first")
    (run / "training" / "run.json").unlink()
    (run / "training").rmdir()
    (run / "training").symlink_to(secret / "training")
    (secret / "training" / "best-00000040").mkdir()
    told = summary(run)
    assert told["steps"] is None and told["best"] is None


def test_pipe_for_a_log_does_not_hang(tmp_path, serve):
    run = make_run(tmp_path / "first")
    (run / "log.jsonl").unlink()
    os.mkfifo(run / "log.jsonl")
    told = state(serve(run))
    assert "not a regular file" in told["problem"] and told["recipe"] == "dcgan+sn+hinge"
    assert "not a regular file" in summary(run)["problem"]


# --- what the page is told ----------------------------------------------------------------------------------


def test_page_and_its_parts(tmp_path, serve):
    server = serve(make_run(tmp_path / "first"))
    for path, (_, kind) in PAGE.items():
        status, headers, body = ask(server, path)
        assert status == 200 and headers["Content-Type"] == kind and len(body) > 500
        assert b"http://" not in body.replace(b"http://www.w3.org", b"") and b"https://" not in body
    status, headers, body = ask(server, "run/this/samples.png?123")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert body == (tmp_path / "first" / "samples.png").read_bytes()
    assert ask(server, "run/this/progress.gif")[0] == 404


def test_run_that_goes_on(tmp_path, serve):
    run = make_run(tmp_path / "first")
    with lock(run):
        server = serve(run)
        told = state(server)
        assert (told["status"], told["step"], told["steps"], told["left"]) == ("training", 30, 100, 7.0)
        assert told["curves"]["losses/g/loss"] == [[10, 1.0], [20, 2.0], [30, 3.0]] and "images" not in told["curves"]
        with (run / "log.jsonl").open("a") as log:
            log.write(line(40) + line(50)[:20])
        assert state(server)["step"] == 40
        with (run / "log.jsonl").open("a") as log:
            log.write(line(50)[20:])
        assert [point[0] for point in state(server)["curves"]["lr/d"]] == [10, 20, 30, 40, 50]


def test_unchanged_state_is_not_sent_again(tmp_path, serve):
    server = serve(make_run(tmp_path / "first"))
    version = ask(server, "run/this/state.json")[1]["X-Version"]
    assert ask(server, f"run/this/state.json?version={version}")[::2] == (204, b"")
    with (tmp_path / "first" / "log.jsonl").open("a") as log:
        log.write(line(40))
    assert ask(server, f"run/this/state.json?version={version}")[0] == 200


def test_how_a_run_stands(tmp_path):
    run = make_run(tmp_path / "first", logged=0)
    assert summary(run)["status"] == "waiting"
    with lock(run):
        assert summary(run)["status"] == "starting"
        (run / "log.jsonl").write_text(line(10))
        assert summary(run)["status"] == "training"
    assert (summary(run)["status"], summary(run)["done"]) == ("stopped", 0.1)
    (run / "training" / "step-00000100").mkdir()
    assert (summary(run)["status"], summary(run)["step"], summary(run)["left"]) == ("finished", 100, 0.0)


def test_run_that_was_killed_is_not_taken_for_one_that_goes_on(tmp_path):
    run = make_run(tmp_path / "first")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (run / ".lock").write_text(f"process {gone.pid} on {socket.gethostname()}\n")
    assert summary(run)["status"] == "stopped"
    (run / ".lock").write_text("process 1 on elsewhere.example\n")
    assert summary(run)["status"] == "training"
    long_ago = time.time() - 3600
    for name in (".lock", "log.jsonl", "samples.png"):
        os.utime(run / name, (long_ago, long_ago))
    assert summary(run)["status"] == "stopped"


def test_run_with_a_budget(tmp_path):
    run = make_run(tmp_path / "first")
    notes = {"pacing": {"steps": None, "budget": 600.0}, "seconds": 450.0}
    (run / "training" / "run.json").write_text(json.dumps(notes))
    told = summary(run)
    assert (told["steps"], told["budget"], told["done"], told["left"]) == (None, 600.0, 0.75, 150.0)
    (run / "training" / "run.json").write_text(json.dumps({**notes, "seconds": 601.0}))
    assert summary(run)["status"] == "finished"


def test_run_with_a_budget_of_processor_time(tmp_path):
    """A minute of it took two on the wall, so what is left takes twice as long, too."""
    run = make_run(tmp_path / "first")
    notes = {"pacing": {"steps": None, "budget": 600.0, "clock": "cpu"}, "seconds": 900.0, "processor_seconds": 450.0}
    (run / "training" / "run.json").write_text(json.dumps(notes))
    told = summary(run)
    assert (told["done"], told["left"]) == (0.75, 300.0)
    for broken in (None, "soon", -3, 0):
        (run / "training" / "run.json").write_text(json.dumps({**notes, "processor_seconds": broken}))
        assert summary(run)["done"] == 0.0


def test_run_that_has_not_begun_waits(tmp_path, serve):
    server = serve(tmp_path)
    assert json.loads(ask(server, "runs.json")[2]) == {"title": tmp_path.name, "single": False, "runs": []}
    (tmp_path / "first" / "training").mkdir(parents=True)
    with lock(tmp_path / "first"), lock(tmp_path):
        told = state(server, "first")
    assert (told["status"], told["step"], told["curves"]) == ("starting", 0, {})


def test_folder_of_runs(tmp_path, serve):
    make_run(tmp_path / "runs" / "one")
    make_run(tmp_path / "runs" / "grid" / "two words", recipe="sagan")
    (tmp_path / "runs" / "pictures").mkdir()
    server = serve(tmp_path / "runs")
    told = json.loads(ask(server, "runs.json")[2])
    assert {row["id"]: row["recipe"] for row in told["runs"]} == {"one": "dcgan+sn+hinge", "grid/two words": "sagan"}
    assert state(server, "grid%2Ftwo%20words")["recipe"] == "sagan"
    make_run(tmp_path / "runs" / "three")
    assert len(json.loads(ask(server, "runs.json")[2])["runs"]) == 3
    assert "this" in find_runs(tmp_path / "runs" / "one")


def score(step: int, value: float) -> Score:
    data = {"name": "digits", "fingerprint": f"sha256:{'0' * 64}", "split": "test", "count": 9}
    network = {"name": "net", "input": 64, "pretrained": True, "sha256": "0" * 64}
    return Score("fd10-test@net", "fd", value, None, 10, data, network, "own", 0, 1, step, 0.5, f"{step:064d}", False)


def test_scores_events_and_the_best(tmp_path):
    run = make_run(tmp_path / "first")
    (run / "training" / "best-00000020").mkdir()
    assert summary(run)["best"] == {"step": 20, "key": None, "value": None}
    add_scores(run, [score(10, 9.0), score(20, 4.0), score(30, 7.0)])
    said = {"kind": "collapse", "action": "warn", "text": "step 30: 64 samples show 3 modes"}
    with (run / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": 30, "event": said, "clock": {}}) + "\n")
    told = Followed(run).state()
    assert told["best"] == {"step": 20, "key": "fd10-test@net", "value": 4.0}
    assert [one["value"] for one in told["scores"]] == [9.0, 4.0, 7.0]
    assert told["events"] == [{"step": 30, "text": "step 30: 64 samples show 3 modes"}]
    assert told["speed"] == 640.0, "an event's line has no numbers, and hides none"
    (run / "metrics.json").write_text("[]")
    assert "metrics.json" in Followed(run).state()["problem"]


def test_hostile_texts_are_told_as_texts(tmp_path, serve):
    run = make_run(
        tmp_path / "first", recipe=HOSTILE, class_names=[HOSTILE] * 1000, classes=1000,
        settings={HOSTILE: {"value": [HOSTILE], "because": {"a": HOSTILE}}, "odd": 7}, parts=[3, {"part": [HOSTILE]}],
        dataset={"name": HOSTILE * 50, "count": [[]], "licence": None}, resolution={}, channels=HOSTILE,
    )  # fmt: skip
    with (run / "log.jsonl").open("a") as log:
        for odd in ("[]", "7", "{", '{"step": -1}', '{"step": 1e999}', '{"step": 40, "losses": {"d": NaN}}', "[" * 9000,
                    f'{{"step": 40, "losses": {{"big": 1{"0" * 400}}}}}', '{"step": true}', "\xff\x00",
                    json.dumps({"step": 50, "losses": {HOSTILE: 2.0}, "event": {"text": HOSTILE}})):  # fmt: skip
            log.write(odd + "\n")
        log.write(line(60, losses={HOSTILE: 2.0, "constructor": 1.0, "__proto__": 1.0}, clock={"time": [1]}))
    _, headers, body = ask(serve(run), "run/this/state.json")
    assert headers["Content-Type"] == "application/json" and b"\x1b" not in body and b"\\u001b" not in body
    assert b"202e" not in body.replace(b"\\\\u202e", b"")
    told = json.loads(body)
    assert told["step"] == 60 and "onerror" in told["recipe"]
    assert len(body) < 40_000, "texts are cut"


@pytest.mark.parametrize("value", ["[]", "{", "7", '{"settings": [], "parts": {}, "dataset": 3, "class_names": 5}'])
def test_config_that_makes_no_sense(tmp_path, value):
    run = make_run(tmp_path / "first")
    (run / "config.json").write_text(value)
    (run / "training" / "run.json").write_text(value)
    told = Followed(run).state()
    assert (told["recipe"], told["parts"], told["settings"], told["step"]) == ("", [], [], 30)


# --- a log of any length ------------------------------------------------------------------------------------


def test_curve_of_a_million_values_stays_thin_and_true():
    curve = ThinnedCurve()
    for step in range(100_000):
        curve.add(step, float(step % 10))
    points = curve.rounded()
    assert POINTS / 2 <= len(points) <= POINTS
    assert [point[0] for point in points] == sorted(point[0] for point in points) and points[-1][0] == 99_999
    assert all(len(point) == 4 and point[2] == 0.0 and point[3] == 9.0 for point in points[:-1])
    assert sum(point[1] for point in points[:-1]) / len(points[:-1]) == pytest.approx(4.5, abs=0.01)


def test_short_curve_has_every_value():
    curve = ThinnedCurve()
    for step in range(1, POINTS + 1):
        curve.add(step, step / 3)
    assert curve.rounded() == [[step, float(f"{step / 3:.5g}")] for step in range(1, POINTS + 1)]


def test_long_log_is_read_a_piece_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "PIECE", 2000)
    run = make_run(tmp_path / "first", logged=200)
    tail, pieces = Tail(run), 1
    while tail.read():
        pieces += 1
    assert pieces > 10 and tail.record["step"] == 2000
    assert [point[0] for point in tail.curves["losses/d/loss"].points] == list(range(10, 2001, 10))


def test_line_without_end_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "PIECE", 1000)
    run = make_run(tmp_path / "first", logged=2)
    with (run / "log.jsonl").open("a") as log:
        log.write('{"step": 25, "x": "' + "x" * 5000 + '"}\n' + line(30))
    tail = Tail(run)
    while tail.read():
        continue
    assert [point[0] for point in tail.curves["losses/d/loss"].points] == [10, 20, 30]


@pytest.mark.parametrize("replace", [True, False], ids=["replaced", "cut in place"])
def test_log_that_was_cut_back_is_read_anew(tmp_path, replace):
    run = make_run(tmp_path / "first", logged=5)
    tail = Tail(run)
    tail.read()
    new = "".join(line(step, losses={"d/loss": 0.5}) for step in (10, 20, 25, 30, 35, 40, 45, 50, 55))
    if replace:
        (run / "new").write_text(new)
        (run / "new").rename(run / "log.jsonl")
    else:
        (run / "log.jsonl").write_text(new)
    tail.read()
    assert [point[0] for point in tail.curves["losses/d/loss"].points] == [10, 20, 25, 30, 35, 40, 45, 50, 55]
    assert "losses/g/loss" not in tail.curves
    (run / "log.jsonl").unlink()
    tail.read()
    assert tail.curves == {} and tail.record == {}


def test_log_with_endless_names_fills_no_memory(tmp_path):
    run = make_run(tmp_path / "first", logged=0)
    (run / "log.jsonl").write_text(line(10, losses={f"term-{index}": 1.0 for index in range(500)} | {"x" * 999: 1.0}))
    told = Followed(run).state()
    assert len(told["curves"]) <= 100


# --- the command --------------------------------------------------------------------------------------------


def refused(*words: str) -> str:
    result = CliRunner().invoke(main, ["watch", *words])
    assert result.exit_code != 0 and not isinstance(result.exception, Exception)
    return result.stderr


def test_what_cannot_be_watched(tmp_path):
    (tmp_path / "file").write_text("")
    assert "there is no folder nowhere" in refused("nowhere")
    assert "is a file" in refused(str(tmp_path / "file"))
    assert "--port" in refused(str(tmp_path), "--port", "70000")
    with Server(tmp_path) as taken, pytest.raises(RunError, match="leave --port out"):
        Server(tmp_path, taken.server_port)


def test_help_says_how(tmp_path):
    said = CliRunner().invoke(main, ["watch", "--help"]).output
    assert "ganzoo watch runs/first" in said and "127.0.0.1" in said and "ssh -L" in said


def test_ctrl_c_ends_it_cleanly(tmp_path):
    run = make_run(tmp_path / "first")
    command = [sys.executable, "-m", "ganzoo", "watch", str(run), "--no-open"]
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # the background jobs of a shell ignore it
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears)
    url = process.stdout.readline().split()[-1]
    with closing(http.client.HTTPConnection("127.0.0.1", int(url.split(":")[2].split("/")[0]), timeout=10)) as page:
        page.request("GET", f"/{url.split('/')[3]}/")
        assert page.getresponse().status == 200
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=20)
    assert process.returncode == 0 and out == "" and "Traceback" not in said and "has ended" in said
