"""MS-SSIM and sliced Wasserstein distance: against formulas by hand, and of a model that draws one image only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal, stats
from tiny_runs import Labelled
from torch import Tensor

from ganzoo.data import DataRequest, ImageData, open_data
from ganzoo.errors import UsageError
from ganzoo.gan.builder import build
from ganzoo.gan.gan import GAN
from ganzoo.metrics import evaluate
from ganzoo.metrics.select import asked_by
from ganzoo.metrics.similarity import SCALES, multi_scale
from ganzoo.metrics.variety import SlicedWasserstein, _doubled, pair_similarities, patches, pyramid, sliced


def noise(n: int, seed: int, side: int = 32, channels: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    coarse = 255 * torch.rand(n, channels, side // 8, side // 8, generator=rng)
    return F.interpolate(coarse, (side, side), mode="bilinear") * 0.8 + 40 * torch.rand(
        n, channels, side, side, generator=rng
    )


# --- MS-SSIM ------------------------------------------------------------------------------------------------


def by_hand(a: np.ndarray, b: np.ndarray) -> float:
    """Wang, Simoncelli and Bovik's product with whole two-dimensional windows."""
    c1, c2, product = 0.01**2, 0.03**2, 1.0
    for number, power in enumerate(SCALES):
        side = min(11, len(a))
        at = np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (1.5 * side / 11)) ** 2)
        window = np.outer(at, at) / at.sum() ** 2

        def mean(x: np.ndarray, window: np.ndarray = window) -> np.ndarray:
            return signal.correlate2d(x, window, mode="valid")

        covariance = mean(a * b) - mean(a) * mean(b)
        variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
        found = (2 * covariance + c2) / (variances + c2)
        if number == 4:
            found = found * (2 * mean(a) * mean(b) + c1) / (mean(a) ** 2 + mean(b) ** 2 + c1)
        product *= max(0.0, found.mean()) ** power
        a, b = (x.reshape(len(x) // 2, 2, -1, 2).mean((1, 3)) if len(x) > 1 else x for x in (a, b))
    return product


def test_similarity_at_many_scales_is_the_product_by_hand() -> None:
    a, b = noise(3, 0), noise(3, 1)
    near = 0.7 * a + 0.3 * b
    for x, y in ((a, b), (a, near)):
        expected = [
            by_hand(p[0].double().numpy() / 255, q[0].double().numpy() / 255) for p, q in zip(x, y, strict=True)
        ]
        assert torch.allclose(multi_scale(x, y), torch.tensor(expected), atol=1e-5)
    assert (multi_scale(a, near) > multi_scale(a, b)).all()


def test_similarity_in_closed_form() -> None:
    a, b = torch.full((1, 3, 16, 16), 51.0), torch.full((1, 3, 16, 16), 204.0)
    expected = ((2 * 0.2 * 0.8 + 1e-4) / (0.2**2 + 0.8**2 + 1e-4)) ** 0.1333
    assert float(multi_scale(a, b)) == pytest.approx(expected, rel=1e-4)
    assert torch.allclose(multi_scale(a, a), torch.ones(1, dtype=torch.float64))
    x = noise(2, 3)
    assert float(multi_scale(x, 255 - x).max()) == 0, "a negative one counts as 0"
    assert pair_similarities(torch.cat([x[:1], x[:1], x, x[:1]]).byte()).shape == (2,), "the last of five has no pair"


# --- sliced Wasserstein distance ----------------------------------------------------------------------------


def test_a_pyramid_holds_the_image() -> None:
    image = noise(2, 0, side=64, channels=3)
    levels = pyramid(image)
    assert [level.shape[2] for level in levels] == [64, 32, 16]
    whole = levels[2]
    for level in (levels[1], levels[0]):
        whole = level + _doubled(whole, level.shape[2:])
    assert torch.allclose(whole, image, atol=1e-3)
    flat = pyramid(torch.full((1, 1, 64, 64), 100.0))
    assert flat[0].abs().max() < 1e-3 and torch.allclose(flat[2], torch.full((1, 1, 16, 16), 100.0), atol=1e-3)
    assert [level.shape[2] for level in pyramid(noise(1, 0, side=24))] == [24]


def test_patches_are_pieces_of_their_image() -> None:
    image = torch.arange(2 * 3 * 16 * 20.0).reshape(2, 3, 16, 20)
    found = patches(image, 5, torch.Generator().manual_seed(0))
    assert found.shape == (10, 3, 49)
    places = image.unfold(2, 7, 1).unfold(3, 7, 1)  # (2, 3, 10, 14, 7, 7)
    for number, patch in enumerate(found):
        known = places[number // 5].permute(1, 2, 0, 3, 4).reshape(-1, 3, 49)
        assert (known == patch).all(2).all(1).sum() == 1


def test_the_distance_of_single_numbers_is_that_of_one_dimension() -> None:
    rng = torch.Generator().manual_seed(0)
    a, b = torch.randn(400, 1, 1, generator=rng), torch.rand(400, 1, 1, generator=rng)
    first, second = (stats.zscore(one.flatten().numpy()) for one in (a, b))
    assert sliced(a, b) == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-4)
    assert sliced(a, 3 * a + 7) < 1e-5 and sliced(a, a.flip(0)) < 1e-6, "scale, place and order say nothing"


def test_equal_images_have_no_distance_and_coarser_ones_have_one_in_the_details() -> None:
    x = noise(8, 0, side=64, channels=3).byte()
    metric = SlicedWasserstein(patches=16)
    assert set(metric.distances(x, x, 8).values()) == {0.0}
    smooth = F.interpolate(F.avg_pool2d(x.float(), 2), scale_factor=2, mode="bilinear").byte()
    found = metric.distances(smooth, x, 8)
    assert list(found) == [64, 32, 16] and found[64] > 2 * found[16]
    assert metric.distances(smooth, x, 3) == pytest.approx(found, rel=1e-5), "whatever the batch"


# --- of a model ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data() -> ImageData:
    return open_data(Labelled(24), DataRequest(split="all", resolution=16))


def measured(gan: GAN, data: ImageData, metric: str) -> dict[str, tuple[float, float | None]]:
    scores = evaluate(gan.eval(), data, metrics=[metric], n=8, batch=4)
    assert all(score.key.endswith("@pixels") for score in scores)
    return {score.metric: (score.value, score.floor) for score in scores}


def test_a_model_that_draws_one_image_has_alike_pairs(data: ImageData) -> None:
    torch.manual_seed(0)
    gan = build("dcgan:ch=4", 16, data.channels, z_dim=8)
    (varied, floor), = measured(gan, data, "ms-ssim").values()  # fmt: skip
    prior = gan.G.prior
    gan.G.prior = lambda n, rng, truncation=None: torch.zeros_like(prior(n, rng))
    (alike, same), = measured(gan, data, "ms-ssim").values()  # fmt: skip
    assert alike == pytest.approx(1) and varied < 0.9999 and floor == same and floor < 0.9


def test_the_floor_is_what_other_real_images_get(data: ImageData) -> None:
    first, second = noise(12, 0).byte(), noise(12, 1).byte()
    found = SlicedWasserstein(patches=8).measured(second, [first, second], 4)
    assert list(found) == ["swd", "swd-32", "swd-16"]
    assert all(one.value == one.floor and one.value > 0 for one in found.values())
    assert found["swd"].value == pytest.approx((found["swd-32"].value + found["swd-16"].value) / 2)
    assert SlicedWasserstein(patches=8).measured(second, [first], 4)["swd"].floor is None, (
        "there are not as many others"
    )
    drawn = measured(build("dcgan:ch=4", 16, data.channels, z_dim=8), data, "swd:patches=8")
    assert set(drawn) == {"swd", "swd-16"} and drawn["swd"][0] > 0


def test_small_images_are_refused() -> None:
    tiny = open_data(Labelled(8), DataRequest(split="all", resolution=8))
    with pytest.raises(UsageError, match="ms-ssim needs images of 16 pixels"):
        evaluate(build("gan:ch=8", 8, tiny.channels, z_dim=4), tiny, metrics=["ms-ssim"], n=4)


def test_a_value_of_a_level_is_asked_for_by_its_metric() -> None:
    assert [asked_by(name) for name in ("swd", "swd-32", "kid:subsets=5", "precision")] == [
        "swd",
        "swd",
        "kid:subsets=5",
        "precision",
    ]
    for name in ("swdd-32", "swd-fine", "32"):
        with pytest.raises(UsageError, match="metric"):
            asked_by(name)
