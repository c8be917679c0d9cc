"""Resume is bit for bit: N + N steps leave the files that 2N steps leave, wherever the run was stopped."""

import json
import os
import random
import shutil
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import RECIPE, Labelled, contents, resume, tiny

import ganzoo
from ganzoo.errors import RunError, UsageError
from ganzoo.folder.layout import checkpoints
from ganzoo.training.signals import Interrupted

PACING = {"log_every": 2, "grid_every": 3, "save_every": 2}
RECIPES = [
    RECIPE,
    "dcgan:ch=4+sn+hinge",
    "dcgan:ch=4,dropout=0.3",
    "dcgan:ch=4+eqlr@d+wgan+gp:every=3",
    "dcgan:ch=4+lecam+r1:every=2,gamma=0.123456789",
    "dcgan:ch=4+cbn+ac",
    "dcgan:ch=4+cbn+projection+wn@d+relativistic",
    "dcgan:ch=4+onehot+sa@8",
    "dcgan:ch=4+r2:gamma=0.5+dragan+diffaugment",
]
SETTINGS = {
    "dcgan:ch=4+eqlr@d+wgan+gp:every=3": {"optimizer": "rmsprop", "ema": 0.9999999 - 1e-6},
    "dcgan:ch=4+sn+hinge": {"precision": "bf16", "lr.d": 1.23456789e-4},
    "dcgan:ch=4,dropout=0.3": {"lr.g": "cosine/1e-3/1e-5"},
}


def differences(one, two):
    """Files that only one of two runs has, or that are not the same."""
    first, second = contents(one), contents(two)
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_run_equals_unbroken_run(recipe, tmp_path):
    options = {"settings": SETTINGS.get(recipe, {}), "horizon": 6, **PACING}
    whole = tiny(tmp_path / "whole", recipe, steps=6, **options)
    tiny(tmp_path / "parts", recipe, steps=3, **options)
    parts = resume(tmp_path / "parts", steps=6)
    assert differences(whole.folder, parts.folder) == []
    assert sorted(checkpoints(parts.folder)) == [4, 6]
    assert whole.step == parts.step == 6


@pytest.mark.parametrize("stops", [(1,), (2,), (3,), (4,), (5,), (1, 2, 5)])
def test_run_stopped_at_any_step_leaves_the_same_files(stops, tmp_path):
    whole = tiny(tmp_path / "whole", steps=6, **{**PACING, "log_every": 1}).folder

    def stop(record):
        if record["step"] in stops:
            os.kill(os.getpid(), signal.SIGINT)

    folder = tmp_path / "parts"
    options = {"steps": 6, **PACING, "log_every": 1, "callback": stop, "resume": True}
    for step in stops:
        with pytest.raises(Interrupted, match=f"stopped at step {step} "):
            tiny(folder, **options)
        assert step in checkpoints(folder)
    assert tiny(folder, **options).step == 6
    assert differences(whole, folder) == []


def test_looks_logs_and_checkpoints_fall_on_multiples_of_their_interval(tmp_path):
    tiny(tmp_path / "run", steps=5, keep=9, **PACING)
    run = resume(tmp_path / "run", steps=7)
    assert [record["step"] for record in run.log] == [2, 4, 6]
    frames = sorted(int(path.stem) for path in (run.folder / "training" / "frames").iterdir())
    assert frames == [0, 3, 6]
    with Image.open(run.folder / "progress.gif") as animation:
        assert animation.n_frames == 3
    assert [path.stem for path in sorted((run.folder / "snapshots").iterdir())] == [
        "step-00000002", "step-00000004", "step-00000006",
    ]  # fmt: skip
    assert sorted(checkpoints(run.folder)) == [6, 7]  # the step reached is saved too, so that nothing is lost


def test_threads_and_torch_that_differ_are_warned_of(run, capsys):
    notes = json.loads((run / "training" / "run.json").read_text())
    (run / "training" / "run.json").write_text(json.dumps({**notes, "threads": 99, "torch": "2.0", "processor": "Z80"}))
    resume(run, quiet=False)
    said = capsys.readouterr().err
    assert "threads" in said and "(was 99)" in said and "(was 2.0)" in said and "(was Z80)" in said
    assert "the last bits of numbers may differ" in said
    resume(run, quiet=False)
    assert "last bits" not in capsys.readouterr().err


def test_global_random_numbers_do_not_reach_a_run(tmp_path):
    torch.manual_seed(1)
    one = contents(tiny(tmp_path / "one", steps=2).folder)
    torch.manual_seed(2)
    assert contents(tiny(tmp_path / "two", steps=2).folder) == one


