"""Directions: SeFa against eigenvectors of weights, GANSpace against principal components; and moving along them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from tiny_models import saved
from torch import Tensor, nn

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import ModelError, UsageError
from ganzoo.folder.directions import read_directions, save_directions
from ganzoo.folder.weights import write_tensors
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.visual.directions import ganspace, sefa
from ganzoo.visual.strips import strips

STYLE, LABELLED = "stylegan2:ch=8,mapping=2", "dcgan:ch=4+spd"


def made(recipe: str, classes: int = 0) -> GAN:
    torch.manual_seed(0)
    return build(recipe, 16, 3, classes, z_dim=8)


def first_layer(gan: GAN) -> nn.Module:
    """The layer that takes the noise, which sees some of its numbers much better than others."""
    first = next(m for m in gan.G.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd))
    with torch.no_grad():
        scales = 0.6 ** torch.arange(8)
        first.weight.mul_(scales[None, :] if isinstance(first, nn.Linear) else scales[:, None, None, None])
    return first


def columns(layer: nn.Module, size: int) -> Tensor:
    """The effective weight of a linear layer of the latents, ``(size, outputs)``: what each number adds alone."""
    shape = (size, 1, 1) if isinstance(layer, nn.modules.conv._ConvNd) else (size,)
    with torch.no_grad():
        unit = layer.eval()(torch.eye(size).reshape(size, *shape)).flatten(1)
        return unit - layer(torch.zeros(1, *shape)).flatten(1)


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether rows of length 1 are the same but for their signs."""
    return torch.allclose((a * b).sum(1).abs(), torch.ones(len(a)), atol=1e-3)


def strongest(gram: Tensor, count: int) -> Tensor:
    return torch.linalg.eigh(gram.double())[1].flip(1).t()[:count].float()


# --- SeFa ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["dcgan:ch=4", "sngan:ch=4"])
def test_sefa_of_z_is_of_the_weight_of_the_first_layer(recipe: str) -> None:
    gan = made(recipe)
    weight = columns(first_layer(gan), 8)
    found = sefa(gan, 5)
    assert alike(found.vectors, strongest(weight @ weight.t(), 5))
    assert found.space == "z" and found.layers is None and found.method == "sefa"
    assert torch.allclose(found.sigma, torch.ones(5), atol=0.05)
    assert (found.vectors.gather(1, found.vectors.abs().argmax(1, keepdim=True)) > 0).all(), "the sign is settled"


def test_sefa_of_noise_in_pieces_looks_at_every_layer_that_takes_one() -> None:
    gan = made("biggan:ch=4", classes=3)
    whole, first = sefa(gan, 8), sefa(gan, 8, layers=(0, 0))
    assert len(whole.vectors) == 8 and len(first.vectors) < 8
    assert torch.linalg.matrix_rank(first.vectors) == (first.vectors != 0).any(0).sum() == len(first.vectors), "a piece"


def test_sefa_of_w_is_of_the_weights_that_make_styles() -> None:
    gan = made(STYLE)
    affine = [m.affine for m in gan.G.trunk.modules() if hasattr(m, "affine")]
    seen: dict[nn.Module, int] = {}  # the layer of w that each takes
    hooks = [one.register_forward_hook(lambda m, i, o: seen.update({m: int(i[0].max())})) for one in affine]
    gan.synthesize(torch.arange(6.0)[None, :, None].expand(1, 6, gan.G.w_dim))
    for hook in hooks:
        hook.remove()
    weights = [columns(one, gan.G.w_dim) for one in affine]
    found = sefa(gan, 6)
    assert found.space == "w" and alike(found.vectors, strongest(sum(w @ w.t() for w in weights), 6))
    coarse = sefa(gan, 6, layers=(0, 1))
    gram = sum(w @ w.t() for one, w in zip(affine, weights, strict=True) if seen[one] <= 1)
    assert coarse.layers == (0, 1) and alike(coarse.vectors, strongest(gram, 6))
    spread = gan.styles(gan.noise(200, 3), torch.zeros(200, 0))[:, 0] @ found.vectors.t()
    assert torch.allclose(spread.std(0), found.sigma, rtol=0.2), "sigma is what w varies along it"


