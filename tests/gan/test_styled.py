"""Sampling in w, on a tiny stylegan2: truncation, walks, style mixing and the noise of layers, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.folder.config import describe
from ganzoo.folder.model import save_model
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.gan.style import Truncation, cross
from ganzoo.gan.styled import layer_noise, noise_inputs
from ganzoo.visual.interpolation import walk
from ganzoo.visual.mixing import mixed

DATASET = {"name": "data", "fingerprint": "sha256:0", "count": 1, "licence": "unknown"}
RECIPE = "stylegan2:ch=8,mapping=2"
LAYERS = 6  # of 16 pixels


def saved(folder: Path, recipe: str, classes: int = 0) -> GAN:
    torch.manual_seed(0)
    gan = build(recipe, 16, 3, classes, z_dim=8)
    for module in noise_inputs(gan.G):  # as a training makes it
        module.strength.data.fill_(0.3)
    if gan.has_w:
        gan.G.w_mean.copy_(torch.randn(gan.G.w_dim))
        gan.G.w_passes.fill_(1)
    folder.mkdir()
    save_model(gan, folder, describe(gan, step=7, seed=1, dataset=DATASET, license="mit"))
    return gan


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``plain``, ``labelled`` and ``without`` (no w)."""
    root = tmp_path_factory.mktemp("styled")
    saved(root / "plain", RECIPE)
    saved(root / "labelled", f"{RECIPE}+spd", classes=3)
    saved(root / "without", "dcgan:ch=4")
    return root


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words: object) -> np.ndarray:
    """The picture that a command made."""
    result = run(*words, "--out", "made.png")
    assert result.exit_code == 0, result.output
    return np.asarray(Image.open("made.png").convert("RGB"))


def refused(*words: object) -> str:
    result = run(*words, "--out", "refused.png")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert not Path("refused.png").exists()
    return result.stderr


# --- truncation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "labelled"])
def test_truncation_goes_from_the_image_to_that_of_the_mean(models: Path, name: str) -> None:
    gan = ganzoo.load(models / name)
    images = gan.sample(6, seed=3)
    assert torch.equal(gan.sample(6, seed=3, truncation=1), images)
    middle = gan.sample(6, seed=3, truncation=0)
    period = max(gan.classes, 1)  # the mean of each class is one image
    assert torch.allclose(middle[:period], middle[period : 2 * period], atol=1e-6)
    assert len({image.numpy().tobytes() for image in middle[:period]}) == period
    half = gan.sample(6, seed=3, truncation=0.5)
    assert 0 < (half - middle).abs().mean() < (images - middle).abs().mean()
    assert torch.equal(gan.sample(6, seed=3), images), "what was said for some images is not said for the next"


def test_a_cutoff_counts_layers_and_the_mean_is_that_of_a_class_or_of_all(models: Path) -> None:
    gan = ganzoo.load(models / "labelled")
    images, z = gan.sample(3, seed=3), gan.noise(3, 3)
    y = gan.label_vectors(torch.arange(3), 3)
    assert torch.equal(gan.sample(3, seed=3, truncation=0.2, truncation_cutoff=0), images)
    assert torch.equal(
        gan.sample(3, seed=3, truncation=0.2, truncation_cutoff=LAYERS), gan.sample(3, seed=3, truncation=0.2)
    )
    gan.noise(3, 3, Truncation(0.2, 2))
    w, whole = gan.styles(z, y), gan.G.mapping(z, y)
    assert torch.equal(w[:, 2:], whole[:, 2:])
    assert torch.allclose(w[:, :2], torch.lerp(gan.G.center(y)[:, None], whole[:, :2], 0.2), atol=1e-6)
    everybody = gan.sample(3, seed=3, truncation=0, truncation_mean="global")
    assert torch.allclose(everybody, gan.synthesize(gan.G.w_mean.expand(3, LAYERS, -1)), atol=1e-6)
    assert not torch.allclose(everybody, gan.sample(3, seed=3, truncation=0, truncation_mean="class"), atol=1e-3)


