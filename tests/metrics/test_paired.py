"""Metrics of pairs: the published formulas, one pass, no network that is not needed, and clear words without pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from tiny_runs import Labelled, tiny
from torch import Tensor, nn

import ganzoo
from ganzoo.data import ImageData, open_data
from ganzoo.data.images import MemoryImages
from ganzoo.errors import GanzooError, UsageError
from ganzoo.folder.scores import read_scores
from ganzoo.gan.gan import GAN
from ganzoo.gan.kit import Discriminator, Kit
from ganzoo.gan.noise import NoiseGame
from ganzoo.metrics import evaluate, lpips, weights
from ganzoo.metrics.lpips import PerceptualDistance, open_lpips
from ganzoo.metrics.paired import L1, PSNR, SSIM
from ganzoo.parts.context import Batch, TurnContext
from ganzoo.testing import plugin

FORMULAS = ("l1", "psnr", "ssim")


class Dimmed(nn.Module):
    """G: the source at half its contrast."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return z * self.gain


class Flat(nn.Module):
    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.linear = nn.Linear(kit.inputs * kit.resolution**2, 4)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


def dimmer(g: Kit, d: Kit) -> dict[str, nn.Module]:
    """Dims its source."""
    return {"G": Dimmed(), "D": Discriminator(d, Flat(d), 4)}


class DimmerGame(NoiseGame):
    inputs: ClassVar[frozenset[str]] = frozenset({"source"})

    def context(self, batch: Batch, step: int, side: str) -> TurnContext:
        gan: Any = self.gan
        return self.adversary.context(batch, step, side, batch["image"], batch["source"], gan.G)


class Hooks:
    @ganzoo.hookimpl
    def register_architectures(self, register: Any) -> None:
        networks = {"G": "g", "D": "d"}
        register("dimmer", dimmer, networks=networks, game=DimmerGame, requires={"source"}, provides={"features"})

    @ganzoo.hookimpl
    def register_datasets(self, register: Any) -> None:
        register("forty-pairs", lambda argument, request: pairs(), provides={"image", "source", "pairs"})


@pytest.fixture(autouse=True)
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for variable in ("GANZOO_LPIPS", "GANZOO_VGG16"):
        monkeypatch.delenv(variable, raising=False)
    open_lpips.cache_clear()
    with plugin(Hooks()):
        yield


def images(n: int, channels: int = 1, side: int = 16, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=rng)


def pairs(n: int = 40) -> ImageData:
    """Each image is its source at half contrast, give or take the rounding: what :class:`Dimmed` makes of it."""
    source = images(n)
    dimmed = (source.float() * 0.5 + 63.75).round().byte()
    return ImageData("pairs", MemoryImages(dimmed), paired={"source": MemoryImages(source)})


@pytest.fixture
def gan() -> GAN:
    return ganzoo.build("dimmer", resolution=16, channels=1)


def no_network(*arguments: object, **keywords: object) -> None:
    raise AssertionError("no feature network is needed")


# --- formulas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "side"), [(1, 16), (3, 33)])
def test_ssim_is_scikit_images(channels: int, side: int) -> None:
    skimage = pytest.importorskip("skimage.metrics")
    clean = images(6, channels, side).float()
    near = (clean + 40 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 255).round()
    near[5] = clean[5] = 255  # flat and bright, where differences of squares lose most digits
    ours = SSIM.measure(near, clean)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    for row, one, other in zip(ours, near, clean, strict=True):
        theirs = skimage.structural_similarity(one.double().numpy(), other.double().numpy(), channel_axis=0, **options)
        assert row.item() == pytest.approx(theirs, abs=2e-5)


def test_ssim_by_hand() -> None:
    """Of two flat images the second factor is 1, and the first is known."""
    black, grey = torch.zeros(1, 1, 11, 11), torch.full((1, 1, 11, 11), 51.0)
    assert SSIM.measure(black, grey).item() == pytest.approx(0.01**2 / (0.2**2 + 0.01**2), rel=1e-3)
    assert SSIM.measure(grey, grey).item() == pytest.approx(1)


def test_l1_and_psnr_by_hand() -> None:
    a, b = torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2, 2)
    b[0, 0] = 51  # a fifth of the range, in one of three planes
    assert L1.measure(a, b).tolist() == pytest.approx([0.2 / 3, 0])
    assert PSNR.measure(a, b).tolist() == pytest.approx([10 * np.log10(3 / 0.04), 100])


