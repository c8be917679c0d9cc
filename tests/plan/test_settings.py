"""Settings: whose they are, which of several wins, what is refused; and that options can be schedules."""

import json
import math

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.errors import RecipeError, UsageError
from ganzoo.plan.plan import Plan
from ganzoo.plan.resolver import make_plan
from ganzoo.plan.settings import read, write
from ganzoo.schedules import number_at


@pytest.mark.parametrize(
    ("settings", "beta1"),
    [
        ({"betas": "0.1/0.9"}, (0.1, 0.1)),
        ({"betas": "0.1/0.9", "betas.d": "0.2/0.8"}, (0.1, 0.2)),
        ({"betas.d": "0.2/0.8", "beta1": 0.3}, (0.3, 0.2)),
        ({"betas.d": "0.2/0.8", "beta1.d": 0.4}, (0.5, 0.4)),
        ({"beta1.d": 0.4, "betas": "0.1/0.9", "betas.d": "0.2/0.8"}, (0.1, 0.4)),
    ],
)
def test_the_more_specific_name_wins(settings, beta1):
    plan = make_plan("dcgan", settings=settings)
    assert (plan["beta1.g"], plan["beta1.d"]) == beta1
    again = Plan.from_config(json.loads(json.dumps(plan.to_config())))
    assert (again["beta1.g"], again["beta1.d"], again.hash) == (*beta1, plan.hash)


def test_the_higher_level_wins_over_the_more_specific_name():
    plan = make_plan("sagan", {"image", "label"}, {"lr": 3e-4, "repeat": 2})
    assert plan["lr.g"] == plan["lr.d"] == 3e-4 and plan["repeat.d"] == plan["repeat.g"] == 2
    assert plan.settings["lr"].overrides == ("lr.g 0.0001 (sagan)", "lr.d 0.0004 (sagan)")
    assert make_plan("sagan", {"image", "label"}, {"lr.g": 1.0})["lr.d"] == 4e-4


def test_one_beta_of_everybody_comes_before_both_of_one_at_a_lower_level():
    plan = make_plan("dcgan+sngan@d", settings={"beta1": 0.3})
    low = plan.settings["betas.d"].value
    assert plan["beta1.d"] == plan["beta1.g"] == 0.3 and plan["beta2.d"] == low[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lr.e": 1}, "no player 'e' for lr.e; the players here are g and d"),
        ({"optimizer.d": "lion"}, "optimizer.d takes adam, adamw, rmsprop, sgd, nadam or radam"),
        ({"repeat.d": "linear/1/2"}, "repeat.d takes a whole number from 1 up; repeat.d takes no schedule"),
        ({"lr": "linear/1"}, "lr=linear/1 does not work"),
        ({"lr": "step/1/0"}, "lr=step/1/0 does not work"),
        ({"lr": "linear/1/0/0"}, "lr=linear/1/0/0 does not work"),
        ({"lr": "linear/1/0/2.5k1"}, "lr=linear/1/0/2.5k1 does not work"),
        ({"beta1.d": 1}, r"beta1.d takes a number in \[0, 1\)"),
        ({"eps": -1}, "eps=-1 does not work"),
        ({"weight-decay.g": "nan"}, "weight-decay.g=nan does not work"),
        ({"clip.d": "inf"}, "clip.d=inf does not work"),
        ({"ema": 0.9, "ema.halflife": "500k"}, "say the same: keep one of them"),
        ({"ema.start": "soon"}, "ema.start takes whole steps, or real images"),
        ({"betsa.d": 1}, "there is no setting 'betsa.d'; nearest: betas"),
    ],
)
def test_values_that_do_not_work_are_refused_in_one_line(settings, words):
    with pytest.raises(UsageError, match=words) as refused:
        make_plan("dcgan", settings=settings)
    assert "\n" not in str(refused.value)


def test_halflife_takes_the_place_of_a_decay_of_a_lower_level():
    plan = make_plan("dcgan", settings={"ema.halflife": "500k"})
    assert plan["ema.halflife"] == 500_000 and "ema" not in plan.settings
    assert plan.settings["ema.halflife"].overrides == ("ema 0.999 (default)",)


