"""Walks between samples, classes, directions and latents that were found; films of them; sweeps of the truncation."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from torch import Tensor, nn

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.folder.config import describe
from ganzoo.folder.directions import model_digest, save_directions
from ganzoo.folder.latents import read_latents, save_latents
from ganzoo.folder.model import save_model
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.gan.latents import Latents, noise_modules
from ganzoo.gan.steering import Directions
from ganzoo.gan.styled import noise_inputs
from ganzoo.images import to_uint8
from ganzoo.visual.film import even, save_film
from ganzoo.visual.layers import chosen_layers
from ganzoo.visual.timing import EASINGS, Timing

DATASET = {"name": "data", "fingerprint": "sha256:0", "count": 1, "licence": "unknown"}
NAMES = ("cat", "dog", "cow")
RECIPES = {
    "onehot": ("dcgan:ch=4+onehot", 3),
    "cbn": ("sngan:ch=4+cbn+projection", 3),
    "ccbn": ("biggan:ch=4+projection", 3),
    "style": ("stylegan2:ch=8,mapping=2+spd", 3),
    "plain": ("dcgan:ch=4", 0),
    "styled": ("stylegan2:ch=8,mapping=2", 0),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of RECIPES; ``plain`` and ``styled`` have files of directions beside them."""
    root = tmp_path_factory.mktemp("walks")
    for name, (recipe, classes) in RECIPES.items():
        torch.manual_seed(0)
        gan = build(recipe, 32 if name == "ccbn" else 16, 3, classes, z_dim=40 if name == "ccbn" else 8)
        gan.class_names = NAMES[:classes]
        for module in noise_inputs(gan.G):
            module.strength.data.fill_(0.3)
        for key, parameter in gan.G.named_parameters():
            if "gain" in key or "norm" in key:  # of conditional norms, which begin the same for every class
                parameter.data.add_(0.3 * torch.randn(parameter.shape))
        for weight in [] if name in ("style", "styled", "ccbn") else gan.G.parameters():
            if weight.ndim == 4:
                nn.init.kaiming_normal_(weight)
                weight.data.mul_(2)  # images that are far apart, as a training makes them
        (root / name).mkdir()
        save_model(gan, root / name, describe(gan, step=7, seed=1, dataset=DATASET, license="mit"))
        if not classes:
            save_directions(root / f"{name}.safetensors", directions(ganzoo.load(root / name)))
    return root


def directions(gan: GAN) -> Directions:
    space = "w" if gan.has_w else "z"
    width = gan.G.w_dim if gan.has_w else gan.z_dim
    vectors = torch.linalg.qr(torch.randn(width, 3, generator=torch.Generator().manual_seed(3)))[0].t().contiguous()
    return Directions(vectors, torch.tensor([2.0, 1.0, 3.0]), space, None, "made up", model_digest(gan))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: object) -> str:
    """The one line of a refusal, which leaves nothing behind."""
    before = sorted(Path().rglob("*"))
    result = run(*words)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    assert sorted(Path().rglob("*")) == before
    return result.stderr


def same(a: Tensor, b: Tensor) -> bool:
    """Whether images are alike to the last of 256 levels."""
    return bool((a - b).abs().max() < 1.01 / 255)


# --- when -----------------------------------------------------------------------------------------------------


def test_a_walk_ends_or_goes_back_or_round_and_its_film_has_no_seam() -> None:
    assert Timing(3).places(2) == [(0, 1, 0.0), (0, 1, 0.5), (0, 1, 1.0)]
    back = Timing(3, ending="back").places(2)
    assert back == [(0, 1, 0.0), (0, 1, 0.5), (0, 1, 1.0), (0, 1, 0.5)]
    loop = Timing(3, ending="loop").places(3)
    assert loop == [(0, 1, 0.0), (0, 1, 0.5), (1, 2, 0.0), (1, 2, 0.5), (2, 0, 0.0), (2, 0, 0.5)]
    for ending in ("stop", "back", "loop"):
        assert len(Timing(frames=11, ending=ending).places(4)) == 11
    odd = Timing(frames=11, ending="back").places(2)
    assert [place[2] for place in odd[1:]] == [place[2] for place in odd[:0:-1]]


