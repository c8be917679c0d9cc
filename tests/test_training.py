"""Training: exact resume, freezing, averages, schedules, folders that are refused, and what a failure leaves."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from tiny_runs import RECIPE, Labelled, contents, resume, tiny
from torch import nn

import ganzoo
from ganzoo.builder import build
from ganzoo.errors import DataError, GanzooError, ModelError, RunError, UnknownPart, UsageError
from ganzoo.files import lock
from ganzoo.registry import registry
from ganzoo.training.ema import EMA
from ganzoo.training.loop import NotFinite, Trainer, learning
from ganzoo.training.optim import lr_of, make_optimizer, rate, restore, state_of
from ganzoo.training.precision import choose_device, choose_precision
from ganzoo.training.progress import Lines, duration
from ganzoo.training.signals import Interrupted
from ganzoo.training.state import checkpoints

RECIPES = [
    RECIPE,
    "dcgan:ch=4+sn+hinge",
    "dcgan:ch=4,dropout=0.3",
    "dcgan:ch=4+eqlr@d+wgan+gp:every=3",
    "dcgan:ch=4+lecam+r1:every=2,gamma=0.123456789",
    "dcgan:ch=4+cbn+ac",
    "dcgan:ch=4+cbn+projection+wn@d+relativistic",
    "dcgan:ch=4+onehot+sa@8",
    "dcgan:ch=4+r2:gamma=0.5+dragan",
]

SETTINGS = {
    "dcgan:ch=4+eqlr@d+wgan+gp:every=3": {"optimizer": "rmsprop", "ema": 0.9999999 - 1e-6},
    "dcgan:ch=4+sn+hinge": {"precision": "bf16", "lr.d": 1.23456789e-4},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of four steps; copied before anything is done to it."""
    return tiny(tmp_path_factory.mktemp("runs") / "done").folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


# --- exact resume -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_run_equals_unbroken_run(recipe, tmp_path):
    settings = SETTINGS.get(recipe, {})
    whole = tiny(tmp_path / "whole", recipe, steps=6, settings=settings, log_every=2)
    tiny(tmp_path / "parts", recipe, steps=3, settings=settings, log_every=2)
    parts = resume(tmp_path / "parts", steps=6)
    first, second = contents(whole.folder), contents(parts.folder)
    # The run that was stopped at 3 also keeps that checkpoint: saving there is what stopping means.
    assert {name for name in first if "step-" not in name} == {name for name in second if "step-" not in name}
    differing = [name for name in first.keys() & second.keys() if first[name] != second[name]]
    assert differing == []
    assert "training/step-00000006/state.safetensors" in second
    assert whole.step == parts.step == 6


@pytest.mark.slow
@pytest.mark.parametrize("preset", [entry.name for entry in registry().entries("preset")])
def test_every_preset_resumes_exactly(preset, tmp_path):
    options = {"resolution": 32, "log_every": 2, "grid_every": 4, "save_every": 4}
    whole = tiny(tmp_path / "whole", f"{preset}:ch=4", steps=4, **options)
    tiny(tmp_path / "parts", f"{preset}:ch=4", steps=3, **options)
    first, second = contents(whole.folder), contents(resume(tmp_path / "parts", steps=4).folder)
    assert [name for name in first.keys() & second.keys() if first[name] != second[name]] == []
    assert "training/step-00000004/state.safetensors" in first.keys() & second.keys()


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
def test_resume_with_other_mathematics_is_refused(run, given, said):
    before = contents(run)
    with pytest.raises(RunError, match=said):
        resume(run, **given)
    assert contents(run) == before


def test_resume_may_change_length_intervals_and_repeat_what_is_so(run):
    options = {"recipe": RECIPE, "seed": 0, "batch": 4, "settings": {"lr.g": "2e-4"}}
    again = resume(run, steps=5, log_every=5, grid_every=5, save_every=5, keep=1, **options)
    assert [record["step"] for record in again.log] == [1, 2, 3, 4, 5]
    assert (run / "snapshots" / "step-00000005.safetensors").exists()


def test_schedule_ends_with_its_horizon(tmp_path):
    run = tiny(tmp_path / "run", settings={"lr.g": "linear/1e-3/0"})
    assert [record["lr"]["g"] for record in run.log] == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    with pytest.raises(RunError, match=r"schedule of lr.g ends at step 4"):
        resume(run.folder, steps=5)


