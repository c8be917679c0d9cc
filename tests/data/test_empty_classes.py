"""Classes that no picture is of: said, kept as numbers, and never drawn unless somebody asks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from tiny_models import change_config
from tiny_runs import tiny

import ganzoo
from ganzoo.card.pictures import draw_classes
from ganzoo.cli import main
from ganzoo.data import open_data
from ganzoo.errors import ModelError
from ganzoo.folder.model import ModelFolder
from ganzoo.gan.fake_labels import DRAWS
from ganzoo.metrics.subjects import Generated

RECIPE = "dcgan:ch=4+cbn@g"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of classes 1 and 3; of 0 and 2 there are none."""
    folder = tmp_path_factory.mktemp("numbered")
    rng = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(folder / f"{number}.png")
    labels = [[f"{number}.png", 1 + 2 * (number % 2)] for number in range(12)]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("runs") / "run", RECIPE, data=str(data), steps=1).folder


def run(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def test_data_check_says_which_classes_are_empty(data: Path) -> None:
    said = run("data", "check", data)
    assert "4 classes, 2 of them without pictures" in said and "2 classes have no pictures, '0', '2'" in said
    report = json.loads(CliRunner().invoke(main, ["data", "check", str(data), "--json"]).stdout)
    assert report["empty_classes"] == ["0", "2"] and any("no pictures" in text for text in report["remarks"])


def test_train_says_it(data: Path, tmp_path: Path) -> None:
    small = ("--steps", 1, "--batch", 4, "--device", "cpu", "--out", tmp_path / "run")
    assert "2 classes have no pictures, '0', '2'" in run("train", RECIPE, "--data", data, *small)


def test_a_class_without_pictures_is_drawn_only_when_it_is_asked_for(model: Path, data: Path, tmp_path: Path) -> None:
    gan = ganzoo.load(model)
    assert gan.classes == 4 and gan.class_counts == (0, 6, 0, 6)
    assert gan.default_labels(5).tolist() == [1, 3, 1, 3, 1]
    assert gan.default_labels(3, start=1).tolist() == [3, 1, 3]
    run("sample", model, "-n", 4, "--out", tmp_path / "some.npz")
    assert np.load(tmp_path / "some.npz")["labels"].tolist() == [1, 3, 1, 3]
    run("sample", model, "-n", 2, "--label", "0", "--out", tmp_path / "asked.npz")
    assert np.load(tmp_path / "asked.npz")["labels"].tolist() == [0, 0]
    scored = [labels for _, labels in Generated.of(gan, open_data(data)).batches(6, 0, 4)]
    assert torch.cat([one for one in scored if one is not None]).tolist() == [1, 3] * 3
    drawn = DRAWS["uniform"](gan, torch.zeros(64, dtype=torch.int64), 64)
    assert drawn is not None and set(drawn.tolist()) == {1, 3}


def test_the_cards_rows_are_of_classes_with_pictures(model: Path, tmp_path: Path) -> None:
    said = draw_classes(ganzoo.load(model), ModelFolder(model), tmp_path / "classes.png")
    assert said is not None and "A row for each of 2 of 4 classes" in said


@pytest.mark.parametrize("counts", [[1], [0, 6, 0, -6], [0, 6, 0, "6"], [0, 6, 0, 6.5], [0, 6, 0, True]])
def test_counts_of_a_hostile_folder_are_refused(model: Path, tmp_path: Path, counts: Sequence[object]) -> None:
    copy = shutil.copytree(model, tmp_path / "copy")
    change_config(copy, class_counts=counts)
    with pytest.raises(ModelError, match="class_counts are not 4 whole numbers"):
        ganzoo.load(copy)