def test_sefa_where_noise_is_normalised_is_nearly_that_of_the_weight() -> None:
    gan = made("pggan:ch=8")
    weight = columns(first_layer(gan), 8)
    assert float((sefa(gan, 1).vectors[0] @ weight).norm() / torch.linalg.matrix_norm(weight, 2)) > 0.97


def test_codes_of_regularizers_stay_where_they_are() -> None:
    gan = made("dcgan:ch=4+info")
    assert gan.noise(1, 0).shape[1] > 8 == gan.z_dim
    for found in (sefa(gan, 4), ganspace(gan, 4, samples=64)):
        assert found.vectors[:, :8].norm() > 0 and found.vectors[:, 8:].norm() == 0


# --- GANSpace -----------------------------------------------------------------------------------------------


def test_components_of_the_first_layer_are_those_of_its_weight() -> None:
    """Of normal noise, features of a linear layer have the covariance ``A Aᵀ``."""
    gan = made(LABELLED, classes=3)
    first_layer(gan)
    both = [sefa(gan, 1).vectors[0], ganspace(gan, 1).vectors[0]]
    assert torch.cosine_similarity(*both, dim=0) > 0.99


def test_components_of_w_are_those_of_w() -> None:
    gan = made(f"{STYLE}+spd", classes=2)
    found = ganspace(gan, 3, layers=(0, 2))
    assert found.layers == (0, 2) and found.method == "ganspace"
    w = torch.cat(
        [
            rows - rows.mean(0)
            for k in range(2)
            for rows in [gan.styles(gan.noise(500, 9), gan.label_vectors(torch.full((500,), k), 500))[:, 0]]
        ]
    )
    values, _ = torch.linalg.eigh(w.t() @ w / len(w))
    assert torch.allclose(found.sigma, values.flip(0)[:3].sqrt(), rtol=0.15)


def test_components_of_deep_features_move_them_more_than_chance() -> None:
    gan = made("dcgan:ch=4")
    first_layer(gan)
    found = ganspace(gan, 2, at="trunk.stages.0", samples=512)
    z, y = gan.noise(1, 5).expand(33, 8), torch.zeros(33, 0)
    others = nn.functional.normalize(torch.randn(32, 8, generator=torch.Generator().manual_seed(0)))
    seen: list[Tensor] = []
    hook = gan.G.trunk.stages[0].register_forward_hook(lambda m, i, o: seen.append(o.flatten(1)))
    for sign in (0.5, -0.5):
        gan.generate(z + sign * torch.cat([found.vectors[:1], others]), y)
    hook.remove()
    moved = (seen[0] - seen[1]).norm(dim=1)
    assert moved[0] > 1.3 * moved[1:].mean() and found.method == "ganspace trunk.stages.0"


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")  # none of files that other tests left open
def test_features_that_do_not_change_are_refused_in_silence() -> None:
    gan = made("dcgan:ch=4")
    torch.nn.init.zeros_(gan.G.trunk.stages[0].conv.weight)
    with pytest.raises(UsageError, match=r"trunk.stages.0.conv does not change with z"):
        ganspace(gan, 2, at="trunk.stages.0.conv", samples=64)


def test_layers_before_w_are_looked_at_from_z() -> None:
    gan = made(STYLE)
    mapping = next(n for n, m in gan.G.named_modules() if n.startswith("style.") and isinstance(m, nn.Linear))
    with pytest.raises(UsageError, match="is not called when images are made of w: --space z looks at what makes w"):
        ganspace(gan, 2, at=mapping, samples=64)
    found = ganspace(gan, 2, "z", at=mapping, samples=64)
    assert found.space == "z" and len(found.vectors) == 2


def test_ganspace_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    ganspace(made("dcgan:ch=4"), 2, samples=600, progress=lambda done, total: told.append((done, total)))
    assert told == [(300, 1200), (600, 1200), (900, 1200), (1200, 1200)]


# --- in Python ----------------------------------------------------------------------------------------------