def test_what_nothing_asks_for_is_in_no_plan():
    plan = make_plan("dcgan")
    assert {"eps", "clip", "ema.halflife"}.isdisjoint(plan.settings)
    assert (plan["eps.d"], plan["clip.g"], plan["weight-decay.d"]) == (1e-8, 0, 0)


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (1e-3, {0: 1e-3, 20: 1e-3}),
        ("linear/1/0", {0: 1, 5: 0.5, 10: 0, 20: 0}),
        ("cosine/1/0.1", {0: 1, 5: 0.55, 10: 0.1, 20: 0.1}),
        ("linear/1/0/4", {0: 1, 1: 0.75, 4: 0, 9: 0}),
        ("cosine/0/1/2k", {0: 0, 10: 0.5, 20: 1, 99: 1}),
        ("step/3/7/6", {0: 3, 5: 3, 6: 7, 99: 7}),
        ("step/3/7/0.5k", {4: 3, 5: 7}),
    ],
)
def test_numbers_of_schedules(value, points):
    found = {step: number_at(value, step, 10, images_seen=100 * step) for step in points}
    assert found == pytest.approx(points)


def test_spellings_of_a_schedule_are_one():
    spellings = {"linear/1e-3/0/0.3M", "linear/.001/0.0/300k"}
    assert {make_plan("dcgan", settings={"lr.g": text})["lr.g"] for text in spellings} == {"linear/0.001/0/300k"}


class Pull:
    """Draws scores to nought."""

    def __init__(self, *, gamma: ganzoo.Number = 1.0, times: int = 1) -> None:
        self.gamma, self.times, self.every = gamma, times, 1

    def terms(self, ctx):
        """The weighted square of the scores."""
        ctx.report("pull", ctx.now(self.gamma))
        return {"pull": ctx.now(self.gamma) * ctx.discriminate(ctx.real).score.square().mean()}


@pytest.fixture
def pull():
    class Pulling:
        @ganzoo.hookimpl
        def register_regularizers(self, register):
            register("pull", Pull)

    with ganzoo.testing.plugin(Pulling()):
        yield


def test_an_option_that_is_a_number_takes_a_schedule(pull):
    plan = make_plan("dcgan+pull:gamma=cosine/.05/0.005/20000k")
    assert plan.recipe == "dcgan+pull:gamma=cosine/0.05/0.005/20M" == make_plan(plan.recipe).recipe
    again = Plan.from_config(json.loads(json.dumps(plan.to_config())))
    assert again.hash == plan.hash
    assert make_plan("dcgan+pull:gamma=3").parts("regularizer")[0].options["gamma"] == 3.0


@pytest.mark.parametrize("option", ["times=linear/1/2", "gamma=linear/1", "gamma=fast/1/2"])
def test_an_option_that_takes_none_refuses_a_schedule_by_name(pull, option):
    with pytest.raises((UsageError, RecipeError), match=option.partition("=")[0]):
        make_plan(f"dcgan+pull:{option}")


# --- the length of the noise --------------------------------------------------------------------------------


class Sized:
    """A pair of networks whose noise has a length of its own, by size."""

    @ganzoo.hookimpl
    def register_architectures(self, register):
        """One."""
        register("sized", generator=_generator, discriminator=_discriminator, train={"z-dim@32": 80, "z-dim": 120})


def _generator(kit):
    """One map."""
    return Made(kit)


def _discriminator(kit):
    """One map."""
    return Told(kit)


class Made(nn.Module):
    """One linear map."""

    def __init__(self, kit):
        super().__init__()
        self.z_dim, self.draw, self.shapes = kit.z_dim, kit.draw, ((kit.z_dim,), (kit.y_dim,))
        self.image, self.map = kit.image, nn.Linear(kit.z_dim, math.prod(kit.image))

    def forward(self, z, y):
        """Images of noise."""
        return self.map(z).tanh().unflatten(1, self.image)

    def prior(self, n, rng, truncation=None):
        """Noise."""
        return self.draw(n, self.z_dim, rng, truncation)