def test_bare_resume_starts_a_run_or_goes_on_with_it(tmp_path):
    assert tiny(tmp_path / "run", resume=True, steps=2).step == 2
    assert tiny(tmp_path / "run", resume=True, steps=3).step == 3
    with pytest.raises(UsageError, match="--resume needs a run"):
        ganzoo.train(RECIPE, Labelled(), resume=True)


def test_data_in_memory_has_to_be_given_again(run):
    with pytest.raises(RunError, match="data in memory"):
        ganzoo.train(resume=run)


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
    with pytest.raises(RunError, match=r"no folder|is not a run"):
        resume(tmp_path / folder)
    assert not (tmp_path / "missing").exists() and not list((tmp_path / "empty").iterdir())


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


# --- what cannot be meant -----------------------------------------------------------------------------------


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
    with pytest.raises(UsageError, match=r"pip install 'ganzoo\[wandb\]'"):
        tiny(tmp_path / "out", log=["wandb"])


def test_tracker_gets_every_number(monkeypatch, tmp_path):
    seen = []

    class FakeTracker:
        init = staticmethod(lambda **about: seen.append(about["name"]))
        log = staticmethod(lambda values, step: seen.append((step, sorted(values))))
        finish = staticmethod(lambda: seen.append("finished"))

    monkeypatch.setitem(sys.modules, "trackio", FakeTracker)
    tiny(tmp_path / "run", steps=1, log=["trackio"])
    names = ["accuracy/fake", "accuracy/real", "clock/images_per_second", "images", "losses/d/loss", "losses/g/loss",
             "lr/d", "lr/g"]  # fmt: skip
    assert seen == ["run", (1, names), "finished"]


def test_data_too_small_for_the_architecture_is_shown_larger(tmp_path, capsys):
    small = torch.randint(0, 256, (8, 3, 12, 12), dtype=torch.uint8)
    run = tiny(tmp_path / "run", data=small, steps=1, quiet=False)
    assert run.gan.resolution == 16
    assert "shown at 16 px" in capsys.readouterr().err


# --- the loop -----------------------------------------------------------------------------------------------


def trainer_of(recipe=RECIPE, settings=None, **options):
    gan = build(recipe, 16, 1, settings=settings, **options)
    return Trainer(gan, seed=0, horizon=10, precision=choose_precision("fp32", torch.device("cpu")))


def batches_of(trainer, size=4):
    rng = torch.Generator().manual_seed(0)
    return [{"image": torch.rand(size, 1, 16, 16, generator=rng) * 2 - 1} for _ in range(trainer.batches_per_step)]


def test_only_the_player_learns_and_freezing_restores_what_was():
    gan = build(RECIPE, 16, 1)
    fixed = next(gan.D.parameters()).requires_grad_(False)
    with learning(gan, "g"):
        assert not any(p.requires_grad for p in gan.D.parameters())
        assert all(p.requires_grad for p in gan.G.parameters())
    assert [p is not fixed for p in gan.D.parameters()] == [p.requires_grad for p in gan.D.parameters()]


def test_repeat_gives_each_update_of_d_its_own_batch():
    trainer = trainer_of(settings={"repeat.d": 3})
    seen = {"d": [], "g": []}
    for turn in trainer.turns:
        turn.loss = lambda batch, step, turn=turn, loss=turn.loss: (seen[turn.player].append(batch), loss(batch, step))[
            1
        ]
    batches = batches_of(trainer)
    trainer.round(batches)
    assert len(batches) == 3
    assert all(one is two for one, two in zip(seen["d"], batches, strict=True))
    assert len(seen["g"]) == 1 and seen["g"][0] is batches[-1]


def test_images_count_real_images(tmp_path):
    run = tiny(tmp_path / "run", steps=None, images=30, settings={"repeat.d": 3})
    assert run.step == 3  # 12 images in a step
    assert run.log[-1]["images"] == 36


def test_turn_with_every_start_and_stop_is_taken_when_due():
    trainer = trainer_of()
    taken = []
    g = trainer.turns[1]
    g.every, g.start, g.stop = 2, 2, 5
    g.after = lambda: taken.append(trainer.step)
    for _ in range(7):
        trainer.round(batches_of(trainer))
    assert taken == [2, 4]


