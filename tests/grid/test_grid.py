"""``ganzoo grid``: what is run, what is kept, what is said of failures, and what the table makes of it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganzoo.cli import main
from ganzoo.errors import DataError, UsageError
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Score, add_scores
from ganzoo.grid import ray as through_ray
from ganzoo.grid import runs
from ganzoo.grid.plan import GridRequest, make_grid
from ganzoo.grid.runs import GridJob, Measure, Outcome, measures, work
from ganzoo.grid.table import Result, make_table, markdown, shown

FAKE = (sys.executable, str(Path(__file__).parents[1] / "fake_ganzoo.py"))
PATTERN = "gan+{normalization/none,normalization/bn}+{bce,hinge}"
NAMES = [
    "gan-normalization-none-bce-seed0", "gan-normalization-none-hinge-seed0", "gan-bn-bce-seed0", "gan-bn-hinge-seed0",
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, where runs take no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runs, "PROGRAM", FAKE)
    return tmp_path


def grid(*words: str, status: int = 0):
    result = CliRunner().invoke(main, ["grid", *words])
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def calls(folder: Path) -> list[str]:
    path = folder / "calls.txt"
    found = [line.rpartition(" ")[0] for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(found)


def kept(folder: Path) -> dict:
    return json.loads((folder / "grid.json").read_text())


# --- what is run --------------------------------------------------------------------------------------------


def test_grid_of_runs_and_its_table(here):
    result = grid("gan+{bce,hinge}", "--data", "digits", "--seeds", "2", "--out", "g", "--jobs", "2")
    assert calls(here / "g") == [f"train gan-{loss}-seed{seed}" for loss in ("bce", "hinge") for seed in (0, 1)]
    assert re.search(r"^gan\+bce +1.5 ± 0.71 +2/2$", result.stdout, re.M)
    assert re.search(r"^bce / hinge +hinge +2.5 ± 0.71 +\+1 +2$", result.stdout, re.M)
    assert result.stderr.count("done after") == 4 and "(0 to go)" in result.stderr
    table = kept(here / "g")
    assert [row["figures"]["losses/d/loss"]["mean"] for row in table["rows"]] == [1.5, 2.5]
    assert table["effects"][1]["against"] == {"losses/d/loss": 1.0}
    assert {run["status"] for run in table["runs"]} == {"done"} and table["maths"]["data"] == "digits"
    text = (here / "g" / "grid.md").read_text()
    assert "| `gan+hinge` | 2.5 ± 0.71 | 2/2 |" in text and "## Effect of each part" in text


def test_words_that_reach_train_and_eval(here):
    request = GridRequest(
        ("gan+hinge",), "digits", here / "g", settings={"lr.g": "1e-4"}, train={"steps": 4, "batch": None}
    )
    (job,) = make_grid(request).jobs
    (train,) = job.commands
    assert train[:4] == ("train", "gan+hinge", "--data", "digits")
    assert train[-4:] == ("--set", "lr.g=1e-4", "--quiet", "--resume")
    given = dict(zip(train[4:-4:2], train[5:-4:2], strict=True))
    assert given == {
        "--out": str(here / "g" / "gan-hinge-seed0"), "--seed": "0", "--resolution": "32", "--steps": "4",
    }  # fmt: skip


def test_threads_are_shared_out(here):
    grid("gan+{bce,hinge}", "--data", "digits", "--out", "g", "--jobs", "2", "--threads", "3")
    assert {line.split()[-1] for line in (here / "g" / "calls.txt").read_text().splitlines()} == {"threads=3"}


def test_several_patterns_as_an_unquoted_shell_makes_them(here):
    result = grid("gan+bce", "gan+hinge", "--data", "digits")
    assert "2 runs in runs/grid-gan-bce-gan-hinge" in result.stderr
    assert "choice" not in result.stdout


def test_dry_run_starts_nothing(here):
    result = grid(PATTERN, "--data", "digits", "--out", "g", "--dry-run")
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == NAMES
    assert not (here / "g").exists()
    told = json.loads(grid(PATTERN, "--data", "digits", "--out", "g", "--dry-run", "--json").stdout)
    assert [run["status"] for run in told["runs"]] == ["waiting"] * 4 and told["rows"][0]["finished"] == 0


def test_json_is_what_is_kept(here):
    told = json.loads(grid("gan+{bce,hinge}", "--data", "digits", "--out", "g", "--json").stdout)
    assert told == kept(here / "g")
    assert list(told) == ["format", "patterns", "seeds", "metrics", "maths", "columns", "rows", "effects", "runs"]


# --- what is refused before anything is started -------------------------------------------------------------

BAD = {
    "second recipe is wrong": (("gan+{bce,hnge}", "--data", "digits"), r"gan\+hnge: .*hinge"),
    "braces": (("gan+{bce", "--data", "digits"), "without its"),
    "twice": (("gan+{bce,bce}", "--data", "digits"), "comes twice"),
    "the same recipe": (("gan+{hinge,loss/hinge}", "--data", "digits"), "are the same recipe"),
    "size": (("{dcgan,gan}", "--data", "digits", "--resolution", "24"), "dcgan: .*24"),
    "setting": (("gan", "--data", "digits", "--set", "speed=1"), "speed"),
    "steps and images": (("gan", "--data", "digits", "--steps", "1", "--images", "2"), "give one of them"),
    "features without metrics": (("gan", "--data", "digits", "--features", "x"), "--features needs --metrics"),
    "eval data without metrics": (("gan", "--data", "digits", "--eval-data", "digits"), "--eval-data needs --metrics"),
    "no data": (("gan",), "--data"),
    "no seeds": (("gan", "--data", "digits", "--seeds", "0"), "--seeds"),
}


def test_scores_are_against_what_is_held_out(here, monkeypatch):
    monkeypatch.setattr("ganzoo.grid.plan._check_metrics", lambda request: None)
    options = {"patterns": ("gan",), "data": "digits", "out": here / "g", "metrics": "fd", "eval_data": "digits"}
    (job,) = make_grid(GridRequest(**options)).jobs
    assert job.commands[1][2:6] == ("--data", "digits", "--split", "test")
    (job,) = make_grid(GridRequest(**options, eval_every=5)).jobs
    (train,) = job.commands
    assert train[train.index("--eval-data") + 1] == "digits" and train[train.index("--eval-every") + 1] == "5"
    with pytest.raises(DataError, match="nowhere"):
        make_grid(GridRequest(**options | {"eval_data": "./nowhere"}))


@pytest.mark.parametrize(("words", "said"), BAD.values(), ids=BAD.keys())
def test_everything_is_checked_first(here, words, said):
    assert re.search(said, grid(*words, status=2).stderr)
    assert list(here.iterdir()) == []


def test_labels_that_the_data_lacks(here):
    assert "no-such-folder" in grid("gan", "--data", "./no-such-folder", status=1).stderr
    assert list(here.iterdir()) == []


def test_folder_with_other_things(here):
    (here / "g").mkdir()
    (here / "g" / "thesis.tex").touch()
    assert "holds no grid" in grid("gan", "--data", "digits", "--out", "g", status=1).stderr


# --- failures, and going on ---------------------------------------------------------------------------------


def test_failed_run_is_told_and_the_rest_finish(here, monkeypatch):
    monkeypatch.setenv("FAKE_FAIL", NAMES[0])
    monkeypatch.setenv("FAKE_KILL", NAMES[3])
    result = grid(PATTERN, "--data", "digits", "--out", "g", status=1)
    assert f"{NAMES[0]}: failed" in result.stderr and "out of luck\\x1b[2J" in result.stderr
    assert "killed by SIGKILL, perhaps for want of memory" in result.stderr
    assert result.stderr.count(": done") == 2
    table = kept(here / "g")
    assert {row["recipe"]: row["finished"] for row in table["rows"]} == {
        "gan+normalization/none+bce": 0, "gan+normalization/none+hinge": 1,
        "gan+normalization/bn+bce": 1, "gan+normalization/bn+hinge": 0,
    }  # fmt: skip
    assert all(effect["figures"] == {} for effect in table["effects"]), "no two runs are matched"
    text = (here / "g" / "grid.md").read_text()
    assert "## Runs that failed" in text and r"out of luck\\x1b\[2J \| \`at\` step 3" in text
    monkeypatch.delenv("FAKE_FAIL")
    monkeypatch.delenv("FAKE_KILL")
    calls(here / "g")
    assert "4 runs in g, 2 of them done already" in grid(PATTERN, "--data", "digits", "--out", "g").stderr
    assert calls(here / "g") == sorted(f"train {name}" for name in (NAMES[0], NAMES[3]))
    assert all(len(effect["figures"]) == 1 for effect in kept(here / "g")["effects"])


def test_same_command_does_nothing_twice_and_more_adds_to_it(here):
    for words, expected in (
        (("gan+{bce,hinge}",), 2),
        (("gan+{bce,hinge}",), 0),
        (("gan+{bce,hinge}", "--jobs", "2"), 0),
        (("gan+{bce,hinge,ls}",), 1),
        (("gan+{bce,hinge,ls}", "--seeds", "2"), 3),
        (("gan+{bce,hinge,ls}", "--seeds", "2", "--steps", "20"), 6),
    ):
        grid(*words, "--data", "digits", "--out", "g")
        assert len(calls(here / "g")) == expected, words
    assert len(kept(here / "g")["rows"]) == 3


def test_grid_on_other_data_or_settings_is_not_mixed_in(here):
    grid("gan", "--data", "digits", "--out", "g", "--set", "lr.g=1e-4")
    line = grid("gan", "--data", "digits", "--out", "g", status=1).stderr
    assert "holds a grid with settings" in line and "--out" in line
    (here / "g" / "grid.json").write_text('{"format": 9}')
    assert "newer ganzoo" in grid("gan", "--data", "digits", "--out", "g", status=1).stderr


def test_run_whose_folder_is_gone_is_run_again(here):
    grid("gan", "--data", "digits", "--out", "g")
    calls(here / "g")
    (here / "g" / "gan-seed0" / "log.jsonl").unlink()
    (here / "g" / "gan-seed0").rmdir()
    grid("gan", "--data", "digits", "--out", "g")
    assert len(calls(here / "g")) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_lets_runs_save_and_the_same_command_goes_on(here, monkeypatch, number):
    words = [PATTERN, "--data", "digits", "--out", "g"]
    monkeypatch.setenv("FAKE_HANG", NAMES[1])

    def interrupt() -> None:
        limit = time.monotonic() + 60
        while not (here / "g" / "hanging").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    assert "the same command goes on" in grid(*words, status=130).stderr
    assert [run["status"] for run in kept(here / "g")["runs"]] == ["done", "stopped", "stopped", "stopped"]
    calls(here / "g")
    monkeypatch.delenv("FAKE_HANG")
    assert "1 of them done already" in grid(*words).stderr
    assert calls(here / "g") == sorted(f"train {name}" for name in NAMES[1:])


@pytest.mark.slow
def test_grid_that_is_killed_goes_on(here):
    code = f"from ganzoo.grid import runs; runs.PROGRAM = {FAKE!r}; from ganzoo.cli import main; main()"
    words = ["grid", PATTERN, "--data", "digits", "--out", "g"]
    process = subprocess.Popen([sys.executable, "-c", code, *words], env={**os.environ, "FAKE_HANG": NAMES[1]})
    limit = time.monotonic() + 60
    while not (here / "g" / "hanging").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    process.kill()
    process.wait()
    os.kill(int((here / "g" / "hanging").read_text()), signal.SIGKILL)
    assert [run["status"] for run in kept(here / "g")["runs"]] == ["done", "waiting", "waiting", "waiting"]
    calls(here / "g")
    grid(*words[1:])
    assert calls(here / "g") == sorted(f"train {name}" for name in NAMES[1:])
    assert {row["finished"] for row in kept(here / "g")["rows"]} == {1}


def test_two_grids_in_one_folder(here, monkeypatch):
    grid("gan", "--data", "digits", "--out", "g")
    from ganzoo.files.write import lock

    with lock(here / "g"):
        assert "is in use by process" in grid("gan", "--data", "digits", "--out", "g", status=1).stderr


def test_without_the_scores_that_it_was_to_have_a_run_failed(here, monkeypatch):
    monkeypatch.setattr("ganzoo.grid.plan._check_metrics", lambda request: None)
    result = grid("gan", "--data", "digits", "--out", "g", "--metrics", "fd", "-n", "500", status=1)
    assert calls(here / "g") == ["eval gan-seed0", "train gan-seed0"]
    assert "no score" in result.stderr


# --- numbers ------------------------------------------------------------------------------------------------


def test_numbers_of_a_log_are_those_of_its_end(here):
    lines = [{"step": step, "accuracy": {"real": step / 100}} for step in range(1, 101)]
    lines[10]["health"] = {"distance": 0.5}
    (here / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = measures(here, scored=False)
    assert list(found) == ["health/distance", "accuracy/real"] and found["health/distance"] == Measure(0.5, False)
    assert found["accuracy/real"].value == pytest.approx(0.955)
    (here / "log.jsonl").write_text("")
    assert measures(here, scored=False) == {}


def test_numbers_of_scores_are_those_of_the_weights(here):
    (here / "model.safetensors").write_bytes(b"weights")

    data = {"name": "digits", "fingerprint": f"sha256:{'0' * 64}", "split": "test", "count": 9}
    network = {"name": "net", "input": 64, "pretrained": True, "sha256": "0" * 64}

    def score(value: float, weights: str) -> Score:
        return Score("fd10-test@net", "fd", value, None, 10, data, network, "own", 0, 1, 5, 0.5, weights, False)

    add_scores(here, [score(9.0, "1" * 64), score(4.0, ModelFolder(here).digest)])
    assert measures(here, scored=True) == {"fd10-test@net": Measure(4.0, False)}


def result(norm: str, loss: str, seed: int, value: float | None) -> Result:
    found = {} if value is None else {"fd": Measure(value, False)}
    return Result(f"gan+{norm}+{loss}", 0, (norm, loss), seed, found)


FACTORS = [(("bn", "none"), ("bce", "hinge"))]


def test_means_deviations_and_marginal_means():
    values = {("bn", "bce"): (10, 12), ("bn", "hinge"): (20, 24), ("none", "bce"): (1, 3), ("none", "hinge"): (5, 9)}
    table = make_table(
        FACTORS, [result(*where, seed, v) for where, own in values.items() for seed, v in enumerate(own)]
    )
    assert [row.recipe for row in table.rows] == ["gan+none+bce", "gan+none+hinge", "gan+bn+bce", "gan+bn+hinge"]
    figure = table.rows[0].figures["fd"]
    assert (figure.mean, figure.std, figure.runs) == (2, pytest.approx(2**0.5), 2)
    assert [(e.alternative, e.figures["fd"].mean, e.against["fd"], e.figures["fd"].runs) for e in table.effects] == [
        ("bn", 16.5, 0, 4), ("none", 4.5, -12, 4), ("bce", 6.5, 0, 4), ("hinge", 14.5, 8, 4),
    ]  # fmt: skip
    # over seeds: bn is 15 with seed 0 and 18 with seed 1
    assert table.effects[0].figures["fd"].std == pytest.approx(3 / 2**0.5)


def test_failed_run_does_not_bend_an_effect():
    """Without matching, bn's mean would rest on bce alone."""
    table = make_table(FACTORS, [
        result("bn", "bce", 0, 10.0), result("bn", "hinge", 0, None),
        result("none", "bce", 0, 1.0), result("none", "hinge", 0, 500.0),
    ])  # fmt: skip
    by_name = {effect.alternative: effect for effect in table.effects}
    assert by_name["none"].figures["fd"].mean == 1.0 and by_name["none"].against["fd"] == -9.0
    assert by_name["hinge"].figures["fd"].runs == 1 and by_name["hinge"].against["fd"] == 499.0


