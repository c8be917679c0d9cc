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

import ganzoo
from ganzoo.card import add_neighbours, make_card
from ganzoo.cli import main
from ganzoo.data import ImageData
from ganzoo.data.holdout import HoldOut
from ganzoo.data.images import MemoryImages
from ganzoo.errors import ModelError, UsageError
from ganzoo.folder.layout import largest
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.neighbours import FEATURES, PIXELS, read_neighbours, share_error
from ganzoo.gan.builder import build
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.scoring import drawn
from ganzoo.scoring.neighbours import Nearest, Neighbours, add_to_card, find, nearer_share, training_images


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


def test_a_copy_but_for_rounding_is_told_apart_from_one_of_every_pixel() -> None:
    training = pictures(30, 0)
    changed = training[:2].clone()
    changed[:, 0, 0, 0] = changed[:, 0, 0, 0] ^ 1
    found = find(data(changed), data(training), None, NETWORK, n=2, k=1)
    assert found.copies == 0 and found.numbers()["copies_but_for_rounding"] == 2
    assert torch.allclose(found.near[PIXELS].first, torch.full((2,), (1 / 768) ** 0.5 / 255))
    assert "2 samples of 2 equal a training image but for rounding" in found.sentence()
    far = (training[:2].int() + torch.tensor([-6, 6])[:, None, None, None]).clamp(0, 255).byte()
    found = find(data(far), data(training), None, NETWORK, n=2, k=1)
    assert found.numbers()["copies_but_for_rounding"] == 0 and "say nothing of memorisation" in found.sentence()


class Memorising(torch.nn.Module):
    """A generator that gives back the training images, by the noise; with an error, others of their kind."""

    layers = None

    def __init__(self, images: Tensor, error: float) -> None:
        super().__init__()
        self.images, self.error, self.weight = images.float() / 127.5 - 1, error, torch.nn.Parameter(torch.zeros(()))

    def prior(self, n: int, rng: torch.Generator, truncation: float | None = None) -> Tensor:
        return torch.randn(n, 8, generator=rng)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        noise = torch.stack([one * torch.linspace(-1, 1, 16)[:, None] for one in z[:, 1:4].sign().flatten()])
        places = (z[:, 0].abs() * 1e4).long() % len(self.images)
        return self.images[places] + self.error * noise.reshape(len(z), 3, 16, 1)


def smooth(n: int, seed: int) -> Tensor:
    """Pictures of a few waves, alike enough to have neighbours."""
    rng = torch.Generator().manual_seed(seed)
    small = torch.randn(n, 3, 3, 3, generator=rng)
    large = torch.nn.functional.interpolate(small, 16, mode="bicubic")
    return (large * 60 + 127).clamp(0, 255).byte()


@pytest.mark.parametrize(
    ("error", "said"),
    [(0.0, "64 samples of 64 equal a training image pixel by pixel; of held-out images 0 of 64: the model draws cop"),
     (0.01, "64 samples of 64 equal a training image but for rounding"),
     (0.06, "a sign of copying")],
)  # fmt: skip
def test_a_model_that_memorised_is_called_so(error: float, said: str) -> None:
    training = smooth(100, 0)
    gan = build("dcgan:ch=4", 16, 3, z_dim=8)
    gan.G = Memorising(training, error)
    found = find(gan, data(training), data(smooth(100, 1), "held"), NETWORK, n=64, k=2)
    assert said in found.sentence()


def test_an_honest_model_is_not_called_a_copier() -> None:
    found = find(data(smooth(100, 2)), data(smooth(100, 0)), data(smooth(100, 1), "held"), NETWORK, n=100, k=1)
    assert found.copies == 0 and "no sign of copying" in found.sentence()


def test_data_that_repeat_themselves_are_no_sign_of_copying() -> None:
    training, held = smooth(100, 0), smooth(60, 1)
    held[:20], samples = training[:20], torch.cat([training[30:50], smooth(40, 2)])
    found = find(data(samples), data(training), data(held, "held"), NETWORK, n=60, k=1)
    assert found.copies == 20
    assert "of held-out images 20 of 60 do, as the data repeat themselves: no sign of copying" in found.sentence()
    found = find(data(training[:60]), data(training), data(held, "held"), NETWORK, n=60, k=1)
    assert "the model draws copies" in found.sentence()


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
    monkeypatch.setattr(drawn, "open_network", lambda name, size, *_: NETWORK if f"{name} {size}" == asked else 0)
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
    assert "warning: train is not what the model says that it was trained on" in result.stderr
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
        (("--card",), "--card draws into the folder of a model, and test is no such folder here"),
        (("--held-out", "train"), "the held-out images are those of train themselves"),
        (("--out", "a.gif"), "write a name that ends in .png"),
        (("--step", "first"), "--step first does not work"),
    ],
)
def test_wrong_use_is_said_in_one_line(place: Path, words: tuple[str, ...], said: str) -> None:
    result = run("neighbours", "test", "--data", "train", *words)
    assert result.exit_code == 2 and said in result.stderr and len(result.stderr.splitlines()) == 1, result.output
    assert not list(place.glob("*.png")) and not list(place.glob("*.gif"))