def test_weight_clipping_runs_after_the_step():
    trainer = trainer_of("dcgan:ch=4+wgan-clip:clip=0.01")
    trainer.round(batches_of(trainer))
    assert max(p.abs().max() for p in trainer.gan.D.parameters()) <= 0.01


def test_nan_stops_with_the_named_term_and_saves_nothing_bad(tmp_path):
    def poison(record):
        if record["step"] == 2:
            raise_at.append(True)

    raise_at = []
    loss = ganzoo.create("bce")
    original = type(loss).g
    try:
        type(loss).g = lambda self, critic, real, fake: (
            original(self, critic, real, fake) * (float("nan") if raise_at else 1.0)
        )
        with pytest.raises(
            RunError, match=r"step 2: the term 'loss' of the turn 'g' is nan; .*holds step 2.*--init"
        ) as caught:
            tiny(tmp_path / "run", steps=9, callback=poison)
    finally:
        type(loss).g = original
    assert "\n" not in str(caught.value)
    assert [record["step"] for record in ganzoo.training.log.read_log(tmp_path / "run")] == [1, 2]
    assert ganzoo.load(tmp_path / "run").sample(2, seed=0).isfinite().all()
    assert resume(tmp_path / "run", steps=3).step == 3


def test_bad_weights_are_never_saved():
    trainer = trainer_of()
    with torch.no_grad():
        next(trainer.gan.D.parameters()).view(-1)[0] = float("inf")
    with pytest.raises(NotFinite, match=r"gan/D\..* holds NaN or infinite numbers"):
        trainer.check()


def test_error_in_callback_leaves_a_run_that_can_be_resumed(tmp_path):
    def fail(record):
        if record["step"] == 3:
            raise KeyError("mine")

    with pytest.raises(KeyError):
        tiny(tmp_path / "run", callback=fail)
    assert resume(tmp_path / "run").step == 4


def test_full_disk_leaves_a_run_that_can_be_resumed(tmp_path, finished):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(record):
        if record["step"] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    try:
        with pytest.raises(RunError, match=r"cannot write .*; make room or choose another folder"):
            tiny(tmp_path / "run", callback=fill_the_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ganzoo.load(tmp_path / "run").config["step"] == 2
    resume(tmp_path / "run")
    assert contents(tmp_path / "run") == contents(finished)


def test_schedule_needs_every_digit_of_its_ends():
    assert trainer_of(settings={"lr.g": "linear/1.23456789e-3/0"}).rate("g") == 1.23456789e-3


def test_parts_with_state_are_in_the_checkpoint():
    trainer = trainer_of("dcgan:ch=4+lecam")
    trainer.round(batches_of(trainer))
    assert any("lecam" in name for name in trainer.tensors())


# --- averages, rates, optimisers ----------------------------------------------------------------------------


def test_average_follows_its_formula_and_copies_buffers():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    ema = EMA({"G": net}, decay=0.15)
    before = net[0].weight.detach().clone()
    with torch.no_grad():
        net[0].weight.add_(1.0)
        net[1].running_mean.fill_(7.0)
    ema.update(step=0)  # warm-up: decay 1/10
    assert torch.allclose(ema.averages["G"][0].weight, before + 0.9)
    assert torch.equal(ema.averages["G"][1].running_mean, torch.full((2,), 7.0))
    ema.update(step=100)  # the full decay
    assert torch.allclose(ema.averages["G"][0].weight, before + 1 - 0.15 * 0.1)


def test_average_with_decay_nought_is_the_network():
    net = nn.Linear(3, 3)
    ema = EMA({"G": net}, decay=0.0)
    with torch.no_grad():
        net.weight.normal_()
    ema.update(step=5)
    assert torch.equal(ema.averages["G"].weight, net.weight)


def test_average_is_applied_only_inside_the_block():
    trainer = trainer_of()
    own = trainer.gan.G
    with trainer.ema.applied(trainer.gan):
        assert trainer.gan.G is trainer.ema.averages["G"]
    assert trainer.gan.G is own


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-3, [1e-3, 1e-3, 1e-3, 1e-3]),
        ("linear/1e-3/0", [1e-3, 5e-4, 0.0, 0.0]),
        ("cosine/1e-3/1e-4", [1e-3, 5.5e-4, 1e-4, 1e-4]),
    ],
)
def test_rates(value, expected):
    assert [rate(value, step, 10) for step in (0, 5, 10, 20)] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_optimiser_goes_on_where_it_was(name):
    plan = build(RECIPE, 16, 1, settings={"optimizer": name}, device="meta").plan
    assert lr_of(plan, "d") == 2e-4
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last) for _ in range(2)]
    layers[1].load_state_dict(layers[0].state_dict())
    optimizers = [make_optimizer(plan, "d", layer.parameters()) for layer in layers]
    gradients = [torch.randn(4, 3, 3, 3) for _ in range(4)]
    for step, gradient in enumerate(gradients):
        if step == 2:  # hand over from the first to the second
            layers[1].load_state_dict(layers[0].state_dict())
            restore(optimizers[1], dict(layers[1].named_parameters()),
                    state_of(optimizers[0], dict(layers[0].named_parameters())))  # fmt: skip
        for layer, optimizer in zip(layers, optimizers, strict=True):
            layer.weight.grad, layer.bias.grad = gradient.clone(), gradient[:, 0, 0, 0].clone()
            optimizer.step()
    assert torch.equal(layers[0].weight, layers[1].weight) and torch.equal(layers[0].bias, layers[1].bias)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_optimiser_lowers_a_loss(name):
    plan = build(RECIPE, 16, 1, settings={"optimizer": name, "lr.g": 0.1}, device="meta").plan
    weight = nn.Parameter(torch.ones(3))
    optimizer = make_optimizer(plan, "g", [weight])
    for _ in range(50):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.abs().max() < 0.5


