"""GAN-test and GAN-train: a classifier between real and generated images, on stripes that a class tells the way of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import Labelled, tiny
from tiny_stripes import Striped, stripes
from torch import Tensor

import ganzoo
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import UsageError
from ganzoo.gan.gan import GAN
from ganzoo.metrics import classifier, evaluate
from ganzoo.metrics.subjects import Generated

METRICS = ["gan-test:steps=25", "gan-train:steps=25"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def real() -> ImageData:
    return open_data(Striped(), DataRequest(split="all"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, GAN]:
    out = tmp_path_factory.mktemp("runs")
    recipes = {"labelled": "dcgan:ch=4+onehot", "unlabelled": "dcgan:ch=4"}
    return {name: ganzoo.load(tiny(out / name, recipe, data=Striped()).folder) for name, recipe in recipes.items()}


def drawing(monkeypatch: pytest.MonkeyPatch, shown: dict[int, int], labelled: bool = True) -> None:
    """Let every GAN draw, for a class asked for, stripes of the class that ``shown`` has for it."""

    def batches(self: Generated, n: int, seed: int, batch: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        for some in (torch.arange(n) % 3).split(batch):
            yield stripes(torch.tensor([shown[label] for label in some.tolist()])), some if labelled else None

    monkeypatch.setattr(Generated, "batches", batches)


def scores(model: GAN, real: ImageData, **options: Any) -> dict[str, Any]:
    """Scores by metric."""
    chosen = {"metrics": METRICS, "n": 60, "batch": 8, **options}
    return {score.metric: score for score in evaluate(model, real, **chosen)}


@pytest.mark.parametrize(
    ("shown", "accuracy", "covered"),
    [({0: 0, 1: 1, 2: 2}, 1, 3), ({0: 0, 1: 0, 2: 0}, 1 / 3, 1), ({0: 1, 1: 2, 2: 0}, 0, 3)],
    ids=["right", "one class", "labels mixed up"],
)
def test_images_are_read_as_what_they_show(
    shown: dict[int, int],
    accuracy: float,
    covered: int,
    models: dict[str, GAN],
    real: ImageData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawing(monkeypatch, shown)
    found = scores(models["labelled"], real)
    test, classes, train = found["gan-test"], found["classes-covered"], found["gan-train"]
    assert test.value == pytest.approx(accuracy) and test.floor == 1 and test.details["real"] == 12
    assert (classes.value, classes.floor, classes.details["of"]) == (covered, 3, 3)
    assert sum(classes.details["shares"].values()) == pytest.approx(1)
    assert train.value == pytest.approx(accuracy, abs=0.34) and train.floor == 1
    assert test.key == "gan-test:steps=25-60-all@small-cnn"


def test_a_share_decides_what_is_covered(
    models: dict[str, GAN], real: ImageData, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing(monkeypatch, {0: 0, 1: 0, 2: 2})
    found = scores(models["labelled"], real, metrics=["gan-test:steps=25,share=0.5"])
    assert found["classes-covered"].value == 1


def test_without_labels_classes_are_counted_and_nothing_else(models: dict[str, GAN], real: ImageData) -> None:
    assert set(scores(models["unlabelled"], real, metrics=["gan-test:steps=5"])) == {"classes-covered"}
    with pytest.raises(UsageError, match="asked for classes, and this one is not: try gan-test"):
        scores(models["unlabelled"], real, metrics=["gan-train:steps=5"])


def test_the_classifier_learns_once_and_numbers_do_not_depend_on_that(
    models: dict[str, GAN], real: ImageData, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_rng_state()
    first = scores(models["labelled"], real, metrics=METRICS[:1])
    assert torch.equal(torch.get_rng_state(), before)
    (kept,) = (cache / "scores").glob("small-cnn-*.safetensors")
    monkeypatch.setattr(classifier, "learnt", None)
    again = scores(models["labelled"], real, metrics=METRICS[:1])
    assert [one.value for one in first.values()] == [one.value for one in again.values()]
    monkeypatch.undo()
    monkeypatch.setenv("GANZOO_CACHE", str(cache))
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert scores(models["labelled"], real, metrics=METRICS[:1])["gan-test"].value == first["gan-test"].value


def test_what_cannot_be_measured_is_refused(models: dict[str, GAN], real: ImageData) -> None:
    plain = open_data(torch.zeros(40, 1, 16, 16, dtype=torch.uint8), DataRequest(split="all"))
    few = open_data(Labelled(18), DataRequest(split="all"))
    for metric in ("gan-test", "gan-train"):
        with pytest.raises(UsageError, match="has no class labels"):
            scores(models["unlabelled"], plain, metrics=[metric])
        with pytest.raises(UsageError, match="needs 20 real images at least"):
            scores(models["unlabelled"], few, metrics=[metric])
    for word in ("gan-test:steps=0", "gan-train:steps=0", "gan-test:share=0", "gan-test:share=1.5"):
        with pytest.raises(UsageError, match="does not work"):
            scores(models["labelled"], real, metrics=[word])


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (64, 32), (8, 8)], ids=str)
def test_images_are_seen_at_32_pixels_at_most(size: tuple[int, int]) -> None:
    for dtype, white in ((torch.uint8, 255), (torch.uint16, 65535)):
        shown = classifier.seen(torch.full((2, 3, *size), white, dtype=dtype))
        assert shown.dtype is torch.uint8 and shown.eq(255).all()
        assert max(shown.shape[2:]) == min(32, max(size)) and shown.shape[2] * size[1] == shown.shape[3] * size[0]
