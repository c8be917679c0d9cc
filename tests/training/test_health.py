"""Health: what the fixed samples show beside real images, gradient norms, drift, and where they are told."""

import json
import math

import pytest
import torch
from tiny_runs import contents, resume, tiny
from torch import nn

from ganzoo.data import DataRequest, open_data
from ganzoo.gan.builder import build
from ganzoo.machine.precision import choose_precision
from ganzoo.training.ema import EMA
from ganzoo.training.health import FEW, HealthProbe, HealthReport, describe, distances, groups, printable
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import norm
from ganzoo.training.progress import losses_line


@pytest.fixture(scope="module")
def digits():
    return open_data("digits", DataRequest(resolution=16))


@pytest.fixture(scope="module")
def probe(digits):
    return HealthProbe(digits, seed=0)


def images(data, numbers):
    return data.images.fetch(torch.as_tensor(numbers)).float() / 255


# --- looking ------------------------------------------------------------------------------------------------


def test_real_images_look_like_real_images(digits, probe):
    look = probe.measure(5, images(digits, range(1000, 1064)))
    assert look.step == 5 and look.of == 64 and look.modes >= 62 and look.duplicates <= 0.05
    assert look.diversity == pytest.approx(1.0, abs=0.05)
    assert abs(look.distance) < 0.05


@pytest.mark.parametrize("modes", [1, 3, 10])
def test_repeated_images_are_so_many_modes(modes, digits, probe):
    samples = images(digits, [100 * (k % modes) for k in range(64)])
    noisy = samples + 0.01 * torch.rand(samples.shape, generator=torch.Generator().manual_seed(0))
    look = probe.measure(1, noisy)
    assert look.modes == modes and look.duplicates == 1.0
    assert look.diversity < 1 and look.distance > 0


def test_distance_grows_as_samples_leave_the_data(digits, probe):
    real = images(digits, range(64))
    noise = torch.rand(real.shape, generator=torch.Generator().manual_seed(0))
    away = [probe.measure(1, (1 - share) * real + share * noise).distance for share in (0.0, 0.3, 0.6, 1.0)]
    assert away == sorted(away) and away[0] < 0.05 and away[-1] > 1
    assert probe.measure(1, torch.full_like(real, 0.5)).distance > 1


def test_numbers_are_those_of_the_formulas(digits):
    probe = HealthProbe(digits, seed=3)
    samples = images(digits, range(64))
    x, y = describe(samples), probe.real
    between = [float((a - b).norm()) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]
    reals = [float((a - b).norm()) for i, a in enumerate(y) for j, b in enumerate(y) if i != j]
    across = [float((a - b).norm()) for a in x for b in y]
    apart, spread, away = (math.fsum(one) / len(one) for one in (between, reals, across))
    look = probe.measure(0, samples)
    assert look.diversity == pytest.approx(apart / spread, rel=1e-4)
    assert look.distance == pytest.approx((2 * away - apart - spread) / spread, rel=1e-3, abs=1e-5)


def test_groups_are_founded_in_order():
    points = torch.tensor([[0.0], [0.9], [1.8], [5.0], [5.1]])
    assert groups(distances(points, points), 1.0) == 3  # 1.8 is near 0.9, which founded nothing
    assert groups(distances(points, points), 0.01) == 5


def test_cells_have_a_mean_and_a_spread():
    image = torch.zeros(1, 1, 16, 16)
    image[:, :, ::2] = 1.0
    features = describe(image)
    assert features.shape == (1, 128) and torch.allclose(features, torch.full((1, 128), 0.5, dtype=torch.float64))
    assert describe(torch.rand(2, 3, 4, 4)).shape == (2, 384)  # smaller than the cells


def test_samples_that_are_no_numbers_make_no_number(probe):
    look = probe.measure(1, torch.full((64, 1, 16, 16), math.nan))
    assert not look.finite
    assert printable(look.to_json())["distance"] is None


def test_a_look_survives_json():
    look = HealthReport(7, 60, 64, 0.0625, 0.91, 0.0123)
    assert HealthReport.from_json(json.loads(json.dumps(look.to_json()))) == look


def test_small_and_uniform_data_can_be_looked_at():
    few = open_data(torch.randint(0, 256, (3, 1, 16, 16), dtype=torch.uint8))
    same = open_data(torch.zeros(100, 3, 16, 16, dtype=torch.uint8))
    assert HealthProbe(few, 0).measure(0, torch.rand(64, 1, 16, 16)).of == 3
    look = HealthProbe(same, 0).measure(0, torch.rand(64, 3, 16, 16))
    assert look.modes == FEW and look.finite  # nothing is nearer than images that are all alike