def test_directions_in_python_are_those_of_the_command(models: Path) -> None:
    done("directions", models / "labelled", "--label", "dog", "--out", "a.png")
    found = ganzoo.directions(models / "labelled", labels=["dog"])
    found.save("b.safetensors")
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()
    gan = ganzoo.load(models / "style")
    at = {"method": "ganspace", "at": "trunk.layers.0", "samples": 64, "n": 2, "layers": (0, 1)}
    found = ganzoo.directions(gan, **at)
    assert found.method == "ganspace trunk.layers.0" and found.layers == (0, 1) and len(found.vectors) == 2
    moved = gan.sample(2, seed=0, direction="d1=2", directions=found)
    assert not torch.equal(moved, gan.sample(2, seed=0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "pca"}, "method='pca' does not work: it is sefa or ganspace"),
        ({"n": 0}, "n=0"),
        ({"at": "trunk"}, "at is of features: give method='ganspace', too"),
        ({"samples": 64}, "samples is of features"),
        ({"method": "ganspace", "samples": 3}, "samples=3"),
        ({"labels": [0]}, "unconditional"),
        ({"labels": "cat"}, "no list of labels"),
    ],
)
def test_what_python_cannot_mean_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        ganzoo.directions(made("dcgan:ch=4"), **given)


# --- moving -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("directed")
    saved(root / "plain")
    saved(root / "labelled", LABELLED, classes=3)
    saved(root / "style", STYLE)
    saved(root / "same", seed=1)
    done("directions", root / "plain", "--out", root / "p.png")
    done("directions", root / "style", "--out", root / "w.png", "-n", 1)
    return root


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(status: int, *words: object) -> str:
    result = run(*words, "--out", "refused.png")
    assert result.exit_code == status and len(result.stderr.splitlines()) == 1, result.output
    assert not list(Path().glob("refused*"))
    return result.stderr


@pytest.mark.parametrize("name", ["plain", "labelled"])
def test_a_sample_of_z_moves_by_so_many_sigma(models: Path, name: str) -> None:
    said = done("directions", models / name, "-n", 3)
    assert f"3 directions of z, d0 to d2, by sefa: {name}-directions.png" in said
    assert Image.open(f"{name}-directions.png").size[0] > Image.open(f"{name}-directions.png").size[1]
    done(
        "sample", models / name, "-n", 4, "--seed", 5, "--direction", "d2=1.5", "--direction", "d0=-1", "--out", "a.npz"
    )
    gan, file = ganzoo.load(str(models / name)), Path(f"{name}-directions.safetensors")
    found = read_directions(file)
    z = gan.noise(4, 5) + 1.5 * found.sigma[2] * found.vectors[2] - found.sigma[0] * found.vectors[0]
    expected = gan.sample(z=z, output="np")
    assert np.abs(np.load("a.npz")["images"] / 255 - expected).max() < 0.003
    for moves in ({"d2": 1.5, "d0": -1}, ["d2=1.5", "d0=-1"]):
        assert np.allclose(gan.sample(4, seed=5, direction=moves, directions=file, output="np"), expected, atol=1e-6)
    assert torch.equal(gan.sample(4, seed=5, direction="d1=0", directions=found), gan.sample(4, seed=5))


def test_of_w_the_layers_move_that_they_were_found_for(models: Path) -> None:
    done("directions", models / "style", "-n", 2, "--layers", "1-2", "--truncation", 0.7, "--out", "w.png")
    gan, found = ganzoo.load(str(models / "style")), read_directions(Path("w.safetensors"))
    assert found.space == "w" and found.layers == (1, 2)
    w = gan.styles(gan.noise(3, 7, 0.5), torch.zeros(3, 0)).clone()
    w[:, 1:3] += 2 * found.sigma[1] * found.vectors[1]
    moved = gan.sample(3, seed=7, truncation=0.5, direction="d1=2", directions="w.safetensors")
    assert torch.allclose(moved, gan.synthesize(w), atol=1e-6)
    assert not torch.allclose(moved, gan.sample(3, seed=7, truncation=0.5), atol=1e-3)


def test_the_middle_of_a_strip_is_the_image(models: Path) -> None:
    gan = ganzoo.load(str(models / "labelled"))
    shown = strips(gan, sefa(gan, 2), 3, torch.tensor([1, 2]))
    assert shown.shape == (14, 3, 16, 16) and not torch.equal(shown[0], shown[3])
    expected = (gan.sample(1, seed=3, labels=[2]) * 255).round().byte()
    assert (shown[10].int() - expected[0].int()).abs().max() <= 1


def test_the_same_directions_are_the_same_bytes(models: Path) -> None:
    for out in ("a.png", "b.png"):
        done("directions", models / "style", "--method", "ganspace", "--samples", 256, "--out", out)
    for ending in ("png", "safetensors"):
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()


