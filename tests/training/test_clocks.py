"""Budgets in processor time: what is counted, kept and refused."""

import json
import re
import threading
import time

import pytest
from click.testing import CliRunner
from tiny_runs import RECIPE, Labelled, resume, tiny

from ganzoo.cli import main
from ganzoo.errors import RunError, UsageError
from ganzoo.folder.spent import CPU, WALL
from ganzoo.training import train as training
from ganzoo.training.clocks import CLOCKS, SessionTime, Stopwatch, check_counts
from ganzoo.training.config import TrainConfig
from ganzoo.training.estimate import Estimate, plan_run
from ganzoo.training.intervals import Intervals, Stop


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clocks(monkeypatch):
    """A loaded machine: every step takes a second of the processor, and four on the wall."""
    both = {WALL: Clock(), CPU: Clock()}
    for name, clock in both.items():
        monkeypatch.setitem(CLOCKS, name, clock)
    monkeypatch.setattr(training, "measure", lambda made, seconds: Estimate(1.0, 0.0, 0.0, 0.0, 3, 4, 0, {}))
    return both


@pytest.fixture
def tick(clocks):
    def step(record):
        clocks[CPU].now += 1.0
        clocks[WALL].now += 4.0

    return step


def notes_of(folder):
    return json.loads((folder / "training" / "run.json").read_text())


def test_processor_time_ends_a_run_of_several_sessions(clocks, tick, tmp_path, capsys):
    run = tiny(tmp_path / "run", steps=None, budget="5s", clock="cpu", callback=tick, quiet=False)
    said = capsys.readouterr().err
    assert run.step == 5 and "5 s of processor time are about 5 steps of 1e+03 ms" in said
    assert "16 s left" in said, "four steps of four seconds each are left after the first"
    notes = notes_of(run.folder)
    assert (notes["seconds"], notes["processor_seconds"], notes["pacing"]["clock"]) == (20.0, 5.0, "cpu")
    assert resume(run.folder, callback=tick, quiet=False).step == 5
    assert "has 5 steps and spent its 5 s of processor time" in capsys.readouterr().err
    assert resume(run.folder, budget="8s", callback=tick).step == 8, "the clock is kept"
    assert resume(run.folder, budget="40s", clock="wall", callback=tick).step == 10
    assert notes_of(run.folder)["processor_seconds"] == 10.0, "both are counted, whichever ends the run"


def test_the_schedule_ends_with_the_processor_time(clocks, tick, tmp_path):
    run = tiny(
        tmp_path / "run", steps=None, budget=10.0, clock="cpu", callback=tick, settings={"lr.g": "linear/1e-3/0"}
    )
    assert run.step == 9 and run.log[-1]["lr"]["g"] == pytest.approx(1e-3 / 9)


def test_a_killed_run_has_the_time_of_its_last_checkpoint(clocks, tick, tmp_path):
    def killed(record):
        tick(record)
        if record["step"] == 3:
            raise MemoryError

    with pytest.raises(MemoryError):
        tiny(tmp_path / "run", steps=None, budget=6.0, clock="cpu", callback=killed)
    assert notes_of(tmp_path / "run")["processor_seconds"] == 2.0
    assert resume(tmp_path / "run", callback=tick).step == 6


def test_the_processor_time_of_every_thread_counts():
    watch, wall = Stopwatch(3.0, CLOCKS[CPU]), Stopwatch()

    def work():
        while time.thread_time() < 0.05:
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.here >= 0.1 and watch.seconds == pytest.approx(3.0 + watch.here, abs=0.05)
    before = watch.here
    time.sleep(0.05)
    assert watch.here - before < 0.05 <= wall.here, "sleep is no processor time"


def test_what_is_left_on_the_wall_is_told_at_the_pace_so_far(clocks):
    spent = SessionTime.of({"seconds": 7.0, "processor_seconds": 3.0}, CPU)
    assert spent.wait(5.0) == 5.0, "nothing is known before the first step"
    clocks[CPU].now += 2.0
    clocks[WALL].now += 6.0
    assert (spent.seconds, spent.wait(5.0)) == (5.0, 15.0)


def test_steps_are_timed_by_the_clock_of_the_budget(monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setitem(CLOCKS, CPU, lambda: 0.5 * next(ticks))  # half a second from each look at the clock to the next
    found = plan_run(TrainConfig(RECIPE, Labelled(), budget="1m", clock="cpu", batch=4))
    assert found["clock"] == "cpu" and found["step_ms"] == 500.0


def test_plan_tells_of_processor_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["plan", "dcgan:ch=4", "--data", "digits", "--batch", "2", "--budget", "9s", "--clock", "cpu"]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 0 and re.search(r"time +\d+ s of processor time: ", shown.stdout), shown.output


# --- what is refused ----------------------------------------------------------------------------------------


def test_a_clock_needs_a_budget_to_count():
    with pytest.raises(UsageError, match="--clock cpu says what a budget counts: give --budget T too"):
        TrainConfig(steps=3, clock="cpu")
    with pytest.raises(UsageError, match="--clock sun does not work: it is wall or cpu"):
        Stop(budget=3.0, clock="sun")
    with pytest.raises(UsageError, match="--clock sun"):
        Intervals(None, budget=3.0, clock="sun")


@pytest.mark.parametrize("command", ["train", "grid", "plan"])
def test_the_command_line_refuses_it_in_one_line(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [command, "dcgan:ch=4", "--data", "digits", "--steps", "2", "--clock", "cpu"])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1 and "--budget T too" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_gpu_and_several_processes_are_refused():
    check_counts(WALL, "cuda", 8)
    check_counts(CPU, "cpu", 1)
    with pytest.raises(UsageError, match=r"cuda computes here: leave it out, or give --device cpu"):
        check_counts(CPU, "cuda", 1)
    with pytest.raises(UsageError, match="2 train together here"):
        check_counts(CPU, "cpu", 2)


def test_meta_and_other_devices_are_refused_before_a_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "choose_device", lambda given: type("Device", (), {"type": "cuda"})())
    with pytest.raises(UsageError, match="cuda computes here"):
        tiny(tmp_path / "run", steps=None, budget=5.0, clock="cpu")
    assert not (tmp_path / "run").exists()


def test_a_run_that_did_not_count_processor_time_cannot_be_counted_by_it(clocks, tick, tmp_path):
    run = tiny(tmp_path / "run", steps=2)
    path = run.folder / "training" / "run.json"
    old = {name: value for name, value in notes_of(run.folder).items() if name != "processor_seconds"}
    path.write_text(json.dumps(old))
    with pytest.raises(RunError, match=r"counted no processor time; go on with ganzoo train --resume .* --clock wall"):
        resume(run.folder, budget="9s", clock="cpu")
    assert resume(run.folder, steps=4, callback=tick).step == 4
    assert notes_of(run.folder)["processor_seconds"] is None, "it stays unknown"
