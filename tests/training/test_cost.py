"""What a size that nobody chose costs is said before the first step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import ganzoo
from ganzoo.cli import main
from ganzoo.training import cost

RECIPE = "gan:ch=4"


def photos(folder: Path, width: int, height: int) -> Path:
    """Two pictures of noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def train(data: Path, out: Path, *words: object, recipe: str = RECIPE) -> str:
    fixed = ("--data", data, "--out", out, "--steps", 1, "--batch", 8, "--device", "cpu", "--set", "standing=0")
    done = CliRunner().invoke(main, [str(word) for word in ("train", recipe, *fixed, *words)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What costs little here costs much in these tests."""
    monkeypatch.setattr(cost, "CHEAP", 8)


def test_the_size_the_time_and_the_way_out_are_said_before_training(tmp_path: Path) -> None:
    said = train(photos(tmp_path / "photos", 50, 40), tmp_path / "run", recipe="dcgan:ch=4")
    (line,) = [line for line in said.splitlines() if "photos: pictures" in line]
    assert re.search(
        r"pictures of 50x40 pixels are trained at 32x40 \(height first\), as no --resolution was given;"
        r" a step of 8 images takes about [\d.e-]+ s here, 1 of them [\d.e-]+ s;"
        r" --resolution (\w+) has [\d.]+ times fewer pixels",
        line,
    )
    smaller = re.search(r"--resolution (\w+) has ([\d.]+) times", line)
    assert smaller is not None and float(smaller[2]) > 1
    assert "was given" not in train(
        tmp_path / "photos", tmp_path / "small", "--resolution", smaller[1], recipe="dcgan:ch=4"
    )


def test_a_size_that_is_small_or_was_asked_for_needs_no_word(tmp_path: Path) -> None:
    assert "--resolution" not in train(photos(tmp_path / "small", 8, 8), tmp_path / "one")
    assert "--resolution" not in train(photos(tmp_path / "large", 16, 16), tmp_path / "two", "--resolution", 16)


def test_pictures_that_are_not_square_keep_their_proportions(tmp_path: Path) -> None:
    assert "--resolution 8x16 has 4 times fewer pixels" in train(photos(tmp_path / "wide", 32, 16), tmp_path / "run")


def test_what_cannot_be_timed_is_said_without_a_time(tmp_path: Path) -> None:
    said = train(photos(tmp_path / "photos", 16, 16), tmp_path / "run", "--set", "accumulate.d=8")
    assert "trained at 16x16, as no --resolution was given; --resolution 8" in said


def test_timing_changes_no_number(tmp_path: Path) -> None:
    data = photos(tmp_path / "photos", 16, 16)
    runs = [
        ganzoo.train(RECIPE, data, out=tmp_path / name, steps=1, batch=4, resolution=size, device="cpu")
        for name, size in (("timed", None), ("plain", 16))
    ]
    first, second = ((run.folder / "model.safetensors").read_bytes() for run in runs)
    assert first == second