# --- refusals -----------------------------------------------------------------------------------------------


def test_directions_of_another_model_are_refused(models: Path) -> None:
    with_them = ("--directions", models / "p.safetensors", "--direction", "d0=1")
    assert "of another model, whose weights" in refused(2, "sample", models / "same", *with_them)
    assert "of another model, whose weights" in refused(2, "sample", models / "labelled", *with_them)
    with pytest.raises(UsageError, match="8 numbers of z where this one has 5"):
        gan = build("dcgan:ch=4", 16, 3, z_dim=5)
        gan.sample(1, direction="d0=1", directions=models / "p.safetensors")
    of_w = ("--directions", models / "w.safetensors", "--direction", "d0=1")
    assert "no w" in refused(2, "sample", models / "plain", *of_w)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--direction", "d8=1"), "there is no direction d8: there are d0 to d7"),
        (("--direction", "up=1"), "there is no direction up"),
        (("--direction", "d1"), "write NAME=SIGMAS, such as d3=1.5"),
        (("--direction", "d1=nan"), "neither NaN nor infinite"),
        (("--direction", "d1=1e300"), "further than numbers go"),
        (("--direction", "d1=1", "--direction", "d1=2"), "d1 is given twice"),
        ((), "none of them to move along"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(models: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused(2, "sample", models / "plain", "--directions", models / "p.safetensors", *words)


def test_without_a_file_the_command_that_writes_one_is_named(models: Path) -> None:
    said = refused(2, "sample", models / "plain", "--direction", "d1=1")
    assert f"there is no plain-directions.safetensors: ganzoo directions {models / 'plain'} writes it" in said
    with pytest.raises(UsageError, match="give directions too"):
        ganzoo.load(str(models / "plain")).sample(1, direction="d0=1")


@pytest.mark.parametrize(
    "words",
    [
        (("plain", "--layers", "0-9"), "1 linear layers that take z, 0 to 0"),
        (("style", "--layers", "6"), "6 layers of w, 0 to 5"),
        (("plain", "--at", "trunk"), "add --method ganspace"),
        (("plain", "--method", "ganspace", "--at", "trunk.stage"), "all layers: ganzoo build dcgan:ch=4 --layers"),
        (("plain", "--method", "ganspace", "--layers", "0"), "name a layer with --at"),
        (("plain", "--space", "w"), "this model has no w"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(models: Path, words: tuple[tuple[str, ...], str]) -> None:
    assert words[1] in refused(2, "directions", models / words[0][0], *words[0][1:])


def test_a_model_without_noise_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = made("dcgan:ch=4")
    monkeypatch.setattr(GAN, "input_names", frozenset({"source"}))
    with pytest.raises(UsageError, match="takes no noise"):
        sefa(gan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"about": None}, "holds no directions"),
        ({"about": '{"space":"x","layers":null,"method":"sefa","model":"' + "0" * 64 + '"}'}, "makes no sense"),
        ({"about": '{"space":"w","layers":[3,1],"method":"sefa","model":"' + "0" * 64 + '"}'}, "makes no sense"),
        ({"about": '{"space":"z","layers":null,"method":"sefa"}'}, "has no 'model'"),
        ({"sigma": torch.ones(4)}, "holds no directions"),
        ({"extra": torch.ones(4)}, "holds no directions"),
        ({"directions": torch.full((2, 8), torch.nan)}, "NaN"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(change: dict[str, Any], said: str) -> None:
    about = '{"space":"z","layers":null,"method":"sefa","model":"' + "0" * 64 + '"}'
    parts = {"directions": torch.ones(2, 8), "sigma": torch.ones(2), "about": about, **change}
    text = parts.pop("about")
    write_tensors(Path("d.safetensors"), parts, None if text is None else {"ganzoo": text})
    with pytest.raises(ModelError, match=said):
        read_directions(Path("d.safetensors"))


def test_a_file_is_read_as_it_was_written() -> None:
    found = sefa(made(STYLE), 3, layers=(1, 4))
    save_directions(Path("d.safetensors"), found)
    again = read_directions(Path("d.safetensors"))
    assert torch.equal(again.vectors, found.vectors) and torch.equal(again.sigma, found.sigma)
    assert (again.space, again.layers, again.method, again.model) == ("w", (1, 4), "sefa", found.model)
