"""The score of a refiner: what its images teach, and the two failures that look well."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from ganzoo_translate import refinement
from ganzoo_translate.refined import refined_accuracy
from ganzoo_translate.refinement import Refinement, learnt, measure
from torch import Tensor, nn

import ganzoo
from ganzoo import GAN, DataError, UsageError
from ganzoo.cli.kit import GROUPS, about_of, main, read_scores
from ganzoo.data import ImageData, MemoryImages


class Refiner(nn.Module):
    """Adds what it is told to; 0 leaves its images alone."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.weight = way, nn.Parameter(torch.zeros(1))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return {"same": z, "mix": z.roll(1, 0), "invert": -z}[self.way]


def refiner(way: str) -> GAN:
    gan = ganzoo.build("simgan:ch=4", resolution=16, channels=1)
    gan.G = Refiner(way)
    return gan


def stripes(n: int, side: int = 16, inverted: bool = False) -> tuple[Tensor, Tensor]:
    """Images of two classes, stripes that lie or stand, which anybody can tell apart; and their labels."""
    labels = torch.arange(n) % 2
    rng = torch.Generator().manual_seed(n)
    lying = (torch.arange(side)[:, None] // 2 % 2).expand(side, side)
    images = torch.stack([lying if label else lying.t() for label in labels])[:, None] * 200
    images = (images + torch.randint(0, 50, images.shape, generator=rng)).byte()
    return (255 - images if inverted else images), labels


def data(**changes: Any) -> ImageData:
    real, labels = stripes(60)
    source, source_labels = stripes(240)
    fields: dict[str, Any] = {
        "name": "stripes",
        "images": MemoryImages(real),
        "labels": labels,
        "class_names": ("standing", "lying"),
        "unpaired": {"source": MemoryImages(source), "source_label": source_labels},
    }
    return ImageData(**{**fields, **changes})


def test_a_refiner_that_changes_nothing_raises_the_alarm() -> None:
    found = measure(refiner("same"), data())
    assert found.moved == 0 and found.kept == 1 and found.refined == found.unrefined == 1
    assert [alarm.partition(":")[0] for alarm in found.alarms] == ["identity map"]
    assert (found.sources, found.real) == (200, 60)


def test_labels_that_drift_raise_the_alarm() -> None:
    found = measure(refiner("mix"), data())  # each gets its neighbour, which is of the other class
    assert found.kept < 0.5 and [alarm.partition(":")[0] for alarm in found.alarms] == ["labels drift"]


def test_a_refiner_that_refines_raises_none() -> None:
    """Its sources are negatives of the real images; turned into positives they teach what is wanted."""
    source, labels = stripes(240, inverted=True)
    negatives = data(unpaired={"source": MemoryImages(source), "source_label": labels})
    found = measure(refiner("invert"), negatives)
    assert found.refined == 1 and found.moved > 0.3 and found.gain == found.refined - found.unrefined


def test_alarms_by_number() -> None:
    good = Refinement(refined=0.95, unrefined=0.8, moved=0.05, kept=0.9, sources=5000, real=10000)
    assert good.alarms == [] and good.gain == pytest.approx(0.15)
    assert len(Refinement(0.95, 0.8, 0.005, 0.7, 5000, 10000).alarms) == 2
    assert Refinement(0.5, 0.2, 0.05, 0.55, 5000, 10000).alarms == []


def test_the_same_arguments_give_the_same_numbers_and_disturb_nothing() -> None:
    before = torch.get_rng_state()
    gan = ganzoo.build("simgan:ch=4", resolution=16, channels=1)
    torch.set_rng_state(before)
    first = measure(gan, data(), n=40, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert measure(gan, data(), n=40, seed=3) == first and first.sources == 40
    images, labels = stripes(20)
    one, other = (next(learnt(images, labels, 2, seed).parameters()) for seed in (0, 1))
    assert not torch.equal(one, other)


def test_what_it_cannot_be_measured_of() -> None:
    noise = ganzoo.build("dcgan:ch=4", resolution=16, channels=1)
    with pytest.raises(UsageError, match="does not refine source images"):
        measure(noise, data())
    with pytest.raises(DataError, match="rendered-digits:SOURCE has"):
        measure(refiner("same"), data(unpaired={"source": data().images}))
    with pytest.raises(DataError, match="have no labels to test on"):
        measure(refiner("same"), data(labels=None))
    with pytest.raises(DataError, match="1 classes of real images and 2 of sources"):
        measure(refiner("same"), data(class_names=("standing",), labels=torch.zeros(data().count, dtype=torch.int64)))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    options = {"batch": 4, "log_every": 1, "grid_every": 2, "save_every": 2, "quiet": True, "resolution": 16}
    ganzoo.train("simgan:ch=4", data="rendered-digits:digits", out=tmp_path / "run", steps=2, **options)
    return tmp_path / "run"


def test_the_command_keeps_the_score_and_verify_measures_it_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganzoo.scoring.verify import ScoreVerifier, verify

    monkeypatch.setattr(refinement, "EPOCHS", 1)
    arguments = [str(run), "--data", "rendered-digits:digits", "--split", "test", "-n", "200"]
    said = CliRunner().invoke(refined_accuracy, arguments, catch_exceptions=False)
    assert said.exit_code == 0 and said.output.startswith("refined-accuracy200-test@small-cnn")
    assert "learnt from sources as they are" in said.output
    (score,) = read_scores(run)
    assert score.dataset["name"] == "rendered-digits:digits" and score.higher_is_better and score.step == 2
    assert set(score.details) == {"unrefined", "gain", "real", "moved", "labels_kept", "alarms"}
    told = CliRunner().invoke(refined_accuracy, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(told.output)["score"]["value"] == score.value and len(read_scores(run)) == 1
    (verification,) = verify(run, ScoreVerifier("rendered-digits:digits"))
    assert verification.holds and verification.measured is not None and verification.measured.details == score.details


@pytest.mark.parametrize("words", [("{}", "--data", "x"), ("x", "--data", "{}")])
@pytest.mark.parametrize("path, why", [("", "it is empty"), ("~nosuchuser/x", "there is no user 'nosuchuser'")])
def test_paths_that_cannot_be_meant_are_refused(words: tuple[str, ...], path: str, why: str) -> None:
    result = CliRunner().invoke(refined_accuracy, [path if word == "{}" else word for word in words])
    assert result.exit_code == 2 and why in result.output


def test_the_command_has_a_group_and_two_examples() -> None:
    about = about_of(refined_accuracy)
    assert about.group in GROUPS and len(about.examples) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("example", about_of(refined_accuracy).examples, ids=lambda example: example.lines[0])
def test_an_example_does_what_it_says(example: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refinement, "EPOCHS", 1)
    shutil.copytree(run, tmp_path / "runs" / "refiner")
    monkeypatch.chdir(tmp_path)
    for line in example.lines:
        said = CliRunner().invoke(main, shlex.split(line)[1:])
        assert said.exit_code == 0 and "refined-accuracy" in said.output, said.output
