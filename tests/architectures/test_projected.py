"""A discriminator that looks through a frozen network: what it sees, what is random, what stays, and what is marked."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from eval_runs import ganzoo as typed
from safetensors.torch import load_file
from tiny_runs import tiny as tiny_run
from torch import Tensor, nn

import ganzoo
from ganzoo.architectures.projected import Mixing
from ganzoo.folder.scores import read_scores
from ganzoo.metrics import Extractor, FeatureRequest
from ganzoo.metrics.features import opened
from ganzoo.metrics.weights import OFFLINE_NETWORK
from ganzoo.scoring.leaderboard import title
from ganzoo.scoring.verify import ScoreVerifier, verify
from ganzoo.testing import plugin
from ganzoo.training.loop import Trainer

TRAINED: list[str] = []  # feature networks that were opened with their weights
RECIPE = "dcgan:ch=2+projected@d:ch=2,features=tower+hinge"


class Tower(nn.Module):
    """Three maps, of an eighth, a sixteenth and a thirty-second of the image, and features of the last."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, 4, 5, 6)
        strides = (8, 2, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, s, s), nn.BatchNorm2d(b), nn.Tanh())
            for a, b, s in zip(channels, channels[1:], strides, strict=False)
        )

    def maps(self, x: Tensor) -> list[Tensor]:
        x, made = x / 127.5 - 1, []
        for stage in self.stages:
            x = stage(x)
            made.append(x)
        return made

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x)[-1].mean((2, 3))


def tower(request: FeatureRequest) -> Extractor:
    """A small network that makes maps."""
    module = Tower()
    if not (request.untrained or request.load(module)):
        TRAINED.append(request.name)
        generator = torch.Generator().manual_seed(7)  # stands for a download
        for stage in module.stages:
            nn.init.normal_(stage[0].weight, std=0.3, generator=generator)
    return Extractor(module, pixels=32, own=64, pretrained=not request.untrained)


