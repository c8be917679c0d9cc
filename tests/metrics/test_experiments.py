"""Metrics that put the model itself to work, from registration to ``ganzoo verify``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import Labelled, tiny

import ganzoo
from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.folder.scores import read_scores
from ganzoo.gan.gan import GAN
from ganzoo.metrics import Experiment, Instrument, Value, evaluate, version_digest
from ganzoo.scoring.verify import ScoreVerifier, verify
from ganzoo.testing import check_component, plugin

NETWORK = "test_efficientnet:random"


class Gap(Experiment):
    """How far the mean of generated images is from that of real ones, in [0, 1]; found by drawing them itself."""

    def instrument(self, resolution: int) -> Instrument:
        return Instrument("ruler", resolution, version_digest("ruler", 1))

    def check(self, gan: GAN, data: ImageData) -> None:
        if data.labels is None:
            raise UsageError(f"gap wants labels, and {data.name} has none")
        if gan.input_names != {"z"}:
            raise UsageError("gap wants a model that draws from noise alone")

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value | float]:
        torch.rand(3)  # whatever it draws from the global generator
        drawn = gan.sample(n, seed=seed).mean().item()
        real = data.images.fetch(torch.arange(data.count)).float().mean().item() / 255
        return {"gap": Value(abs(drawn - real), floor=0.0, details={"drawn": drawn}), "gap-real": real}


class Careless(Gap):
    """Other numbers every time."""

    def __call__(self, gan: GAN, data: ImageData, *, n: int, seed: int, batch: int) -> dict[str, Value | float]:
        return {"careless": float(torch.rand(1))}


class Silent(Gap):
    """Refuses, and does not say why."""

    def check(self, gan: GAN, data: ImageData) -> None:
        raise UsageError("")


class Plain:
    """A metric of two samples that says it wants the model."""

    def __call__(self, real: Any, fake: Any) -> dict[str, float]:
        return {"plain": 0.0}


class Hooks:
    @ganzoo.hookimpl
    def register_metrics(self, register: Any) -> None:
        register("gap", Gap, requires={"model"}, aliases=("gap-real",))
        register("plain", Plain, requires={"model"})
        register("coy", Gap, requires={"moments"})
        register("careless", Careless, requires={"model"})
        register("silent", Silent, requires={"model"})


@pytest.fixture(autouse=True)
def hooks() -> Iterator[None]:
    with plugin(Hooks()):
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    tiny(out)
    return out


@pytest.fixture(scope="module")
def real() -> ImageData:
    return open_data(Labelled(40), DataRequest(split="all"))


def test_it_is_scored_without_a_feature_network_and_disturbs_nothing(run: Path, real: ImageData) -> None:
    gan = ganzoo.load(run)
    before = torch.get_rng_state()
    score, mean = evaluate(gan, real, metrics=["gap"], n=20, features="no network of this name")
    assert torch.equal(torch.get_rng_state(), before)
    assert (score.key, mean.key) == ("gap20-all@ruler", "gap-real20-all@ruler")
    assert score.value == abs(score.details["drawn"] - mean.value) and (score.floor, mean.floor) == (0.0, None)
    assert score.network["sha256"] == version_digest("ruler", 1) and score.resize == "none"


def test_it_keeps_its_place_among_other_metrics(run: Path, real: ImageData) -> None:
    gan = ganzoo.load(run)
    options: dict[str, Any] = {"n": 20, "features": NETWORK, "seeds": 2}
    mixed = evaluate(gan, real, metrics=["fid", "gap", "kid"], **options)
    assert [score.metric for score in mixed] == ["fd", "gap", "gap-real", "kid"]
    alone = evaluate(gan, real, metrics=["fid", "kid"], **options)
    assert [score.value for score in mixed if "gap" not in score.metric] == [score.value for score in alone]
    assert len(mixed[1].details["values"]) == 2 and mixed[1].std is not None


def test_what_is_recorded_is_verified(run: Path) -> None:
    ganzoo.evaluate(run, Labelled(40), metrics=["gap", "fid"], n=20, features=NETWORK)
    verifications = verify(run, ScoreVerifier(Labelled(40)))
    assert len(verifications) == 3 and all(verification.holds for verification in verifications)
    assert {score.key for score in read_scores(run)} >= {"gap20-all@ruler", "gap-real20-all@ruler"}


def test_training_can_go_by_it(tmp_path: Path) -> None:
    made = tiny(tmp_path / "run", eval_every=2, eval_n=10, metrics=["gap"], features=NETWORK)
    assert {score.metric for score in read_scores(made.folder)} == {"gap", "gap-real"}


def test_what_it_cannot_be_made_with_is_refused_before_it_starts(run: Path, tmp_path: Path) -> None:
    gan = ganzoo.load(run)
    plain = open_data(
        torch.zeros(20, gan.channels, gan.resolution, gan.resolution, dtype=torch.uint8), DataRequest(split="all")
    )
    with pytest.raises(UsageError, match="gap wants labels"):
        evaluate(gan, plain, metrics=["gap"], n=20)
    with pytest.raises(UsageError, match="puts a model to work, and tensor holds images, not a model"):
        evaluate(plain, plain, metrics=["gap"], n=20)
    with pytest.raises(UsageError, match="leave --floor out"):
        ganzoo.evaluate(run, Labelled(40), metrics=["gap"], n=20, floor=Labelled(90))


@pytest.mark.parametrize("name", ["plain", "coy"])
def test_what_is_no_experiment_or_hides_it_is_the_plugins_mistake(name: str, run: Path, real: ImageData) -> None:
    with pytest.raises(PluginError, match=f"metric/{name}: a ganzoo.metrics.Experiment, and no other"):
        evaluate(ganzoo.load(run), real, metrics=[name], n=20)


def test_conformance_tells_good_experiments_from_bad_ones() -> None:
    check_component("metric/gap")
    for name, complaint in (("careless", "gives the same numbers again"), ("silent", "says why it refuses")):
        with pytest.raises((AssertionError, GanzooError), match=complaint):
            check_component(f"metric/{name}")
