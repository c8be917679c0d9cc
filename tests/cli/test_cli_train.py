"""``ganzoo train`` as a person runs it: what it writes, says and returns, and what it refuses."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from PIL import Image

from ganzoo.cli import main
from ganzoo.cli.options import read_settings
from ganzoo.errors import UsageError

TINY = (
    "--data",
    "pictures",
    "--batch",
    "4",
    "--steps",
    "3",
    "--log-every",
    "1",
    "--save-every",
    "2",
    "--grid-every",
    "2",
)
RECIPE = "dcgan:ch=4"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with a data set of eight pictures in two classes."""
    monkeypatch.chdir(tmp_path)
    for index in range(8):
        folder = tmp_path / "pictures" / ("dark", "light")[index % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (index * 9 + 120 * (index % 2),) * 3).save(folder / f"{index}.png")
    return tmp_path


def train(*words):
    return CliRunner().invoke(main, ["train", *words])


def refused(status, *words):
    """The one line that a command ends with."""
    result = train(*words)
    assert result.exit_code == status, result.output
    assert not isinstance(result.exception, Exception), result.exception
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("ganzoo: error: ")]
    assert "Traceback" not in result.output
    return line


def test_run_ends_with_a_folder_and_says_what_next(here):
    result = train(RECIPE, *TINY, "--out", "first", "--license", "mit", "--keep", "1", "--set", "lr.g=1e-4")
    assert result.exit_code == 0, result.output
    assert "first: 3 steps" in result.stdout and "ganzoo sample first" in result.stdout
    assert {path.name for path in (here / "first").iterdir()} == {
        "README.md", "config.json", "log.jsonl", "model.safetensors", "progress.gif", "samples.png", "snapshots",
        "training",
    }  # fmt: skip
    config = json.loads((here / "first" / "config.json").read_text())
    assert config["dataset"]["name"] == "pictures" and config["license"] == "mit" and config["step"] == 3
    assert config["settings"]["lr.g"] == {"value": 1e-4, "reason": "set by you"}
    assert "step 3/3" in result.stderr and "done" in result.stderr
    picture, animation = Image.open(here / "first" / "samples.png"), Image.open(here / "first" / "progress.gif")
    assert picture.width > 8 * 16 and animation.n_frames == 2


def test_card_says_how_to_go_on_and_claims_no_score(here):
    train("dcgan:ch=4+cbn+projection", *TINY, "--out", "first", "--license", "cc-by-4.0")
    card = (here / "first" / "README.md").read_text()
    assert card.startswith("---\n") and "\nlibrary_name: ganzoo\nlicense: cc-by-4.0\n" in card
    for needed in ('ganzoo.load("./first")', "--resume ./first", "samples.png", "dark, light", "No score"):
        assert needed in card
    assert "None" not in card and str(here) not in card


def test_resume_in_both_forms(here):
    assert train(RECIPE, *TINY, "--out", "first").exit_code == 0
    assert train("--resume", "first", "--steps", "4", "--quiet").stdout.startswith("first: 4 steps")
    bare = train(RECIPE, "--data", "pictures", "--batch", "4", "--out", "first", "--steps", "5", "--resume")
    assert bare.stdout.startswith("first: 5 steps")
    fresh = train(RECIPE, *TINY, "--out", "second", "--resume")
    assert fresh.stdout.startswith("second: 3 steps")


def test_resume_finds_its_data_from_another_folder(here, monkeypatch):
    train(RECIPE, *TINY, "--out", "first")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert train("--resume", "../first", "--steps", "4").exit_code == 0


def test_init_and_threads(here):
    train(RECIPE, *TINY, "--out", "first")
    assert train(RECIPE, *TINY, "--out", "second", "--init", "first", "--threads", "1").exit_code == 0


def test_fork_budget_and_horizon_of_the_command_line(here):
    train(RECIPE, *TINY, "--out", "first", "--set", "lr.g=cosine/2e-4/0", "--horizon", "5")
    shutil.copytree("first", "past")
    assert train("--resume", "past", "--steps", "6").stdout.startswith("past: 6 steps"), "schedules hold their end"
    forked = train("--resume", "first", "--fork", "second", "--steps", "4", "--set", "lr.d=1e-5", "--workers", "1")
    assert forked.stdout.startswith("second: 4 steps"), forked.output
    timed = train("--resume", "first", "--budget", "1h", "--deterministic")
    assert timed.stdout.startswith("first: 5 steps"), timed.output
    assert json.loads((here / "first" / "training" / "run.json").read_text())["pacing"]["budget"] == 3600


def test_plan_says_steps_time_memory_and_parameters(here):
    words = ["plan", RECIPE, "--data", "pictures", "--batch", "4", "--budget", "2m"]
    shown = CliRunner().invoke(main, words)
    assert shown.exit_code == 0 and re.search(r"steps +\d.*\n  time .*\n  memory .* MB\n  parameters +D ", shown.stdout)
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert found["budget"] == 120 and found["seconds"] <= 120 and found["steps"] > 0
    both = CliRunner().invoke(main, [*words, "--steps", "3"])
    assert both.exit_code == 2 and "--steps and --budget both say when to stop" in both.stderr
    assert not (here / "runs").exists()