def test_the_command_draws_what_python_does(models: Path) -> None:
    words = ("--truncation", 0.4, "--truncation-cutoff", 3, "--truncation-mean", "global", "--noise", 2)
    assert run("sample", models / "labelled", "-n", 4, *words, "--out", "made.npz").exit_code == 0
    tamed = {"truncation": 0.4, "truncation_cutoff": 3, "truncation_mean": "global"}
    images = ganzoo.load(models / "labelled").sample(4, seed=0, layer_noise=2, output="np", **tamed)
    assert np.abs(np.load("made.npz")["images"] / 255 - images).max() < 0.003


@pytest.mark.parametrize(
    "words, said",
    [
        (("plain", "--truncation", 3), r"here it is ψ, from -2 to 2"),
        (("plain", "--truncation-cutoff", 2), "--truncation-cutoff says how w is truncated: add --truncation NUMBER"),
        (("plain", "--truncation-mean", "class"), "--truncation-mean says how w is truncated"),
        (("plain", "--truncation", 0.5, "--truncation-cutoff", 7), "this model has 6 layers of w"),
        (("without", "--truncation", 0.5, "--truncation-cutoff", 2), "which this model does not have: leave them out"),
        (("without", "--truncation", 0.5, "--truncation-mean", "global"), "which this model does not have"),
        (("without", "--truncation", 0), "it is a bound on the noise, more than 0"),
        (("without", "--noise", 1), "this model has no noise inputs in its layers"),
    ],
)
@pytest.mark.parametrize("command", [("sample", "-n", 2), ("interpolate", "--rows", 1, "--steps", 2)])
def test_what_a_model_cannot_is_refused_in_a_line(models: Path, command: tuple, words: tuple, said: str) -> None:
    assert said in refused(command[0], models / words[0], *command[1:], *words[1:])


def test_python_refuses_the_same(models: Path) -> None:
    styled, plain = ganzoo.load(models / "plain"), ganzoo.load(models / "without")
    with pytest.raises(UsageError, match="give a number truncation too"):
        styled.sample(1, truncation_cutoff=2)
    with pytest.raises(UsageError, match="it is 'class' or 'global'"):
        styled.sample(1, truncation=0.5, truncation_mean="mean")
    with pytest.raises(UsageError, match="leave them out"):
        plain.sample(1, truncation=0.5, truncation_cutoff=2)
    for call in (lambda: plain.styles(plain.noise(1, 0), torch.zeros(1, 0)), lambda: plain.synthesize(torch.zeros(1))):
        with pytest.raises(UsageError, match=r"this model has no w, .* stylegan2"):
            call()


# --- the noise of layers ------------------------------------------------------------------------------------


def test_the_noise_of_layers_is_fixed_for_a_seed_and_the_generator_stays_as_it_is(models: Path) -> None:
    gan = ganzoo.load(models / "plain")
    before = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    own, other = gan.sample(3, seed=1), gan.sample(3, seed=1, layer_noise=5)
    assert not torch.allclose(own, other, atol=1e-3)
    assert torch.equal(other, gan.sample(3, seed=1, layer_noise=5))
    assert torch.allclose(other[2:], gan.sample(3, seed=1, layer_noise=5, batch=1)[2:], atol=1e-5)
    assert not torch.equal(other, gan.sample(3, seed=1, layer_noise=6))
    assert torch.equal(own, gan.sample(3, seed=1)) and torch.equal(own, ganzoo.load(models / "plain").sample(3, seed=1))
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items())
    with pytest.raises(ValueError, match="on the way"), layer_noise(gan.G, 3):
        raise ValueError("on the way")
    assert torch.equal(own, gan.sample(3, seed=1))


def test_each_layer_has_noise_of_its_own(models: Path) -> None:
    gan = ganzoo.load(models / "plain")
    with layer_noise(gan.G, 3):
        drawn = [module.constant.clone() for module in noise_inputs(gan.G)]
    assert len(drawn) == 5 and len({noise.flatten()[0].item() for noise in drawn}) == 5


# --- walks --------------------------------------------------------------------------------------------------