def test_lpips_is_torch_fidelitys(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = pytest.importorskip("torch_fidelity.sample_similarity_lpips")
    torch.manual_seed(0)
    linear = {f"lin{k}.model.1.weight": torch.rand(1, n, 1, 1) for k, n in enumerate(lpips.CHANNELS)}
    from torchvision.models.vgg import cfgs, make_layers

    trunk = make_layers(cfgs["D"])
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *arguments, **keywords: linear)
    monkeypatch.setattr(theirs, "torchvision_load_pretrained_vgg16", lambda: SimpleNamespace(features=trunk))
    ours = PerceptualDistance()
    ours.load(linear, {**{f"features.{name}": t for name, t in trunk.state_dict().items()}, "classifier.0.bias": t0()})
    a, b = images(3, 3, 32), images(3, 3, 32, seed=1)
    with torch.no_grad():
        expected = theirs.SampleSimilarityLPIPS("x")(a, b).flatten()
        assert ours(a.float(), b.float()) == pytest.approx(expected, rel=1e-4)
        assert ours(a.float(), a.float()).abs().max() < 1e-6
        grey = a[:, :1].float()
        assert torch.allclose(ours(grey, b.float()), ours(grey.repeat(1, 3, 1, 1), b.float()))


def t0() -> Tensor:
    return torch.zeros(1)


# --- scores -------------------------------------------------------------------------------------------------


