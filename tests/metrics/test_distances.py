"""Metrics agree with the packages that others use, and with the formulas of their papers."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

import ganzoo
from ganzoo.errors import PluginError, UsageError
from ganzoo.metrics import Metric, Moments, Sample, sample_of
from ganzoo.metrics.kernel import mmd2
from ganzoo.metrics.manifold import neighbourhoods
from ganzoo.metrics.metric import aliases_off_inception
from ganzoo.metrics.moments import RunningMoments, frechet, trace_sqrt
from ganzoo.metrics.sample import Gatherer
from ganzoo.metrics.statistic import MOST_FEATURES, FeatureBatch
from ganzoo.testing import check_component

EXACT = pytest.approx
METRICS = ("fid", "clean-fid", "intra-fid", "fid-infinity", "kid", "is", "prdc", "pr", "dc")


def cloud(n: int, d: int, seed: int = 0, shift: float = 0.3) -> Tensor:
    """Correlated, skewed features, non-negative as pooled ones are."""
    rng = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(99)) / d**0.5
    return (torch.randn(n, d, generator=rng) @ mix + shift * seed).relu() + 0.1 * torch.rand(n, d, generator=rng)


def seen(features: Tensor, *requires: str, logits: Tensor | None = None, labels: Tensor | None = None) -> Sample:
    return sample_of(features, logits=logits, labels=labels, requires=requires)


def value(metric: str, real: Sample, fake: Sample, name: str | None = None, **options: int) -> float:
    return ganzoo.create(f"metric/{metric}", **options)(real, fake)[name or metric].value


@pytest.mark.parametrize("name", METRICS)
def test_every_built_in_metric_passes_what_plugins_do(name: str) -> None:
    check_component(f"metric/{name}")


def test_the_built_in_metrics_are_those() -> None:
    assert set(METRICS) <= set(ganzoo.list("metric"))


# --- FID ----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The `disp` argument")  # pytorch-fid calls scipy as it was
@pytest.mark.parametrize(("n", "m", "d"), [(10_000, 10_000, 24), (40, 300, 64), (60, 50, 96)])
def test_fid_agrees_with_torch_fidelity_and_pytorch_fid(n: int, m: int, d: int) -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_fid")
    theirs = pytest.importorskip("pytorch_fid.fid_score")
    real, fake = cloud(n, d), cloud(m, d, seed=1)
    ours = value("fid", seen(real, "moments"), seen(fake, "moments"))
    statistics = [fidelity.fid_features_to_statistics(x.double()) for x in (real, fake)]
    assert ours == EXACT(
        fidelity.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"], 1e-6
    )
    moments = [stat[key] for stat in statistics for key in ("mu", "sigma")]
    assert ours == EXACT(theirs.calculate_frechet_distance(*moments), 1e-3)


def test_fid_of_the_same_images_is_zero() -> None:
    full, thin = cloud(500, 16), cloud(10, 64)
    for features in (full, thin):
        assert value("fid", seen(features, "moments"), seen(features, "moments")) == EXACT(0, abs=1e-6)


def test_fid_of_normal_distributions_is_the_formula() -> None:
    a = Moments(100, torch.zeros(3).double(), torch.diag(torch.tensor([1.0, 4, 9]).double()))
    b = Moments(100, torch.ones(3).double(), torch.diag(torch.tensor([4.0, 4, 0]).double()))
    assert frechet(a, b) == EXACT(3 + (1 - 2) ** 2 + 0 + 9)  # the third direction has no spread: singular
    assert frechet(b, a) == EXACT(frechet(a, b))


def test_a_covariance_of_few_samples_is_the_covariance() -> None:
    features = cloud(20, 50)
    thin = seen(features, "moments").moments
    full = Moments(20, thin.mean, torch.from_numpy(np.cov(features.double().numpy(), rowvar=False)))
    other = seen(cloud(30, 50, seed=2), "moments").moments
    assert thin.rows is not None
    torch.testing.assert_close(thin.covariance, full.covariance)
    assert thin.trace == EXACT(full.trace) and frechet(thin, other) == EXACT(frechet(full, other), 1e-6)


def test_moments_depend_on_neither_the_batches_nor_a_large_mean() -> None:
    features = cloud(3000, 24) + 1000.0
    whole = seen(features, "moments").moments
    gatherer = Gatherer({"moments"}, len(features))
    for part in features.split(37):
        gatherer.add(FeatureBatch(part))
    parts = gatherer.sample().moments
    assert torch.equal(whole.mean, parts.mean) and torch.equal(whole.covariance, parts.covariance)
    expected = torch.from_numpy(np.cov(features.double().numpy(), rowvar=False))
    torch.testing.assert_close(whole.covariance, expected, rtol=1e-9, atol=1e-12)


def test_moments_of_many_images_take_no_more_memory() -> None:
    running = RunningMoments()
    for _ in range(5):
        running.add(cloud(100, 8))
    assert not running._batches and running._outer.shape == (8, 8)


@pytest.mark.slow
def test_the_root_is_taken_in_a_fraction_of_scipys_time() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    a, b = (seen(cloud(3000, 2048, seed), "moments").moments for seed in (0, 1))
    begun = time.process_time()
    ours = trace_sqrt(a, b)
    took = time.process_time() - begun
    begun = time.process_time()
    theirs = np.trace(linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy())).real
    assert ours == EXACT(theirs, 1e-6) and took < (time.process_time() - begun) / 3


# --- FID's relatives ----------------------------------------------------------------------------------------


def test_intra_fid_is_the_mean_over_classes() -> None:
    real, fake = cloud(600, 12), cloud(400, 12, seed=1)
    labels = [torch.arange(len(x)) % 3 for x in (real, fake)]
    a, b = (seen(x, "class-moments", labels=y) for x, y in zip((real, fake), labels, strict=True))
    found = ganzoo.create("intra-fid")(a, b)["intra-fid"]
    each = [
        value("fid", seen(real[labels[0] == k], "moments"), seen(fake[labels[1] == k], "moments")) for k in range(3)
    ]
    assert found.value == EXACT(np.mean(each)) and found.details["by_class"]["2"] == EXACT(each[2])


def test_intra_fid_wants_every_class() -> None:
    features, labels = cloud(40, 4), torch.arange(40) % 2
    real, fake = seen(features, "class-moments", labels=labels), seen(features, "class-moments", labels=labels * 0)
    with pytest.raises(UsageError, match="class 1"):
        ganzoo.create("intra-fid")(real, fake)


def test_fid_infinity_is_where_the_line_ends() -> None:
    real, fake = seen(cloud(2000, 16), "moments"), seen(cloud(500, 16, 1, 0), "nested-moments")
    sizes = [moments.count for moments in fake.nested_moments]
    assert len(sizes) == 15 and (sizes[0], sizes[-1]) == (50, 500)
    points = [value("fid", real, seen(cloud(500, 16, 1, 0)[:size], "moments")) for size in sizes]
    expected = np.polyfit(1 / np.array(sizes), points, 1)[1]
    found = ganzoo.create("fid-infinity")(real, fake)["fid-infinity"]
    assert found.value == EXACT(expected, 1e-6) and found.value < points[-1] < points[0]


# --- KID ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "m", "size", "subsets"),
    [(1500, 800, 300, 10), pytest.param(10_000, 10_000, 1000, 100, marks=pytest.mark.slow)],
)
def test_kid_agrees_with_torch_fidelity(n: int, m: int, size: int, subsets: int) -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    real, fake = cloud(n, 16), cloud(m, 16, seed=1)
    theirs = fidelity.kid_features_to_metric(
        fake, real, kid_subset_size=size, kid_subsets=subsets, verbose=False, rng_seed=2020
    )
    metric = ganzoo.create("kid", size=size, subsets=subsets)
    found = metric(seen(real, "features"), seen(fake, "features"))["kid"]
    assert found.value == EXACT(theirs["kernel_inception_distance_mean"], 1e-3)
    assert found.details["subset_std"] == EXACT(theirs["kernel_inception_distance_std"], 1e-2)
    assert found.details["subsets"] == subsets and found.details["size"] == size


def test_kid_of_few_images_takes_them_all() -> None:
    real, fake = cloud(90, 8).double(), cloud(60, 8, seed=1).double()

    def k(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / 8 + 1) ** 3

    xx, yy = k(fake, fake), k(real, real)
    expected = (xx.sum() - xx.trace()) / (60 * 59) + (yy.sum() - yy.trace()) / (90 * 89) - 2 * k(fake, real).mean()
    found = ganzoo.create("kid")(seen(real, "features"), seen(fake, "features"))["kid"]
    assert found.value == EXACT(expected.item(), 1e-4)
    assert (found.details["subsets"], found.samples, found.details["real"]) == (1, 60, 90)


def test_kid_has_no_bias() -> None:
    everyone = torch.ones(1, 50)
    found = [mmd2(cloud(50, 4, 2 * k, 0), cloud(50, 4, 2 * k + 1, 0), everyone, everyone)[0] for k in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 200**0.5


# --- the Inception Score ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [10_000, 1234, 12])
def test_the_inception_score_agrees_with_torch_fidelity(n: int) -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_isc")
    logits = 3 * torch.randn(n, 30, generator=torch.Generator().manual_seed(0))
    theirs = fidelity.isc_features_to_metric(logits, splits=10, shuffle=False)
    sample = seen(torch.zeros(n, 2), "probabilities", logits=logits)
    found = ganzoo.create("is")(Sample(0, {}), sample)["is"]
    assert found.value == EXACT(theirs["inception_score_mean"], 1e-9)
    assert found.std == EXACT(theirs["inception_score_std"], 1e-6)


# --- precision, recall, density, coverage -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "m", "d"), [(600, 500, 16), (60, 50, 128), pytest.param(10_000, 10_000, 8, marks=pytest.mark.slow)]
)
def test_prdc_agrees_with_its_authors_package(n: int, m: int, d: int) -> None:
    package = pytest.importorskip("prdc")
    real, fake = cloud(n, d), cloud(m, d, seed=1, shift=0.15)
    found = ganzoo.create("prdc")(seen(real, "features"), seen(fake, "features"))
    for k, names in ((3, ("precision", "recall")), (5, ("density", "coverage"))):
        theirs = package.compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
        for name in names:
            assert found[name].value == EXACT(theirs[name], 1e-3), (name, k)
            assert found[name].details["k"] == k


def test_precision_and_recall_agree_with_torch_fidelity() -> None:
    fidelity = pytest.importorskip("torch_fidelity.metric_prc")
    real, fake = cloud(1000, 16), cloud(800, 16, seed=1, shift=0.15)
    theirs = fidelity.prc_features_to_metric(fake, real, prc_neighborhood=3, verbose=False)
    found = ganzoo.create("pr")(seen(real, "features"), seen(fake, "features"))
    assert 0.1 < theirs["precision"] < 0.99 and 0.1 < theirs["recall"] < 0.99
    for name in ("precision", "recall"):
        assert found[name].value == EXACT(theirs[name], 1e-3)


def test_one_part_of_prdc_says_what_all_of_it_says() -> None:
    real, fake = seen(cloud(300, 8), "features"), seen(cloud(200, 8, seed=1), "features")
    together = ganzoo.create("prdc")(real, fake)
    apart = {**ganzoo.create("precision")(real, fake), **ganzoo.create("coverage")(real, fake)}
    assert apart == together


def test_manifolds_of_known_points() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    fake = torch.tensor([[0.5], [5.0], [100.0], [101.0]])
    found = neighbourhoods(real, fake, [1])[1]
    # Balls about 0, 1, 2 have radius 1, that about 10 radius 8; about 0.5 and 5 radius 4.5, about 100 and 101 radius 1.
    assert found == {"precision": 0.5, "recall": 0.75, "density": (2 + 1) / 4, "coverage": 0.75}


def test_too_few_images_for_neighbours() -> None:
    few = seen(cloud(5, 4), "features")
    with pytest.raises(UsageError, match="raise -n"):
        ganzoo.create("prdc")(few, few)


# --- what metrics are handed --------------------------------------------------------------------------------


def test_features_are_those_of_ten_thousand_images() -> None:
    n = MOST_FEATURES + 500
    sample = seen(torch.arange(float(n))[:, None], "features", labels=torch.arange(n))
    assert sample.count == n and sample.features.shape == (MOST_FEATURES, 1)
    assert sample.labels is not None and torch.equal(sample.labels, torch.arange(MOST_FEATURES))


def test_what_was_not_asked_for_is_not_there() -> None:
    with pytest.raises(PluginError, match=r"requires=\{'features'\}"):
        _ = seen(cloud(10, 3), "moments").features


@pytest.mark.parametrize("requires", [("momnts",), ("moments", "label")])
def test_only_statistics_can_be_asked_for(requires: Collection[str]) -> None:
    with pytest.raises(PluginError, match="there is no statistic"):
        sample_of(cloud(10, 3), requires=requires)


def test_a_metric_of_version_0_1_0_names_its_aliases_as_it_did():
    class Old(Metric):
        elsewhere: ClassVar = {"old-fid": "old-fd"}

        def __call__(self, real, fake):
            return {"old-fid": 1.0}

    class New(Old):
        aliases_off_inception: ClassVar = {"old-fid": "new-fd"}

    assert aliases_off_inception(Old()) == {"old-fid": "old-fd"} and aliases_off_inception(New) == {"old-fid": "new-fd"}
    assert aliases_off_inception(object()) == {}
