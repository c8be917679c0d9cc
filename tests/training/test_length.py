"""Schedules spread over a recorded horizon; budgets of time choose one; forks leave it."""

import json

import pytest
import torch
from tiny_runs import RECIPE, Labelled, contents, resume, tiny

import ganzoo
from ganzoo.errors import RunError, UsageError
from ganzoo.folder.spent import WALL
from ganzoo.gan.builder import build
from ganzoo.parts.update import Update
from ganzoo.registry.loading import registry
from ganzoo.training import train as training
from ganzoo.training.clocks import CLOCKS, Stopwatch
from ganzoo.training.config import TrainConfig
from ganzoo.training.estimate import Estimate, plan_run
from ganzoo.training.intervals import Intervals, Stop, read_budget
from ganzoo.training.optim import schedules

SCHEDULE = {"lr.g": "linear/1e-3/0"}


def notes_of(folder):
    return json.loads((folder / "training" / "run.json").read_text())


def rates(run):
    return [record["lr"]["g"] for record in run.log]


def test_schedule_ends_with_its_horizon(tmp_path):
    run = tiny(tmp_path / "run", settings=SCHEDULE)
    assert rates(run) == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    assert notes_of(run.folder)["horizon"] == 4
    assert json.loads((run.folder / "config.json").read_text())["horizon"] == 4
    assert rates(resume(run.folder, steps=6))[4:] == [0.0, 0.0]  # it goes on, and past its end the schedule stays there
    with pytest.raises(RunError, match=r"spreads over 4 steps, not 9.*--fork .*run-2 --horizon 9"):
        resume(run.folder, horizon=9)


def test_horizon_may_be_longer_than_the_first_session(tmp_path):
    run = tiny(tmp_path / "run", steps=2, horizon=4, settings=SCHEDULE)
    assert rates(resume(run.folder, steps=4, horizon=4)) == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    with pytest.raises(UsageError, match="--horizon 0"):
        tiny(tmp_path / "other", horizon=0)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "head", [entry.name for kind in ("architecture", "preset") for entry in registry().entries(kind)]
)
def test_no_default_schedule_depends_on_the_number_of_steps(head):
    try:
        gan = build(head, 32, classes=3, device="meta")
    except ganzoo.GanzooError as error:
        pytest.skip(str(error))
    assert schedules(gan.plan) == []


def test_steps_without_a_schedule_do_not_depend_on_the_horizon(tmp_path):
    one = tiny(tmp_path / "one", steps=2, horizon=3).folder
    assert contents(one) == contents(tiny(tmp_path / "two", steps=2, horizon=7).folder)


# --- budgets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400), (7.5, 7.5)]
)
def test_budget_is_a_time(text, seconds):
    assert read_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "20x", "m", "1h-3m", "0m", "3m2h", 0, -1, float("nan"), float("inf")])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="90s, 20m or 1h30m"):
        read_budget(text)


def test_only_one_thing_says_when_to_stop():
    with pytest.raises(UsageError, match="--steps and --budget both say when to stop"):
        Stop(steps=3, budget=60.0)
    with pytest.raises(UsageError, match="--steps, --images and --budget all say"):
        Stop(3, 3, 3.0)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_stopwatch_goes_on_from_what_was_spent():
    clock = Clock()
    watch = Stopwatch(40.0, clock)
    clock.now += 2.5
    assert watch.seconds == 42.5


@pytest.fixture
def a_second_a_step(monkeypatch):
    """Training in which every step takes one second of the clock, and whose estimate says so."""
    clock = Clock()

    asked = []

    def measured(*args):
        asked.append(args)
        return Estimate(1.0, 0.0, 0.0, 0.0, 3, 4, 0, {})

    monkeypatch.setitem(CLOCKS, WALL, clock)
    monkeypatch.setattr(training, "measure", measured)

    def tick(record):
        clock.now += 1.0

    return {"callback": tick, "steps": None, "asked": asked}


def budgeted(folder, slow, budget, **options):
    given = {name: value for name, value in slow.items() if name != "asked"}
    return tiny(folder, budget=budget, **given, **options)


def test_budget_stops_a_run_and_the_time_of_all_sessions_counts(a_second_a_step, tmp_path, capsys):
    run = budgeted(tmp_path / "run", a_second_a_step, "5s", quiet=False)
    assert run.step == 5
    said = capsys.readouterr().err
    assert "5 s are about 5 steps of 1e+03 ms" in said and "s left" in said and "done" in said
    assert notes_of(run.folder)["seconds"] == 5.0 and notes_of(run.folder)["horizon"] == 5
    callback = a_second_a_step["callback"]
    assert resume(run.folder, callback=callback, quiet=False).step == 5
    assert "has 5 steps and spent its 5 s" in capsys.readouterr().err
    assert resume(run.folder, budget="8s", callback=callback).step == 8
    assert resume(run.folder, steps=9, callback=callback).step == 9
    assert notes_of(run.folder)["pacing"]["budget"] is None


