"""What version 0.1.0 drew, resolved and computed: see .ci/baselines.py, which wrote it and compares more."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".ci"))

from oracle import folders, measure, portable

PLANS = {name: plan for name, plan in portable.load("plans.json").items() if "(labelled)" in name}
LOSSES = portable.load("losses.json")["trials"]
TRAINED = ("lecam-r1", "cbn-ac", "wgan-gp-eqlr", "stackgan")


@pytest.fixture
def need(with_plugins):
    """A function that lets a test use the plugins of some distributions; it skips where one is not installed."""

    def use(needs):
        if reason := portable.skipped(needs):
            pytest.skip(reason)
        with_plugins(*needs)

    return use


@pytest.mark.parametrize("name", sorted(path.stem for path in portable.SAMPLES.glob("*.png")))
def test_a_shipped_model_draws_what_it_drew(name, need):
    need(portable.models()[name])
    assert portable.wrong_samples(name) is None


@pytest.mark.parametrize("name", [name for name in PLANS if "+" not in name])
def test_a_recipe_means_what_it_meant(name, need):
    need(PLANS[name]["needs"])
    assert portable.wrong_plan(name, PLANS[name], shown=False) is None


@pytest.mark.parametrize("name", TRAINED)
def test_first_losses_are_what_they_were(name, need):
    need(LOSSES[name]["needs"])
    assert portable.wrong_losses(name, LOSSES[name]) is None


def test_a_run_that_0_1_0_left_half_way_is_refused_and_a_fork_takes_it_over():
    found = dict(portable.check_half_way())
    assert len(found) == 4 and all(wrong is None for wrong in found.values()), found


def test_explain_shows_what_json_tells():
    assert portable.wrong_plan("sagan (labelled)", PLANS["sagan (labelled)"]) is None


def test_reasons_are_compared_by_meaning():
    assert measure.meaning("sagan, in place of cbn (no label)") == ["sagan", "cbn"]
    assert measure.meaning("the person") == measure.meaning("named") == ["given"]
    assert measure.meaning("0.0002 (default)") == ["0.0002", "default"]


def rewrite(path, change):
    """Put what ``change`` makes of a JSON file in its place."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_what_two_folders_may_differ_in_is_clock_host_release_and_cards(tmp_path):
    other = shutil.copytree(portable.HALF_WAY, tmp_path / "run")
    rewrite(other / "training" / "run.json", lambda run: run.update(seconds=9.9, host="elsewhere", torch="3.0"))
    rewrite(other / "config.json", lambda config: config.update(ganzoo="9.9"))
    log = [json.loads(line) for line in (other / "log.jsonl").read_text().splitlines()]
    (other / "log.jsonl").write_text("".join(json.dumps({**line, "clock": {}}) + "\n" for line in log))
    (other / "README.md").write_text("another card")
    assert folders.differences(portable.HALF_WAY, other) == []


def test_any_other_difference_of_two_folders_is_named(tmp_path):
    other = shutil.copytree(portable.HALF_WAY, tmp_path / "run")
    state = other / "training" / "step-00000004" / "state.safetensors"
    raw = bytearray(state.read_bytes())
    raw[-1] ^= 1
    state.write_bytes(raw)
    rewrite(other / "config.json", lambda config: config["settings"]["batch"].update(value=5))
    (other / "samples.png").unlink()
    found = folders.differences(portable.HALF_WAY, other)
    assert found[0] == "config.json/settings/batch/value: 4 and 5"
    assert found[1] == f"samples.png is only in {portable.HALF_WAY}"
    assert found[2].startswith("training/step-00000004/state.safetensors: ") and len(found) == 3