def test_pairs_are_scored_in_one_pass_without_a_network(gan: GAN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganzoo.metrics.select.open_network", no_network)
    drawn: list[int] = []
    generate = gan.generate
    monkeypatch.setattr(gan, "generate", lambda z, y, batch=64: drawn.append(len(z)) or generate(z, y, batch))
    scores = evaluate(gan, pairs(), metrics=FORMULAS, n=30, batch=16)
    assert sum(drawn) == 30
    assert [score.key for score in scores] == ["l1-30-all@pixels", "psnr30-all@pixels", "ssim30-all@pixels"]
    assert [score.higher_is_better for score in scores] == [False, True, True]
    l1, psnr, ssim = (score.value for score in scores)
    assert l1 < 0.5 / 255 and psnr > 50 and ssim > 0.999, "the model makes these very images"
    assert all(score.resize == "none" and score.details["image_std"] >= 0 for score in scores)


def test_the_batch_changes_nothing_and_order_matters(gan: GAN) -> None:
    data = pairs()
    values = [[s.value for s in evaluate(gan, data, metrics=FORMULAS, n=40, batch=batch)] for batch in (7, 40)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    pixels = data.images.fetch(torch.arange(40).roll(1))
    shifted = ImageData("shifted", MemoryImages(pixels), paired=data.paired)
    assert evaluate(gan, shifted, metrics=["l1"], n=40)[0].value > 0.05


def test_a_feature_network_and_pairs_share_the_pass(gan: GAN) -> None:
    scores = evaluate(gan, pairs(), metrics=("l1", "fid"), n=40, features="test_efficientnet:random")
    assert [score.key for score in scores] == ["l1-40-all@pixels", "fd40-all@test_efficientnet:random-64"]
    assert scores[0].network["sha256"] != scores[1].network["sha256"] and scores[1].resize == "bilinear"


def test_folders_keep_them_and_verify_measures_them_again(tmp_path: Path) -> None:
    from ganzoo.scoring.verify import ScoreVerifier, verify

    options = {"eval_every": 2, "eval_n": 20, "metrics": ["ssim", "l1"]}
    run = tiny(tmp_path / "run", "dimmer", data="forty-pairs", **options).folder
    assert {score.key for score in read_scores(run)} == {"ssim4-valid@pixels", "l1-4-valid@pixels"}
    made = ganzoo.evaluate(run, "forty-pairs", metrics=FORMULAS, n=30)
    assert [score.key for score in made] == ["l1-30-train@pixels", "psnr30-train@pixels", "ssim30-train@pixels"]
    assert all(
        verification.holds
        for verification in verify(run, ScoreVerifier("forty-pairs"))
        if verification.recorded in made
    )


def test_a_score_of_a_metric_that_is_not_here_is_not_measured(tmp_path: Path) -> None:
    from dataclasses import replace

    from ganzoo.folder.scores import add_scores
    from ganzoo.scoring.verify import ScoreVerifier, verify

    run = tiny(tmp_path / "run", "dimmer", data="forty-pairs").folder
    (score,) = ganzoo.evaluate(run, "forty-pairs", metrics=["l1"], n=20)
    add_scores(run, [replace(score, metric="wit", key="wit20-train@pixels")])
    held, unknown = verify(run, ScoreVerifier("forty-pairs"))
    assert held.holds and "no metric is called 'wit'" in unknown.text


def test_what_has_no_pairs_is_said_in_one_line(gan: GAN) -> None:
    plain = ganzoo.build("dcgan:ch=4", resolution=16, channels=1)
    for model, data, hint in (
        (plain, open_data(Labelled(40)), "the data set Labelled has no pairs"),
        (plain, pairs(), "this model is not made from the source images of pairs"),
        (open_data(images(40)), pairs(), "tensor is not made from the source"),
    ):
        with pytest.raises(UsageError, match=f"l1 compares each image .* {hint}"):
            evaluate(model, data, metrics=["l1"], n=20)


def test_small_images_are_refused() -> None:
    gan = ganzoo.build("dimmer", resolution=8, channels=1)
    source = images(20, side=8)
    data = ImageData("small", MemoryImages(source), paired={"source": MemoryImages(source)})
    assert len(evaluate(gan, data, metrics=["l1", "psnr"], n=20)) == 2
    for name, least in (("ssim", 11), ("lpips", 16)):
        with pytest.raises(UsageError, match=f"{name} needs images of {least} pixels at least, and these have 8"):
            evaluate(gan, data, metrics=[name], n=20)


def test_pairs_have_no_floor(tmp_path: Path) -> None:
    from ganzoo.metrics.select import with_floor

    assert with_floor(["fid", "l1", "kid"]) == ["fid", "kid"]
    with pytest.raises(UsageError, match="leave --floor out"):
        with_floor(["l1", "ssim"])


# --- the weights of LPIPS -----------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Random weights in the two files, whose sha256 are taken for the published ones."""
    from torchvision.models.vgg import cfgs, make_layers

    torch.manual_seed(0)
    trunk = {f"features.{name}": tensor for name, tensor in make_layers(cfgs["D"]).state_dict().items()}
    linear = {f"lin{k}.model.1.weight": torch.rand(1, n, 1, 1) for k, n in enumerate(lpips.CHANNELS)}

    def write(variable: str) -> Path:
        name, state = {"GANZOO_LPIPS": ("LINEAR", linear), "GANZOO_VGG16": ("VGG", trunk)}[variable]
        file = tmp_path / f"{name}.pth"
        torch.save(state, file)
        monkeypatch.setattr(lpips, f"{name}_SHA256", sha256(file.read_bytes()).hexdigest())
        monkeypatch.setenv(variable, str(file))
        return file

    return write


def test_lpips_is_scored_with_its_two_files(gan: GAN, published: Callable[[str], Path]) -> None:
    for variable in ("GANZOO_LPIPS", "GANZOO_VGG16"):
        published(variable)
    (score,) = evaluate(gan, pairs(), metrics=["lpips"], n=20)
    assert score.key == "lpips20-all@lpips-vgg16" and 0 <= score.value < 0.01 and not score.higher_is_better


def test_without_its_files_lpips_says_what_to_do(
    gan: GAN, published: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(weights, "urlopen", refuse)
    monkeypatch.setattr(lpips, "_of_package", lambda: None)
    for digest, hints in (
        (lpips.LINEAR_SHA256, ("weights-vgg16-lpips.pth", "GANZOO_LPIPS", "pip install lpips")),
        (lpips.VGG_SHA256, ("vgg16-397923af.pth", "GANZOO_VGG16", "553,433,881 bytes")),
    ):
        with pytest.raises(GanzooError) as failed:
            evaluate(gan, pairs(), metrics=["lpips"], n=20)
        places = (digest, str(tmp_path / "torch/hub/checkpoints"), "no route to host", "the metrics l1, psnr and ssim")
        assert all(hint in str(failed.value) for hint in (*hints, *places))
        published("GANZOO_LPIPS")
    monkeypatch.setenv("GANZOO_VGG16", str(tmp_path / "LINEAR.pth"))
    with pytest.raises(GanzooError, match=r"\$GANZOO_VGG16\) is not the weights of VGG16: its sha256"):
        evaluate(gan, pairs(), metrics=["lpips"], n=20)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pairs() -> None:
    from ganzoo.metrics.sample import Gatherer
    from ganzoo.metrics.statistic import FeatureBatch

    gatherer = Gatherer({"pairs"}, 10**6)
    for _ in range(1000):
        gatherer.add(FeatureBatch(torch.full((1000, 1), 0.5)))
    spread = gatherer.sample().pairs
    assert (spread.count, spread.mean, spread.std) == (10**6, 0.5, 0.0)
