"""A fork goes on from a run in a new folder, with other hyperparameters."""

import json
import shutil

import pytest
import torch
from tiny_runs import RECIPE, Labelled, contents, resume, tiny

import ganzoo
from ganzoo.errors import ModelError, RunError, UsageError
from ganzoo.files.untrusted import read_shapes, read_tensors


def fork(source, target, **options):
    return resume(source, fork=target, **options)


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def state(folder, step):
    path = folder / "training" / f"step-{step:08d}" / "state.safetensors"
    return read_tensors(path, read_shapes(path))


def test_fork_in_which_nothing_changes_goes_on_as_the_run_would_have(run, tmp_path):
    before = contents(run)
    forked = fork(run, tmp_path / "fork", steps=6)
    assert contents(run) == before
    whole = tiny(tmp_path / "whole", steps=6)
    one, two = contents(forked.folder), contents(whole.folder)
    for name in (
        "model.safetensors",
        "samples.png",
        "progress.gif",
        "log.jsonl",
        "training/step-00000006/state.safetensors",
    ):
        assert one[name] == two[name], name
    assert forked.step == 6


def test_fork_records_what_it_left_and_no_path(run, tmp_path):
    fork(run, tmp_path / "fork", steps=5, settings={"lr.g": 1e-3})
    origin = config_of(tmp_path / "fork")["forked_from"]
    assert origin.keys() == {"recipe", "step", "identity"} and origin["recipe"] == RECIPE and origin["step"] == 4
    assert str(tmp_path) not in (tmp_path / "fork" / "config.json").read_text()
    notes = json.loads((tmp_path / "fork" / "training" / "run.json").read_text())
    assert notes["forked_from"] == {"path": str(run), **origin}
    resume(tmp_path / "fork", steps=6)
    assert config_of(tmp_path / "fork")["forked_from"] == origin
    kept = json.loads((tmp_path / "fork" / "training" / "run.json").read_text())
    assert kept["forked_from"] == notes["forked_from"]


def test_resumed_fork_equals_unbroken_fork(run, tmp_path):
    options = {"recipe": "dcgan:ch=4+hinge+lecam", "settings": {"lr.g": "cosine/1e-3/0"}, "seed": 7, "horizon": 8}
    whole = fork(run, tmp_path / "whole", steps=8, **options)
    fork(run, tmp_path / "parts", steps=6, **options)
    assert contents(resume(tmp_path / "parts", steps=8).folder) == contents(whole.folder)


def test_fork_keeps_what_a_person_had_set_and_changes_what_is_said(tmp_path):
    run = tiny(tmp_path / "run", settings={"lr.d": 3e-4, "ema": 0.9}).folder
    forked = fork(run, tmp_path / "fork", recipe="dcgan:ch=4+hinge+r1", settings={"lr.g": 1e-3}, batch=6, steps=5)
    settings = config_of(forked.folder)["settings"]
    assert [settings[name]["value"] for name in ("lr.d", "ema", "lr.g", "batch")] == [3e-4, 0.9, 1e-3, 6]
    assert forked.log[-1]["step"] == 5 and "d/r1" in forked.log[-1]["losses"]
    assert [record["step"] for record in forked.log] == [1, 2, 3, 4, 5]


def test_fork_leaves_the_horizon_of_a_schedule(tmp_path):
    run = tiny(tmp_path / "run", settings={"lr.g": "linear/1e-3/0"}).folder
    assert fork(run, tmp_path / "fork", steps=8).log[-1]["lr"]["g"] == pytest.approx(1e-3 / 8)
    assert fork(run, tmp_path / "far", steps=8, horizon=16).log[-1]["lr"]["g"] == pytest.approx(9e-3 / 16)
    assert fork(run, tmp_path / "near", steps=8, horizon=6).log[-1]["lr"]["g"] == 0  # past its end it stays there


def test_fork_to_other_data(run, tmp_path):
    images = torch.randint(0, 256, (20, 1, 16, 16), dtype=torch.uint8)
    forked = fork(run, tmp_path / "fork", data=images, steps=5)
    assert forked.step == 5 and config_of(forked.folder)["dataset"]["count"] == 20


def test_optimisers_and_parts_start_afresh_where_they_are_others(run, tmp_path, capsys):
    fork(run, tmp_path / "fork", recipe="dcgan:ch=4+lecam", settings={"optimizer": "rmsprop"}, steps=4, quiet=False)
    said = capsys.readouterr().err
    assert "the optimizer of d starts afresh: rmsprop in place of adam" in said and "lecam starts afresh" in said
    before, after = state(run, 4), state(tmp_path / "fork", 4)
    networks = [name for name in before if name.startswith(("gan/", "ema/"))]
    assert networks and all(torch.equal(before[name], after[name]) for name in networks)
    assert not any(name.startswith("optimizer/") for name in after)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recipe": "dcgan:ch=8"}, r"cannot become dcgan:ch=8: 'D\..*' is \[.*\] there and \[.*\] here, and \d+ more"),
        ({"recipe": "dcgan:ch=4+sn"}, r"is missing there"),
        ({"recipe": "dcgan:ch=4+projection"}, r"cannot become dcgan:ch=4\+projection: 'D\."),
        ({"resolution": 32}, "more tensors differ"),
    ],
)
def test_networks_that_do_not_fit_are_named(run, tmp_path, given, said):
    with pytest.raises(ModelError, match=said):
        fork(run, tmp_path / "fork", **given)
    assert not (tmp_path / "fork").exists()


def test_fork_needs_a_run_and_a_free_folder(run, tmp_path):
    with pytest.raises(UsageError, match="--fork needs a run to leave"):
        tiny(tmp_path / "new", fork=tmp_path / "fork")
    with pytest.raises(UsageError, match="--fork finds no run in --out"):
        tiny(tmp_path / "new", resume=True, fork=tmp_path / "fork")
    with pytest.raises(UsageError, match="leave out --init"):
        fork(run, tmp_path / "fork", init=run)
    with pytest.raises(RunError, match=r"run is there already: choose another folder, such as .*run-2"):
        fork(run, run)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file is there already"):
        fork(run, tmp_path / "file")
    with pytest.raises(RunError, match="file is a file"):
        fork(run, tmp_path / "file" / "fork")
    (tmp_path / "empty").mkdir()
    assert fork(run, tmp_path / "empty", steps=5).step == 5


def test_fork_takes_the_newest_checkpoint_that_is_whole(run, tmp_path, capsys):
    newest = run / "training" / "step-00000004" / "state.safetensors"
    newest.write_bytes(b"torn")
    fork(run, tmp_path / "fork", steps=3, quiet=False)
    assert "forked from step 2" in capsys.readouterr().err
    assert [record["step"] for record in ganzoo.folder.log.read_log(tmp_path / "fork")] == [1, 2, 3]
    frames = tmp_path / "fork" / "training" / "frames"
    assert sorted(path.stem for path in frames.iterdir()) == ["00000000", "00000002"]


def test_fork_of_a_run_whose_data_was_in_memory_needs_it_again(run, tmp_path):
    with pytest.raises(RunError, match="data in memory"):
        ganzoo.train(resume=run, fork=tmp_path / "fork")
    shutil.rmtree(run / "training" / "step-00000004")
    shutil.rmtree(run / "training" / "step-00000002")
    with pytest.raises(RunError, match="cannot be resumed"):
        ganzoo.train(resume=run, fork=tmp_path / "fork", data=Labelled())
    assert not (tmp_path / "fork").exists()