def test_how_numbers_are_shown():
    table = make_table(FACTORS, [result("bn", "bce", 0, 12.3456), result("bn", "bce", 1, 12.5)])
    assert shown(table.rows[0].figures["fd"]) == "12.42 ± 0.11" and shown(None) == "-"
    text = markdown(table, "a | b", {"run": "| *bold*"}, ["note"])
    assert r"# a \| b" in text and r"- `run`: \| \*bold\*" in text and text.endswith("note\n")


# --- Ray ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ray(monkeypatch):
    """The few calls of Ray that are used, in this process; notes what was asked for."""
    said: dict = {"remote": [], "init": [], "shutdown": 0}
    module = types.ModuleType("ray")
    module.exceptions = types.SimpleNamespace(RayError=RuntimeError)
    answers: dict = {}

    def remote(**options):
        said["remote"].append(options)

        def submit(function, job):
            task = object()
            answers[task] = lambda: function(job)
            return task

        return lambda function: types.SimpleNamespace(remote=lambda job: submit(function, job))

    def init(**options):
        said["init"].append(options)
        if options["address"] == "nowhere":
            raise ConnectionError("nobody there")

    def shutdown():
        said["shutdown"] += 1

    module.remote, module.init, module.shutdown = remote, init, shutdown
    module.wait = lambda tasks, timeout: (tasks[:1], tasks[1:])
    module.get = lambda task: answers[task]()
    monkeypatch.setitem(sys.modules, "ray", module)
    module.said = said
    return module


