"""Folders that a run may have or not, requests that cannot be meant, and first weights from another folder."""

import os
import shutil
import sys

import pytest
import torch
from tiny_runs import RECIPE, Labelled, contents, resume, tiny

import ganzoo
from ganzoo.data import ImageData, MemoryImages
from ganzoo.data.packed import pack
from ganzoo.errors import DataError, GanzooError, ModelError, RunError, UnknownPart, UsageError
from ganzoo.files.write import lock
from ganzoo.folder.layout import checkpoints

# --- folders ------------------------------------------------------------------------------------------------


def test_folder_that_holds_a_run_is_refused_with_both_ways_on(run):
    before = contents(run)
    with pytest.raises(RunError, match=r"--resume .*run\), or start another \(--out .*run-2\)"):
        tiny(run)
    assert contents(run) == before


def test_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="not empty and holds no run"):
        tiny(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_unwritable_folder_is_refused_before_the_data_is_looked_for(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot write to .*out: .*file is a file"):
        tiny(tmp_path / "file" / "out", data="no-such-data")


def test_start_that_was_killed_can_be_started_again(tmp_path):
    folder = tiny(tmp_path / "run", steps=2, seed=1).folder
    for name in ("config.json", "README.md", "progress.gif"):
        (folder / name).unlink()
    (folder / ".new-1-model.safetensors").write_text("torn")
    with pytest.raises(RunError, match="holds a run"):  # there is work of two steps in it
        tiny(folder)
    shutil.rmtree(folder / "training" / "step-00000002")
    assert tiny(folder, steps=1).step == 1
    assert not list(folder.glob(".new-*"))
    assert sorted(checkpoints(folder)) == [0, 1]
    shutil.rmtree(folder / "training" / "step-00000001")
    assert resume(folder, steps=1).step == 1  # the first checkpoint is this run's, not the killed one's


@pytest.mark.parametrize("folder", ["missing", "empty"])
def test_resume_of_what_is_no_run_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=f"there is no folder|has nothing to go on with: .* --out {tmp_path / folder}$"):
        resume(tmp_path / folder)
    assert not (tmp_path / "missing").exists() and not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize("left", [(), (".lock",), (".lock", "training", "log.jsonl", ".new-7-samples.png")])
@pytest.mark.parametrize("words", [{}, {"recipe": "gan+hinge", "data": "digits"}])
def test_resume_of_a_start_that_was_killed_says_how_to_begin(left, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my run"
    folder.mkdir()
    for name in left:
        (folder / name).mkdir() if name == "training" else (folder / name).touch()
    typed = "ganzoo train gan+hinge --data digits" if words else "ganzoo train RECIPE --data DATA"
    with pytest.raises(RunError, match="nothing to go on with") as caught:
        ganzoo.train(resume="my run", **words)
    assert str(caught.value).endswith(f"in the same folder: {typed} --out 'my run'")
    tiny("my run", steps=1)  # which works
    assert resume(folder, steps=2).step == 2


def test_model_without_training_folder_can_only_be_started_from(run):
    shutil.rmtree(run / "training")
    with pytest.raises(RunError, match="--init"):
        resume(run)


def test_default_folder_is_named_by_recipe_and_never_reused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [tiny(None, steps=1).folder for _ in range(2)]
    assert [str(folder) for folder in folders] == ["runs/dcgan-ch-4", "runs/dcgan-ch-4-2"]


def test_recipes_that_share_a_slug_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = tiny(None, "dcgan:ch=4+gn@g", steps=1)
    first.folder.rename("runs/dcgan-ch-4-gn-d")  # stands where another recipe's slug would put its run
    second = tiny(None, "dcgan:ch=4+gn@d", steps=1)
    assert str(second.folder) == f"runs/dcgan-ch-4-gn-d-{second.gan.plan.hash[:6]}"


def test_locked_folder_is_refused(run):
    with lock(run), pytest.raises(RunError, match=f"in use by process {os.getpid()} on "):
        resume(run)


# --- what cannot be meant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"recipe": "dcgn"}, UnknownPart, "nearest: .*dcgan"),
        ({"recipe": "dcgan+hinge+wgan"}, UsageError, "both fill the loss slot"),
        ({"recipe": RECIPE, "resolution": 17}, UsageError, "17"),
        ({"recipe": "dcgan:ch=4+projection", "data": Labelled().images}, UsageError, "label"),
        ({"data": "no-such-data"}, DataError, "no-such-data"),
        ({"steps": 0}, UsageError, "--steps 0"),
        ({"steps": None, "images": 0}, UsageError, "--images 0"),
        ({"steps": 1, "images": 1}, UsageError, "--images"),
        ({"save_every": 0}, UsageError, "--save-every 0"),
        ({"keep": -1}, UsageError, "--keep -1"),
        ({"settings": {"lr.h": 1}}, UsageError, "lr.h"),
        ({"settings": {"lr.g": "fast"}}, UsageError, "lr.g=fast"),
        ({"device": "tpu9"}, UsageError, "tpu9"),
        ({"device": "meta"}, UsageError, "meta"),
        ({"license": "Mine!"}, UsageError, "Mine!"),
        ({"log": ["paper"]}, UsageError, "tensorboard, trackio or wandb"),
        ({"init": "nowhere"}, RunError, "nowhere"),
        ({"recipe": None}, UsageError, "RECIPE"),
    ],
)
def test_bad_request_is_refused_and_touches_nothing(options, error, said, tmp_path):
    recipe = options.get("recipe", RECIPE)
    with pytest.raises(error, match=said) as caught:
        tiny(tmp_path / "out", recipe, **{key: value for key, value in options.items() if key != "recipe"})
    assert isinstance(caught.value, GanzooError) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_missing_tracker_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match=r"pip install 'ganzoo-core\[wandb\]>=0\.2'"):
        tiny(tmp_path / "out", log=["wandb"])