@pytest.mark.parametrize("name", EASINGS)
def test_easings_go_from_0_to_1_and_all_but_the_linear_begin_slowly(name: str) -> None:
    ease = EASINGS[name]
    ways = [ease(step / 20) for step in range(21)]
    assert ways[0] == 0 and ways[20] == pytest.approx(1) and ways[10] == pytest.approx(0.5) and ways == sorted(ways)
    assert ways[1] == pytest.approx(0.05) if name == "linear" else ways[1] < 0.01
    assert Timing(3, easing=name).places(2)[1][2] == pytest.approx(0.5)


@pytest.mark.parametrize("wrong", [{"steps": 1}, {"frames": 1}, {"ending": "never"}, {"easing": "fast"}])
def test_times_that_cannot_be_are_refused(models: Path, wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        ganzoo.load(models / "plain").walk(**wrong)


# --- from sample to sample -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "styled", "onehot"])
def test_a_loop_goes_through_its_samples_and_on_to_the_first(models: Path, name: str) -> None:
    gan = ganzoo.load(models / name)
    images = gan.walk(2, stops=3, steps=3, ending="loop", seed=4)
    labels = [0, 0, 0, 1, 1, 1] if gan.classes else None
    samples = gan.sample(6, seed=4, labels=labels).unflatten(0, (2, 3))
    assert images.shape == (2, 6, 3, 16, 16) and same(images[:, ::2], samples)
    z = gan.noise(6, 4).unflatten(0, (2, 3))
    y = gan.label_vectors(None if labels is None else torch.tensor([0, 1]), 2)
    if gan.has_w:
        ends = gan.styles(z[:, 2], y), gan.styles(z[:, 0], y)
        assert same(images[:, 5], gan.synthesize((ends[0] + ends[1]) / 2))
    else:
        assert same(images[:, 5], gan.generate(gan.interpolate(z[:, 2], z[:, 0], 0.5), y))


def test_truncation_and_noise_of_layers_hold_on_the_way_and_no_longer(models: Path) -> None:
    gan = ganzoo.load(models / "styled")
    before = gan.sample(2, seed=1)
    images = gan.walk(1, steps=2, seed=1, truncation=0.5, layer_noise=3)
    assert same(images[0], gan.sample(2, seed=1, truncation=0.5, layer_noise=3))
    assert torch.equal(gan.sample(2, seed=1), before)


# --- from class to class ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["onehot", "cbn", "ccbn"])
def test_classes_are_gone_through_with_the_noise_of_one_sample(models: Path, name: str) -> None:
    gan = ganzoo.load(models / name)
    images = gan.walk(2, through=["cat", 2], steps=3, seed=5)
    z, vectors = gan.noise(2, 5), torch.eye(3)
    for frame, y in ((0, vectors[0]), (1, (vectors[0] + vectors[2]) / 2), (2, vectors[2])):
        assert same(images[:, frame], gan.generate(z, y.expand(2, -1)))
    assert not same(images[:, 0], images[:, 1]) and not same(images[:, 1], images[:, 2])


def test_in_w_the_way_between_classes_is_straight(models: Path) -> None:
    gan = ganzoo.load(models / "style")
    images = gan.walk(1, through=[0, 1], steps=3, seed=5)
    z = gan.noise(1, 5)
    w = [gan.styles(z, torch.eye(3)[number : number + 1]) for number in (0, 1)]
    assert same(images[0], gan.synthesize(torch.cat([w[0], (w[0] + w[1]) / 2, w[1]])))


def test_noise_and_class_may_change_together(models: Path) -> None:
    gan = ganzoo.load(models / "onehot")
    images = gan.walk(1, stops=2, through=[2, 0], steps=2, seed=5)
    assert same(images[0], gan.sample(2, seed=5, labels=[2, 0]))


class Deaf(nn.Module):
    """A generator that hears no label, or the largest alone.

    Args:
        inner: what draws.
        choose: what it makes of label vectors.
    """

    def __init__(self, inner: nn.Module, choose: object) -> None:
        super().__init__()
        self.inner, self.prior, self.choose = inner, inner.prior, choose

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.inner(z, self.choose(y))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("choose", "said"),
    [
        (lambda y: torch.eye(3)[0].expand_as(y), "draws the same image for every class"),
        (lambda y: torch.eye(3)[y.argmax(1)], "takes one class at a time, and draws nothing between"),
        (lambda y: torch.eye(3)[y.long().argmax(1)], "takes one class at a time"),
    ],
)
def test_a_generator_with_nothing_between_its_classes_is_refused(models: Path, choose: object, said: str) -> None:
    gan = ganzoo.load(models / "onehot")
    gan.G = Deaf(gan.G, choose)
    with pytest.raises(UsageError, match=said):
        gan.walk(through=[1, 2])


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("onehot", {"through": [1]}, "needs two at least"),
        ("onehot", {"through": [1, 1]}, "one class alone"),
        ("onehot", {"through": ["cat", "cow"], "stops": 3}, "3 stops and 2 classes"),
        ("onehot", {"through": ["cat", "frog"]}, "no class 'frog'"),
        ("plain", {"through": [0, 1]}, "unconditional"),
        ("plain", {"stops": 1}, "nothing changes"),
        ("plain", {"space": "w"}, "no w"),
        ("plain", {"space": "v"}, "it is 'w' or 'z'"),
    ],
)
def test_walks_that_cannot_be_are_refused(models: Path, name: str, asked: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ganzoo.load(models / name).walk(**asked)


# --- along directions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "styled"])
def test_a_range_is_walked_and_a_number_moves_all(models: Path, name: str) -> None:
    gan, file = ganzoo.load(models / name), models / f"{name}.safetensors"
    images = gan.walk(2, direction="d1=-2..2", directions=file, steps=5, seed=3)
    for frame, amount in enumerate((-2, -1, 0, 1, 2)):
        assert same(images[:, frame], gan.sample(2, seed=3, direction={"d1": amount}, directions=file))
    both = gan.walk(1, direction={"d1": (-2, 2), "d2": 1}, directions=file, steps=2, seed=3)
    moved = gan.sample(1, seed=3, direction=["d1=2", "d2=1"], directions=file)
    assert same(both[:, 1], moved) and not same(both[:, 1], images[:1, 4])
    between = gan.walk(1, direction="d0=1", directions=file, steps=2, seed=3)
    assert same(between[0], gan.sample(2, seed=3, direction="d0=1", directions=file))
    loop = gan.walk(1, direction="d1=-2..2", directions=file, steps=3, ending="loop", seed=3)
    assert loop.shape[1] == 4 and same(loop[:, :3], images[:1, ::2]) and torch.equal(loop[0, 1], loop[0, 3])


def test_directions_that_cannot_be_walked_are_refused(models: Path) -> None:
    words = ("--directions", models / "plain.safetensors")
    assert "there is no direction d3" in refused("interpolate", models / "plain", "--direction", "d3=1..2", *words)
    assert "or a walk as d3=-2..2" in refused("interpolate", models / "plain", "--direction", "d0=1..x", *words)
    assert "given twice" in refused("interpolate", models / "plain", *2 * ("--direction", "d0=1..2"), *words)
    assert "is a range, along which 'ganzoo interpolate' walks" in refused(
        "sample", models / "plain", "--direction", "d0=1..2", *words
    )
    assert "give a direction too" in refused("interpolate", models / "plain", *words)
    gan = ganzoo.load(models / "styled")
    of_z = replace(directions(gan), space="z", vectors=torch.eye(8)[:3])
    with pytest.raises(UsageError, match="leave the space out"):
        gan.walk(direction="d0=1..2", directions=of_z, space="w")
    assert same(gan.walk(direction="d0=0..2", directions=of_z, steps=2)[:, 0], gan.sample(1, seed=0))
    with pytest.raises(UsageError, match="a number, or a range of two"):
        gan.walk(direction={"d0": (1, 2, 3)}, directions=directions(gan))


# --- from what was found ---------------------------------------------------------------------------------------


def found(gan: GAN, seed: int) -> Latents:
    """What a projection leaves: w that no z has, and other noise in the layers."""
    rng = torch.Generator().manual_seed(seed)
    maps = {name: torch.randn(module.constant.shape, generator=rng) for name, module in noise_modules(gan.G).items()}
    labels = torch.tensor([seed % 3]) if gan.classes else None
    return Latents("w", torch.randn(1, gan.G.layers, gan.G.w_dim, generator=rng), labels, maps, model_digest(gan))


@pytest.mark.parametrize("name", ["styled", "style"])
def test_latents_draw_the_same_image_again_from_a_file(models: Path, name: str) -> None:
    gan = ganzoo.load(models / name)
    own, state = gan.sample(1, seed=0), {key: value.clone() for key, value in gan.state_dict().items()}
    save_latents(Path("found.safetensors"), found(gan, 1))
    again = read_latents(Path("found.safetensors"))
    images = again.draw(gan)
    assert torch.equal(images, found(gan, 1).draw(ganzoo.load(models / name)))
    assert torch.equal(images, gan.sample(latents="found.safetensors"))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(images, gan.synthesize(again.values))  # without its noise
    done("sample", models / name, "--latents", "found.safetensors", "--out", "again.npz")
    assert np.array_equal(np.load("again.npz")["images"][0], to_uint8(images, low=0)[0].permute(1, 2, 0).numpy())
    assert torch.equal(gan.sample(1, seed=0), own)
    assert all(torch.equal(value, state[key]) for key, value in gan.state_dict().items())


def test_a_walk_begins_at_what_was_found(models: Path) -> None:
    gan = ganzoo.load(models / "styled")
    files = [f"{seed}.safetensors" for seed in (1, 2)]
    for seed in (1, 2):
        save_latents(Path(files[seed - 1]), found(gan, seed))
    images = gan.walk(latents=files, steps=3)
    assert same(images[0, 0], found(gan, 1).draw(gan)[0]) and same(images[0, 2], found(gan, 2).draw(gan)[0])
    onward = gan.walk(latents=files[0], steps=2, seed=6)
    assert same(onward[0, 0], images[0, 0]) and same(onward[0, 1], gan.sample(1, seed=6)[0])
    moved = gan.walk(latents=files[0], direction="d0=0..2", directions=models / "styled.safetensors", steps=2)
    assert same(moved[0, 0], images[0, 0]) and not same(moved[0, 1], images[0, 0])
    more = gan.sample(latents=files[0], direction="d0=2", directions=models / "styled.safetensors")
    assert same(moved[0, 1], more[0])
    assert "1 row of 4 images" in done("interpolate", models / "styled", "--from", files[0], "--frames", 4)
    assert "leave it out" in refused("interpolate", models / "styled", "--from", files[0], "--rows", 2)


def test_latents_of_another_model_are_refused_and_other_weights_are_said(models: Path) -> None:
    gan, other = ganzoo.load(models / "styled"), ganzoo.load(models / "style")
    save_latents(Path("found.safetensors"), found(other, 1))
    assert "have labels, and this model is unconditional" in refused(
        "sample", models / "styled", "--latents", "found.safetensors"
    )
    assert "no w" in refused("interpolate", models / "plain", "--from", "found.safetensors")
    with pytest.raises(UsageError, match="numbers of w an image"):
        gan.sample(latents=Latents("w", torch.zeros(1, 2, 3)))
    with pytest.raises(UsageError, match="class 3, and this model has 3 classes"):
        other.sample(latents=replace(found(other, 1), labels=torch.tensor([3])))
    with pytest.raises(UsageError, match="no such layer"):
        gan.sample(latents=replace(found(gan, 1), noise={"elsewhere": torch.zeros(4, 4)}))
    with pytest.raises(UsageError, match="truncation is said by the latents"):
        gan.sample(latents=found(gan, 1), truncation=0.5)
    assert "--label is said by what --latents names" in refused(
        "sample", models / "style", "--latents", "found.safetensors", "--label", "cat"
    )
    save_latents(Path("near.safetensors"), replace(found(gan, 1), model="0" * 64))
    result = run("sample", models / "styled", "--latents", "near.safetensors")
    assert result.exit_code == 0 and "was found in other weights" in result.stderr
    Path("no.safetensors").write_bytes(b"no")
    assert run("sample", models / "styled", "--latents", "no.safetensors").exit_code == 1
    save_directions(Path("other.safetensors"), directions(gan))
    result = run("sample", models / "styled", "--latents", "other.safetensors")
    assert result.exit_code == 1 and "holds no latents; 'ganzoo project MODEL PHOTO' writes" in result.stderr


# --- films -----------------------------------------------------------------------------------------------------


def film_frames(path: Path) -> np.ndarray:
    """The frames of an MP4 ``(n, H, W, 3)``, as ffmpeg decodes them; they are said to be yuv420p."""
    reader = pytest.importorskip("imageio_ffmpeg").read_frames(str(path))
    about = next(reader)
    assert about["codec"] == "h264" and about["pix_fmt"].startswith("yuv420p")
    width, height = about["size"]
    return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])


