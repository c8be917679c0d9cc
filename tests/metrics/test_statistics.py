"""Statistics that a metric brings: gathered in the one pass, kept where they can be packed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import Labelled
from torch import Tensor

import ganzoo
from ganzoo.data import ImageData, open_data
from ganzoo.errors import PluginError, UsageError
from ganzoo.gan.gan import GAN
from ganzoo.metrics import FeatureBatch, FeatureNetwork, Metric, Sample, Statistic, evaluate, open_network, sample_of
from ganzoo.testing import check_component, plugin

NETWORK = "test_efficientnet:random"


class Extremes(Statistic):
    """The smallest and the largest value of each feature, ``(2, d)``."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.found: Tensor | None = None

    def add(self, batch: FeatureBatch) -> None:
        seen = batch.features if self.found is None else torch.cat((self.found, batch.features))
        self.found = torch.stack((seen.amin(0), seen.amax(0)))

    def result(self) -> Tensor:
        assert self.found is not None
        return self.found

    @classmethod
    def pack(cls, result: Tensor) -> Mapping[str, Tensor]:
        return {"found": result}

    @classmethod
    def unpack(cls, tensors: Mapping[str, Tensor]) -> Tensor:
        return tensors["found"]


class Fleeting(Extremes):
    """The same, and not to be kept."""

    @classmethod
    def pack(cls, result: Tensor) -> None:  # type: ignore[override]
        return None


class Sure(Statistic):
    """How sure a classifier is of the images."""

    logits = True

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.sum = 0.0

    def add(self, batch: FeatureBatch) -> None:
        assert batch.logits is not None
        self.sum += batch.logits.softmax(1).amax(1).sum().item()

    def result(self) -> float:
        return self.sum / self.total


class Reach(Metric):
    """How far the extremes of real and generated features lie apart; 0 is best."""

    statistics = (Extremes,)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"reach": float((real[self.statistics[0]] - fake[self.statistics[0]]).norm())}


class FleetingReach(Reach):
    """The same, of what is not kept."""

    statistics = (Fleeting,)


class Certainty(Metric):
    """How much surer a classifier is of real images."""

    statistics = (Sure,)

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"certainty": abs(real[Sure] - fake[Sure]) + 0 * float(real.moments.mean.sum())}


class Forgetful(Metric):
    """Reads what it did not ask for."""

    def __call__(self, real: Sample, fake: Sample) -> dict[str, float]:
        return {"forgetful": real[Sure]}


class Confused(Reach):
    """Names what is no statistic."""

    statistics = ("moments",)  # type: ignore[assignment]


class Hooks:
    @ganzoo.hookimpl
    def register_metrics(self, register: Any) -> None:
        register("reach", Reach)
        register("fleeting-reach", FleetingReach)
        register("certainty", Certainty, requires={"moments"})
        register("forgetful", Forgetful, requires={"moments"})
        register("confused", Confused)


@pytest.fixture(autouse=True)
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    with plugin(Hooks()):
        yield


@pytest.fixture(scope="module")
def gan() -> GAN:
    torch.manual_seed(0)
    return ganzoo.build("dcgan:ch=4", resolution=16, channels=1)


@pytest.fixture(scope="module")
def real() -> ImageData:
    return open_data(Labelled(60))


def test_one_pass_gathers_it_beside_the_others(gan: GAN, real: ImageData) -> None:
    scores = evaluate(gan, real, metrics="fid,reach,certainty", n=20, features=NETWORK)
    assert [score.metric for score in scores] == ["fd", "reach", "certainty"]
    network, images = open_network(NETWORK, 16), real.images.fetch(torch.arange(60))
    features = network(images)[0]
    (alone,) = evaluate(gan, real, metrics="reach", n=20, features=NETWORK)
    assert alone.value == scores[1].value > 0
    found = sample_of(features, requires={Extremes})[Extremes]
    torch.testing.assert_close(found, torch.stack((features.amin(0), features.amax(0))))


def test_what_can_be_packed_is_kept(gan: GAN, real: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, look = [], FeatureNetwork.__call__

    def counting(network: FeatureNetwork, images: Tensor, resize: str | None = None) -> Any:
        seen.append(len(images))
        return look(network, images, resize)

    monkeypatch.setattr(FeatureNetwork, "__call__", counting)
    for metric, passes in (("reach", [60 + 20, 20]), ("fleeting-reach", [60 + 20, 60 + 20])):
        values, counts = set(), []
        for _ in range(2):
            seen.clear()
            values.add(evaluate(gan, real, metrics=metric, n=20, features=NETWORK)[0].value)
            counts.append(sum(seen))
        assert counts == passes and len(values) == 1


def test_mistakes_are_named(gan: GAN, real: ImageData) -> None:
    with pytest.raises(PluginError, match=r"Sure has to be asked for: statistics = \(Sure,\)"):
        evaluate(gan, real, metrics="forgetful", n=20, features=NETWORK)
    with pytest.raises(PluginError, match=r"its statistics are subclasses of ganzoo\.metrics\.Statistic"):
        evaluate(gan, real, metrics="confused", n=20, features=NETWORK)


def test_logits_need_a_classifier(gan: GAN, real: ImageData) -> None:
    from dataclasses import replace

    network = replace(open_network(NETWORK, 16), classifies=False)
    with pytest.raises(UsageError, match="certainty needs class probabilities"):
        evaluate(gan, real, metrics="certainty", n=20, features=network)


def test_the_suite_tries_them() -> None:
    check_component("metric/reach")
    check_component("metric/certainty")