# --- norms and drift ----------------------------------------------------------------------------------------


def test_norms_do_not_depend_on_how_a_tensor_is_cut_and_laid_out():
    numbers = torch.randn(256, 64, 5, 5, generator=torch.Generator().manual_seed(0))
    exact = math.sqrt(math.fsum(x * x for x in numbers.flatten().tolist()))
    laid = numbers.contiguous(memory_format=torch.channels_last)
    assert [float(norm(each)) for each in ([numbers], [laid], list(numbers))] == pytest.approx([exact] * 3, rel=1e-12)
    assert float(norm([])) == 0.0


def test_drift_is_relative():
    net = nn.Linear(3, 2)
    ema = EMA({"G": net}, decay=0.9)
    assert ema.drift() == 0.0
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(2)
    assert ema.drift() == pytest.approx(0.5)


def test_gradient_norms_are_means_of_what_the_optimisers_saw():
    gan = build("dcgan:ch=4", 16, 1, settings={"repeat.d": 2})
    trainer = Trainer(gan, seed=0, horizon=10, precision=choose_precision("fp32", torch.device("cpu")))
    seen = {"d": [], "g": []}
    for player, optimizer in trainer.optimizers.items():

        def step(player=player, step=optimizer.step):
            gradients = [p.grad.flatten() for p in trainer.parameters[player].values()]
            seen[player].append(torch.cat(gradients).norm().item())
            step()

        optimizer.step = step
    for _ in range(2):
        trainer.train_step([{"image": torch.rand(4, 1, 16, 16) * 2 - 1} for _ in range(2)])
    report = trainer.report()
    assert {player: len(norms) for player, norms in seen.items()} == {"d": 4, "g": 2}
    for player, norms in seen.items():
        assert report["health"]["gradients"][player] == pytest.approx(sum(norms) / len(norms), rel=1e-5)
    assert set(report["losses"]) == {"d/loss", "g/loss"}
    assert trainer.report()["health"]["gradients"] == {}


# --- where it is told ---------------------------------------------------------------------------------------


def test_the_log_has_health_on_every_line_and_looks_where_they_were_taken(tmp_path):
    run = tiny(tmp_path / "run", steps=6, log_every=1, grid_every=2, save_every=3)
    looked = {record["step"]: record["health"].get("looked") for record in run.log}
    assert looked == {1: None, 2: 2, 3: 3, 4: 4, 5: None, 6: 6}
    for record in run.log:
        health = record["health"]
        assert set(health["gradients"]) == {"d", "g"} and health["finite"] is True
        assert all(norm > 0 for norm in health["gradients"].values()) and health["drift"] >= 0
        assert list(record)[-1] == "clock"
    assert {"modes", "of", "duplicates", "diversity", "distance"} <= run.log[1]["health"].keys()


def test_a_look_between_lines_is_on_the_next_one_also_after_a_resume(tmp_path):
    pace = {"log_every": 3, "grid_every": 2, "save_every": 2}
    whole = tiny(tmp_path / "whole", steps=6, **pace)
    tiny(tmp_path / "parts", steps=2, **pace)
    resume(tmp_path / "parts", steps=6)
    assert [record["health"]["looked"] for record in whole.log] == [2, 6]
    assert contents(tmp_path / "parts")["log.jsonl"] == contents(tmp_path / "whole")["log.jsonl"]


def test_the_progress_line_says_how_the_gan_is_doing(tmp_path, capsys):
    tiny(tmp_path / "run", steps=2, quiet=False)
    shown = capsys.readouterr().err.splitlines()[-1]
    for word in ("D right ", "|grad| d ", "drift ", "modes ", "alike ", "diversity ", "distance "):
        assert word in shown
    record = {"losses": {"d/loss": None}, "health": {"gradients": {"d": None}, "drift": 0.0}}
    assert losses_line(record) == "d/loss nan  |grad| d nan  drift 0"


def test_numbers_that_are_none_are_null_in_the_log():
    record = {"step": 1, "health": {"gradients": {"d": math.inf}, "finite": False}, "text": "nan"}
    assert printable(record) == {"step": 1, "health": {"gradients": {"d": None}, "finite": False}, "text": "nan"}
