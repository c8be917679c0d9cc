"""The commands that draw from a trained model: sample, interpolate, attention, plot."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from torch import nn

from ganzoo.cli import main
from ganzoo.cli.sample import draw, label_numbers
from ganzoo.errors import PluginError
from ganzoo.folder.config import describe
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.gan.priors import lerp, slerp
from ganzoo.images import to_uint8
from ganzoo.visual.attention import capture, on_grid, overlay
from ganzoo.visual.curves import smoothed
from ganzoo.visual.interpolation import walk

NAMES = ("cat", "dog", "cow")
DATASET = {"name": "data", "fingerprint": "sha256:0", "count": 1, "licence": "unknown"}


def saved(folder: Path, recipe: str, classes: int = 0, channels: int = 3, **settings: object) -> GAN:
    torch.manual_seed(0)
    gan = build(recipe, 16, channels, classes=classes, z_dim=8, settings=settings)
    gan.class_names = NAMES[:classes]
    folder.mkdir()
    save_model(gan, folder, describe(gan, step=7, seed=1, dataset=DATASET, license="mit"))
    return gan


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``plain`` (grey, no labels), ``labelled`` and ``attentive`` (self-attention in G)."""
    root = tmp_path_factory.mktemp("models")
    saved(root / "plain", "dcgan:ch=4", channels=1)
    saved(root / "labelled", "dcgan:ch=4+onehot", classes=3)
    saved(root / "attentive", "dcgan:ch=8+sa@g,8+sn")
    return root


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def refused(status: int, *words: object) -> str:
    """The one line that a refused command prints; nothing may be left in the working directory."""
    before = sorted(Path().rglob("*"))
    result = run(*words)
    assert result.exit_code == status, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("ganzoo: error: "), result.stderr
    assert sorted(Path().rglob("*")) == before
    return lines[0]