def test_an_mp4_has_every_image_in_its_colours_and_even_sides() -> None:
    pytest.importorskip("imageio_ffmpeg")
    colours = [(255, 0, 0), (0, 200, 0), (20, 30, 220), (128, 128, 128), (255, 255, 255)]
    pictures = [Image.new("RGB", (65, 47), colour) for colour in colours]
    save_film(iter(pictures), Path("film.mp4"), fps=5)
    frames = film_frames(Path("film.mp4"))
    assert frames.shape == (5, 48, 66, 3)
    for frame, colour in zip(frames, colours, strict=True):
        assert np.abs(frame[20, 30].astype(int) - colour).max() < 8
    assert b"moov" in Path("film.mp4").read_bytes()[:200], "the index stands in front, so that browsers begin at once"
    assert even(pictures[0]).size == (66, 48) and even(Image.new("L", (4, 6))).mode == "RGB"


@pytest.mark.parametrize("suffix", ["gif", "webp", "mp4"])
def test_a_film_goes_there_and_back_or_round_or_ends(models: Path, suffix: str) -> None:
    if suffix == "mp4":
        pytest.importorskip("imageio_ffmpeg")
    out = Path(f"walk.{suffix}")
    for words, count in (((), 4), (("--loop",), 8), (("--no-loop",), 3), (("--frames", 8), 8)):
        steps = () if "--frames" in words else ("--steps", 3)
        said = done("interpolate", models / "plain", "--rows", 1, *steps, *words, "--fps", 10, "--out", out)
        assert f"1 row of {count} images: {out}" in said
        if suffix == "mp4":
            assert len(film_frames(out)) == count
            continue
        with Image.open(out) as film:
            film.load()
            assert film.n_frames == count and film.info["loop"] == 0 and film.info["duration"] == 100


