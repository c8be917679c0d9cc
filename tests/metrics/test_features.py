"""Feature networks: the right weights, the right features, and clear words where there are none."""

from __future__ import annotations

import copy
import io
from hashlib import sha256
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hub_server import HubServer, flip
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from ganzoo.errors import GanzooError, UsageError
from ganzoo.metrics import features, frechet, open_network, sample_of, weights
from ganzoo.metrics.features import fold_batch_norms
from ganzoo.metrics.resize import RESIZES

LITE = "tf_efficientnet_lite0.in1k"
TINY = "test_efficientnet:random"


def pictures(n: int = 2, channels: int = 3, side: int = 32, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=rng)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network that another test opened, and no weights that the machine happens to have."""
    features.opened.cache_clear()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv(weights.INCEPTION_ENV, raising=False)


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> io.BytesIO:
        raise URLError("Name or service not known")

    monkeypatch.setattr(weights, "urlopen", refuse)


# --- the 2015 Inception graph -------------------------------------------------------------------------------


def test_inception_features_are_torch_fidelitys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch_fidelity")
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    from ganzoo.metrics.inception import InceptionGraph

    torch.manual_seed(1)
    state = {
        name: torch.rand_like(tensor) + 0.5 if name.endswith("running_var") else tensor
        for name, tensor in InceptionGraph().network.state_dict().items()
    }
    file = tmp_path / "random.pth"
    torch.save(state, file)
    digest = sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(weights, "INCEPTION_SHA256", digest)
    monkeypatch.setattr(features, "INCEPTION_SHA256", digest)
    network = open_network("inception-v3-compat", weights=file)
    theirs = FeatureExtractorInceptionV3("x", ["2048", "logits_unbiased"], feature_extractor_weights_path=file)
    images = pictures()
    found, expected = network(images), theirs(images)
    for ours, other in zip(found, expected, strict=True):
        assert ours is not None and (ours - other).norm() / other.norm() < 1e-4
    assert network.standard and network.record() == {
        "name": "inception-v3-compat",
        "input": 299,
        "pretrained": True,
        "sha256": digest,
    }


def test_an_untrained_inception_is_not_the_standard() -> None:
    pytest.importorskip("torch_fidelity")
    network = open_network("inception-v3-compat:random")
    assert not network.standard and not network.pretrained and network.name.endswith(":random")
    assert network.unusual_pixels is None and network.resize == "tf1-bilinear"


def test_without_weights_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unreachable(monkeypatch)
    with pytest.raises(GanzooError) as failed:
        open_network()
    text = str(failed.value)
    for hint in (
        "weights-inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Name or service not known",
        str(tmp_path / "torch/hub/checkpoints"),
        "GANZOO_INCEPTION",
        "GANZOO_INCEPTION",
        LITE,
        "pip install 'ganzoo-core[offline]>=0.2'",
    ):
        assert hint in text
    assert not (tmp_path / "torch").exists()


def test_the_sha256_of_weights_is_checked_wherever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"not it")
    with pytest.raises(GanzooError, match=f"its sha256 is {sha256(b'not it').hexdigest()}"):
        open_network(weights=wrong)
    monkeypatch.setenv(weights.INCEPTION_ENV, str(wrong))
    with pytest.raises(GanzooError, match="GANZOO_INCEPTION"):
        open_network()
    monkeypatch.setenv(weights.INCEPTION_ENV, str(tmp_path / "nowhere.pth"))
    with pytest.raises(UsageError, match="there is no file"):
        open_network()


@pytest.mark.parametrize("name", weights.SAME_FILES)
def test_weights_of_other_packages_are_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    file = tmp_path / "torch" / "hub" / "checkpoints" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"it")
    monkeypatch.setattr(weights, "INCEPTION_SHA256", sha256(b"it").hexdigest())
    assert weights.inception_weights() == file


def test_weights_are_fetched_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there.pth"
    there.write_bytes(b"it")
    monkeypatch.setattr(weights, "INCEPTION_URL", there.as_uri())
    monkeypatch.setattr(weights, "INCEPTION_SHA256", sha256(b"it").hexdigest())
    fetched = weights.inception_weights()
    assert fetched.read_bytes() == b"it" and fetched.name == weights.INCEPTION_FILE
    there.unlink()
    assert weights.inception_weights() == fetched


@pytest.mark.parametrize("arrives", [b"it", b"<html>"])
def test_damaged_weights_are_fetched_again_and_never_kept(
    arrives: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.pth"
    there.write_bytes(arrives)
    monkeypatch.setattr(weights, "INCEPTION_URL", there.as_uri())
    monkeypatch.setattr(weights, "INCEPTION_SHA256", sha256(b"it").hexdigest())
    file = tmp_path / "torch" / "hub" / "checkpoints" / weights.INCEPTION_FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"if")
    if arrives == b"it":
        assert weights.inception_weights().read_bytes() == b"it"
        return
    file.unlink()
    for _ in range(2):
        with pytest.raises(GanzooError, match=r"what arrives from .* is not the 2015 Inception graph"):
            weights.inception_weights()
        assert not list(file.parent.iterdir())


def test_weights_of_timm_are_held_to_the_digest_of_the_hub(hub: HubServer) -> None:
    import timm
    from huggingface_hub import try_to_load_from_cache
    from safetensors.torch import save

    network = timm.create_model("test_resnet.r160_in1k")
    data, repo = save(network.state_dict()), str(network.pretrained_cfg["hf_hub_id"])
    hub.repo(repo, {"model.safetensors": data})
    hub.fail("GET", "/cdn/", "flip", times=1000)
    for _ in range(2):
        with pytest.raises(GanzooError, match="what arrives is not what the Hub lists"):
            open_network("test_resnet", 32)
        assert not isinstance(try_to_load_from_cache(repo, "model.safetensors"), str)
    hub.faults.clear()
    first = open_network("test_resnet", 32).sha256
    cached = Path(str(try_to_load_from_cache(repo, "model.safetensors"))).resolve()
    cached.write_bytes(flip(data))
    features.opened.cache_clear()
    assert open_network("test_resnet", 32).sha256 == first and cached.read_bytes() == data


# --- networks of timm ---------------------------------------------------------------------------------------


@pytest.fixture(params=[LITE, weights.SECOND_NETWORK])
def lite(request: pytest.FixtureRequest) -> features.FeatureNetwork:
    pytest.importorskip(weights.PACKAGES[request.param][0])
    return open_network(request.param, 32)


def test_the_offline_networks_are_timms_with_their_weights(lite: features.FeatureNetwork) -> None:
    import timm

    assert lite.record() | {"sha256": ""} == {"name": lite.name, "input": 64, "pretrained": True, "sha256": ""}
    assert lite.unusual_pixels == 64 and not lite.standard
    file = weights.packaged(lite.name)
    assert file is not None
    plain = timm.create_model(lite.name)
    plain.load_state_dict(weights.fitted(weights.read_state(file), plain.state_dict(), file))
    assert weights.content_digest(plain.state_dict()) == lite.sha256
    images = pictures(3)
    with torch.no_grad():
        expected = plain.eval()(RESIZES["bilinear"](images.float(), 64) / 127.5 - 1)
    found, logits = lite(images)
    assert found.shape == (3, 1280) and logits is not None
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)


def test_the_first_offline_weights_know_a_flower() -> None:
    pytest.importorskip(weights.PACKAGES[LITE][0])
    from sklearn.datasets import load_sample_images

    flower = torch.from_numpy(load_sample_images().images[1][:, 100:527].copy()).permute(2, 0, 1)[None]
    large = open_network(LITE, 112)
    assert large.unusual_pixels is None and large.sha256 == open_network(LITE, 32).sha256
    _, logits = large(flower)
    assert logits is not None and logits.argmax() == 985  # daisy: ImageNet's nearest to the flower in the picture


def test_the_offline_weights_know_a_temple(lite: features.FeatureNetwork) -> None:
    from sklearn.datasets import load_sample_images

    temple = torch.from_numpy(load_sample_images().images[0][:, 100:527].copy()).permute(2, 0, 1)[None]
    large = open_network(lite.name, lite.own // 2)
    assert large.unusual_pixels is None and large.sha256 == lite.sha256
    _, logits = large(temple)
    assert logits is not None and {698, 442} == set(logits[0].topk(2).indices.tolist())  # palace, bell cote


def test_grey_images_are_seen_as_colour_ones() -> None:
    network = open_network(TINY, 32)
    grey = pictures(2, channels=1)
    assert torch.equal(network(grey)[0], network(grey.repeat(1, 3, 1, 1))[0])


@pytest.mark.parametrize(("resolution", "pixels"), [(8, 64), (32, 64), (48, 96), (64, 128), (512, 160)])
def test_the_input_is_twice_the_images_up_to_the_networks_own(resolution: int, pixels: int) -> None:
    assert open_network(TINY, resolution).pixels == pixels


def test_a_network_of_one_size_keeps_it() -> None:
    network = open_network("test_vit:random", 32)
    assert network.pixels == network.own and network.unusual_pixels is None


def test_weights_from_a_file(tmp_path: Path) -> None:
    import timm

    donor = timm.create_model("test_efficientnet")
    save_file(donor.state_dict(), tmp_path / "mine.safetensors")
    network = open_network("test_efficientnet", 32, tmp_path / "mine.safetensors")
    assert network.pretrained and network.sha256 == weights.content_digest(donor.state_dict())
    assert network.name.startswith("test_efficientnet.")
    with pytest.raises(GanzooError, match="another network"):
        open_network("test_resnet", 32, tmp_path / "mine.safetensors")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('ran')",)


def test_a_pickle_among_weights_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(GanzooError, match="cannot read weights"):
        open_network("test_efficientnet", 32, tmp_path / "bomb.pth")


def test_weights_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    real = timm.create_model

    def offline(name: str, pretrained: bool = False) -> nn.Module:
        if pretrained:
            raise OSError("no connection")
        return real(name)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(GanzooError, match=r"no connection.*--weights.*tf_efficientnet_lite0"):
        open_network("test_resnet", 32)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("inception-v3", "inception-v3-compat"),
        ("resnet1", "resnet"),
        ("tf_efficientnet_lite0.in22k", "tf_efficientnet_lite0.in1k"),
        ("hf-hub:someone/model", "no feature network"),
    ],
)
def test_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        open_network(name)


def test_untrained_networks_take_no_weights(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave out"):
        open_network(TINY, weights=tmp_path / "some.pth")


def test_opening_a_network_leaves_the_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    first = open_network(TINY)
    features.opened.cache_clear()
    assert open_network(TINY).sha256 == first.sha256 and torch.equal(torch.get_rng_state(), before)


# --- speed that costs nothing -------------------------------------------------------------------------------


class Misleading(nn.Module):
    """A batch norm that is listed behind the convolution, and applied before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.norm.running_mean = torch.tensor([50.0, 80.0, 100.0])

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        return self.conv(self.norm(x)).mean((2, 3)), None