# --- the card -----------------------------------------------------------------------------------------------


def test_the_card_gets_a_strip_that_stays_with_the_weights(place: Path) -> None:
    saved(place / "model")
    assert run("card", "model").exit_code == 0
    card, plain = place / "model" / "README.md", (place / "model" / "README.md").read_text()
    assert "neighbours.png" not in plain
    words = ("neighbours", "model", "--data", "train", "-n", 6, "-k", 2)
    result = run(*words, "--held-out", "test", "--card")
    assert result.exit_code == 0 and "README.md shows them: these images of train are published" in result.stderr
    text = card.read_text()
    assert "](pictures/neighbours.png)" in text and "`ganzoo neighbours ./model --data digits`" in text
    assert "Of 6 samples those that lie nearest to any of the 12 images of train: left the sample" in text
    assert json.loads(run(*words, "--held-out", "test", "--json").stdout)["sentence"][1:].split(":")[0] in text
    width, height = Image.open(place / "model" / "pictures" / "neighbours.png").size
    assert width <= 640 and width / height == pytest.approx(5 / 4, rel=0.05)
    assert largest("pictures/neighbours.png"), "published"
    assert run("card", "model").exit_code == 0 and card.read_text() == text, "what draws the card anew leaves it there"
    assert run("card", "model", "--check").exit_code == 0
    saved(place / "other", seed=3)
    (place / "other" / "model.safetensors").replace(place / "model" / "model.safetensors")
    assert run("card", "model").exit_code == 0
    assert "neighbours.png" not in card.read_text() and not (place / "model" / "pictures" / "neighbours.png").exists()


def test_a_card_that_a_person_changed_stays_as_it_was(place: Path) -> None:
    saved(place / "model")
    assert run("card", "model").exit_code == 0
    card = place / "model" / "README.md"
    card.write_text(card.read_text() + "\nmine\n")
    result = run("neighbours", "model", "--data", "train", "-n", 4, "--card")
    assert result.exit_code == 0 and "shows them once made again: ganzoo card model" in result.stderr
    assert card.read_text().endswith("mine\n") and "neighbours.png" not in card.read_text()
    assert run("card", "model").exit_code == 0 and "neighbours.png" in card.read_text()


def test_a_strip_of_a_step_or_of_other_weights_is_refused(place: Path) -> None:
    saved(place / "model")
    result = run("neighbours", "model", "--data", "train", "--card", "--step", 7)
    assert result.exit_code == 2 and "leave --step out" in result.stderr
    found = ganzoo.neighbours("./model", "./train", n=4, k=1)
    saved(place / "other", seed=3)
    with pytest.raises(UsageError, match="look for them again"):
        add_to_card(found, ModelFolder(place / "other"))
    found.save(place / "found.png", rows=2)
    assert Image.open(place / "found.png").size[0] > 0 and found.weights == ModelFolder(place / "model").digest


def test_what_cannot_be_meant_is_refused_by_name(place: Path) -> None:
    for wrong in ({"n": 0}, {"k": 0}, {"batch": 0}, {"seed": "first"}):
        (name,) = wrong
        with pytest.raises(UsageError, match=name):
            ganzoo.neighbours("./test", "./train", **wrong)


# --- the record ---------------------------------------------------------------------------------------------


def record_of(folder: Path) -> Path:
    return folder / "pictures" / "neighbours.json"


def test_the_card_tells_memorised_from_new_by_what_was_measured(place: Path) -> None:
    saved(place / "model")
    assert run("card", "model").exit_code == 0
    words = ("neighbours", "model", "--data", "train", "--held-out", "test", "-n", 6, "-k", 2, "--seed", 4)
    assert run(*words, "--card").exit_code == 0
    numbers = json.loads(run(*words, "--json").stdout)
    kept = json.loads(record_of(place / "model").read_text())
    assert {name: kept[name] for name in numbers if name in kept} == {
        name: value for name, value in numbers.items() if name in kept
    } and {"pixels", "features", "copies", "held_out"} <= kept.keys()
    assert kept["data"]["count"] == 12 and kept["data"]["fingerprint"] != kept["held_out_data"]["fingerprint"]
    assert kept["network"] == NETWORK.record() and kept["weights"] == ModelFolder(place / "model").digest
    text = (place / "model" / "README.md").read_text()
    section = text.partition("## Nearest training images")[2].partition("\n## ")[0]
    assert "| in pixels | " in section and "| in features of `means` | " in section
    for kind in ("pixels", "features"):
        assert f"{numbers[kind]['samples_nearer']:.0%} of pairs" in section
    assert "6 of the 12 images of test" in section and f"`{kept['data']['fingerprint']}`" in section
    assert "ganzoo neighbours ./model --data digits -n 6 -k 2 --seed 4" in section
    assert "it may have been trained on" in section, "the model says that it learned from other images"
    assert run("push", "model", "./there", "--license", "mit", "--unscored").exit_code == 0
    assert record_of(place / "there").read_bytes() == record_of(place / "model").read_bytes()
    assert section.partition("Look again")[0] in (place / "there" / "README.md").read_text()
    (place / "model" / "model.safetensors").unlink()
    saved(place / "other", seed=3)
    (place / "other" / "model.safetensors").replace(place / "model" / "model.safetensors")
    assert "Nearest training images" not in make_card(ModelFolder(place / "model"))
    assert run("card", "model").exit_code == 0 and not record_of(place / "model").exists()