def test_a_walk_in_w_is_a_straight_line_between_samples(models: Path) -> None:
    gan = ganzoo.load(models / "labelled")
    numbers = torch.tensor([2, 0])
    frames = walk(gan, 2, 3, 4, numbers)
    ends, y = gan.noise(4, 4), gan.label_vectors(numbers, 2)
    w = [gan.G.mapping(ends[k::2], y) for k in (0, 1)]
    expected = gan.synthesize(torch.stack([w[0], (w[0] + w[1]) / 2, w[1]], 1).flatten(0, 1))
    assert (frames.float() / 255 - expected).abs().max() < 0.006
    in_z = walk(gan, 2, 3, 4, numbers, space="z")
    assert (frames[[0, 2]].int() - in_z[[0, 2]].int()).abs().max() <= 1 and not torch.equal(frames[1], in_z[1])
    still = walk(gan, 1, 3, 4, numbers[:1], truncation=0)
    assert torch.equal(still[0], still[1]) and torch.equal(still[1], still[2])


def test_the_space_of_a_walk_is_chosen_and_refused_by_name(models: Path) -> None:
    words = (models / "plain", "--rows", 2, "--steps", 3)
    assert not np.array_equal(done("interpolate", *words), done("interpolate", *words, "--space", "z"))
    assert np.array_equal(done("interpolate", *words), done("interpolate", *words, "--space", "w"))
    assert "this model has no w" in refused("interpolate", models / "without", "--space", "w")
    assert np.array_equal(done("interpolate", models / "without", "--rows", 1),
                          done("interpolate", models / "without", "--rows", 1, "--space", "z"))  # fmt: skip


# --- style mixing -------------------------------------------------------------------------------------------


def test_a_table_of_styles_has_sources_and_what_they_make_together(models: Path) -> None:
    gan = ganzoo.load(models / "labelled")
    numbers = torch.tensor([0, 1, 2, 0, 1])
    table, layers = mixed(gan, 2, 3, 7, numbers, layers=(1, 2))
    table = table.unflatten(0, (3, 4))
    w = gan.styles(gan.noise(5, 7), gan.label_vectors(numbers, 5))
    assert layers == (1, 2) and (table[0, 0] == 255).all()

    def near(shown: torch.Tensor, w: torch.Tensor) -> bool:
        return bool((shown.float() / 255 - gan.synthesize(w[None])[0]).abs().max() < 0.006)

    for row in range(2):
        assert near(table[row + 1, 0], w[row])
        for column in range(3):
            own = w[row].clone()
            own[1:3] = w[2 + column][1:3]
            assert near(table[row + 1, column + 1], own)
    assert all(near(table[0, column + 1], w[2 + column]) for column in range(3))


def test_all_layers_of_another_are_the_other_and_the_coarser_half_is_the_default(models: Path) -> None:
    gan = ganzoo.load(models / "plain")
    table, _ = mixed(gan, 1, 1, 7, None, layers=(0, LAYERS - 1))
    assert (table[3].int() - table[1].int()).abs().max() <= 1
    assert mixed(gan, 1, 1, 7, None)[1] == (0, 2)
    w = torch.zeros(1, LAYERS, 2)
    assert cross(w, w + 1, 5)[0, :, 0].tolist() == [0, 0, 0, 0, 0, 1]


def test_mix_draws_a_table_and_says_which_layers(models: Path) -> None:
    result = run("mix", models / "labelled", "--rows", 2, "--columns", 3, "--label", 1, "--truncation", 0.5,
                 "--noise", 3, "--layers", "0-1")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "2 rows of 3 images, layers 0 to 1 of the columns: labelled-mix.png" in result.output
    width, height = Image.open("labelled-mix.png").size
    assert width > height > 48


@pytest.mark.parametrize(
    "words, said",
    [
        (("plain", "--layers", "0-6"), "layers 0 to 6 cannot be mixed: this model has 6 layers of w, 0 to 5"),
        (("plain", "--layers", "6"), "layers 6 to 6 cannot be mixed"),
        (("plain", "--layers", "3-1"), "--layers 3-1 does not work: it is one layer, such as 3, or a range"),
        (
            ("plain", "--layers", "rough"),
            "--layers rough does not work: it is one layer, such as 3, or a range, such as 0-3, or coarse",
        ),
        (("plain", "--label", "cat"), "unconditional"),
        (("without",), "this model has no w"),
        (("plain", "--truncation-mean", "class"), "add --truncation NUMBER"),
    ],
)
def test_mixing_what_cannot_be_is_refused(models: Path, words: tuple, said: str) -> None:
    assert said in refused("mix", models / words[0], *words[1:])
