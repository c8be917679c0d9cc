"""Samplers on distributions that are known, on a tiny trained model, and refused where they cannot be."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import ganzoo
from ganzoo.cli import main
from ganzoo.gan.priors import LAWS
from ganzoo.gan.sampling import Judge
from ganzoo.parts import Output, ScoredGenerator
from ganzoo.samplers.ddls import DDLS
from ganzoo.samplers.drs import DRS, logistic_regression

CHAINS = 700


def rngs(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(k) for k in range(n)]


def toy(score, dim: int, noise_dim: int | None = None, law: str = "normal") -> ScoredGenerator:
    """Noise of ``dim`` numbers under a score that is written out."""
    known = LAWS[law]
    return ScoredGenerator(
        draw=lambda rng: torch.randn(1, dim, generator=rng),
        labels=lambda n: torch.zeros(n, 0),
        scores=lambda z, y: score(z),
        prior_energy=known.energy,
        fold=known.fold,
        noise_dim=noise_dim or dim,
    )


def test_langevin_chains_end_in_the_gaussian_of_a_linear_g_and_a_quadratic_d() -> None:
    a, b = torch.tensor([[1.0, 0.5], [0.0, 2.0]]), torch.tensor([0.3, -0.2])
    sharp, middle, step = torch.tensor([[1.0, 0.2], [0.2, 0.6]]), torch.tensor([1.0, -1.0]), 0.2

    def score(z: Tensor) -> Tensor:
        away = z @ a.T + b - middle
        return -((away @ sharp) * away).sum(1) / 2

    z = torch.randn(CHAINS, 2, generator=torch.Generator().manual_seed(9))
    found = DDLS(steps=60, step=step).noise(toy(score, 2), z, torch.zeros(CHAINS, 0), rngs(CHAINS))
    precision = torch.eye(2) + a.T @ sharp @ a
    mean = torch.linalg.solve(precision, a.T @ sharp @ (middle - b))
    assert torch.allclose(found.mean(0), mean, atol=0.07)
    # Steps that are not infinitely small widen it: x' = (1 - εP/2)x + √ε n has the covariance (P - εP²/4)⁻¹.
    wide = torch.linalg.inv(precision - step / 4 * precision @ precision)
    assert torch.allclose(found.T.cov(), wide, atol=0.1)
    assert not torch.allclose(z.T.cov(), wide, atol=0.1)


def test_uniform_noise_stays_within_its_bounds_and_follows_the_score_there() -> None:
    z = 2 * torch.rand(CHAINS, 1, generator=torch.Generator().manual_seed(1)) - 1
    model = toy(lambda z: 2 * z[:, 0], 1, law="uniform")
    found = DDLS(steps=100, step=0.1).noise(model, z, torch.zeros(CHAINS, 0), rngs(CHAINS))
    assert found.abs().max() <= 1
    assert found.mean() == pytest.approx(1 / math.tanh(2) - 1 / 2, abs=0.07)


def test_codes_behind_the_noise_stay() -> None:
    z = torch.randn(3, 5)
    found = DDLS(steps=2).noise(toy(lambda z: z.sum(1), 5, noise_dim=3), z, torch.zeros(3, 0), rngs(3))
    assert torch.equal(found[:, 3:], z[:, 3:]) and not torch.isclose(found[:, :3], z[:, :3]).any()


def test_a_step_is_the_formula() -> None:
    z, y = torch.tensor([[0.5, -1.0]]), torch.zeros(1, 0)
    found = DDLS(steps=1, step=0.04, weight=3.0).noise(toy(lambda z: z[:, 0] * z[:, 1], 2), z, y, rngs(1))
    kick = torch.randn(1, 2, generator=rngs(1)[0])
    assert torch.allclose(found, z - 0.02 * (z - 3 * z.flip(1)) + 0.2 * kick)


def log_ratio(x: Tensor) -> Tensor:
    """log N(x; 0.5, 0.7) - log N(x; 0, 1)."""
    return -((x - 0.5) ** 2) / (2 * 0.49) - math.log(0.7) + x**2 / 2


def test_what_is_not_rejected_has_the_distribution_of_the_data() -> None:
    model = toy(lambda z: 2 * log_ratio(z[:, 0]) + 3, 1)  # D says it on a scale of its own
    rng = torch.Generator().manual_seed(0)
    drs = DRS(fakes=2000, gamma=0.0)
    drs.calibrate(model, 2 * log_ratio(0.5 + 0.7 * torch.randn(4000, generator=rng)) + 3, rng)
    assert (drs.slope, drs.shift) == (pytest.approx(0.5, abs=0.06), pytest.approx(-1.5, abs=0.2))
    z = torch.randn(CHAINS, 1, generator=rng)
    found = drs.noise(model, z, torch.zeros(CHAINS, 0), rngs(CHAINS))
    assert found.mean() == pytest.approx(0.5, abs=0.08) and found.std() == pytest.approx(0.7, abs=0.07)
    assert 0.3 < (found == z).float().mean() < 0.8  # the first image is taken where it is accepted


def test_the_chance_is_the_formula_and_gamma_its_percentile() -> None:
    drs = DRS(fakes=50, percentile=80)
    model = toy(lambda z: z[:, 0], 1)
    drs.calibrate(model, torch.randn(50) + 1, torch.Generator().manual_seed(2))
    s = torch.tensor([drs.highest - 1.5, drs.highest + 4.0], dtype=torch.float64)
    low = -1.5 - math.log(1 - math.exp(-1.5 - 1e-6)) - drs.gamma
    high = -math.log(1 - math.exp(-1e-6)) - drs.gamma
    assert drs.chance(s).tolist() == pytest.approx([low, high])
    rng = torch.Generator().manual_seed(2)
    _, scores = [torch.cat([torch.randn(1, 1, generator=rng) for _ in range(50)])[:, 0] for _ in range(2)]
    shares = drs.chance(drs.calibrated(scores))  # less gamma
    assert (shares <= 1e-9).float().mean() == pytest.approx(0.8, abs=0.021)


def test_where_nothing_is_accepted_the_best_image_is_taken() -> None:
    drs = DRS(tries=5, gamma=1e6)
    drs.gamma = 1e6
    model = toy(lambda z: z[:, 0], 1)
    z, y = torch.zeros(4, 1), torch.zeros(4, 0)
    drawn = [torch.stack([torch.zeros(1), *_after(rng, 4)]) for rng in rngs(4)]
    assert torch.equal(drs.noise(model, z, y, rngs(4))[:, 0], torch.stack([one.max() for one in drawn]))


def _after(rng: torch.Generator, tries: int) -> list[Tensor]:
    """What is drawn after the first try, each after the number that decides on the one before."""
    made = []
    for _ in range(tries):
        torch.rand(1, generator=rng, dtype=torch.float64)
        made.append(torch.randn(1, 1, generator=rng)[0])
    return made


def test_a_regression_finds_the_log_ratio_and_bears_scores_that_do_not_overlap() -> None:
    rng = torch.Generator().manual_seed(4)
    fake, real = torch.randn(20_000, generator=rng), torch.randn(20_000, generator=rng) + 1
    slope, shift = logistic_regression(real, fake)
    assert (slope, shift) == (pytest.approx(1, abs=0.05), pytest.approx(-0.5, abs=0.05))
    slope, shift = logistic_regression(torch.ones(10), torch.zeros(10))
    assert math.isfinite(slope) and slope > 0


# ---- on a model ----


@pytest.fixture
def gan(finished: Path) -> ganzoo.GAN:
    return ganzoo.load(finished, discriminator=True)


SAMPLERS = {"ddls:steps=3,step=0.1": None, "drs:reals=20,fakes=20,tries=4": "digits"}


@pytest.mark.parametrize("word", SAMPLERS)
def test_an_image_depends_on_the_seed_and_its_number_alone(gan: ganzoo.GAN, word: str) -> None:
    given = {"seed": 3, "sampler": word, "data": SAMPLERS[word]}
    images = gan.sample(6, **given)
    assert torch.allclose(gan.sample(4, batch=3, **given), images[:4], atol=1e-4)
    assert torch.equal(gan.sample(6, **given), images)
    assert not torch.allclose(gan.sample(6, seed=3), images, atol=1e-2)
    assert not torch.allclose(gan.sample(6, **{**given, "seed": 4}), images, atol=1e-2)


@pytest.mark.parametrize("word", SAMPLERS)
def test_the_command_draws_what_python_draws(finished: Path, gan: ganzoo.GAN, word: str, tmp_path: Path) -> None:
    words = ["sample", str(finished), "-n", "5", "--seed", "3", "--sampler", word, "--out", str(tmp_path / "a.npz")]
    result = CliRunner().invoke(main, [*words, *(["--data", "digits"] if SAMPLERS[word] else [])])
    assert result.exit_code == 0, result.output
    images = gan.sample(5, seed=3, sampler=word, data=SAMPLERS[word], output="np")
    assert np.abs(np.load(tmp_path / "a.npz")["images"] / 255 - images).max() < 0.6 / 255


def test_chains_climb_to_higher_scores(gan: ganzoo.GAN) -> None:
    judge, y = Judge(gan), torch.zeros(8, 0)
    plain, moved = (gan.sample(8, seed=0, sampler=word) * 2 - 1 for word in (None, "ddls:weight=1000,steps=20"))
    with torch.no_grad():
        assert judge(moved, y).mean() > judge(plain, y).mean()


class Beside(nn.Module):
    """A discriminator that compares the images of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, y: Tensor) -> Output:
        own = self.weight * x.flatten(1).mean(1)
        return Output(own + x.mean(), own)