def test_random_numbers_of_the_caller_go_on_as_if_nothing_had_been(tmp_path):
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    expected = torch.rand(2).tolist(), random.random(), np.random.rand()
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    tiny(tmp_path / "run", steps=1)
    assert (torch.rand(2).tolist(), random.random(), np.random.rand()) == expected


def test_other_seed_gives_other_weights(tmp_path):
    models = [tiny(tmp_path / str(seed), steps=1, seed=seed).folder / "model.safetensors" for seed in (0, 1)]
    assert models[0].read_bytes() != models[1].read_bytes()


# --- what was saved -----------------------------------------------------------------------------------------


def test_torn_checkpoint_is_named_and_the_one_before_is_used(run, finished, capsys):
    newest = run / "training" / "step-00000004" / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    again = ganzoo.train(resume=run, data=Labelled())
    shown = capsys.readouterr().err
    assert "step-00000004" in shown and "torn" in shown and "step 2" in shown
    assert again.step == 4
    assert contents(run) == contents(finished)


def test_run_without_a_whole_checkpoint_is_refused(run):
    for path in checkpoints(run).values():
        (path / "state.json").write_text("{")
    with pytest.raises(RunError, match=r"cannot be resumed.*not JSON"):
        resume(run)


def test_checkpoint_of_another_run_is_foreign(run, tmp_path):
    other = tiny(tmp_path / "other", seed=5).folder
    for step in (2, 4):
        shutil.rmtree(run / "training" / f"step-0000000{step}")
        shutil.copytree(other / "training" / f"step-0000000{step}", run / "training" / f"step-0000000{step}")
    with pytest.raises(RunError, match="belongs to another run"):
        resume(run)


def test_log_frames_and_snapshots_are_cut_back_to_the_checkpoint(tmp_path):
    folder = tiny(tmp_path / "run", keep=9).folder
    shutil.rmtree(folder / "training" / "step-00000004")
    with open(folder / "log.jsonl", "a") as log:
        log.write('{"step": 5, "los')
    resume(folder, steps=3)
    assert [record["step"] for record in resume(folder, steps=3).log] == [1, 2, 3]
    assert sorted(path.stem for path in (folder / "training" / "frames").iterdir()) == ["00000000", "00000002"]
    assert [path.stem for path in (folder / "snapshots").iterdir()] == ["step-00000002"]
    assert json.loads((folder / "config.json").read_text())["step"] == 3


def test_resuming_a_finished_run_changes_nothing(run, finished):
    before = contents(run)
    assert resume(run).step == 4
    assert contents(run) == before


# --- what may change, and what not --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recipe": "dcgan:ch=4+hinge"}, "the recipe dcgan:ch=4 "),
        ({"seed": 1}, "seed=0"),
        ({"batch": 8}, "batch=4"),
        ({"settings": {"lr.g": 1e-3}}, "lr.g=0.0002"),
        ({"resolution": 32}, "resolution=16"),
        ({"data": torch.zeros(48, 1, 16, 16, dtype=torch.uint8)}, "was trained on Labelled"),
    ],
)
def test_resume_with_other_mathematics_is_refused_and_fork_is_the_way_on(run, given, said):
    before = contents(run)
    with pytest.raises(RunError, match=rf"{said}.*ganzoo train --resume {run} --fork {run}-2"):
        resume(run, **given)
    assert contents(run) == before


def test_resume_may_change_length_intervals_and_repeat_what_is_so(run):
    options = {"recipe": RECIPE, "seed": 0, "batch": 4, "settings": {"lr.g": "2e-4"}, "horizon": 99}
    again = resume(run, steps=5, log_every=5, grid_every=5, save_every=5, keep=1, **options)
    assert [record["step"] for record in again.log] == [1, 2, 3, 4, 5]
    assert (run / "snapshots" / "step-00000005.safetensors").exists()


def test_bare_resume_starts_a_run_or_goes_on_with_it(tmp_path):
    assert tiny(tmp_path / "run", resume=True, steps=2).step == 2
    assert tiny(tmp_path / "run", resume=True, steps=3).step == 3
    with pytest.raises(UsageError, match="--resume needs a run"):
        ganzoo.train(RECIPE, Labelled(), resume=True)


def test_data_in_memory_has_to_be_given_again(run):
    with pytest.raises(RunError, match="data in memory"):
        ganzoo.train(resume=run)