def test_precision_is_fp32_where_bf16_has_no_units():
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu).name == "fp32"
    assert choose_precision("bf16", cpu).name == "bf16"
    with choose_precision("bf16", cpu).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with choose_precision("fp32", cpu).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_unknown_device_names_those_that_are_there():
    with pytest.raises(UsageError, match="--device takes cpu"):
        choose_device("abacus")


# --- fine-tuning --------------------------------------------------------------------------------------------


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


# --- signals and progress -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_step_saves_and_says_how_to_go_on(number, tmp_path, finished):
    def send(record):
        if record["step"] == 3:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=r"stopped at step 3 .*--resume") as caught:
        tiny(tmp_path / "run", callback=send)
    assert caught.value.status == 128 + number
    assert signal.getsignal(number) == before
    resume(tmp_path / "run")
    first, second = contents(finished), contents(tmp_path / "run")
    for name in ("model.safetensors", "samples.png", "progress.gif", "log.jsonl", "config.json"):
        assert first[name] == second[name], name


@pytest.mark.parametrize("moment", [0.0, *(pytest.param(0.037 * k, marks=pytest.mark.slow) for k in range(1, 13))])
def test_kill_leaves_a_run_that_goes_on(moment, tmp_path):
    folder = tmp_path / "run"
    code = (
        f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        f"from tiny_runs import tiny\ntiny({str(folder)!r}, steps=100000)"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        limit = time.monotonic() + 60
        while not (folder / "training" / "step-00000006").exists() and time.monotonic() < limit:
            time.sleep(0.05)
        with pytest.raises(RunError, match=f"in use by process {process.pid}"):
            resume(folder)
        time.sleep(moment)
    finally:
        process.kill()
        process.wait()
    step = max(checkpoints(folder))
    assert step >= 6
    assert ganzoo.load(folder).sample(1, seed=0).isfinite().all()
    again = resume(folder, steps=step + 2)
    assert again.step == step + 2
    assert [record["step"] for record in again.log] == list(range(1, step + 3))
    assert not list(folder.rglob(".new-*"))


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_lines_are_whole_and_rare(monkeypatch, capsys):
    clock = Clock()
    monkeypatch.setattr("ganzoo.training.progress.time.monotonic", clock)
    lines = Lines(1000, sys.stderr)
    record = {"losses": {f"d/very-long-name-{k}": 1.0 for k in range(20)}, "accuracy": {"real": 0.5, "fake": 1.0}}
    for step in range(10, 1001, 10):
        clock.now += 1
        lines.show(step, record, 100.0, 1000.0 - step)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 11
    assert all("d/very-long-name-19" in line and "D right 50%/100%" in line for line in shown)
    assert "10 s left" not in shown[-1] and "done" in shown[-1]


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations(seconds, text):
    assert duration(seconds) == text