def test_ray_runs_the_same_commands(here, ray):
    grid(PATTERN, "--data", "digits", "--out", "local", "--threads", "3")
    grid(PATTERN, "--data", "digits", "--out", "g", "--threads", "3", "--ray")
    assert calls(here / "g") == calls(here / "local")
    assert kept(here / "g")["rows"] == kept(here / "local")["rows"]
    assert ray.said["remote"] == [{"num_cpus": 3, "num_gpus": 0, "max_retries": 0}] * 4
    assert ray.said["init"][0]["address"] is None and ray.said["shutdown"] == 1


def test_ray_cluster_that_does_not_answer(here, ray):
    line = grid("gan", "--data", "digits", "--out", "g", "--ray", "nowhere", status=1).stderr
    assert "no Ray cluster answers at nowhere" in line


def test_worker_that_is_lost_is_a_failed_run(here, ray, monkeypatch):
    def lost(job, stop):
        raise RuntimeError("the worker died\nand more")

    monkeypatch.setattr(through_ray, "work", lost)
    assert "Ray lost it: the worker died" in grid("gan", "--data", "digits", "--out", "g", "--ray", status=1).stderr


def test_folder_that_machines_do_not_share(here, ray, monkeypatch):
    monkeypatch.setattr(through_ray, "work", lambda job, stop: Outcome("done"))
    assert "all machines share" in grid("gan", "--data", "digits", "--out", "g", "--ray", status=1).stderr