def test_budgeted_run_equals_one_of_as_many_steps(a_second_a_step, tmp_path):
    budgeted(tmp_path / "parts", a_second_a_step, 3.0)
    parts = resume(tmp_path / "parts", budget="6s", callback=a_second_a_step["callback"])
    assert contents(parts.folder) == contents(tiny(tmp_path / "whole", steps=6).folder)


def test_schedule_scales_to_the_budget_and_stays_where_it_is(a_second_a_step, tmp_path, capsys):
    run = budgeted(tmp_path / "run", a_second_a_step, 10.0, settings=SCHEDULE, quiet=False)
    assert "the schedule of lr.g ends at step 9" in capsys.readouterr().err
    assert run.step == 9 and rates(run) == pytest.approx([1e-3 * (9 - step) / 9 for step in range(9)])
    same = tiny(tmp_path / "same", steps=9, settings=SCHEDULE)
    assert contents(run.folder) == contents(same.folder)
    resume(run.folder, budget=99.0, quiet=False, callback=a_second_a_step["callback"])
    assert "its schedule has ended" in capsys.readouterr().err


def test_horizon_that_is_given_needs_no_estimate(a_second_a_step, tmp_path):
    run = budgeted(tmp_path / "run", a_second_a_step, 2.0, settings=SCHEDULE, horizon=4)
    assert run.step == 2 and rates(run) == pytest.approx([1e-3, 7.5e-4])
    assert a_second_a_step["asked"] == []


# --- the estimate -------------------------------------------------------------------------------------------


def test_plan_measures_a_real_step_and_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    found = plan_run(TrainConfig(RECIPE, Labelled(), budget="1m", batch=4))
    assert torch.equal(torch.rand(1), expected)
    assert list(tmp_path.iterdir()) == []
    assert found["recipe"] == RECIPE and found["data"] == "Labelled" and found["batch"] == 4
    assert found["steps"] > 1 and found["images"] == 4 * found["steps"] and 0 < found["seconds"] <= 60
    assert found["parameters"].keys() == {"D", "G"} and min(found["parameters"].values()) > 100
    assert found["memory_mb"] > 50 and found["measured_steps"] >= 2
    assert json.loads(json.dumps(found)) == found


def test_estimate_spreads_grids_checkpoints_and_scores_over_their_intervals():
    found = Estimate(step=1.0, grid=10.0, save=50.0, score=300.0, steps=9, images=4, memory=0, parameters={})
    intervals = Intervals(1, grid_every=100, save_every=250)
    assert found.pace(intervals, 7) == pytest.approx(1.3)
    assert found.pace(Intervals(1, grid_every=100, save_every=250, eval_every=1000), 7) == pytest.approx(1.6)
    assert found.steps_in(1300.0, intervals) == 1000 and found.steps_in(0.1, intervals) == 1


@pytest.mark.parametrize("seconds", [0.1, 1.0, 40.0, 1e5])
def test_steps_that_grow_dearer_fit_as_their_mean_says(seconds):
    """A training whose first half, up to 1,000 steps, is cheap: the last of n steps that fit, and not one more."""

    def mean_step(length):
        return (0.01 * min(length, 1000) + max(0, length - 1000)) / length

    found = Estimate(1.0, 0.0, 0.0, 0.0, steps=9, images=4, memory=0, parameters={}, mean_step=mean_step)
    fits = found.steps_in(seconds, Intervals(1))
    assert fits == {0.1: 10, 1.0: 100, 40.0: 1030, 1e5: 100_990}[seconds]


def test_each_phase_of_a_growing_training_is_timed():
    found = plan_run(TrainConfig("pggan:ch=4,grow=linear/0/4", Labelled(), steps=8, batch=4))
    assert found["measured_steps"] >= 2 * 5, "three stages, and the fading between each two"


def test_a_growing_game_says_the_phase_of_an_update():
    game = ganzoo.build("pggan:ch=4,grow=linear/0/2,fade=0.5", resolution=16, channels=1).game
    phases = [game.phase_of(Update(step, "d", horizon=8)) for step in range(9)]
    assert game.phases == 5 and phases == [0, 0, 0, 1, 2, 2, 2, 3, 4]


@pytest.mark.slow
def test_measured_budget_is_kept(tmp_path):
    run = tiny(tmp_path / "run", steps=None, budget="3s", log_every=1000, save_every=1000, grid_every=1000)
    assert run.step > 0 and notes_of(run.folder)["horizon"] > 0
    assert 3.0 <= notes_of(run.folder)["seconds"] < 60
