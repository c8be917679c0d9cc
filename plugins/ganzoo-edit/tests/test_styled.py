"""Models with w: what was found is read back to the same picture, noise of layers included, and nothing is changed."""

import json
import math

import ganzoo_edit
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from ganzoo_edit.latent import read_latent, save_latent
from ganzoo_edit.manifold import Manifold
from ganzoo_edit.nearness import Nearness
from ganzoo_edit.projection import Search, labels_of, project
from ganzoo_edit.styled import StyleSearch, cloud_of, look_for_w, speed, whiteness
from PIL import Image

import ganzoo
from ganzoo import UsageError
from ganzoo.cli.kit import main, noise_maps, noise_modules, read_latents, save_latents

QUICK = Search(steps=20, starts=1, draws=32, seed=1)
IN_W = StyleSearch(steps=20, starts=1, draws=32, seed=1)


@pytest.fixture(scope="module", params=[(3, 0), (1, 2)], ids=["colour", "grey, classes"])
def folder(request, tmp_path_factory):
    channels, classes = request.param
    torch.manual_seed(0)
    head = "+spd" if classes else ""
    gan = ganzoo.build(f"stylegan2:ch=8,mapping=2{head}", 16, channels, classes, z_dim=8)
    for name, parameter in gan.G.named_parameters():
        if name.endswith("noise.strength"):
            parameter.data.fill_(0.2)  # as a training makes it
    return gan.save(tmp_path_factory.mktemp("styled") / "model")


@pytest.fixture(scope="module")
def drawn(folder):
    """The model, and a picture that it drew, of class 0 where there are classes."""
    manifold = Manifold(ganzoo.load(folder), "styled")
    return manifold, manifold.look(manifold.noise(1, 5), manifold.labels(None, 1))[0]


def first(manifold):
    """Class 0, or None for a model without classes."""
    return 0 if manifold.classes else None


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


def test_what_a_picture_is_cut_at_is_no_error():
    near = Nearness(torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 3))
    beyond, short = torch.tensor([-3.0, 0.5, 2.0]).view(1, 1, 1, 3), torch.tensor([0.3, 1.5, 0.9]).view(1, 1, 1, 3)
    assert near(beyond).item() == 0
    assert near(short).item() == pytest.approx((0.3**2 + 1 + 0.1**2) / 3)


# --- in w and w+ -----------------------------------------------------------------------------------------------


def test_a_picture_is_found_in_w(folder, drawn):
    manifold, photo = drawn
    before = {name: tensor.clone() for name, tensor in manifold.state().items()}
    found = project(manifold, Nearness(photo), IN_W, label=first(manifold))
    assert found.psnr > 25 and found.place.w.shape == (1, 6, manifold.G.w_dim)
    assert all(torch.equal(found.place.w[:, k], found.place.w[:, 0]) for k in range(6))
    latents = found.place.latents()
    assert latents.space == "w" and torch.equal(latents.draw(ganzoo.load(folder))[0], found.image)
    assert all(torch.equal(tensor, before[name]) for name, tensor in manifold.state().items())


def test_w_plus_comes_nearer_to_a_foreign_picture_than_w(drawn):
    manifold, _ = drawn
    ramp = torch.linspace(0, 1, 16)
    photo = torch.stack([ramp.expand(16, 16), ramp[:, None].expand(16, 16), ramp[:, None] * ramp])[: manifold.size[0]]
    in_w, in_w_plus = (
        project(manifold, Nearness(photo), StyleSearch(space, steps=60, starts=1, draws=32), label=first(manifold))
        for space in ("w", "w+")
    )
    assert in_w_plus.psnr > in_w.psnr + 0.5
    assert not torch.equal(in_w_plus.place.w[:, 0], in_w_plus.place.w[:, 1])