def test_ctrl_c_lets_the_machines_of_a_cluster_save(here, ray, monkeypatch):
    def interrupted(job, stop):
        if job.choices == ("bce",):
            signal.raise_signal(signal.SIGINT)
            return Outcome("done")
        return Outcome("stopped" if stop() else "failed")

    monkeypatch.setattr(through_ray, "work", interrupted)
    (here / "g" / "gan-bce-seed0").mkdir(parents=True)
    jobs = make_grid(GridRequest(("gan+{bce,hinge,ls}",), "digits", here / "g")).jobs
    assert [outcome.status for _, outcome in through_ray.spread(jobs)] == ["done", "stopped", "stopped"]
    assert not (here / "g" / ".stop").exists()


def test_ray_that_is_not_installed(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    refused = grid("gan", "--data", "digits", "--out", "g", "--ray", status=2)
    assert "pip install 'ganzoo-core[ray]>=0.2'" in refused.stderr
    with pytest.raises(UsageError):
        through_ray.open_ray("")


@pytest.mark.slow
def test_a_real_ray_gives_the_same_results(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    words = ["gan+{bce,hinge}", "--data", "digits", "--resolution", "16", "--batch", "8", "--steps", "3"]
    words += ["--log-every", "1", "--threads", "1"]
    grid(*words, "--out", "local")
    grid(*words, "--out", "g", "--ray")
    assert kept(tmp_path / "g")["rows"] == kept(tmp_path / "local")["rows"]
    for name in ("gan-bce-seed0", "gan-hinge-seed0"):
        weights = [(tmp_path / place / name / "model.safetensors").read_bytes() for place in ("g", "local")]
        assert weights[0] == weights[1]


# --- a job, and the whole thing for once --------------------------------------------------------------------


def test_job_that_is_told_to_stop_before_it_began(here):
    job = GridJob("a", str(here / "a"), str(here / "logs" / "a.txt"), "gan", 0, (), 0, (("train", "gan"),))
    assert work(job, stop=lambda: True).status == "stopped"


REAL = ["--data", "digits", "--out", "g", "--resolution", "16", "--batch", "8", "--log-every", "1", "--threads", "1"]


def test_real_runs_one_of_which_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    maths = {"data": "digits", "resolution": 16, "batch": 8, "settings": {}}
    (tmp_path / "g" / "gan-hinge-seed0").mkdir(parents=True)
    (tmp_path / "g" / "gan-hinge-seed0" / "foreign").touch()
    (tmp_path / "g" / "grid.json").write_text(json.dumps({"format": 1, "runs": [], "maths": maths}))
    result = grid("gan+{bce,hinge}", *REAL, "--jobs", "2", "--steps", "2", status=1)
    assert "gan-hinge-seed0: failed" in result.stderr and "is not empty and holds no run" in result.stderr
    assert "gan-bce-seed0: done" in result.stderr
    config = json.loads((tmp_path / "g" / "gan-bce-seed0" / "config.json").read_text())
    assert (config["recipe"], config["step"], config["seed"], config["height"]) == ("gan+bce", 2, 0, 16)


@pytest.mark.slow
def test_a_real_run_goes_on_and_not_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid("gan+bce", *REAL, "--steps", "2")
    first = (tmp_path / "g" / "gan-bce-seed0" / "log.jsonl").read_text()
    grid("gan+bce", *REAL, "--steps", "3")
    assert (tmp_path / "g" / "gan-bce-seed0" / "log.jsonl").read_text().startswith(first)


def test_help_is_a_lesson():
    said = " ".join(grid("--help").stdout.split())
    for needed in (
        "in quotes",
        "--seeds",
        'grid "dcgan+{bn,normalization/none}+{bce,hinge}"',
        "grid.md",
        "exit status",
    ):
        assert needed in said


def test_a_grid_that_was_begun_by_a_stranger(here):
    (here / "g").mkdir()
    for content in ("[]", "{}", '{"format": 1}', '{"format": 1, "maths": {}, "runs": 7}'):
        (here / "g" / "grid.json").write_text(content)
        grid("gan", "--data", "digits", "--out", "g", status=1)
    maths = {"data": "digits", "resolution": None, "batch": None, "settings": {}}
    odd = [7, {}, {"run": "gan-seed0", "status": "done", "commands": 7}, {"run": ["gan-seed0"]}]
    (here / "g" / "grid.json").write_text(json.dumps({"format": 1, "maths": maths, "runs": odd}))
    assert "1 runs in g;" in grid("gan", "--data", "digits", "--out", "g").stderr