def test_a_card_without_held_out_images_has_no_empty_columns(place: Path) -> None:
    saved(place / "model")
    assert run("card", "model").exit_code == 0
    assert run("neighbours", "model", "--data", "train", "-n", 5, "--card").exit_code == 0
    section = (place / "model" / "README.md").read_text().partition("## Nearest training images")[2]
    assert "held-out images |" not in section and "these distances say nothing of memorisation" in section
    found = read_neighbours(place / "model")
    assert found is not None and found.held_data is None and found.numbers["pixels"]["samples_nearer"] is None


def test_images_are_called_as_the_models_own_records_call_them(place: Path) -> None:
    saved(place / "model")
    found = ganzoo.neighbours("./model", "./train", held_out="./test", n=4, k=1)
    known = [{"name": "photos", "fingerprint": found.training.fingerprint, "count": 12},
             {"name": "photos", "fingerprint": found.record().held_data["fingerprint"], "split": "test"}]  # fmt: skip
    record = found.record().called_as_in(known)
    assert record.data["name"] == record.held_data["name"] == "photos" and record.held_data["split"] == "test"
    assert record.numbers == found.numbers() and found.record().called_as_in([]) == found.record()


SPOILT = [
    {"format": 2},
    {"samples": 0},
    {"copies": 7},
    {"weights": "none"},
    {"pixels": {"samples": 1e999}},
    {"features": None},
    {"network": {"name": "a\nb"}},
    {"data": {"name": ""}},
    {"sources": "elsewhere"},
    {"held_out_data": 3},
    {"each": "three"},
]


@pytest.mark.parametrize("change", SPOILT, ids=str)
def test_a_record_that_makes_no_sense_is_refused(place: Path, change: dict[str, object]) -> None:
    saved(place / "model")
    assert run("neighbours", "model", "--data", "train", "-n", 6, "--card").exit_code == 0
    path = record_of(place / "model")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=r"neighbours\.json"):
        make_card(ModelFolder(place / "model"))


def test_a_strip_of_large_noise_is_a_small_file(place: Path) -> None:
    saved(place / "model")
    noise = torch.randint(0, 256, (300, 2000, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    found = ganzoo.neighbours("./model", "./train", n=4, k=1)
    add_neighbours(ModelFolder(place / "model"), Image.fromarray(noise.numpy()), found.record())
    path = place / "model" / "pictures" / "neighbours.png"
    assert path.stat().st_size <= 200_000
    with Image.open(path) as picture:
        assert 160 <= picture.width <= 640


class Echo:
    """A translator that gives back what it is given."""

    input_names = frozenset({"source"})
    classes, class_names, class_counts, label_kind = 0, (), None, "class"

    def inputs(self, n: int, seed: int, labels: object, *, start: int, columns: dict[str, Tensor]) -> dict[str, Tensor]:
        return columns

    def generate(self, source: Tensor, batch: int) -> Tensor:
        return (source + 1) / 2


@pytest.mark.parametrize("column", ["paired", "unpaired"])
def test_a_translator_is_looked_at_by_sources_that_it_has_not_seen(column: str) -> None:
    training, unseen = (
        replace(data(smooth(40, seed), name), **{column: {"source": MemoryImages(smooth(40, seed))}})
        for name, seed in (("training", 0), ("held", 1))
    )
    found = find(Echo(), training, unseen, NETWORK, n=20, k=1)
    assert found.copies == 0 and found.record().sources == "held out"
    assert torch.equal(found.samples, smooth(40, 1)[:20])
    found = find(Echo(), training, None, NETWORK, n=20, k=1)
    assert found.copies == 20 and found.record().sources == "training"
    plain = find(Echo(), training, data(smooth(40, 1), "held"), NETWORK, n=20, k=1)
    assert plain.record().sources == "training", "held-out images without sources"