def test_default_folder_is_under_runs(here):
    assert train(RECIPE, *TINY).stdout.startswith("runs/dcgan-ch-4: 3 steps")
    assert train(RECIPE, *TINY).stdout.startswith("runs/dcgan-ch-4-2: 3 steps")


BAD = {
    "unknown part": (("dcgan+hnge",), "nearest: .*hinge"),
    "conflict": (("dcgan+hinge+wgan",), "both fill the loss slot"),
    "impossible resolution": ((RECIPE, "--resolution", "24"), "24"),
    "unknown setting": ((RECIPE, "--set", "speed=9"), "speed"),
    "setting without value": ((RECIPE, "--set", "lr.g"), "--set NAME=VALUE"),
    "no steps": ((RECIPE, "--steps", "0"), "--steps 0"),
    "steps and images": ((RECIPE, "--images", "9"), "--images"),
    "budget without unit": ((RECIPE, "--budget", "20"), "90s, 20m or 1h30m"),
    "no horizon": ((RECIPE, "--horizon", "0"), "--horizon 0"),
    "no workers": ((RECIPE, "--workers", "0"), "--workers 0"),
    "fork of nothing": ((RECIPE, "--fork", "second"), "--fork needs a run to leave"),
    "no threads": ((RECIPE, "--threads", "0"), "--threads 0"),
    "unknown tracker": ((RECIPE, "--log", "paper"), "tensorboard, trackio or wandb"),
    "unknown device": ((RECIPE, "--device", "abacus"), "--device takes"),
    "steps of letters": ((RECIPE, "--steps", "many"), "not a valid integer"),
    "unknown option": ((RECIPE, "--epochs", "3"), "--epochs"),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_meant_is_refused_in_one_line(words, here):
    given, said = words
    assert re.search(said, refused(2, *given[:1], *TINY, "--out", "first", *given[1:]))
    assert not (here / "first").exists()


def test_recipe_or_data_left_out(here):
    assert "RECIPE is missing" in refused(2, *TINY)
    assert "--data is missing" in refused(2, RECIPE)
    assert "--resume needs a run" in refused(2, RECIPE, *TINY, "--resume")


def test_missing_labels(here):
    for picture in (here / "pictures").rglob("*.png"):
        shutil.move(picture, here / "pictures" / picture.name)
    for name in ("dark", "light"):
        (here / "pictures" / name).rmdir()
    assert "label" in refused(2, "dcgan:ch=4+projection", *TINY, "--out", "first")
    assert not (here / "first").exists()


def test_bad_data(here):
    (here / "empty").mkdir()
    assert "empty" in refused(1, RECIPE, "--data", "empty", "--out", "first")
    assert "nowhere" in refused(1, RECIPE, "--data", "./nowhere", "--out", "first")
    (here / "pictures" / "dark" / "0.png").write_bytes(b"\x89PNG torn")
    assert "0.png" in refused(1, RECIPE, *TINY, "--out", "first")
    assert not (here / "first").exists()
    assert train(RECIPE, *TINY, "--out", "first", "--skip-bad").exit_code == 0
    assert train("--resume", "first", "--steps", "4").exit_code == 0


def test_bad_folders(here):
    (here / "file").write_text("")
    assert "file is a file" in refused(1, RECIPE, *TINY, "--out", "file/first")
    assert "holds no run" in refused(1, RECIPE, *TINY, "--out", "pictures")
    assert "is not a run" in refused(1, "--resume", "pictures")
    assert "no folder nowhere" in refused(1, "--resume", "nowhere")


def test_run_is_not_lost_by_what_is_refused(here):
    train(RECIPE, *TINY, "--out", "first")
    before = {path: path.read_bytes() for path in (here / "first").rglob("*") if path.is_file()}
    line = refused(1, RECIPE, *TINY, "--out", "first")
    assert "--resume first" in line and "--out first-2" in line
    assert "lr.g=0.0002 (given: 0.1)" in refused(1, "--resume", "first", "--set", "lr.g=0.1")
    assert "recipe" in refused(1, "dcgan:ch=8", "--resume", "first")
    assert "bare --resume last" in refused(2, RECIPE, "--resume", "first", "--out", "other")
    assert "--init starts a new run" in refused(2, "--resume", "first", "--init", "first")
    assert {path: path.read_bytes() for path in (here / "first").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_signal_saves_says_how_to_resume_and_sets_the_status(number, here):
    command = [sys.executable, "-m", "ganzoo", "train", RECIPE, *TINY, "--steps", "100000", "--out", "first"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=here, env=environment)
    limit = time.monotonic() + 60
    while not (here / "first" / "training" / "step-00000004").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
    assert "ganzoo train --resume first" in said and "Traceback" not in said
    step = json.loads((here / "first" / "config.json").read_text())["step"]
    assert f"stopped at step {step:,} and saved" in said
    assert (here / "first" / "training" / f"step-{step:08d}").is_dir()
    assert (here / "first" / "progress.gif").exists()
    assert not (here / "first" / ".lock").exists()


def test_settings_of_the_command_line():
    assert read_settings(("a=1", "b.c=x/y=z")) == {"a": "1", "b.c": "x/y=z"}
    for bad in (("a",), ("=1",), ("a=",), ("a=1", "a=2")):
        with pytest.raises(UsageError):
            read_settings(bad)
