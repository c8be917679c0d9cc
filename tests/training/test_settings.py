"""What settings of players, schedules and averages do in a training."""

import math

import pytest
import torch
from tiny_runs import contents, resume, tiny
from torch import nn

import ganzoo
from ganzoo.training.ema import averaging_of
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import clip_gradients, gradient_norm

SMALL = "gan:ch=4,depth=1"
R3GAN = {  # at a hundredth of its images, four a step; its five schedules end after 40 steps, and the run goes on
    "lr": "cosine/1e-3/2e-4/0.16k",
    "beta1": 0,
    "beta2": "cosine/0.9/0.99/0.16k",
    "ema.halflife": "cosine/0/400/0.16k",
    "batch": 4,
}


class Slope:
    """D is to be flat, by a number that changes."""

    players, every = ("d",), 1

    def __init__(self, *, gamma: ganzoo.Number = 1.0) -> None:
        self.gamma = gamma

    def terms(self, ctx):
        """The weighted square of the scores of real images."""
        ctx.report("gamma", ctx.now(self.gamma))
        return {"slope": ctx.now(self.gamma) * ctx.discriminate(ctx.real).score.square().mean()}


class Fading:
    """Noise on what D sees, less and less of it."""

    def __init__(self, *, sigma: ganzoo.Number = 0.1) -> None:
        self.sigma = sigma

    def images(self, x, ctx):
        """``x``, darker by a number that changes."""
        ctx.report("sigma", ctx.now(self.sigma))
        return x * (1 - ctx.now(self.sigma))


class Parts:
    """Both of them."""

    @ganzoo.hookimpl
    def register_regularizers(self, register):
        """One."""
        register("slope", Slope)

    @ganzoo.hookimpl
    def register_augments(self, register):
        """One."""
        register("fading", Fading)


@pytest.fixture
def parts():
    with ganzoo.testing.plugin(Parts()):
        yield


def trainer_of(recipe=SMALL, **settings):
    named = {name.replace("__", ".").replace("_", "-"): value for name, value in settings.items()}
    torch.manual_seed(0)
    return Trainer(ganzoo.build(recipe, 16, 1, z_dim=4, settings={"batch": 4, **named}), 0, 10)


def step(trainer, times=1):
    for _ in range(times):
        torch.manual_seed(0)
        trainer.train_step([{"image": torch.rand(4, 1, 16, 16) * 2 - 1}] * trainer.batches_per_step)


def group(trainer, player):
    return trainer.optimizers[player].param_groups[0]


def test_players_have_optimizers_of_their_own():
    trainer = trainer_of(
        optimizer__d="adamw", weight_decay__d=0.1, betas__d="0.1/0.9", beta1=0.2, eps=1e-6, lr=3e-4, repeat__g=2
    )
    step(trainer)
    d, g = group(trainer, "d"), group(trainer, "g")
    assert type(trainer.optimizers["d"]) is torch.optim.AdamW and type(trainer.optimizers["g"]) is torch.optim.Adam
    assert (d["betas"], d["weight_decay"], d["lr"], d["eps"]) == ((0.1, 0.9), 0.1, 3e-4, 1e-6)
    assert (g["betas"], g["weight_decay"], g["lr"], g["eps"]) == ((0.2, 0.999), 0, 3e-4, 1e-6)
    assert trainer.updates == {"d": 1, "g": 2}


@pytest.mark.parametrize(("most", "expected"), [(1.0, 1.0), (50.0, 5.0), (0.0, 5.0)])
def test_clip_is_the_most_that_a_players_norm_may_be(most, expected):
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([4.0])
    clip_gradients(parameters, gradient_norm(parameters), most)
    assert float(gradient_norm(parameters)) == pytest.approx(expected)
    assert float(parameters[0].grad[0] / parameters[1].grad[0]) == pytest.approx(0.75)


def test_clip_of_one_player_leaves_the_other():
    free, clipped = trainer_of(optimizer="sgd", lr=0.1), trainer_of(optimizer="sgd", lr=0.1, clip__d=1e-6)
    before = next(iter(clipped.gan.D.state_dict().values())).clone()
    step(free)
    step(clipped)
    name = next(iter(clipped.gan.D.state_dict()))
    assert (clipped.gan.D.state_dict()[name] - before).abs().max() <= 1e-7
    assert (free.gan.D.state_dict()[name] - before).abs().max() > 1e-7


@pytest.mark.slow
def test_the_five_schedules_of_r3gan_go_on_past_their_end_and_through_a_resume(parts, tmp_path):
    recipe = "gan:ch=4,depth=1+r1:gamma=step/2/1/20+slope:gamma=cosine/0.05/0.005/0.16k+fading:sigma=linear/0.3/0/0.08k"
    whole = tiny(tmp_path / "whole", recipe=recipe, settings=R3GAN, steps=44, horizon=50, log_every=1)
    tiny(tmp_path / "half", recipe=recipe, settings=R3GAN, steps=17, horizon=50, log_every=1)
    half = resume(tmp_path / "half", steps=44)
    assert contents(half.folder) == contents(whole.folder)
    lines = whole.log
    assert [lines[at]["lr"]["g"] for at in (0, 20, 40, 43)] == pytest.approx([1e-3, 6e-4, 2e-4, 2e-4])
    assert [lines[at]["reports"]["d/gamma"] for at in (0, 20, 43)] == pytest.approx([0.05, 0.0275, 0.005])
    assert [lines[at]["reports"]["d/sigma"] for at in (0, 10, 20, 43)] == pytest.approx([0.3, 0.15, 0, 0])


def test_betas_of_a_step_are_those_of_the_schedule():
    trainer = trainer_of(beta2="linear/0.9/0.99/4", eps="step/1e-8/1e-4/2", weight_decay__d="step/0/0.5/8k")
    found = []
    for _ in range(6):
        step(trainer)
        found.append((group(trainer, "d")["betas"][1], group(trainer, "g")["eps"]))
    assert [beta for beta, _ in found] == pytest.approx([0.9, 0.9225, 0.945, 0.9675, 0.99, 0.99])
    assert [eps for _, eps in found] == [1e-8, 1e-8, 1e-4, 1e-4, 1e-4, 1e-4]


def decays(steps, images=4, **settings):
    named = {name.replace("__", "."): value for name, value in settings.items()}
    plan = ganzoo.build(SMALL, 16, 1, z_dim=4, settings=named, device="meta").plan
    decay = averaging_of(plan, 10, images)
    return [decay(step) for step in steps]


def test_halflife_is_a_decay_in_images():
    half = math.prod(decays(range(10), ema__halflife=40))
    assert half == pytest.approx(0.5)
    assert decays([0, 9], ema__halflife=0) == [0, 0]
    assert decays([0, 5], images=8, ema__halflife="1k") == pytest.approx([0.5 ** (8 / 1000)] * 2)


def test_average_starts_and_ramps():
    assert decays([0, 2, 3], ema=0.9, ema__start=3) == [0, 0, 0.9]
    assert decays([0, 250, 251], ema=0.9, ema__start="1k") == [0, 0.9, 0.9]
    first, last = decays([0, 1000], ema__halflife="1k", ema__ramp=0.05)
    assert first == pytest.approx(0.5 ** (4 / (0.05 * 4))) and last == pytest.approx(0.5 ** (4 / (0.05 * 4004)))
    assert decays([10_000], ema__halflife="1k", ema__ramp=0.05) == pytest.approx([0.5 ** (4 / 1000)])


def test_a_plain_decay_warms_up_as_ever():
    assert decays([0, 10, 100_000], ema=0.999) == [0.1, 11 / 20, 0.999]