def done(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


# ---- sample ----


def test_a_grid_is_the_default_and_named_after_the_model(models: Path) -> None:
    assert "plain-samples.png" in done("sample", models / "plain", "-n", 10)
    with Image.open("plain-samples.png") as sheet:
        scale = round((sheet.width - 2) / 8 - 2) // 16
        assert sheet.mode == "L" and sheet.width == 8 * (16 * scale + 2) + 2
        assert sheet.height == 2 * (16 * scale + 2) + 2 and scale > 1


def test_many_images_make_a_square_grid(models: Path) -> None:
    done("sample", models / "plain", "-n", 100, "--out", "grid.png")
    with Image.open("grid.png") as sheet:
        assert sheet.width == sheet.height


def test_all_forms_hold_the_images_that_python_gives(models: Path) -> None:
    folder = models / "labelled"
    expected = to_uint8(ModelFolder(folder).load().sample(5, seed=3), low=0).permute(0, 2, 3, 1).numpy()
    done("sample", folder, "-n", 5, "--seed", 3, "--out", "new/arrays.npz")
    arrays = np.load("new/arrays.npz")
    assert arrays["images"].dtype == np.uint8 and np.array_equal(arrays["images"], expected)
    assert arrays["labels"].dtype == np.int64 and arrays["labels"].tolist() == [0, 1, 2, 0, 1]
    done("sample", folder, "-n", 5, "--seed", 3, "--out", "new/pictures")
    files = sorted(Path("new/pictures").iterdir())
    assert [file.name for file in files] == [f"{k:05d}.png" for k in range(5)]
    for file, array in zip(files, expected, strict=True):
        with Image.open(file) as picture:
            assert np.array_equal(np.asarray(picture), array)


def test_files_are_the_same_bytes_for_one_seed_and_others_for_another(models: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        for ending in ("png", "npz"):
            done("sample", models / "labelled", "-n", 4, "--seed", seed, "--out", f"{name}.{ending}")
    for ending in ("png", "npz"):
        a, b, c = (Path(f"{name}.{ending}").read_bytes() for name in "abc")
        assert a == b != c


def test_arrays_of_an_unconditional_model_have_no_labels(models: Path) -> None:
    done("sample", models / "plain", "-n", 2, "--out", "a.npz")
    arrays = np.load("a.npz")
    assert list(arrays) == ["images"] and arrays["images"].shape == (2, 16, 16, 1)


def test_labels_are_names_or_numbers_taken_in_turn(models: Path) -> None:
    done("sample", models / "labelled", "-n", 5, "--label", "cow", "--label", 1, "--out", "a.npz")
    assert np.load("a.npz")["labels"].tolist() == [2, 1, 2, 1, 2]


def test_large_requests_are_drawn_in_pieces_that_agree(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gan = ModelFolder(models / "labelled").load()
    numbers = label_numbers(gan, (), 7)
    whole = draw(gan, 7, 0, numbers)
    monkeypatch.setattr("ganzoo.cli.sample.CHUNK", 3)
    assert torch.equal(draw(gan, 7, 0, numbers, batch=2), whole)


def test_truncation_bounds_the_noise(models: Path) -> None:
    done("sample", models / "labelled", "-n", 3, "--truncation", 0.5, "--out", "a.npz")
    gan = ModelFolder(models / "labelled").load()
    images = torch.from_numpy(np.load("a.npz")["images"]).permute(0, 3, 1, 2)
    assert torch.equal(images, to_uint8(gan.sample(3, seed=0, truncation=0.5), low=0))
    assert not torch.equal(images, to_uint8(gan.sample(3, seed=0), low=0))


def test_an_existing_file_is_replaced_and_a_filled_folder_refused(models: Path) -> None:
    for n in (1, 2):
        done("sample", models / "plain", "-n", n, "--out", "a.npz")
    assert len(np.load("a.npz")["images"]) == 2
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    assert "full holds files already" in refused(2, "sample", models / "plain", "--out", "full")
    Path("empty").mkdir()
    done("sample", models / "plain", "-n", 1, "--out", "empty")
    assert len(list(Path("empty").iterdir())) == 1


def test_what_cannot_be_sampled_is_said_in_one_line(models: Path) -> None:
    plain, labelled = models / "plain", models / "labelled"
    unknown = refused(2, "sample", labelled, "--label", "cot")
    assert "'cot'" in unknown and "cat" in unknown and "0 to 2" in unknown
    assert "'3'" in refused(2, "sample", labelled, "--label", "3")
    assert "unconditional" in refused(2, "sample", plain, "--label", "cat")
    assert ".png or .npz" in refused(2, "sample", plain, "--out", "a.jpg")
    assert "--step foo" in refused(2, "sample", plain, "--step", "foo")
    assert "99" in refused(1, "sample", plain, "--step", "99")
    assert "no score" in refused(1, "sample", plain, "--step", "best")
    assert "'foo'" in refused(2, "sample", plain, "--device", "foo")
    assert "nowhere" in refused(1, "sample", "nowhere")
    assert "nowhere" in refused(1, "sample", "./nowhere")
    assert "nowhere" in refused(1, "sample", "nowhere", "--step", "best")
    assert "truncation" in refused(2, "sample", plain, "--truncation", "0")
    Path("file").write_text("")
    assert "file is a file" in refused(2, "sample", plain, "--out", "file")
    assert "file is a file" in refused(1, "sample", plain, "--out", "file/a.png")


# ---- interpolate ----


def test_slerp_keeps_length_and_speed() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = (nn.functional.normalize(torch.randn(20, 8, generator=rng), dim=1) * 3 for _ in range(2))
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    path = torch.stack([slerp(a, b, step / 10) for step in range(11)])
    torch.testing.assert_close(path.norm(dim=2), torch.full((11, 20), 3.0))
    strides = (path[1:] - path[:-1]).norm(dim=2)
    torch.testing.assert_close(strides, strides[:1].expand(10, -1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_slerp_of_one_line_goes_straight(sign: int) -> None:
    a = torch.ones(1, 4)
    torch.testing.assert_close(slerp(a, 2.0 * sign * a, 0.25), lerp(a, 2.0 * sign * a, 0.25))


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_rows_go_from_sample_to_sample(tmp_path: Path, prior: str) -> None:
    gan = saved(tmp_path / "model", "dcgan:ch=4+onehot", classes=3, prior=prior)
    images = walk(gan, 2, 5, 4, torch.tensor([1, 2]))
    z = gan.noise(4, 4)
    middle = (slerp if prior == "normal" else lerp)(z[0:1], z[1:2], 0.5)
    expected = gan.sample(z=torch.cat([z[0:1], middle, z[1:4]]), labels=[1, 1, 1, 2, 2])
    assert torch.equal(images[[0, 2, 4, 5, 9]], to_uint8(expected, low=0))


def test_interpolations_are_a_picture_or_a_film(models: Path) -> None:
    done("interpolate", models / "labelled", "--rows", 2, "--steps", 3, "--label", "dog")
    with Image.open("labelled-interpolation.png") as picture:
        assert picture.width > picture.height
    done("interpolate", models / "labelled", "--rows", 2, "--steps", 4, "--out", "a.gif")
    with Image.open("a.gif") as animation:
        assert animation.n_frames == 6  # there and back, neither end twice
    assert ".png, .gif, .mp4 or .webp" in refused(2, "interpolate", models / "labelled", "--out", "a.npz")
    assert "unconditional" in refused(2, "interpolate", models / "plain", "--label", "dog")


# ---- attention ----


class Pointing(nn.Module):
    """Attention of which each position looks only at its mirror image, left to right."""

    def attention_map(self, x: torch.Tensor) -> torch.Tensor:
        width = x.shape[3]
        mirror = torch.arange(x.shape[2] * width).view(-1, width).flip(1).flatten()
        return nn.functional.one_hot(mirror).float().expand(len(x), -1, -1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_maps_are_those_of_the_layer_and_the_samples_those_of_sample(models: Path) -> None:
    gan = ModelFolder(models / "attentive").load()
    maps = capture(gan, 3, seed=5)
    assert maps.weights.shape == (3, 8, 8, 4, 4)
    torch.testing.assert_close(maps.weights.sum((3, 4)), torch.ones(3, 8, 8))
    assert torch.equal(maps.images, to_uint8(gan.sample(3, seed=5), low=0))
    assert not any(module._forward_pre_hooks for module in gan.modules())


def test_overlays_are_bright_where_the_query_looks(models: Path) -> None:
    gan = ModelFolder(models / "attentive").load()
    generator = gan.get_submodule("G")
    name = capture(gan, 1, 0).layer
    parent, _, child = name.rpartition(".")
    setattr(generator.get_submodule(parent), child, Pointing())
    weights = capture(gan, 1, 0).weights[0]
    assert weights[2, 1].argmax() == 2 * 8 + 6
    picture = np.asarray(overlay(Image.new("RGB", (64, 64)), weights[2, 1])).sum(-1)
    bright = np.unravel_index(picture.argmax(), picture.shape)
    assert (bright[0] // 8, bright[1] // 8) == (2, 6) and picture[:, :32].max() == 0


def test_an_even_map_stays_dark() -> None:
    even = np.asarray(overlay(Image.new("RGB", (8, 8)), torch.full((4, 4), 1 / 16)))
    sharp = np.asarray(overlay(Image.new("RGB", (8, 8)), torch.eye(4) / 4))
    assert even.max() < 0.6 * sharp.max()


@pytest.mark.parametrize(("keys", "grid"), [(64, (8, 8)), (16, (4, 4)), (4, (2, 2))])
def test_keys_lie_on_a_like_grid(keys: int, grid: tuple[int, int]) -> None:
    assert on_grid(torch.zeros(2, 64, keys), (2, 3, 8, 8)).shape == (2, 8, 8, *grid)


def test_a_map_that_fits_no_grid_is_named() -> None:
    with pytest.raises(PluginError, match="64 x 7 weights"):
        on_grid(torch.zeros(2, 64, 7), (2, 3, 8, 8))


def test_attention_draws_a_row_for_each_sample(models: Path) -> None:
    done("attention", models / "attentive", "-n", 3, "--at", "0,15", "--at", "8,8", "--out", "a.png")
    with Image.open("a.png") as picture:
        assert picture.size == (3 * 164 + 4, 3 * 164 + 4)
    done("attention", models / "attentive", "-n", 1)
    with Image.open("attentive-attention.png") as picture:
        assert picture.size == (5 * 164 + 4, 164 + 4)


def test_what_has_no_attention_to_show_is_said_in_one_line(models: Path) -> None:
    line = refused(1, "attention", models / "plain")
    assert "no attention layer" in line and "sagan" in line and "+sa" in line
    attentive = models / "attentive"
    assert "16,0 is outside" in refused(2, "attention", attentive, "--at", "16,0")
    assert "X,Y" in refused(2, "attention", attentive, "--at", "16")
    assert "'foo'" in refused(2, "attention", attentive, "--layer", "foo")
    assert ".png" in refused(2, "attention", attentive, "--out", "a.gif")


# ---- plot ----


def logged(folder: Path, lines: int = 6) -> Path:
    folder.mkdir()
    records = [
        {
            "step": step,
            "losses": {"d/loss": 1 / (1 + step), "d/$gp_": 0.1, "g/loss": float(step)},
            "lr": {"g": 2e-4, "d": 2e-4},
            "accuracy": {"real": 0.7, "fake": 0.6},
            "clock": {"time": "now", "images_per_second": 100.0},
        }
        for step in range(lines)
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + '{"step": 9, "lo')
    return folder


@pytest.fixture
def matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="pip install 'ganzoo-core[plot]>=0.2'")


@pytest.mark.usefixtures("matplotlib")
def test_curves_of_one_run_and_of_several(tmp_path: Path) -> None:
    one, two = logged(tmp_path / "one"), logged(tmp_path / "two", 3)
    assert "6 curves: one-curves.png" in done("plot", one)
    with Image.open("one-curves.png") as picture:
        assert picture.width > 2 * picture.height
    assert "2 curves" in done("plot", one, two, "--keys", "losses/g/*", "--out", "a.svg")
    text = Path("a.svg").read_text()
    assert all(word in text for word in (">one<", ">two<", ">losses/g/loss<"))


@pytest.mark.usefixtures("matplotlib")
def test_plots_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    run_folder = logged(tmp_path / "one")
    for ending in ("png", "svg"):
        for name in "ab":
            done("plot", run_folder, "--keys", "lr/*", "--smooth", 3, "--out", f"{name}.{ending}")
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()


def test_what_cannot_be_plotted_is_said_in_one_line(tmp_path: Path) -> None:
    folder = logged(tmp_path / "one")
    (tmp_path / "empty").mkdir()
    assert "no log.jsonl" in refused(1, "plot", tmp_path / "empty")
    assert "no folder" in refused(1, "plot", tmp_path / "nowhere")
    assert "losses/d/loss" in refused(2, "plot", folder, "--keys", "losses/d/los")
    (tmp_path / "empty" / "log.jsonl").write_text("")
    assert "log.jsonl has no lines: a run writes one every 10 steps" in refused(1, "plot", tmp_path / "empty")


def test_missing_matplotlib_is_named_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'ganzoo-core[plot]>=0.2'" in refused(2, "plot", logged(tmp_path / "one"))


def test_smoothing_is_an_unbiased_average() -> None:
    assert smoothed([2.0, 2.0, 2.0], 10) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([1.0, 5.0, 3.0], 1) == [1.0, 5.0, 3.0]
    assert smoothed([0.0, 1.0], 2) == pytest.approx([0.0, 1 / 1.5])
