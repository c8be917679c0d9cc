"""The loop: turns, freezing, averages, learning rates, optimisers, and NaN."""

import math

import pytest
import torch
from tiny_runs import RECIPE, resume, tiny
from torch import nn

import ganzoo
from ganzoo.errors import RunError, UsageError
from ganzoo.gan.builder import build
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.plan.settings import OPTIMIZERS
from ganzoo.training.ema import EMA
from ganzoo.training.loop import NotFinite, Trainer, learning
from ganzoo.training.optim import lr_of, make_optimizer, restore, state_of


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
    trainer.train_step(batches)
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
        trainer.train_step(batches_of(trainer))
    assert taken == [2, 4]


def test_weight_clipping_runs_after_the_step():
    trainer = trainer_of("dcgan:ch=4+wgan-clip:clip=0.01")
    trainer.train_step(batches_of(trainer))
    assert max(p.abs().max() for p in trainer.gan.D.parameters()) <= 0.01


def test_nan_stops_with_the_named_term_and_saves_nothing_bad(tmp_path, monkeypatch):
    def poison(record):
        if record["step"] == 2:
            raise_at.append(True)

    def poisoned(self, critic, real, fake):
        return healthy(self, critic, real, fake) * (float("nan") if raise_at else 1.0)

    raise_at = []
    loss = type(ganzoo.create("bce"))
    healthy = loss.g
    said = r"step 2: the term 'loss' of the turn 'g' is nan; .*holds step 2.*--init"
    with monkeypatch.context() as patch, pytest.raises(RunError, match=said) as caught:
        patch.setattr(loss, "g", poisoned)
        tiny(tmp_path / "run", steps=9, callback=poison)
    assert "\n" not in str(caught.value)
    *lines, event = ganzoo.folder.log.read_log(tmp_path / "run")
    assert [record["step"] for record in lines] == [1, 2]
    assert (event["step"], event["event"]["kind"], event["event"]["action"]) == (3, "nan", "stop")
    assert ganzoo.load(tmp_path / "run").sample(2, seed=0).isfinite().all()
    assert resume(tmp_path / "run", steps=3).step == 3


def test_bad_weights_are_never_saved():
    trainer = trainer_of()
    with torch.no_grad():
        next(trainer.gan.D.parameters()).view(-1)[0] = float("inf")
    with pytest.raises(NotFinite, match=r"gan/D\..* holds NaN or infinite numbers"):
        trainer.check()


def test_schedule_needs_every_digit_of_its_ends():
    assert trainer_of(settings={"lr.g": "linear/1.23456789e-3/0"}).rate("g") == 1.23456789e-3


def test_parts_with_state_are_in_the_checkpoint():
    trainer = trainer_of("dcgan:ch=4+lecam")
    trainer.train_step(batches_of(trainer))
    assert any("lecam" in name for name in trainer.tensors())


# --- averages, rates, optimisers -----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", OPTIMIZERS)
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


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimiser_lowers_a_loss(name):
    plan = build(RECIPE, 16, 1, settings={"optimizer": name, "lr.g": 0.1}, device="meta").plan
    weight = nn.Parameter(torch.ones(3))
    optimizer = make_optimizer(plan, "g", [weight])
    for _ in range(50):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.abs().max() < 0.5


@pytest.mark.parametrize(
    ("features", "chosen"), [({"amx_bf16"}, "bf16"), ({"avx512_bf16"}, "bf16"), ({"avx2"}, "fp32")]
)
def test_auto_is_bf16_where_the_cpu_has_instructions_for_it(features, chosen, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(features, True))
    cpu = torch.device("cpu")
    assert choose_precision("auto", cpu).name == chosen and choose_precision("auto", cpu).note == ""
    assert ("far slower than fp32" in choose_precision("bf16", cpu).note) == (chosen == "fp32")


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


@pytest.mark.parametrize(
    ("numbers", "mean"),
    [([math.nan, math.nan, 2.0, math.nan], 2.0), ([1.0, math.nan, 4.0], 2.0), ([3.0, 5.0], 4.0), ([math.nan], None)],
)
def test_a_report_that_is_nan_counts_as_the_mean_before_it(numbers, mean):
    trainer = Trainer(build("gan:ch=2", resolution=16, channels=1), 0, 1)
    for number in numbers:
        at = trainer.update_at("d")
        at.report("said", number)
        trainer.note_reports("d", at)
    assert trainer.report().get("reports", {}).get("d/said") == mean
