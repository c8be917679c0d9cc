"""Perceptual path length against lengths by hand, of generators that are linear, and of what looks at them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from tiny_runs import Labelled
from torch import Tensor

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.metrics import evaluate, path_length
from ganzoo.metrics.features import FeatureNetwork
from ganzoo.metrics.path_length import PathLength, opened_distance
from ganzoo.seeding import derive


@pytest.fixture(scope="module")
def data() -> ImageData:
    return open_data(Labelled(8), DataRequest(split="all", resolution=16))


def made(recipe: str, **settings: Any) -> GAN:
    torch.manual_seed(0)
    return build(recipe, 16, 1, z_dim=8, settings=settings).eval()


def squares(a: Tensor, b: Tensor) -> Tensor:
    """A distance in closed form: of images in [-1, 1], the sum of squared differences."""
    return ((a - b) / 127.5).double().square().flatten(1).sum(1)


def spread(z: Tensor) -> Tensor:
    """A linear generator: images whose first row begins with z."""
    return torch.nn.functional.pad(z, (0, 256 - z.shape[1])).reshape(-1, 1, 16, 16)


def test_of_a_linear_generator_it_is_that_of_the_path(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_length, "opened_distance", lambda *where: squares)
    for prior in ("uniform", "normal"):
        gan = made("dcgan:ch=4", prior=prior)
        gan.G.forward = lambda z, y: spread(z)
        a, b = (gan.noise(6, derive("ppl", end, 3)).double() for end in ("a", "b"))
        found = PathLength(step=1e-3)(gan, data, n=6, seed=3, batch=4)
        assert list(found) == ["ppl-z"] and found["ppl-z"].samples == 6
        if prior == "uniform":  # straight
            expected = (b - a).square().sum(1).mean()
        else:  # an arc, on which the length changes from that of one end to that of the other
            cosine = torch.cosine_similarity(a, b)
            angle = torch.arccos(cosine)
            rng = torch.Generator().manual_seed(derive("ppl", 3))
            t = torch.cat([torch.rand(k, 1, generator=rng, dtype=torch.float64) for k in (4, 2)])[:, 0]
            ways = torch.stack([-torch.cos((1 - t) * angle), torch.cos(t * angle)], 1) * (angle / angle.sin())[:, None]
            expected = (ways[:, :1] * a + ways[:, 1:] * b).square().sum(1).mean()
        assert found["ppl-z"].value == pytest.approx(float(expected), rel=5e-3)


def test_in_w_paths_are_straight_lines_of_w(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_length, "opened_distance", lambda *where: squares)
    gan = made("stylegan2:ch=8,mapping=2")
    gan.G.synthesis = lambda w: spread(w[:, 1])
    a, b = (gan.styles(gan.noise(6, derive("ppl", end, 0)), torch.zeros(6, 0))[:, 1] for end in ("a", "b"))
    found = PathLength(step=1e-2)(gan, data, n=6, seed=0, batch=4)
    assert found["ppl-w"].value == pytest.approx(float((b - a).square().sum(1).mean()), rel=5e-3)
    assert found["ppl-z"].value > 0


class Means(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(x[:, :1], (1, 2)).flatten(1)


def test_without_lpips_features_of_length_1_are_compared(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    network = FeatureNetwork(
        "means", 16, 16, True, "1" * 64, "bilinear", standard=False, classifies=False, module=Means().eval(),
        device=torch.device("cpu"),
    )  # fmt: skip
    monkeypatch.setattr(path_length, "open_network", lambda *asked, **more: network)
    monkeypatch.setattr(path_length, "lpips_is_here", lambda resolution: False)
    left, right = torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    left[..., :8], right[..., 8:] = 100.0, 50.0
    assert float(opened_distance(16, torch.device("cpu"))(left, right)) == pytest.approx(2)
    (score,) = evaluate(made("dcgan:ch=4"), data, metrics=["ppl"], n=4)
    assert score.key == "ppl-z4-all@means" and score.network["sha256"] == "1" * 64
    (again,) = evaluate(made("dcgan:ch=4"), data, metrics=["ppl"], n=4, batch=1)
    assert again.value == pytest.approx(score.value, rel=1e-2) and math.isfinite(score.value)


def test_with_lpips_it_is_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_length, "lpips_is_here", lambda resolution: True)
    assert PathLength().instrument(64).name == "lpips-vgg16"


def test_wrong_use_is_refused(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"from 1e-6 to 0\.1"):
        PathLength(step=0.0)
    gan = made("dcgan:ch=4")
    monkeypatch.setattr(GAN, "input_names", frozenset({"z", "text"}))
    with pytest.raises(UsageError, match="draws from other things"):
        PathLength().check(gan, data)
