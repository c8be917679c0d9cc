"""``ganzoo inspect``: spectra that are equal where images are, a map that repeats, colours by class, and refusals."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from tiny_models import saved
from torch import Tensor

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.scoring import drawn
from ganzoo.scoring.inspection import Inspection, inspect, own_share, tsne
from ganzoo.visual.inspection import Side, draw

pytest.importorskip("matplotlib")

NAMES = ("cat", "cow", "dog")


class Means:
    """Features that are means of the four quarters of an image."""

    def __call__(self, images: Tensor) -> tuple[Tensor, None]:
        return torch.nn.functional.adaptive_avg_pool2d(images[:, :1].float(), 2).flatten(1), None

    def record(self) -> dict[str, Any]:
        return {"name": "means", "input": 16, "pretrained": True, "sha256": "0" * 64}


def pictures(folder: Path, seed: int, n: int = 12, classes: tuple[str, ...] = NAMES) -> Path:
    rng = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (n, 16, 16, 3), generator=rng, dtype=torch.uint8).numpy()
    for number, picture in enumerate(pixels):
        place = folder / classes[number % len(classes)] if classes else folder
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number}.png")
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drawn, "open_network", lambda *_: Means())
    pictures(tmp_path / "data", 0)
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_what_draws_the_datas_own_pictures_has_its_spectrum(place: Path) -> None:
    found = ganzoo.inspect("./data", "./data", n=50)
    assert torch.allclose(found.samples.power, found.data.power, rtol=1e-9) and found.decibels.abs().max() < 1e-6
    assert found.own < 0.1, "the nearest is the same picture of the other kind"
    assert "0.0 dB from the data" in found.sentences()[0]
    other = ganzoo.inspect(pictures(place / "other", 7), "./data", n=50)
    assert other.decibels.abs().max() > 0.1


def test_spectra_are_of_what_the_model_draws_and_the_same_again(place: Path) -> None:
    gan = saved(place / "model")
    found = ganzoo.inspect("./model", "./data", n=8, seed=3)
    from ganzoo.metrics.spectrum import PowerSpectrum

    expected = PowerSpectrum(16, 16)
    expected.add((gan.sample(8, seed=3) * 255).round().byte())
    assert torch.equal(found.samples.power, expected.power())
    again = ganzoo.inspect("./model", "./data", n=8, seed=3, batch=3)
    assert torch.allclose(found.samples.power, again.samples.power, rtol=1e-12)
    assert len(found.samples.places) == len(found.data.places) == 8 and found.protocol["step"] == 7
    same = ganzoo.inspect("./model", "./data", n=8, seed=3)
    assert same.to_json() == found.to_json()
    assert ganzoo.inspect(gan.eval(), "./data", n=8, seed=3).own == found.own


def test_classes_are_those_of_the_model_by_name(place: Path) -> None:
    saved(place / "model", "dcgan:ch=4+onehot", classes=3, class_names=["dog", "cat", "cow"])
    found = ganzoo.inspect("./model", "./data", n=12)
    assert found.class_names == ("dog", "cat", "cow")
    assert found.samples.classes is not None and found.samples.classes.tolist() == [0, 1, 2] * 4
    assert found.data.classes is not None and found.data.classes.bincount().tolist() == [4, 4, 4]
    saved(place / "plain")
    plain = ganzoo.inspect("./plain", "./data", n=12)
    assert plain.samples.classes is None and plain.data.classes is not None and plain.class_names == NAMES
    unlabelled = ganzoo.inspect("./model", pictures(place / "flat", 2, classes=()), n=12)
    assert unlabelled.data.classes is None and unlabelled.samples.classes is not None
    assert unlabelled.class_names == ("dog", "cat", "cow")
    others = ganzoo.inspect("./model", pictures(place / "birds", 2, classes=("finch", "wren")), n=12)
    assert others.data.classes is None and others.samples.classes is not None, (
        "no class of theirs is one of the model's"
    )


def test_the_share_of_own_neighbours_is_that_of_all_distances() -> None:
    rng = torch.Generator().manual_seed(0)
    samples, data = torch.randn(40, 5, generator=rng), torch.randn(60, 5, generator=rng)
    rows = torch.cat([samples, data])
    apart = torch.cdist(rows, rows).fill_diagonal_(torch.inf)
    kinds = torch.arange(100) < 40
    share, chance = own_share(samples, data)
    assert share == pytest.approx(float((kinds[apart.argmin(1)] == kinds).double().mean()))
    assert share == pytest.approx(chance, abs=0.15)
    assert own_share(samples, data + 100)[0] == 1.0
    assert own_share(samples, samples) == (0.0, pytest.approx(39 / 79))
    assert own_share(torch.zeros(4, 2), torch.zeros(4, 2)) == (pytest.approx(3 / 7), pytest.approx(3 / 7))


def test_the_map_keeps_clusters_apart_and_repeats() -> None:
    rng = torch.Generator().manual_seed(0)
    features = torch.cat([torch.randn(30, 80, generator=rng), torch.randn(30, 80, generator=rng) + 5])
    places = tsne(features, 1)
    assert places.shape == (60, 2) and torch.equal(places, tsne(features, 1))
    near = torch.cdist(places, places).fill_diagonal_(torch.inf).argmin(1)
    assert ((near < 30) == (torch.arange(60) < 30)).all()
    assert torch.equal(tsne(torch.ones(9, 4), 0), torch.zeros(9, 2))


# --- the command --------------------------------------------------------------------------------------------


def test_the_command_writes_a_figure_and_its_numbers(place: Path) -> None:
    saved(place / "model", "dcgan:ch=4+onehot", classes=3, class_names=list(NAMES))
    result = run("inspect", "model", "--data", "data", "-n", 10)
    assert result.exit_code == 0, result.output
    assert "Power spectra: samples are " in result.stdout and "Features: " in result.stdout
    assert "model-inspect.png" in result.stdout and "model-inspect.json" in result.stdout
    assert Image.open("model-inspect.png").size[0] > 1000
    numbers = json.loads(Path("model-inspect.json").read_text())
    assert numbers["power_spectrum"]["frequencies"] == [k / 16 for k in range(1, 9)]
    assert len(numbers["power_spectrum"]["samples"]) == len(numbers["power_spectrum"]["decibels"]) == 8
    assert numbers["n"] == {"samples": 10, "data": 10} and len(numbers["tsne"]["data"]["places"]) == 10
    assert numbers["tsne"]["samples"]["classes"] == [k % 3 for k in range(10)] and numbers["class_names"] == list(NAMES)
    before = Path("model-inspect.png").read_bytes()
    result = run("inspect", "model", "--data", "data", "-n", 10, "--json")
    assert json.loads(result.stdout) == {**numbers, "figure": "model-inspect.png"}
    assert Path("model-inspect.png").read_bytes() == before, "the same bytes"
    assert run("inspect", "data", "--data", "data", "--out", "a.svg").exit_code == 0
    assert "<svg" in Path("a.svg").read_text()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--out", "a.gif"), 2, "ends in .png or .svg"),
        (("--step", "first"), 2, "--step first does not work"),
        (("-n", "4"), 2, "4 is not in the range"),
        (("--data", "few"), 2, "3 images of data, and a spectrum and a map need 5 at least"),
        (("--data", "empty"), 1, "empty has no pictures"),
        (("--data", "nowhere/"), 1, "nowhere"),
        (("--step", "3"), 2, "only the folder of a run has kept steps"),
    ],
)
def test_wrong_use_is_said_in_one_line(place: Path, words: tuple[str, ...], status: int, said: str) -> None:
    pictures(place / "few", 0, 3)
    (place / "empty").mkdir()
    result = run("inspect", "data", "--data", "data", *words)
    assert result.exit_code == status and said in result.stderr and len(result.stderr.splitlines()) == 1, result.output
    assert not list(place.glob("*.png")) and not list(place.glob("*.json")) and not list(place.glob("*.gif"))


def test_without_matplotlib_it_is_said_before_anything_is_opened(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("inspect", "nothing", "--data", "nothing")
    assert result.exit_code == 2
    assert "ganzoo inspect draws with matplotlib, which is not here: pip install" in result.stderr


def test_a_model_that_makes_images_from_others_is_told_what_it_needs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gan = saved(place / "model")
    monkeypatch.setattr(type(gan), "input_names", frozenset({"source"}))
    with pytest.raises(UsageError, match="makes images from source, and data has none for each image"):
        inspect(gan, "./data")


# --- the figure ---------------------------------------------------------------------------------------------


def side(n: int, classes: Tensor | None = None) -> Side:
    rng = torch.Generator().manual_seed(n)
    return Side(f"side $ {n}", torch.rand(8, generator=rng), torch.randn(n, 2, generator=rng), classes)


@pytest.mark.parametrize("count", [2, 15, 40])
def test_figures_of_few_and_many_classes_and_of_one_side(tmp_path: Path, count: int) -> None:
    file = tmp_path / "a.svg"
    names = [f"_class {k}" for k in range(count)]
    draw(file, torch.arange(1, 9) / 16, side(20), side(30, torch.arange(30) % count), names, "means")
    text = file.read_text()
    assert ("class 1" in text) == (count <= 20), "a legend where there are not too many"
    assert "cycles per pixel" in text and "t-SNE: side" in text


@pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning")  # none of files that other tests left open
def test_power_that_is_none_is_drawn_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dark = replace(side(6), power=torch.zeros(8))
    with caplog.at_level(logging.WARNING):
        draw(tmp_path / "a.png", torch.arange(1, 9) / 16, dark, dark)
    assert not caplog.records
    found = Inspection(torch.arange(1, 9) / 16, dark, dark, (), 0.5, 0.5, {})
    assert float(found.decibels.abs().max()) == 0
