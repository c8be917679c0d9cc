"""Classes meet by name: a class number means nothing outside the data that it was counted in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tiny_models import saved
from tiny_runs import tiny

import ganzoo
from ganzoo.cli import main
from ganzoo.data import ImageData, MemoryImages, open_data
from ganzoo.data.classes import adopted, matched
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.metrics import evaluate
from ganzoo.testing import plugin

NETWORK = "test_efficientnet:random"
RECIPE = "dcgan:ch=4+cbn@g"
SHADES = {"cat": 40, "cow": 120, "dog": 200, "yak": 240}
OPTIONS = {"metrics": "intra-fid", "n": 36, "features": NETWORK}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))


def folder(path: Path, *names: str, count: int = 8) -> Path:
    """Grey pictures of 16 px in a sub-folder for each class, each class of its own shade."""
    for name in names:
        (path / name).mkdir(parents=True)
        rng = np.random.default_rng(SHADES.get(name, 0))
        for number in range(count):
            pixels = rng.integers(0, 40, (16, 16)) + SHADES.get(name, 0) - 20
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path / name / f"{number}.png")
    return path


def by_class(model: object, data: object, **options: object) -> Mapping[str, float]:
    (score,) = ganzoo.evaluate(model, data, save=False, **{**OPTIONS, **options})
    return score.details["by_class"]


def run(*words: object, status: int = 0) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done.output


def images(names: tuple[str, ...], labels: object, kind: str = "class", **columns: object) -> ImageData:
    rows = torch.tensor(labels)
    pixels = MemoryImages(torch.arange(len(rows), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).clone())
    return ImageData("made", pixels, rows, names, label_kind=kind, **columns)


# --- scores -------------------------------------------------------------------------------------------------


def test_a_class_is_scored_against_its_own_name_whatever_its_number(tmp_path: Path) -> None:
    saved(tmp_path / "model", RECIPE, classes=3, channels=1)  # of cat, dog and cow, which a folder sorts otherwise
    model = ganzoo.load(tmp_path / "model")
    whole = by_class(model, folder(tmp_path / "whole", "cat", "cow", "dog"))
    some = by_class(model, folder(tmp_path / "some", "cow", "dog"))
    assert set(whole) == {"0", "1", "2"} and set(some) == {"1", "2"}
    assert some == {key: pytest.approx(whole[key]) for key in ("1", "2")}
    swapped = replace(open_data(tmp_path / "whole"), class_names=("cat", "dog", "cow"))
    assert evaluate(model, swapped, **OPTIONS)[0].details["by_class"]["1"] != pytest.approx(whole["1"])


def test_statistics_that_were_kept_are_not_those_of_another_numbering(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", "cat", "cow", "dog")
    saved(tmp_path / "one", RECIPE, classes=3, channels=1)
    saved(tmp_path / "two", RECIPE, classes=3, channels=1, class_names=["dog", "cow", "cat"])
    one, two = by_class(tmp_path / "one", data), by_class(tmp_path / "two", data)
    assert one["0"] != pytest.approx(two["0"])
    again = open_data(data)
    again.fingerprint = "sha256:" + "9" * 64  # nothing is kept of it
    (fresh,) = evaluate(ganzoo.load(tmp_path / "two"), again, **OPTIONS)
    assert two == pytest.approx(fresh.details["by_class"])


@pytest.mark.parametrize(
    "names, said",
    [
        (("cat", "yak"), "has 'yak', which the model does not"),
        (("blue", "green", "red"), "has 'blue', 'green', 'red', which the model does not"),
        (("0", "1", "2"), "has '0', '1', '2', which the model does not"),
        (("Cat", "Cow", "Dog"), "the model has 'cat', 'dog', 'cow', which data does not"),
    ],
)
def test_other_classes_are_named_and_nothing_is_scored_class_by_class(
    tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    saved(tmp_path / "model", RECIPE, classes=3, channels=1)
    data = folder(tmp_path / "data", *names)
    words = ("eval", tmp_path / "model", "--data", data, "-n", 12, "--features", NETWORK)
    told = run(*words, "--metrics", "intra-fid", status=2)
    assert "intra-fid is measured class by class" in told and said in told
    assert not (tmp_path / "model" / "metrics.json").exists()
    assert said in run(*words, "--metrics", "fid")  # which looks at no label, and is told all the same


def test_a_class_that_the_data_lacks_is_said(tmp_path: Path) -> None:
    saved(tmp_path / "model", RECIPE, classes=3, channels=1)
    data = folder(tmp_path / "data", "cow", "dog")
    words = ("eval", tmp_path / "model", "--data", data, "-n", 12, "--features", NETWORK, "--metrics", "intra-fid")
    assert "data has no pictures of 'cat', which the model has" in run(*words)


def test_images_are_scored_class_by_class_by_name_too(tmp_path: Path) -> None:
    whole = folder(tmp_path / "whole", "cat", "cow", "dog")
    some = folder(tmp_path / "some", "cow", "dog")
    near = by_class(some, some)
    assert all(value == pytest.approx(0, abs=1e-3) for value in near.values())
    with pytest.raises(UsageError, match="whole has 'cat', which some does not"):
        by_class(whole, some)
    with pytest.raises(UsageError, match="whole has 'cat', which some does not"):
        by_class(some, whole)
    data = open_data(whole)
    assert data.labels is not None
    turned = replace(data, labels=2 - data.labels, class_names=data.class_names[::-1], name="turned")
    (score,) = evaluate(turned, data, **OPTIONS)
    assert score.value == pytest.approx(0, abs=1e-3)


def test_a_gan_without_names_is_taken_at_its_numbers(tmp_path: Path) -> None:
    gan = ganzoo.build(RECIPE, resolution=16, channels=1, classes=3)
    assert set(by_class(gan, folder(tmp_path / "data", "cat", "cow", "dog"))) == {"0", "1", "2"}


def test_metrics_of_the_model_itself_are_given_labels_in_its_numbering(tmp_path: Path) -> None:
    seen: list[ImageData] = []

    class Watching(ganzoo.metrics.Experiment):
        """Keeps the data that it is handed."""

        def instrument(self, resolution: int) -> ganzoo.metrics.Instrument:
            return ganzoo.metrics.Instrument("watching", resolution, "0" * 64)

        def check(self, gan: GAN, data: ImageData) -> None:
            """Anything will do."""

        def __call__(self, gan: GAN, data: ImageData, **options: object) -> dict[str, float]:
            seen.append(data)
            return {"watching": 0.0}

    class Hooks:
        """Brings it."""

        @ganzoo.hookimpl
        def register_metrics(self, register: Any) -> None:
            """Register it."""
            register("watching", Watching, requires={"model"})

    saved(tmp_path / "model", RECIPE, classes=3, channels=1)
    with plugin(Hooks()):
        ganzoo.evaluate(tmp_path / "model", folder(tmp_path / "data", "cow", "dog"), metrics="watching", n=4)
        with pytest.raises(UsageError, match="has 'yak', which the model does not"):
            ganzoo.evaluate(tmp_path / "model", folder(tmp_path / "other", "cow", "yak"), metrics="watching", n=4)
    (data,) = seen
    assert data.class_names == ("cat", "dog", "cow") and data.labels is not None
    assert data.labels.tolist() == [2] * 8 + [1] * 8


# --- label vectors, and what else has labels ----------------------------------------------------------------


def test_numbers_of_label_vectors_meet_by_name() -> None:
    data = images(("red", "round"), [[0.0, 1.0], [1.0, 1.0]], "multilabel")
    found = matched(data, ("round", "red"), "the model")
    assert found.data.labels is not None and found.data.labels.tolist() == [[1, 0], [1, 1]]
    assert matched(data, ("round",), "the model").data.labels.tolist() == [[1], [1]]  # type: ignore[union-attr]
    assert "the model has 'big', which made does not" in matched(data, ("round", "big"), "the model").problem


def test_labels_of_sources_are_numbered_with_those_of_images() -> None:
    columns = {
        "source": MemoryImages(torch.zeros(3, 1, 8, 8, dtype=torch.uint8)),
        "source_label": torch.tensor([0, 1, 0]),
    }
    found = matched(images(("cow", "dog"), [0, 1, 1], unpaired=columns), ("cat", "dog", "cow"), "the model").data
    assert found.labels is not None and found.labels.tolist() == [2, 1, 1]
    assert isinstance(own := found.unpaired["source_label"], torch.Tensor) and own.tolist() == [2, 1, 2]


def test_names_are_alike_however_they_are_spelled_and_as_often_as_they_come() -> None:
    data = images(("cafe\u0301", "crane", "crane"), [0, 1, 2])
    found = matched(data, ("crane", "crane", "caf\u00e9"), "the model")
    assert not found.problem and found.data.labels is not None and found.data.labels.tolist() == [2, 0, 1]
    long = images(("x" * 250, "y"), [0, 1])
    assert not matched(long, ("x" * 200, "y"), "the model").problem


# --- going on with other data -------------------------------------------------------------------------------


def test_networks_that_go_on_keep_their_classes_by_name() -> None:
    data, notes = adopted(images(("dog", "yak", "cat"), [0, 1, 2]), ("cat", "dog", "cow"), "the run")
    assert data.class_names == ("cat", "dog", "yak") and data.labels is not None and data.labels.tolist() == [1, 2, 0]
    assert notes == ["the classes are not those of the run: 'yak' takes the place of 'cow'"]
    fewer, notes = adopted(images(("cow", "dog"), [0, 1]), ("cat", "dog", "cow"), "the run")
    assert fewer.class_names == ("cat", "dog", "cow") and not notes


@pytest.mark.parametrize("way", ["fork", "init"])
def test_a_run_that_goes_on_with_other_data_numbers_classes_as_its_networks_do(tmp_path: Path, way: str) -> None:
    first = tiny(tmp_path / "first", RECIPE, data=folder(tmp_path / "a", "cat", "cow", "dog"), steps=1)
    other, out = folder(tmp_path / "b", "cow", "dog", "yak"), tmp_path / "second"
    if way == "fork":
        ganzoo.train(resume=first.folder, fork=out, data=other, steps=2, quiet=True)
    else:
        tiny(out, RECIPE, data=other, init=first.folder, steps=2)
    config = json.loads((out / "config.json").read_text())
    assert config["class_names"] == ["yak", "cow", "dog"] and config["class_counts"] == [8, 8, 8]
    again = ganzoo.train(resume=out, steps=3, quiet=True)  # its data still sorts them otherwise
    assert again.gan.data_labels is not None and again.gan.data_labels.tolist() == [1] * 8 + [2] * 8 + [0] * 8


def test_eval_data_with_other_classes_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data, other = folder(tmp_path / "a", "cat", "cow", "dog"), folder(tmp_path / "b", "cow", "yak")
    scored = {"eval_every": 1, "eval_n": 12, "features": NETWORK, "metrics": ["intra-fid"]}
    with pytest.raises(UsageError, match="has 'yak', which the model does not"):
        tiny(tmp_path / "run", RECIPE, data=data, eval_data=str(other), **scored)
    assert not (tmp_path / "run").exists()
    some = folder(tmp_path / "c", "cow", "dog")
    run_ = tiny(tmp_path / "run", RECIPE, data=data, eval_data=str(some), steps=1, **scored)
    (score,) = json.loads((run_.folder / "metrics.json").read_text())["scores"]
    assert set(score["details"]["by_class"]) == {"1", "2"}
