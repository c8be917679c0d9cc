"""What ``ganzoo train`` suggests to someone who named no recipe."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import UsageError
from ganzoo.training import suggest

STUDY = {
    "small": {
        "recipe": "dcgan:ch=16+lecam", "settings": {"lr.g": "1e-3"}, "batch": 64, "budget": "10m", "why": "KID 0.5",
    },
    "labels": {"recipe": "dcgan:ch=16+ac", "settings": {}, "batch": 32, "budget": "10m", "why": "accuracy 97%"},
    "time": {"recipe": "sngan:ch=32", "settings": {}, "batch": 16, "budget": "10m", "why": "KID 0.2"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder to work in, and a study that has answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suggest, "_study", lambda: STUDY)
    return tmp_path


def pictures(folder, count, classes=()):
    for number in range(count):
        place = folder / (classes[number % len(classes)] if classes else "")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(place / f"{number}.png")


def said(*words):
    result = CliRunner().invoke(main, ["train", *words])
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1, result.output
    return result.stderr


def test_few_pictures(here):
    pictures(here / "few", 3)
    assert said("--data", "few") == (
        "ganzoo: error: RECIPE is missing; the study suggests for 3 images, which is little data (KID 0.5): ganzoo"
        " train dcgan:ch=16+lecam --data few --batch 64 --set lr.g=1e-3 --budget 10m\n"
    )
    assert sorted(path.name for path in here.iterdir()) == ["few"], "nothing is written"


def test_many_pictures_with_classes_and_without(here, monkeypatch):
    monkeypatch.setattr(suggest, "FEW", 4)
    pictures(here / "classes", 4, ("cat", "dog"))
    pictures(here / "plain", 4)
    assert "for 4 images with classes (accuracy 97%): ganzoo train dcgan:ch=16+ac --data classes" in said(
        "--data", "classes"
    )
    assert "for 4 images (KID 0.2): ganzoo train sngan:ch=32 --data plain" in said("--data", "plain")


def test_a_named_data_set_is_not_opened(monkeypatch):
    monkeypatch.setattr("ganzoo.data.open.open_data", lambda *_: pytest.fail("it was opened"))
    assert "for images with classes (accuracy 97%): ganzoo train dcgan:ch=16+ac --data cifar10" in said(
        "--data", "cifar10"
    )
    assert "the study suggests (KID 0.2): ganzoo train sngan:ch=32 --data celeba" in said("--data", "celeba")


@pytest.mark.parametrize("data", ["./nowhere", "nosuch", "hf:org/name", "pairs:gray:cifar10"])
def test_data_that_cannot_be_looked_at(data):
    assert f"sngan:ch=32 --data {data} " in said("--data", data)


def test_without_data():
    assert said() == (
        "ganzoo: error: RECIPE is missing, and so is --data; the study suggests (KID 0.2): ganzoo train sngan:ch=32"
        " --data digits --batch 16 --budget 10m\n"
    )


def test_an_answer_that_is_not_there_yet_falls_back(here, monkeypatch):
    pictures(here / "few", 3)
    monkeypatch.setattr(suggest, "_study", lambda: {**STUDY, "small": None})
    assert "sngan:ch=32 --data few" in said("--data", "few")
    monkeypatch.setattr(suggest, "_study", lambda: dict.fromkeys(STUDY))
    assert said("--data", "few") == "ganzoo: error: RECIPE is missing: ganzoo train dcgan+sn+hinge --data few\n"


def test_python_is_told_the_same():
    with pytest.raises(UsageError, match=r"RECIPE is missing; the study suggests \(KID 0.2\): .* --data D "):
        ganzoo.train(data=[1, 2, 3])


def test_a_run_that_is_to_go_on_needs_no_recipe():
    assert "there is no folder" in CliRunner().invoke(main, ["train", "--resume", "run"]).stderr
    assert "--fork needs a run" in CliRunner().invoke(main, ["train", "--fork", "new"]).stderr


def test_every_suggestion_that_is_shipped_can_be_trained():
    shipped = json.loads((suggest.files("ganzoo.training") / "suggested.json").read_text())
    assert shipped.keys() == STUDY.keys()
    for found in filter(None, shipped.values()):
        ganzoo.build(found["recipe"], resolution=32, classes=10, device="meta", settings=found["settings"])


def test_torch_is_not_imported_where_there_is_no_data_to_look_at():
    program = (
        "import sys; from ganzoo.training.suggest import suggestion; suggestion(None); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
