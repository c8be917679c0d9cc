"""``ganzoo data check``."""

import json
import shlex

import pytest
from click.testing import CliRunner
from PIL import Image

from ganzoo.cli import main
from ganzoo.data import DataRequest, open_data
from ganzoo.errors import GanzooError
from ganzoo.training.setup import plan_and_data


def run(*words):
    return CliRunner().invoke(main, ["data", "check", *map(str, words)])


@pytest.fixture
def folder(tmp_path):
    """Six pictures in two classes: two of the same pixels, one of them grey, one broken."""
    for number in range(6):
        path = tmp_path / "my data" / ("cats" if number < 4 else "dogs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (max(number, 1) * 40, 0, 0)).save(path)
    Image.new("L", (40, 36), 90).save(tmp_path / "my data" / "cats" / "2.png")
    (tmp_path / "my data" / "dogs" / "5.png").write_text("no picture")
    return tmp_path / "my data"


def test_the_report(folder):
    result = run(folder, "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["count"] == 5 and report["classes"] == {"cats": 4, "dogs": 1}
    assert report["sizes"] == {"32x32": 4, "40x36": 1} and report["modes"] == {"RGB": 4, "L": 1}
    assert report["duplicates"] == [["cats/0.png", "cats/1.png"]]
    assert [bad["name"] for bad in report["bad"]] == ["dogs/5.png"] and "not a picture" in report["bad"][0]["reason"]
    assert report["resolution"] == 32 and report["channels"] == 3
    assert all(recipe["resolution"] == 32 for recipe in report["recipes"])


def test_bad_pictures_are_a_failure_unless_they_are_to_be_skipped(folder):
    assert run(folder).exit_code == 1
    skipped = run(folder, "--skip-bad")
    assert skipped.exit_code == 0 and "dogs/5.png" in skipped.stdout
    (folder / "dogs" / "5.png").unlink()
    assert run(folder).exit_code == 0


def test_the_next_line_can_be_typed(folder):
    line = run(folder).stdout.strip().splitlines()[-1]
    words = shlex.split(line.removeprefix("next: "))
    assert words[:2] == ["ganzoo", "train"] and words[4] == str(folder) and words[-1] == "--skip-bad"


def test_a_preview_is_written(folder, tmp_path):
    assert run(folder, "--skip-bad", "--out", tmp_path / "grid.png").exit_code == 0
    with Image.open(tmp_path / "grid.png") as image:
        assert image.width > 5 * 32 and image.mode == "RGB"
    refused = run(folder, "--out", tmp_path / "grid.jpg")
    assert refused.exit_code == 2 and "PNG" in refused.stderr


def test_recipes_that_need_labels_do_not_fit_data_without(tmp_path):
    for number in range(3):
        Image.new("L", (28, 28), number).save(tmp_path / f"{number}.png")
    report = json.loads(run(tmp_path, "--json").stdout)
    fits = {fit["recipe"]: fit["resolution"] for fit in report["recipes"]}
    assert report["classes"] is None and report["channels"] == 1
    assert fits["dcgan"] == 32 and fits["gan"] == 28 and "acgan" not in fits
    assert "label" in next(no["reason"] for no in report["unfit"] if no["recipe"] == "acgan")
    assert report["next"].endswith("--resolution 32")


def test_a_named_data_set(tmp_path):
    report = json.loads(run("digits", "--json").stdout)
    assert report["count"] == 1438 and report["sizes"] == {"8x8": 1438} and report["resolution"] == 32
    assert report["classes"]["0"] == 151 and report["bad"] == []


def test_names_from_files_cannot_steer_the_terminal(tmp_path):
    for number in range(2):
        Image.new("L", (16, 16), number).save(tmp_path / f"{number}.png")
    (tmp_path / "x\x1b[2J.png").write_text("no")
    result = run(tmp_path)
    assert "\x1b" not in result.stdout and r"x\x1b[2J.png" in result.stdout


@pytest.mark.parametrize("what, status", [("dgits", 1), ("no/such.zip", 1), (".", 1)])
def test_no_data(tmp_path, monkeypatch, what, status):
    monkeypatch.chdir(tmp_path)
    result = run(what)
    assert result.exit_code == status and result.stderr.startswith("ganzoo: error: ")
    assert len(result.stderr.strip().splitlines()) == 1


def test_only_bad_pictures(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.png").write_text("no")
    result = run(tmp_path, "--skip-bad")
    assert result.exit_code == 1 and "0 images" in result.stdout and "1.png" in result.stdout


# --- fits that fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["plain", "classes"])
def test_what_fits_can_be_trained_and_what_does_not_cannot(tmp_path, value, monkeypatch):
    for number in range(4):
        colour = (200, 40 * number, 250 - number)
        for path in (tmp_path / "plain" / f"{number}.png", tmp_path / "classes" / "ab"[number % 2] / f"{number}.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), colour).save(path)
    monkeypatch.chdir(tmp_path)
    report = json.loads(run(value, "--json").stdout)
    data = open_data(value, DataRequest())
    for fit in report["recipes"]:
        if fit["resolution"] == report["resolution"]:
            plan_and_data(fit["recipe"], data, DataRequest(), {}, [])
    for fit in report["unfit"]:
        with pytest.raises(GanzooError):
            plan_and_data(fit["recipe"], data, DataRequest(), {}, [])
    assert any(fit["recipe"] == "dcgan" for fit in report["recipes"])


def test_every_word_behind_a_colon_that_is_documented_leads_to_its_data_set():
    assert "did you mean stl10:unlabeled" in run("unlabeled").stderr and "celeba:Smiling" in run("Smiling").stderr