def test_tracker_gets_every_number(monkeypatch, tmp_path):
    seen = []

    class FakeTracker:
        init = staticmethod(lambda **about: seen.append(about["name"]))
        log = staticmethod(lambda values, step: seen.append((step, sorted(values))))
        finish = staticmethod(lambda: seen.append("finished"))

    monkeypatch.setitem(sys.modules, "trackio", FakeTracker)
    tiny(tmp_path / "run", steps=1, log=["trackio"])
    names = ["accuracy/fake", "accuracy/real", "clock/data_share", "clock/images_per_second", "health/drift",
             "health/finite", "health/gradients/d", "health/gradients/g", "images", "losses/d/loss", "losses/g/loss",
             "lr/d", "lr/g"]  # fmt: skip
    assert seen == ["run", (1, names), "finished"]


def test_data_too_small_for_the_architecture_is_shown_larger(tmp_path, capsys):
    small = torch.randint(0, 256, (8, 3, 12, 12), dtype=torch.uint8)
    run = tiny(tmp_path / "run", data=small, steps=1, quiet=False)
    assert run.gan.resolution == 16
    assert "shown at 16 px" in capsys.readouterr().err


# --- fine-tuning ---------------------------------------------------------------------------------------------------


def weights(run):
    return {name: tensor for name, tensor in run.gan.state_dict().items() if name.startswith(("G.", "D."))}


def test_init_takes_every_network_of_a_run(run, tmp_path):
    tuned = tiny(tmp_path / "tuned", init=run, steps=1, settings={"lr.g": 0, "lr.d": 0}, seed=3)
    trained = resume(run)
    for name, parameter in trained.gan.named_parameters():
        assert torch.equal(parameter, dict(tuned.gan.named_parameters())[name]), name


def test_init_from_a_published_model_takes_the_generator_and_says_so(tmp_path, capsys):
    source = tiny(tmp_path / "source", "dcgan:ch=4+eqlr").folder
    shutil.rmtree(source / "training")
    tuned = tiny(tmp_path / "tuned", "dcgan:ch=4+eqlr", init=source, steps=1, settings={"lr.g": 0}, quiet=False)
    assert "no discriminator" in capsys.readouterr().err
    z = torch.randn(2, 128)
    given, taken = (ganzoo.load(folder).sample(z=z) for folder in (source, tuned.folder))
    assert (given - taken).abs().max() < 0.2  # batch norm has moved by a step, the weights have not
    assert torch.allclose(ganzoo.load(source).G.state_dict()["trunk.project.weight"],
                          ganzoo.load(tuned.folder).G.state_dict()["trunk.project.weight"], atol=1e-6)  # fmt: skip


def test_init_from_another_network_names_the_tensor(run, tmp_path):
    with pytest.raises(ModelError, match=r"does not fit this recipe: '.*'"):
        tiny(tmp_path / "out", "dcgan:ch=8", init=run)
    assert not (tmp_path / "out").exists()


def test_more_names_of_classes_than_a_config_can_hold_are_refused_before_anything_is_written(tmp_path):
    names = [f"a class with a long name, the {number}th" for number in range(40_000)]
    images = torch.zeros(4, 1, 16, 16, dtype=torch.uint8)
    pack(ImageData("many", MemoryImages(images), torch.arange(4), tuple(names)), tmp_path / "many.safetensors")
    why = r"the names of 40,000 classes make a config.json of [12]\.[0-9] MB, and none larger than 1 MB is read: give"
    with pytest.raises(DataError, match=why):
        ganzoo.train("dcgan:ch=4+projection", tmp_path / "many.safetensors", out=tmp_path / "run", steps=1, batch=4)
    assert not (tmp_path / "run").exists()