def test_a_film_that_cannot_be_is_refused_before_the_model_is_opened(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--fps is of a film" in refused("interpolate", "nowhere/at-all", "--fps", 3)
    assert "fps=60 does not work" in refused("interpolate", "nowhere/at-all", "--fps", 60, "--out", "a.gif")
    assert "--steps and --frames both say" in refused("interpolate", "nowhere/at-all", "--steps", 3, "--frames", 4)
    assert "--through cat alone" in refused("interpolate", "nowhere/at-all", "--through", "cat")
    real = builtins.__import__

    def without(name: str, *given: object, **more: object) -> object:
        if name.startswith("imageio_ffmpeg"):
            raise ImportError(name)
        return real(name, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    said = refused("interpolate", models / "plain", "--out", "a.mp4")
    assert "pip install 'ganzoo-core[video]>=" in said and "a .gif or .webp needs nothing" in said


def test_a_film_that_fails_on_the_way_leaves_nothing(models: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    def pictures() -> object:
        yield Image.new("L", (16, 16))
        raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        save_film(pictures(), Path("film.mp4"))  # type: ignore[arg-type]
    assert not list(Path().iterdir())


# --- sweeps and mixing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "styled", "style"])
def test_a_sweep_has_the_same_samples_at_each_truncation(models: Path, name: str) -> None:
    gan = ganzoo.load(models / name)
    images = gan.sweep([0.3, 0.7, 1.0], 4, seed=2)
    assert images.shape == (3, 4, 3, 16, 16)
    assert all(torch.equal(images[k], gan.sample(4, seed=2, truncation=psi)) for k, psi in enumerate((0.3, 0.7, 1.0)))
    words = ("sample", models / name, "-n", 4, "--seed", 2, "--truncation", "0.3,0.7,1")
    assert "12 images, a row for each of 3 truncations" in done(*words, "--out", "sweep.npz")
    arrays = np.load("sweep.npz")
    assert arrays["truncations"].tolist() == [0.3] * 4 + [0.7] * 4 + [1.0] * 4
    assert np.abs(arrays["images"] / 255 - images.flatten(0, 1).permute(0, 2, 3, 1).numpy()).max() < 0.003
    assert ("labels" in arrays) == bool(gan.classes)
    done(*words, "--out", "sweep")
    assert len([*Path("sweep").glob("0.7/*.png")]) == 4 and len([*Path("sweep").rglob("*.png")]) == 12
    done("sample", models / name, "--truncation", "0.3,0.7", "--out", "sweep.png")
    with Image.open("sweep.png") as picture:
        assert picture.width > 3.5 * picture.height


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("plain", ("--truncation", "0.3,0"), "truncation=0 does not work: it is a bound on the noise"),
        ("styled", ("--truncation", "0.3,5"), "truncation=5 does not work"),
        ("plain", ("--truncation", "0.3,x"), "is no number, and no list of them such as 0.3,0.5,1"),
        ("plain", ("--truncation", "0.3,0.3"), "has a number twice"),
        ("plain", ("--truncation", "nan"), "neither NaN nor infinite"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(models: Path, name: str, words: tuple, said: str) -> None:
    assert said in refused("sample", models / name, *words)
    with pytest.raises(UsageError, match="give some"):
        ganzoo.load(models / name).sweep([])


def test_words_name_layers_as_the_paper_does_or_thirds() -> None:
    assert [chosen_layers(word, 18) for word in ("coarse", "middle", "fine")] == [(0, 3), (4, 7), (8, 17)]
    assert [chosen_layers(word, 6) for word in ("coarse", "middle", "fine")] == [(0, 1), (2, 3), (4, 5)]
    assert [chosen_layers(word, 2) for word in ("coarse", "middle", "fine")] == [(0, 0), (0, 0), (1, 1)]


def test_mixing_takes_words_directions_and_truncation(models: Path) -> None:
    gan, file = ganzoo.load(models / "styled"), models / "styled.safetensors"
    table = gan.mix(2, 3, layers="fine", seed=7, truncation=0.5, direction="d0=1", directions=file)
    assert table.shape == (3, 4, 3, 16, 16) and bool((table[0, 0] == 1).all())
    sources = gan.sample(5, seed=7, truncation=0.5, direction="d0=1", directions=file)
    assert same(table[1:, 0], sources[:2]) and same(table[0, 1:], sources[2:])
    assert torch.equal(table, gan.mix(2, 3, layers="4-5", seed=7, truncation=0.5, direction="d0=1", directions=file))
    words = ("--layers", "fine", "--direction", "d0=1", "--directions", file, "--rows", 2, "--columns", 3)
    assert "layers 4 to 5 of the columns" in done("mix", models / "styled", *words)
    assert "there is no direction d9" in refused("mix", models / "styled", "--direction", "d9=1", "--directions", file)
