"""Models with w: what was found is read back to the same picture, noise of layers included, and nothing is changed."""

import pytest
import torch
from ganzoo_edit.latent import read_latent, save_latent
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.nearness import Nearness
from ganzoo_edit.projection import Search, labels_of, project

import ganzoo

QUICK = Search(steps=20, starts=1, draws=32, seed=1)


@pytest.fixture(scope="module", params=[(3, 0), (1, 2)], ids=["colour", "grey, classes"])
def folder(request, tmp_path_factory):
    channels, classes = request.param
    torch.manual_seed(0)
    head = "+spd" if classes else ""
    gan = ganzoo.build(f"stylegan2:ch=8,mapping=2{head}", 16, channels, classes, z_dim=8)
    for name, parameter in gan.G.named_parameters():
        if name.endswith("noise.strength"):
            parameter.data.fill_(0.2)  # as a training makes it
        if name.endswith("affine.weight"):
            parameter.data.mul_(0.2)  # smooth enough to be searched in a few steps
    return gan.save(tmp_path_factory.mktemp("styled") / "model")


def test_a_photo_is_found_again_and_its_noise_draws_the_same_picture_anywhere(folder, tmp_path):
    manifold = Manifold(ganzoo.load(folder), "styled")
    before = {name: tensor.clone() for name, tensor in manifold.state().items()}
    photo = manifold.look(manifold.noise(1, 5), manifold.labels(None, 1))[0]
    found = project(manifold, Nearness(photo), QUICK)
    assert found.psnr > 20
    save_latent(tmp_path / "z.safetensors", found.place.z, found.place.label)
    again = Manifold(ganzoo.load(folder), "again")
    z, label = read_latent(tmp_path / "z.safetensors", again)
    assert label == found.place.label
    assert torch.equal(again.look(z, labels_of(again, found.place))[0].cpu(), found.image)
    assert all(torch.equal(tensor, before[name]) for name, tensor in manifold.state().items())


def test_a_truncation_that_was_asked_for_is_not_that_of_what_is_projected(folder):
    gan = ganzoo.load(folder)
    manifold = Manifold(gan, "styled")
    z, y = manifold.noise(1, 5), manifold.labels(None, 1)
    image = manifold.look(z, y)
    gan.sample(1, seed=0, truncation=0.2)
    assert torch.equal(manifold.look(z, y), image)