class Told(nn.Module):
    """One linear map."""

    def __init__(self, kit):
        super().__init__()
        self.map = nn.Linear(math.prod(kit.image), 1)

    def forward(self, x, y):
        """Scores of images."""
        return ganzoo.Output(self.map(x.flatten(1)).squeeze(1), x.flatten(1))


@pytest.fixture
def sized():
    with ganzoo.testing.plugin(Sized()):
        yield


@pytest.mark.parametrize(
    ("recipe", "resolution", "options", "length"),
    [
        ("sized", 32, {}, 80),
        ("sized", 16, {}, 120),
        ("sized", 32, {"z_dim": 7}, 7),
        ("sized", 32, {"settings": {"z-dim": 9}}, 9),
        ("sized", 32, {"settings": {"z-dim": 9, "z-dim@32": 11}}, 11),
        ("dcgan+sized@g", 32, {}, 80),
        ("dcgan+sized@d", 32, {}, 128),
        ("sized+dcgan@g", 32, {}, 128),
        ("dcgan", 32, {}, 128),
    ],
)
def test_architectures_say_how_long_their_noise_is(sized, recipe, resolution, options, length):
    gan = ganzoo.build(recipe, resolution, device="meta", **options)
    assert gan.z_dim == length


def test_two_lengths_of_one_person_are_refused():
    with pytest.raises(UsageError, match="z_dim=7 and the setting z-dim=9 are two lengths"):
        ganzoo.build("dcgan", 16, z_dim=7, settings={"z-dim": 9}, device="meta")
    with pytest.raises(UsageError, match="z-dim@32=0 does not work"):
        make_plan("dcgan", settings={"z-dim@32": 0})
    with pytest.raises(UsageError, match="there is no setting 'batch@32'"):
        make_plan("dcgan", settings={"batch@32": 4})


SAMPLES = {
    "lr": ("2e-4", "linear/2e-4/0", "cosine/1e-3/1e-5/8k", "step/0.1/0/5"),
    "optimizer": ("adam", "radam"),
    "betas": ("0/0.9", "0.5/0.999"),
    "clip": ("0", "1", "0.5"),
    "repeat": ("1", "5"),
    "ema": ("0", "0.9", "0.999999", "linear/0/0.9/2"),
    "ema.halflife": ("0", "10", "500000", "1.5k", "500k", "20M", "linear/10/500k", "step/0/1k/3", 500_000.0, 2e7),
    "ema.start": ("0", "100", "300k"),
    "ema.ramp": ("0", "0.05"),
    "standing": ("0", "16"),
    "init": ("default", "normal", "normal/0.02", "orthogonal/1.4"),
    "z-dim": ("1", "128"),
    "freeze.d": ("0", "3"),
}


@pytest.mark.parametrize(("name", "given"), [(name, each) for name, values in SAMPLES.items() for each in values])
def test_what_config_json_keeps_of_a_setting_is_read_as_the_same(name, given):
    value = read(name, given)
    kept = json.loads(json.dumps(value))
    assert read(name, kept) == value
    assert read(name, write(value)) == value


@pytest.mark.parametrize("given", ["10.5", "-1", "nan", "inf", "1e400", "", "k", "500 k", "0x10"])
def test_a_halflife_is_whole_images(given):
    with pytest.raises(UsageError, match=r"ema\.halflife takes real images, such as 500k"):
        read("ema.halflife", given)


def test_a_run_whose_halflife_was_given_in_images_goes_on(tmp_path):
    options = {"out": tmp_path / "run", "batch": 4, "settings": {"ema.halflife": 40}, "quiet": True}
    ganzoo.train("gan:ch=4", torch.arange(8 * 256, dtype=torch.uint8).view(8, 1, 16, 16), steps=1, **options)
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["settings"]["ema.halflife"]["value"] == 40
    config["settings"]["ema.halflife"]["value"] = 40.0  # as version 0.2.0 wrote it before this was a whole number
    (tmp_path / "run/config.json").write_text(json.dumps(config))
    assert ganzoo.load(tmp_path / "run").plan["ema.halflife"] == 40
