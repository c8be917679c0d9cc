"""Finding the noise of a photo."""

import math
from dataclasses import replace

import pytest
import torch
from ganzoo_edit.encoder import cached, open_encoder
from ganzoo_edit.latent import read_latent, save_latent
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.nearness import Nearness, mean_difference, psnr
from ganzoo_edit.projection import Search, project, starts

import ganzoo
from ganzoo import UsageError

QUICK = Search(steps=40, starts=2, draws=32, seed=1)


@pytest.fixture(scope="module")
def manifold(models):
    return {kind: Manifold(ganzoo.load(folder), kind) for kind, folder in models.items()}


def sample(manifold, seed=5, label=None):
    """An image that the model can draw."""
    numbers = None if label is None else torch.tensor([label])
    return manifold.look(manifold.noise(1, seed), manifold.labels(numbers, 1))[0]


@pytest.mark.parametrize("kind", ["colour", "grey"])
def test_its_own_image_is_found_again(manifold, kind):
    photo = sample(manifold[kind])
    near, search = Nearness(photo), replace(QUICK, steps=150)
    nearest = starts(manifold[kind], near, search)[0]
    found = project(manifold[kind], near, search)
    assert found.place.loss < 0.1 * nearest.loss
    assert found.psnr > 35 and found.l1 < 0.02
    assert found.psnr == pytest.approx(psnr(found.image, photo)) and found.image.shape == photo.shape
    assert 40 <= found.evaluations < 400


def test_the_same_seed_finds_the_same(manifold):
    near = Nearness(sample(manifold["colour"]))
    first, second = (project(manifold["colour"], near, QUICK) for _ in range(2))
    assert torch.equal(first.place.z, second.place.z)


def test_noise_stays_where_the_prior_has_mass(manifold):
    loud = torch.zeros(3, 16, 16)
    loud[:, ::2, ::2] = 1  # nothing that this model draws
    free, tied = (project(manifold["colour"], Nearness(loud), Search(60, 1, 16, 0, prior)) for prior in (0.0, 0.1))
    assert tied.place.z.square().mean() < 1.1 < free.place.z.square().mean()
    cube = project(manifold["grey"], Nearness(loud[:1]), QUICK).place.z
    assert cube.abs().max() <= 1


class Skies(torch.nn.Module):
    """A trunk whose upper half is bright in class 1 alone, which no noise makes up for."""

    def __init__(self, trunk):
        super().__init__()
        self.trunk = trunk
        above = torch.ones(1, 16, 1)
        above[:, 8:] = -1
        self.register_buffer("above", above)

    def forward(self, h, y):
        sign = (y[:, 1] - y[:, 0])[:, None, None, None]
        return self.trunk(h, y) / 2 + self.above * sign / 2


@pytest.mark.parametrize("label", [0, 1])
def test_every_class_takes_part_unless_one_is_named(models, label):
    gan = ganzoo.load(models["classes"])
    gan.G.trunk = Skies(gan.G.trunk)
    skies = Manifold(gan, "skies")
    near = Nearness(sample(skies, label=label))
    assert project(skies, near, QUICK).place.label == label
    assert project(skies, near, QUICK, label=1 - label).place.label == 1 - label


def test_terms_are_zero_for_the_photo_itself():
    photo = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    other = torch.stack([photo, 1 - photo])
    for near in (Nearness(photo), Nearness(photo, "l1"), Nearness(photo, features="resnet18:random")):
        same, apart = near(other).tolist()
        assert same == pytest.approx(0, abs=1e-6) and apart > 0.05
    assert Nearness(photo, "l1")(other)[1] == pytest.approx(mean_difference(photo, 1 - photo), rel=0.05)
    assert psnr(photo, photo) == math.inf
    with pytest.raises(UsageError, match="l2 or l1"):
        Nearness(photo, "l3")


def test_features_have_gradients_and_leave_the_network_as_it_was(manifold):
    near = Nearness(sample(manifold["grey"]), features="resnet18:random")
    z = manifold["grey"].noise(2, 3).requires_grad_(True)
    near(manifold["grey"].draw(z, manifold["grey"].labels(None, 2))).sum().backward()
    assert z.grad.abs().sum() > 0
    assert not any(module._forward_hooks for module in near.apart.maps.module.modules())
    assert len(near.apart.maps.sides) == 3 and min(near.apart.maps.sides) >= 4


# --- the encoder --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["colour", "grey", "classes"])
def test_encoder_beats_its_own_beginning_and_gives_a_start(manifold, kind):
    losses = []
    encoder = open_encoder(manifold[kind], 41, 60, lambda step, of, loss: losses.append((step, of, loss)))
    assert [step for step, *_ in losses] == [0, 20, 40] and losses[-1][2] < losses[0][2]
    begun = starts(manifold[kind], Nearness(sample(manifold[kind])), QUICK, encoder)
    assert [place.kind for place in begun] == ["encoder", "random"]
    assert (begun[0].label is None) == (kind != "classes")
    assert kind != "grey" or begun[0].z.abs().max() <= 1


def test_encoder_is_made_once_for_the_same_weights(manifold):
    told = []
    first = open_encoder(manifold["colour"], 3, 60, lambda *step: told.append(step))
    again = open_encoder(manifold["colour"], 3, 60, lambda *step: told.append(step))
    assert len(told) == 1
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    places = {cached(manifold[kind], steps) for kind in ("colour", "classes") for steps in (3, 4)}
    assert len(places) == 4, "other weights and other lengths have encoders of their own"
    cached(manifold["colour"], 3).write_bytes(b"torn")
    open_encoder(manifold["colour"], 3, 60, lambda *step: told.append(step))
    assert len(told) == 2
    data = bytearray(cached(manifold["colour"], 3).read_bytes())
    data[-1000] ^= 1
    cached(manifold["colour"], 3).write_bytes(data)
    open_encoder(manifold["colour"], 3, 60, lambda *step: told.append(step))
    assert len(told) == 3, "a flipped bit is noticed"


def test_training_of_the_encoder_ends_in_time_and_needs_no_cache(manifold, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    steps = []
    open_encoder(manifold["colour"], 1_000_000, 0.2, lambda step, *_: steps.append(step))
    assert steps and steps[-1] < 10_000


# --- z in a file --------------------------------------------------------------------------------------------


def test_z_is_read_back(manifold, tmp_path):
    z = manifold["classes"].noise(1, 9)
    save_latent(tmp_path / "z.safetensors", z, 1)
    read, label = read_latent(tmp_path / "z.safetensors", manifold["classes"])
    assert torch.equal(read, z) and label == 1
    assert read_latent(tmp_path / "z.safetensors", manifold["colour"])[1] is None
    save_latent(tmp_path / "other.safetensors", z[:, :5], 7)
    with pytest.raises(UsageError, match="holds no z of shape"):
        read_latent(tmp_path / "other.safetensors", manifold["colour"])
    save_latent(tmp_path / "seven.safetensors", z, 7)
    with pytest.raises(UsageError, match="class 7"):
        read_latent(tmp_path / "seven.safetensors", manifold["classes"])


def test_model_without_noise_is_refused(models):
    gan = ganzoo.load(models["colour"])
    gan.G = torch.nn.Identity()
    with pytest.raises(UsageError, match="draws no images from noise"):
        Manifold(gan, "that")


def test_labels_that_are_no_classes_are_refused():
    gan = ganzoo.build("gan:ch=4+onehot", 16, 1, 3, label_kind="multilabel")
    with pytest.raises(UsageError, match="is told multilabel labels; here they are classes"):
        Manifold(gan, "mine")
