"""Statistics that the averaged generator's batch norms take from its own images."""

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import Labelled, tiny
from torch import nn

from ganzoo.data import DataRequest, open_data
from ganzoo.gan.builder import build
from ganzoo.training.batchnorm import take_statistics

CONDITIONAL = "dcgan:ch=4+cbn+projection"


@pytest.fixture(scope="module")
def data():
    return open_data(Labelled(), DataRequest(resolution=16, channels=1))


def averaged(recipe="dcgan:ch=4"):
    """A GAN whose generator knows nothing of what its layers see."""
    torch.manual_seed(0)
    return build(recipe, 16, 1, settings={"batch": 8}, classes=3 if recipe == CONDITIONAL else 0).eval()


def norms(gan):
    return {name: m for name, m in gan.G.named_modules() if getattr(m, "running_mean", None) is not None}


@pytest.mark.parametrize("recipe", ["dcgan:ch=4", CONDITIONAL])
def test_statistics_are_means_over_batches_of_own_images(recipe, data):
    gan = averaged(recipe)
    seen = {name: [] for name in norms(gan)}
    for name, norm in norms(gan).items():
        norm.register_forward_pre_hook(lambda _, given, name=name: seen[name].append(given[0].double()))
    take_statistics(gan, data, seed=3, batches=5)
    assert seen
    for name, norm in norms(gan).items():
        axes = (0, *range(2, seen[name][0].dim()))
        assert [len(x) for x in seen[name]] == [8] * 5
        mean = torch.stack([x.mean(axes) for x in seen[name]]).mean(0)
        var = torch.stack([x.var(axes) for x in seen[name]]).mean(0)
        assert torch.allclose(norm.running_mean.double(), mean, atol=1e-6)
        assert torch.allclose(norm.running_var.double(), var, rtol=1e-5, atol=1e-12)


def test_images_come_from_noise_of_their_own_and_labels_of_the_data(data):
    gan = averaged(CONDITIONAL)
    seen = []
    gan.G.register_forward_pre_hook(lambda _, given: seen.append(given))
    take_statistics(gan, data, seed=3, batches=6)
    noise, labels = (torch.cat(column) for column in zip(*seen, strict=True))
    assert len(torch.unique(noise, dim=0)) == 48
    assert labels.sum(0).tolist() == [16, 16, 16]  # an epoch of the data


def test_only_statistics_change(data):
    gan = averaged()
    before = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    momenta = [norm.momentum for norm in norms(gan).values()]
    rng = torch.get_rng_state()
    take_statistics(gan, data, seed=3, batches=2)
    changed = {name for name, tensor in gan.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {f"G.{name}.{kind}" for name in norms(gan) for kind in ("running_mean", "running_var")}
    assert [norm.momentum for norm in norms(gan).values()] == momenta
    assert not any(module.training for module in gan.modules())
    assert torch.equal(torch.get_rng_state(), rng)


def test_what_was_there_does_not_matter_and_the_seed_does(data):
    gan = averaged()
    found = []
    for seed, was in ((1, 0.0), (1, float("nan")), (2, 0.0)):
        for norm in norms(gan).values():
            norm.running_mean.fill_(was)
            norm.running_var.fill_(was)
        take_statistics(gan, data, seed, batches=2)
        found.append(torch.cat([norm.running_mean for norm in norms(gan).values()]).clone())
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_norms_of_pytorch_take_part_and_none_is_no_trouble(data):
    gan = averaged("dcgan:ch=4+ln")
    assert not norms(gan)
    take_statistics(gan, data, seed=0, batches=2)
    gan.G.add_module("own", nn.BatchNorm2d(1))
    gan.G.register_forward_hook(lambda net, given, images: net.own(images))
    take_statistics(gan, data, seed=0, batches=2)
    with torch.no_grad():
        images = gan.G(gan.noise(512, seed=9), torch.zeros(512, 0))
    assert images.mean().abs() < 0.1 and (images.std() - 1).abs() < 0.1


# --- in a training ---------------------------------------------------------------------------------------------


def model(run):
    return load_file(run.folder / "model.safetensors")


def test_model_differs_from_one_without_in_statistics_alone(tmp_path):
    runs = [tiny(tmp_path / str(n), settings={"standing": n}, save_every=4, log_every=4) for n in (0, 3)]
    own, taken = map(model, runs)
    differ = {name for name in own if not torch.equal(own[name], taken[name])}
    assert differ == {name for name in own if "running_" in name} != set()
    assert runs[0].log[-1]["losses"] == runs[1].log[-1]["losses"]


def test_run_returns_the_networks_that_it_saved(tmp_path):
    run = tiny(tmp_path / "run")
    kept = {name.removeprefix("G."): tensor for name, tensor in model(run).items()}
    assert all(torch.equal(tensor, kept[name]) for name, tensor in run.gan.G.state_dict().items() if name in kept)


def test_how_often_one_looks_does_not_matter(tmp_path):
    often = tiny(tmp_path / "often", grid_every=1, save_every=4).folder
    seldom = tiny(tmp_path / "seldom", grid_every=4, save_every=4).folder
    for name in ("model.safetensors", "training/step-00000004/state.safetensors"):
        one, other = (load_file(folder / name) for folder in (often, seldom))
        assert one.keys() == other.keys()
        assert [key for key in one if not torch.equal(one[key], other[key])] == []
