"""Scores of images that are not square, or not grey or RGB of 8 bits, say what the network saw."""

from pathlib import Path

import numpy as np
import pytest
import torch
from eval_runs import NETWORK, ganzoo

import ganzoo as library
from ganzoo.data import open_data
from ganzoo.errors import UsageError
from ganzoo.folder.scores import read_scores
from ganzoo.metrics import evaluate

SEEN = {
    (1, 8): "stretched to squares",
    (4, 8): "alpha over a checkerboard, stretched to squares",
    (8, 8): "the first three of 8 channels, stretched to squares",
    (3, 16): "8 of 16 bits, stretched to squares",
}


def pixels(count: int, channels: int, bits: int) -> np.ndarray:
    kind = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(0).integers(0, 2**bits, (count, channels, 16, 32)).astype(kind)


@pytest.mark.parametrize("case", SEEN, ids=str)
def test_a_model_of_any_shape_is_scored_and_the_record_says_what_was_seen(
    case: tuple[int, int], tmp_path: Path
) -> None:
    np.save(tmp_path / "real.npy", pixels(24, *case))
    library.train("gan:ch=4", str(tmp_path / "real.npy"), tmp_path / "run", 1, batch=4, device="cpu", quiet=True)
    words = ("--metrics", "fd,kid", "-n", 20, "--features", NETWORK)
    said = ganzoo("eval", tmp_path / "run", "--data", tmp_path / "real.npy", *words)
    assert f"networks saw {SEEN[case]}" in said.output
    scores = read_scores(tmp_path / "run")
    assert {score.details["shown"] for score in scores} == {SEEN[case]} and len(scores) == 2
    again = ganzoo("verify", tmp_path / "run", "--data", tmp_path / "real.npy", "--tolerance", "0.01")
    assert "fails" not in again.output


def test_squares_of_grey_and_rgb_say_nothing() -> None:
    data = open_data(torch.randint(256, (24, 3, 16, 16), dtype=torch.uint8))
    (score,) = evaluate(data, data, metrics="fd", n=20, features=NETWORK)
    assert "shown" not in score.details


def test_images_of_another_shape_are_refused() -> None:
    real, fake = open_data(pixels(4, 4, 8)), open_data(pixels(4, 3, 8))
    with pytest.raises(UsageError, match=r"16x32.*channels"):
        evaluate(fake, real, metrics="fd", n=4, features=NETWORK)