class Flat(nn.Module):
    """Features, and no maps."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def flat(request: FeatureRequest) -> Extractor:
    """A network without maps."""
    return Extractor(Flat(), pixels=32, pretrained=not request.untrained)


class Hooks:
    @ganzoo.hookimpl
    def register_features(self, register: Any) -> None:
        register("tower", tower)
        register("flat", flat)


@pytest.fixture(autouse=True)
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    opened.cache_clear()
    TRAINED.clear()
    with plugin(Hooks()):
        yield


def build(classes: int = 0, channels: int = 3, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return ganzoo.build(RECIPE, 16, channels, classes)


def batch(channels: int = 3) -> dict[str, Tensor]:
    return {"image": torch.rand(4, channels, 16, 16) * 2 - 1, "label": torch.arange(4) % 3}


def test_it_sees_images_at_the_networks_own_size_in_its_own_range() -> None:
    d, seen = build(channels=1).D, list[Tensor]()
    d.network.open().register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    x = torch.full((1, 1, 16, 16), -1.0)
    x[..., 8:] = 1
    output = d(x, torch.zeros(1, 0))
    assert seen[0].shape == (1, 3, 64, 64)
    assert (seen[0][..., :24] == 0).all() and (seen[0][..., 40:] == 255).all()
    # 8, 4 and 2 pixels are mixed to 16, 8 and 4; what is larger than 8 is halved, and windows are of 4x4.
    assert [tuple(scores.shape) for scores in output.scores] == [(1, 25), (1, 25), (1, 1)]
    assert output.features.shape == (1, d.features)


def test_mixtures_are_those_of_the_paper() -> None:
    torch.manual_seed(0)
    mixing = Mixing((3, 5), 4, 3)
    large, small = torch.randn(2, 3, 8, 8), torch.randn(2, 5, 4, 4)

    def convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
        return F.conv2d(x, conv.weight, padding=conv.weight.shape[-1] // 2)

    def enlarged(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    below = enlarged(convolved(mixing.scales[1], convolved(mixing.channels[1], small)))
    above = enlarged(convolved(mixing.scales[0], convolved(mixing.channels[0], large) + below))
    for ours, wanted in zip(mixing([large, small]), (above, below), strict=True):
        torch.testing.assert_close(ours, wanted)
    wide = Mixing((64, 128), 64, 1)
    for conv in (*wide.channels, *wide.scales):
        assert conv.weight.std().item() == pytest.approx(conv.in_channels**-0.5, rel=0.05) and not conv.bias.any()
    efficientnet = Mixing((24, 40, 112, 320), 64, 1)
    assert sum(weight.numel() for weight in efficientnet.parameters()) == 376_768, "as many as the authors' code draws"


def test_what_is_frozen_stays_and_gradients_reach_g() -> None:
    gan = build()
    state = {name: tensor.clone() for name, tensor in gan.D.mixing.state_dict().items()}
    network = copy.deepcopy(gan.D.network.open().state_dict())
    before = copy.deepcopy(gan.G.state_dict())
    trainer = Trainer(gan, 0, 1)
    trainer.train_step([batch()] * trainer.batches_per_step)
    assert not gan.D.network.open().training and not gan.D.mixing.open().training
    assert state and all(torch.equal(tensor, gan.D.mixing.state_dict()[name]) for name, tensor in state.items())
    assert all(torch.equal(tensor, network[name]) for name, tensor in gan.D.network.open().state_dict().items())
    moved = [name for name, tensor in gan.G.named_parameters() if not torch.equal(tensor, before[name])]
    assert moved == [name for name, _ in gan.G.named_parameters()]
    assert not any("network" in name or "mixing" in name for name, _ in gan.D.named_parameters())


def test_random_mixtures_are_drawn_from_the_seed_and_saved_and_weights_that_have_a_name_are_not(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path / "run", RECIPE).folder
    state = load_file(folder / "training" / "step-00000004" / "state.safetensors")
    mixing = {name: tensor for name, tensor in state.items() if "D.mixing" in name}
    assert len([name for name in mixing if name.startswith("gan/")]) == 12
    assert not [name for name in state if "D.network" in name]
    drawn = [build(seed=seed).D.mixing.drawn.channels[0].weight for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert list(json.loads((folder / "config.json").read_text())["frozen"]) == ["tower"]
    TRAINED.clear()
    ganzoo.load(folder).sample(1)
    ganzoo.build(RECIPE, 16, 1)
    typed("build", RECIPE, "--resolution", 16, "--channels", 1, "--draw", tmp_path / "it.svg")
    assert TRAINED == [], "sampling, building and drawing fetch nothing"
    assert (tmp_path / "it.svg").stat().st_size > 1000


def test_a_score_on_the_network_that_training_looked_through_is_marked(tmp_path: Path) -> None:
    run = tiny_run(tmp_path / "run", RECIPE, data="digits", resolution=16, eval_every=4, eval_n=20, features="tower")
    said = typed("eval", run.folder, "--data", "digits", "-n", 20, "--metrics", "kid", "--features", "flat").output
    assert "kid20-train@flat" in said and "flatter" not in said
    told = typed("eval", run.folder, "--data", "digits", "-n", 20, "--metrics", "kid", "--features", "tower").stderr
    warned = "scores on tower flatter, and are marked :seen: training looks through it; another network: --features"
    assert f"{warned} {OFFLINE_NETWORK}" in told
    found = [score for score in read_scores(run.folder) if score.key != "kid20-train@tower:seen-32"]
    assert len(found) == len(read_scores(run.folder)) - 1
    assert [score.key for score in found] == ["fd20-valid@tower:seen-32", "kid20-train@flat"]
    assert "a network that training looked through" in title(found[0]) and "looked" not in title(found[1])
    assert all(one.holds for one in verify(run.folder, ScoreVerifier("digits")))
    plain = tiny_run(tmp_path / "plain", data="digits", resolution=16, eval_every=4, eval_n=20, features="tower")
    assert [score.key for score in read_scores(plain.folder)] == ["fd20-valid@tower-32"]


def test_labels_enter_each_score_and_other_heads_work() -> None:
    gan = build(classes=3)
    x = torch.rand(1, 3, 16, 16)
    gan.eval()
    one, other = (gan.D(x, torch.eye(3)[k : k + 1]).scores for k in (0, 1))
    assert all((a != b).any() for a, b in zip(one, other, strict=True))
    for words in ("+projection@d", "+ac", "+mh+multi-hinge"):
        named = ganzoo.build(RECIPE.removesuffix("+hinge") + words, 16, 3, 3)
        trainer = Trainer(named, 0, 1)
        trainer.train_step([batch()] * trainer.batches_per_step)
        trainer.check()


@pytest.mark.parametrize(
    ("recipe", "channels", "says"),
    [
        ("dcgan+projected@d:features=towr", 3, "no feature network is called 'towr'"),
        ("dcgan+projected@d:features=flat", 3, "flat gives features of an image and no maps of several sizes"),
        ("dcgan+projected@d:mixing=2,features=tower", 3, "projected:mixing=2 does not work: it is 1, 3, 5 or 7"),
        ("dcgan+projected@d:pixels=16,features=tower", 3, "projected:pixels=16 does not work"),
        ("dcgan+projected@d:features=tower", 4, "projected looks at grey or RGB images, not at 4 channels"),
        ("dcgan+projected@d:features=tower+onehot", 3, "projected looks through a network that sees images alone"),
        ("dcgan+projected@d:features=tower+2c", 3, "2c does not work with a part that brings 'patches'"),
        ("projected", 3, "projected has no generator"),
    ],
)
def test_what_does_not_work_is_refused_in_a_line_and_fetches_nothing(recipe: str, channels: int, says: str) -> None:
    with pytest.raises(ganzoo.UsageError) as caught:
        ganzoo.build(recipe, 16, channels, 3, device="meta")
    assert says in str(caught.value) and "\n" not in str(caught.value) and TRAINED == []


def test_images_that_are_no_squares_are_refused() -> None:
    with pytest.raises(ganzoo.UsageError, match="projected makes square images, not 16x32"):
        ganzoo.build(RECIPE, (16, 32), 3, device="meta")