def test_batch_norms_are_folded_only_where_that_changes_nothing() -> None:
    import timm

    network = timm.create_model("test_efficientnet").eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)  # type: ignore[arg-type]
    plain, images = copy.deepcopy(network), torch.rand(2, 3, 64, 64)
    assert fold_batch_norms(network) and not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    torch.testing.assert_close(network(images), plain(images), rtol=1e-4, atol=1e-4)
    images, misleading = images * 255, Misleading()
    expected = copy.deepcopy(misleading).eval()(images)[0]
    placed = features._placed(misleading, 64, torch.device("cpu"))
    torch.testing.assert_close(placed(images)[0], expected)


def test_features_are_float32_whatever_surrounds_them() -> None:
    network, images = open_network(TINY), pictures()
    plain = network(images)[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(images)[0], plain)


def test_bf16_would_move_a_score_by_more_than_a_thousandth(lite: features.FeatureNetwork) -> None:
    """Which is why features are float32 everywhere. Convolutions are rounded to bf16 here, hardware or not."""
    from ganzoo.data import open_data

    digits = open_data("digits").images.fetch(torch.arange(100))
    sides = digits, (digits.float() * 0.7).byte().flip(3)
    exact = [lite(images)[0] for images in sides]
    rounded = copy.deepcopy(lite.module)
    for module in rounded.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.bfloat16().float()
            module.register_forward_pre_hook(lambda _, args: (args[0].bfloat16().float(),))
            module.register_forward_hook(lambda _, args, out: out.bfloat16().float())
    with torch.no_grad():
        rough = [rounded(RESIZES[lite.resize](x.float().expand(-1, 3, -1, -1), 64))[0] for x in sides]
    scores = [frechet(*(sample_of(x, requires={"moments"}).moments for x in pair)) for pair in (exact, rough)]
    assert abs(scores[1] / scores[0] - 1) > 1e-3


# --- resizing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "pixels"), [(32, 299), (64, 20)])
def test_clean_resizing_is_pils(side: int, pixels: int) -> None:
    images = pictures(2, side=side)
    ours = RESIZES["clean"](images.float(), pixels)
    for image, found in zip(images, ours, strict=True):
        for plane, result in zip(image, found, strict=True):
            pil = Image.fromarray(plane.float().numpy()).resize((pixels, pixels), Image.Resampling.BICUBIC)
            np.testing.assert_allclose(result, np.asarray(pil).clip(0, 255), atol=0.05)


@pytest.mark.parametrize("way", sorted(RESIZES))
def test_resizing_to_the_same_size_changes_nothing(way: str) -> None:
    images = pictures(1, side=16).float()
    torch.testing.assert_close(RESIZES[way](images, 16), images, atol=1e-3, rtol=1e-5)
