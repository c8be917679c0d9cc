"""Neighbours of samples: the search against one by hand, planted copies, and what is said of memorisation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from tiny_models import saved
from torch import Tensor

from ganzoo.cli import main
from ganzoo.data import ImageData
from ganzoo.data.holdout import HoldOut
from ganzoo.data.images import MemoryImages
from ganzoo.errors import UsageError
from ganzoo.gan.builder import build
from ganzoo.metrics import features
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.scoring.neighbours import (
    FEATURES,
    PIXELS,
    Nearest,
    Neighbours,
    find,
    nearer_share,
    share_error,
    training_images,
)


def pictures(n: int, seed: int, channels: int = 3) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, 16, 16), generator=rng, dtype=torch.uint8)


def data(pixels: Tensor, name: str = "data") -> ImageData:
    return ImageData(name, MemoryImages(pixels))


class Means(torch.nn.Module):
    """Features that are means of the four quarters of an image."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(x[:, :1], 2).flatten(1)


NETWORK = FeatureNetwork(
    "means", 16, 16, True, "0" * 64, "bilinear", False, False, Means().eval(), torch.device("cpu")
)  # fmt: skip


def test_neighbours_are_those_of_all_distances() -> None:
    training, samples, unseen = pictures(50, 0), pictures(9, 1), pictures(20, 2)
    found = find(data(samples), data(training), data(unseen, "held"), NETWORK, n=9, k=4, batch=7)
    drawn = found.samples.double().flatten(1)
    apart = (drawn[:, None] - training.double().flatten(1)[None]).square().mean(2).sqrt() / 255
    expected, order = apart.topk(4, largest=False)
    assert torch.equal(found.near[PIXELS].places, order)
    assert torch.allclose(found.near[PIXELS].distances.double(), expected, atol=1e-6)
    seen, known = NETWORK(found.samples)[0], NETWORK(training)[0]
    assert torch.equal(found.near[FEATURES].places, torch.cdist(seen, known).topk(4, largest=False)[1])
    assert len(found.held[PIXELS].first) == 9, "as many held-out images as samples"
    shown = found.table(2)
    nearest = int(found.near[FEATURES].first.argmin())
    assert shown.shape == (18, 3, 16, 16) and torch.equal(shown[0], found.samples[nearest])
    assert torch.equal(shown[1], training[order[nearest, 0]])


def test_a_copy_is_found_exactly_and_said_to_be_one() -> None:
    training = pictures(80, 0)
    samples = torch.cat([training[17:18], pictures(3, 5)])
    found = find(data(samples), data(training), None, NETWORK, n=4, k=1, batch=16)
    place = [torch.equal(one, training[17]) for one in found.samples].index(True)
    assert found.copies == 1 and found.near[PIXELS].places[place, 0] == 17 and found.near[PIXELS].first[place] == 0
    assert "1 sample of 4 equal a training image pixel by pixel" in found.sentence()


def test_a_change_of_one_level_is_no_copy() -> None:
    training = pictures(30, 0)
    changed = training[:2].clone()
    changed[:, 0, 0, 0] = changed[:, 0, 0, 0] ^ 1
    found = find(data(changed), data(training), None, NETWORK, n=2, k=1)
    assert found.copies == 0
    assert torch.allclose(found.near[PIXELS].first, torch.full((2,), (1 / 768) ** 0.5 / 255))
    assert "say nothing of memorisation" in found.sentence()


def test_the_share_of_pairs_is_mann_and_whitneys() -> None:
    a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 5.0])
    assert nearer_share(a, b) == (2 + 1.5 + 1) / 6
    assert nearer_share(a, a) == 0.5
    rng = torch.Generator().manual_seed(0)
    drawn = [nearer_share(*torch.rand(2, 20, generator=rng)) for _ in range(500)]
    assert np.std(drawn) == pytest.approx(share_error(20, 20), rel=0.1)


def near(distances: Tensor) -> dict[str, Nearest]:
    one = Nearest(torch.zeros(len(distances), 1, dtype=torch.int64), distances[:, None])
    return {PIXELS: one, FEATURES: one}


@pytest.mark.parametrize(("shift", "said"), [(-0.5, "a sign of copying, of samples plainer"), (0.0, "as near to"),
                                             (0.5, "farther from")])  # fmt: skip
def test_what_is_said_of_samples_without_copies(shift: float, said: str) -> None:
    held = torch.linspace(1, 2, 60)
    found = Neighbours(pictures(60, 0), near(held + shift), near(held), 0, data(pictures(4, 1)))
    assert said in found.sentence()
    assert ("rare copies" in found.sentence()) == (shift >= 0), "what it cannot say"


def test_what_a_training_held_out_is_held_out_here_too() -> None:
    whole = data(pictures(100, 0))
    held = HoldOut.drawn(whole, 3)
    gan = build("dcgan:ch=4", 16, 3)
    gan.config = {"dataset": {"fingerprint": held.divide(whole)[0].fingerprint, "valid": held.record()}}
    training, unseen = training_images(gan, whole, None, None)
    assert unseen is not None and (training.count, unseen.count) == (90, 10)
    gan.config = {"dataset": {}}
    assert training_images(gan, whole, None, None) == (whole, None), "there is no other split"
    other = data(pictures(5, 9), "other")
    assert training_images(gan, whole, None, other)[1] == other
    with pytest.raises(UsageError, match="are those of data themselves"):
        training_images(gan, whole, None, replace(whole, name="again"))


# --- the command --------------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    asked = f"{OFFLINE_NETWORK} 16"
    monkeypatch.setattr(
        features, "open_network", lambda name, size, *others: NETWORK if f"{name} {size}" == asked else 0
    )
    for name, seed in (("train", 0), ("test", 1)):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures(12, seed).permute(0, 2, 3, 1).numpy()):
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_the_command_shows_distances_and_a_sentence(place: Path) -> None:
    saved(place / "model")
    words = ("neighbours", "model", "--data", "train", "-n", 6)
    result = run(*words, "--held-out", "test", "-k", 2, "--rows", 3)
    assert result.exit_code == 0, result.output
    assert "note: train is not what the model says that it was trained on" in result.stderr
    assert "median of samples" in result.stdout and "training images" in result.stdout
    width, height = Image.open("model-neighbours.png").size
    assert width / height == pytest.approx(5 / 3, rel=0.05)
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["held_out"] == 0 and found["samples"] == 6 and found["training"] == 12 and found["sentence"]
    assert found["pixels"]["samples"] > 0 and found["features"]["samples_nearer"] is None


def test_a_folder_of_copies_is_told(place: Path) -> None:
    result = run("neighbours", "train", "--data", "train")
    assert "12 samples of 12 equal a training image pixel by pixel" in result.stdout, result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--held-out", "train"), "the held-out images are those of train themselves"),
        (("--out", "a.gif"), "write a name that ends in .png"),
        (("--step", "first"), "--step first does not work"),
    ],
)
def test_wrong_use_is_said_in_one_line(place: Path, words: tuple[str, ...], said: str) -> None:
    result = run("neighbours", "test", "--data", "train", *words)
    assert result.exit_code == 2 and said in result.stderr and len(result.stderr.splitlines()) == 1, result.output
    assert not list(place.glob("*.png")) and not list(place.glob("*.gif"))