def test_noise_that_is_found_stays_white_and_is_saved(folder, drawn, tmp_path):
    manifold, _ = drawn
    rng = torch.Generator().manual_seed(3)
    maps = {key: torch.randn(module.constant.shape, generator=rng) for key, module in noise_modules(manifold.G).items()}
    with noise_maps(manifold.G, maps):  # a picture with other noise than the model's own
        photo = manifold.look(manifold.noise(1, 5), manifold.labels(None, 1))
    pixels = (photo[0] * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(tmp_path / "photo.png")
    out = tmp_path / "out"
    words = ["project", folder, tmp_path / "photo.png", "--find-noise", "--steps", 100, "--starts", 1, "--out", out]
    words += ["--class", 0] if manifold.classes else []
    done = CliRunner().invoke(main, [str(word) for word in [*words, "--json"]])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["space"] == "w" and told["files"]["w"] == str(out / "w.safetensors")
    found = read_latents(out / "w.safetensors")
    assert set(found.noise) == set(maps) and found.labels == (torch.tensor([0]) if manifold.classes else None)
    assert float(whiteness(found.noise)) < 1e-3
    for picture in found.noise.values():
        assert abs(float(picture.mean())) < 1e-4 and abs(float(picture.std(correction=0)) - 1) < 1e-3
    again = ganzoo.load(folder).sample(latents=out / "w.safetensors", output="pil")[0]
    assert np.array_equal(np.asarray(again), np.asarray(Image.open(out / "projection.png")))


def test_every_class_is_looked_at_unless_one_is_named(drawn):
    manifold, _ = drawn
    if not manifold.classes:
        pytest.skip("no classes")
    photo = manifold.look(manifold.noise(1, 8), manifold.labels(torch.tensor([1]), 1))[0]
    *_, (place, _, _) = look_for_w(manifold, Nearness(photo), StyleSearch(steps=8, starts=2, draws=64))
    assert place.label in (0, 1)
    *_, (named, _, _) = look_for_w(manifold, Nearness(photo), StyleSearch(steps=8, starts=1, draws=8), label=0)
    assert named.label == 0


def test_whiteness_is_of_neighbours_at_every_size():
    rng = torch.Generator().manual_seed(0)
    white = {"a": torch.randn(64, 64, generator=rng)}
    stripes = {"a": torch.tensor([1.0, -1.0]).repeat(64, 32)}
    coarse = {"a": torch.randn(16, 16, generator=rng).repeat_interleave(4, 0).repeat_interleave(4, 1)}
    assert whiteness(white) < 0.1 < 1 < whiteness(coarse) and whiteness(stripes) > 1 and whiteness({}) == 0


def test_the_speed_rises_and_falls():
    speeds = [speed(step, 200) for step in range(200)]
    assert speeds[0] == pytest.approx(0.1) and max(speeds) == 1 and speeds[199] < 0.01
    assert speeds[9:150] == [1] * 141 and speeds[150:] == sorted(speeds[150:], reverse=True)


def test_the_cloud_of_w_is_that_of_its_class(drawn):
    manifold, _ = drawn
    cloud = cloud_of(manifold, first(manifold))
    w = manifold.G.mapping(manifold.noise(4096, 0), manifold.labels(None, 4096))[:, 0]
    assert torch.allclose(cloud.mean, w.mean(0), atol=1e-5)
    assert cloud.spread == pytest.approx(math.sqrt(float((w - w.mean(0)).square().sum(1).mean())), rel=1e-4)
    away = cloud.spread * torch.eye(len(cloud.mean))[0]
    assert cloud.strain((cloud.mean + 0.9 * away).expand(1, 6, -1)).item() == 0
    assert cloud.strain((cloud.mean + 2 * away).expand(1, 6, -1)).item() == pytest.approx(9, rel=1e-4)


def test_what_a_model_cannot_is_refused(models, folder, drawn, tmp_path):
    plain = Manifold(ganzoo.load(models["colour"]), "plain")
    with pytest.raises(UsageError, match=r"plain has no w, .* take --space z"):
        next(look_for_w(plain, Nearness(torch.zeros(3, 16, 16)), IN_W))
    with pytest.raises(UsageError, match=r"it is 'w' or 'w\+'"):
        StyleSearch("v")
    Image.new("RGB", (16, 16)).save(tmp_path / "photo.png")
    for words, said in (
        ((models["colour"], "--space", "w"), "has no w"),
        ((models["colour"], "--find-noise"), "--find-noise is of w and w+: add --space w"),
        ((folder, "--space", "v"), "'v' is not one of 'z', 'w', 'w+'"),
    ):
        done = CliRunner().invoke(main, ["project", str(words[0]), str(tmp_path / "photo.png"), *words[1:]])
        assert done.exit_code == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.output
    manifold, photo = drawn
    found = project(manifold, Nearness(photo), StyleSearch(steps=1, starts=1, draws=1))
    save_latents(tmp_path / "w.safetensors", found.place.latents())
    with pytest.raises(UsageError, match="holds w, and here z is moved: 'ganzoo project --space z'"):
        read_latent(tmp_path / "w.safetensors", manifold)


@pytest.mark.parametrize("size", [(3, 16, 32), (4, 16, 16)])
def test_pictures_of_other_forms_and_channels_are_projected_too(tmp_path, size):
    channels, height, width = size
    gan = ganzoo.build("dcgan:ch=4", size[1] if height == width else size[1:], channels, z_dim=8)
    for parameter in gan.G.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    gan.save(tmp_path / "model")
    picture = gan.sample(1, seed=3, output="pil")[0]
    picture.save(tmp_path / "photo.png")
    words = ["project", tmp_path / "model", tmp_path / "photo.png", "--no-encoder", "--steps", 30, "--starts", 1]
    done = CliRunner().invoke(main, [str(word) for word in [*words, "--out", tmp_path / "found.png", "--json"]])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["psnr"] > 20
    again = ganzoo.load(tmp_path / "model").sample(latents=tmp_path / "found.safetensors", output="pil")[0]
    assert again.mode == picture.mode and again.size == (width, height)


def test_python_projects_too(folder, drawn, tmp_path):
    manifold, photo = drawn
    pixels = (photo * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(tmp_path / "photo.png")
    gan = ganzoo.load(folder)
    label = first(manifold)
    found = ganzoo_edit.project_photo(gan, tmp_path / "photo.png", label=label, steps=20, starts=1, draws=8)
    assert found.psnr > 25 and torch.equal(gan.sample(latents=found.place.latents())[0], found.image)
    with pytest.raises(UsageError, match="is not there"):
        ganzoo_edit.project_photo(gan, tmp_path / "nowhere.png")