def test_a_discriminator_that_compares_images_sees_each_alone(gan: ganzoo.GAN) -> None:
    assert Judge(gan, 64).at_once == 64
    gan.D = Beside()
    assert Judge(gan, 64).at_once == 1
    images = gan.sample(4, seed=0, sampler="ddls:steps=2")
    assert torch.allclose(gan.sample(4, seed=0, batch=1, sampler="ddls:steps=2"), images, atol=1e-5)


def test_what_is_drawn_without_a_sampler_stays(finished: Path, gan: ganzoo.GAN) -> None:
    assert torch.equal(gan.sample(4, seed=0), ganzoo.load(finished).sample(4, seed=0))
    assert not hasattr(ganzoo.load(finished), "D")


def test_the_discriminator_of_a_run_is_that_of_its_last_step(finished: Path, gan: ganzoo.GAN) -> None:
    from ganzoo.folder.discriminator import export_discriminators

    config = json.loads((finished / "config.json").read_text())
    for name, tensor in export_discriminators(finished, config).items():
        assert torch.equal(gan.state_dict()[name], tensor)


# ---- refused ----


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sampler", "ddl"], "no sampler is called 'ddl'; nearest: ddls"),
        (["--sampler", "hinge"], "it is a loss"),
        (["--sampler", "ddls:stepz=3"], "stepz"),
        (["--sampler", "ddls:steps=0"], "ddls:steps"),
        (["--sampler", "ddls@g"], "a sampler has no places; write ddls"),
        (["--sampler", "drs"], "give it data, such as --data cifar10"),
        (["--sampler", "ddls", "--data", "digits"], "leave the data out"),
        (["--data", "digits"], "data is what a sampler is calibrated with"),
        (["--sampler", "ddls", "--split", "test"], "--split is of real images"),
        (["--sampler", "ddls", "--truncation", "0.5"], "give one of them"),
        (["--sampler", "drs", "--data", "nowhere/at/all"], "nowhere/at/all"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(finished: Path, words: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["sample", str(finished), *words, "--out", str(tmp_path / "a.png")])
    assert result.exit_code in (1, 2) and len(result.stderr.splitlines()) == 1 and said in result.stderr
    assert not (tmp_path / "a.png").exists()


def test_a_model_without_its_discriminator_says_what_to_type(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(run / "training")
    result = CliRunner().invoke(main, ["sample", str(run), "--sampler", "ddls", "--out", str(tmp_path / "a.png")])
    assert result.exit_code == 1 and "push --with-discriminator" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not (tmp_path / "a.png").exists()
    with pytest.raises(ganzoo.UsageError, match="discriminator=True"):
        ganzoo.load(run).sample(1, sampler="ddls")


def test_a_published_discriminator_is_read_and_one_that_does_not_fit_refused(run: Path, gan: ganzoo.GAN) -> None:
    from ganzoo.folder.discriminator import export_discriminators
    from ganzoo.folder.weights import write_tensors

    tensors = export_discriminators(run, json.loads((run / "config.json").read_text()))
    shutil.rmtree(run / "training")
    write_tensors(run / "discriminator.safetensors", tensors)
    images = ganzoo.load(run, discriminator=True).sample(2, seed=0, sampler="ddls:steps=2")
    assert torch.equal(images, gan.sample(2, seed=0, sampler="ddls:steps=2"))
    write_tensors(run / "discriminator.safetensors", {"D.other": torch.zeros(2)})
    with pytest.raises(ganzoo.GanzooError, match=r"discriminator\.safetensors"):
        ganzoo.load(run, discriminator=True)
