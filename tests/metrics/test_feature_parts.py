"""Feature networks that a plugin brings: found by ``--features``, recorded, verified, and held to the suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from eval_runs import ganzoo as typed
from safetensors.torch import save_file
from tiny_runs import Labelled, tiny
from torch import Tensor, nn

import ganzoo
from ganzoo.errors import GanzooError, PluginError, UsageError
from ganzoo.folder.scores import read_scores
from ganzoo.metrics import Extractor, FeatureRequest, content_digest, open_network
from ganzoo.metrics.features import opened
from ganzoo.parts import frozen
from ganzoo.scoring.verify import ScoreVerifier, verify
from ganzoo.testing import check_component, plugin

BUILT: list[FeatureRequest] = []


class Tower(nn.Module):
    """Patches, embedded and averaged, as CLIP's image tower begins; a class token's worth of logits on demand."""

    def __init__(self, width: int, classifies: bool) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, 8, stride=8)
        self.head = nn.Linear(width, 5) if classifies else None

    def forward(self, x: Tensor) -> Any:
        features = self.embed(x / 255).tanh().mean((2, 3))
        return features if self.head is None else (features, self.head(features))


def tower(request: FeatureRequest, *, width: int = 6, classifies: bool = False) -> Extractor:
    """A small image tower."""
    BUILT.append(request)
    module = Tower(width, classifies)
    if not (request.untrained or request.load(module)):
        generator = torch.Generator().manual_seed(7)  # stands for a download
        nn.init.normal_(module.embed.weight, generator=generator)
    own = {"pixels": 32, "own": 64, "resize": "clean"}
    return Extractor(module, **own, pretrained=not request.untrained, classifies=classifies)  # type: ignore[arg-type]


def mixing(request: FeatureRequest) -> Extractor:
    """Sees the batch, not the image; and passes a file of weights over."""
    return Extractor(Mixing(), pixels=16, pretrained=False)


class Mixing(nn.Module):
    """The mean colour, as far as it is from that of the batch."""

    def forward(self, x: Tensor) -> Tensor:
        colours = x.mean((2, 3))
        return colours - colours.mean(0)


def deaf(request: FeatureRequest) -> Extractor:
    """Passes a file of weights over."""
    return Extractor(Tower(4, False), pixels=16, pretrained=False)


def wrong(request: FeatureRequest) -> Any:
    """Gives a bare module."""
    return Tower(4, False)


class Hooks:
    @ganzoo.hookimpl
    def register_features(self, register: Any) -> None:
        register("tower", tower)
        register("mixing", mixing)
        register("deaf", deaf)
        register("wrong", wrong)


@pytest.fixture(autouse=True)
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    opened.cache_clear()
    BUILT.clear()
    with plugin(Hooks()):
        yield


def test_a_plugins_network_scores_and_is_recorded(tmp_path: Path) -> None:
    run = tiny(tmp_path / "run", data="digits", resolution=16, eval_every=4, eval_n=20, features="tower").folder
    words = ("--data", "digits", "-n", 20, "--metrics", "kid,is", "--features", "tower:classifies=true,width=4.0")
    typed("eval", run, *words)
    keys = ["fd20-valid@tower-32", *(f"{m}20-train@tower:classifies=true,width=4-32" for m in ("kid", "is"))]
    found = read_scores(run)
    assert [score.key for score in found] == keys
    assert found[0].resize == "clean" and found[0].network["sha256"] == open_network("tower", 16).sha256
    assert len({score.network["sha256"] for score in found}) == 2 and all(s.network["pretrained"] for s in found)
    assert all(one.holds for one in verify(run, ScoreVerifier("digits")))
    assert "tower:classifies=true,width=4-32" in typed("leaderboard", run).output
    typed("card", run)
    assert "Features of `tower:classifies=true,width=4` at 32 px" in (run / "README.md").read_text()


def test_options_weights_and_untrained_networks(tmp_path: Path) -> None:
    first = open_network("features/tower:width=6")
    assert first.name == "tower" and first.pixels == 32 and first.unusual_pixels == 32
    assert open_network("tower:random").name == "tower:random" and not open_network("tower:random").pretrained
    donor = Tower(5, False)
    save_file(donor.state_dict(), tmp_path / "mine.safetensors")
    mine = open_network("tower:width=5", weights=tmp_path / "mine.safetensors")
    assert (mine.name, mine.sha256) == ("tower:width=5", content_digest(donor.state_dict()))
    with pytest.raises(GanzooError, match="weights of another network"):
        open_network("tower", weights=tmp_path / "mine.safetensors")
    images = torch.randint(0, 256, (3, 1, 16, 16), dtype=torch.uint8)
    assert mine(images)[0].shape == (3, 5) and mine(images)[1] is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("towr", "no feature network is called 'towr'; nearest: tower"),
        ("tower:wide=3", "tower has no option 'wide'; nearest: width"),
        ("tower:width=x", "tower:width=x does not work"),
        ("hinge", "no feature network is called 'hinge'"),
        ("tf_efficientnet_lite0.in1k:width=3", "timm has no option 'width', and no others"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_built(name: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=hint) as refused:
        tiny(tmp_path / "run", eval_every=2, features=name)
    assert not BUILT and not (tmp_path / "run").exists() and "\n" not in str(refused.value)


def test_what_is_no_extractor_is_the_plugins_mistake() -> None:
    with pytest.raises(PluginError, match=r"features/wrong gives Tower, and not a ganzoo\.metrics\.Extractor"):
        open_network("wrong")


def test_a_discriminator_can_look_through_it() -> None:
    network = frozen(lambda: open_network("tower", 32).module, name="tower")
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    network(images).sum().backward()
    assert images.grad is not None and not list(network.parameters())


def test_it_is_listed_and_no_part_of_a_recipe() -> None:
    assert {"inception-v3-compat", "timm", "tower"} <= set(ganzoo.list("features"))
    assert "tower" in typed("list", "features").output
    with pytest.raises(UsageError, match="no part of a GAN; give the features with --features tower"):
        ganzoo.build("dcgan+features/tower")


def test_conformance_tells_good_networks_from_bad_ones() -> None:
    check_component("features/tower")
    for name, complaint in (
        ("mixing", "sees an image alone"),
        ("deaf", "refuses a file of weights"),
        ("wrong", "gives a"),
    ):
        with pytest.raises(AssertionError, match=complaint):
            check_component(f"features/{name}")


@pytest.mark.slow
def test_timm_is_imported_by_its_own_builder_alone() -> None:
    code = """
import sys
from ganzoo.registry.loading import registry
assert registry().find("timm", ("features",)).summary and "torch" not in sys.modules
from ganzoo.metrics import open_network
open_network("inception-v3-compat:random")
assert "timm" not in sys.modules
open_network("test_efficientnet:random")
assert "timm" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_scores_of_plain_pictures_are_those_of_before() -> None:
    """Keys and digests of networks are what records of 0.1.0 hold."""
    network = open_network("test_efficientnet:random", 16)
    assert (network.name, network.pixels, network.own, network.resize) == (
        "test_efficientnet:random",
        64,
        160,
        "bilinear",
    )
    (score,) = ganzoo.evaluate(
        ganzoo.build("dcgan:ch=4", resolution=16, channels=1),
        Labelled(),
        metrics="fid",
        n=10,
        features="test_efficientnet:random",
    )
    assert score.key == "fd10-all@test_efficientnet:random-64" and score.network == network.record()
