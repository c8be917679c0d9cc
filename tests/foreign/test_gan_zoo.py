"""pytorch_GAN_zoo, whose networks are written here as its description has them."""

import json
import math
import pickle
import sys
import types
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganzoo
from ganzoo import ModelError
from tests.foreign.peers import alone, converter, made, model, same

KEYS = Path(__file__).parent / "data" / "gan-zoo.json"


class Scaled(nn.Module):
    """A layer whose result is multiplied by √2 over the root of the fan-in."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        nn.init.normal_(module.weight)
        nn.init.normal_(module.bias)
        self.gain = math.sqrt(2 / module.weight[0].numel())

    def forward(self, x):
        return self.module(x) * self.gain


def conv(a, b, size):
    return Scaled(nn.Conv2d(a, b, size, padding=size // 2))


def unit(x):
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Progressive(nn.Module):
    def __init__(self, z=5, wide=(8, 8, 4), channels=3):
        super().__init__()
        self.formatLayer = Scaled(nn.Linear(z, 16 * wide[0]))
        self.groupScale0 = nn.ModuleList([conv(wide[0], wide[0], 3)])
        self.scaleLayers = nn.ModuleList(nn.ModuleList([conv(a, b, 3), conv(b, b, 3)]) for a, b in pairwise(wide))
        self.toRGBLayers = nn.ModuleList(conv(width, channels, 1) for width in wide)

    @torch.no_grad()
    def forward(self, z):
        x = unit(F.leaky_relu(self.formatLayer(unit(z)), 0.2).unflatten(1, (-1, 4, 4)))
        x = unit(F.leaky_relu(self.groupScale0[0](x), 0.2))
        for first, second in self.scaleLayers:
            x = F.interpolate(x, scale_factor=2)
            x = unit(F.leaky_relu(second(unit(F.leaky_relu(first(x), 0.2))), 0.2))
        return self.toRGBLayers[-1](x)


class Convolutional(nn.Module):
    def __init__(self, z=6, ch=3, depth=2, channels=3):
        super().__init__()
        wide = ch << depth
        self.formatLayer = nn.ConvTranspose2d(z, wide, 4, 1, 0, bias=False)
        layers = {"batchNorm0": nn.BatchNorm2d(wide), "relu0": nn.ReLU()}
        for i in range(depth):
            layers[f"convTranspose{i + 1}"] = nn.ConvTranspose2d(wide >> i, wide >> i + 1, 4, 2, 1, bias=False)
            layers |= {f"batchNorm{i + 1}": nn.BatchNorm2d(wide >> i + 1), f"relu{i + 1}": nn.ReLU()}
        self.main = nn.Sequential()
        for name, layer in (layers | {"outlayer": nn.ConvTranspose2d(ch, channels, 4, 2, 1, bias=False)}).items():
            self.main.add_module(name, layer)

    def forward(self, z):
        return torch.tanh(self.main(self.formatLayer(z[:, :, None, None])))


class Critic(nn.Module):
    def __init__(self, ch=2, depth=2, channels=3, outputs=1):
        super().__init__()
        self.main = nn.Sequential()
        self.main.add_module(f"convTranspose{depth}", nn.Conv2d(channels, ch, 4, 2, 1, bias=False))
        self.main.add_module(f"relu{depth}", nn.LeakyReLU(0.2))
        for i in range(depth):
            number = depth - 1 - i
            self.main.add_module(f"convTranspose{number}", nn.Conv2d(ch << i, ch << i + 1, 4, 2, 1, bias=False))
            self.main.add_module(f"batchNorm{number}", nn.BatchNorm2d(ch << i + 1))
            self.main.add_module(f"relu{number}", nn.LeakyReLU(0.2))
        self.decisionLayer = nn.Conv2d(ch << depth, outputs, 4, 1, 0, bias=False)

    def forward(self, x):
        return self.decisionLayer(self.main(x)).flatten(1)


CONFIG = {"leakyReluLeak": 0.2, "perChannelNormalization": True, "equalizedlR": True, "alpha": 0}


@pytest.mark.parametrize(("wide", "channels"), [((8, 8, 4), 3), ((6, 6), 1), ((8, 4, 2, 1), 3)])
def test_pgan_draws_what_the_projects_average_draws(wide, channels):
    torch.manual_seed(0)
    learns, average = (Progressive(wide=wide, channels=channels).eval() for _ in range(2))
    tables = {"netG": learns.state_dict(), "netD": {"decisionLayer.module.weight": torch.zeros(1, 4)}}
    converted = alone("gan-zoo", {"config": CONFIG, **tables, "avgG": average.state_dict()})
    assert set(converted.networks) == {"G"} and any("D is left out" in note for note in converted.notes)
    gan, z = model(converted), torch.randn(2, 5)
    with torch.no_grad():
        same(gan.G(z, torch.zeros(2, 0)), average(z))


def test_dcgan_draws_and_judges_what_the_project_does():
    torch.manual_seed(0)
    g, d = made(Convolutional()), made(Critic())
    gan = model(alone("gan-zoo", {"config": {}, "netG": g.state_dict(), "netD": d.state_dict()}))
    z = torch.randn(2, 6)
    with torch.no_grad():
        images = g(z)
        same(gan.G(z, torch.zeros(2, 0)), images)
        same(gan.D(images, torch.zeros(2, 0)).score, d(images)[:, 0])


def test_names_without_the_wrapping_word_are_the_same():
    state = {name.replace(".module.", "."): tensor for name, tensor in Progressive().state_dict().items()}
    convert = converter("gan-zoo").convert
    for name, tensor in convert({"netG": state}).networks["G"].items():
        same(tensor, convert({"netG": state, "avgG": state}).networks["G"][name])


def test_a_file_of_the_project_is_read_without_its_classes(tmp_path, monkeypatch):
    module = types.ModuleType("models.utils.config")
    module.BaseConfig = type("BaseConfig", (), {"__module__": "models.utils.config"})
    for name in ("models", "models.utils", "models.utils.config"):
        monkeypatch.setitem(sys.modules, name, module)
    config = module.BaseConfig()
    vars(config).update(CONFIG, categoryVectorDim=3, lossCriterion="WGANGP")
    torch.save({"config": config, "netG": Progressive().state_dict()}, tmp_path / "g.pt", pickle_module=pickle)
    monkeypatch.delitem(sys.modules, "models")
    gan = ganzoo.load_foreign(tmp_path / "g.pt")
    assert gan.sample(1, seed=0).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("config", "state", "said"),
    [
        ({"lossCriterion": "MSE"}, {}, "lossCriterion='MSE', and ganzoo computes 'WGANGP'"),
        ({"alpha": 0.5}, {}, "alpha=0.5"),
        ({}, {"adain00.styleModulator.module.weight": torch.zeros(2, 2)}, "is StyleGAN's"),
        ({}, {"toRGBLayers.1.module.weight": torch.zeros(3, 5, 1, 1)}, r"toRGBLayers\.1\.weight sees 5 maps"),
    ],
)
def test_what_ours_does_not_compute_is_refused(config, state, said):
    with pytest.raises(ModelError, match=said):
        converter("gan-zoo").convert({"config": config, "netG": Progressive().state_dict() | state})


def test_a_d_of_categories_is_left_out():
    content = {"config": {"categoryVectorDim": 2}, "netG": made(Convolutional()).state_dict()}
    converted = converter("gan-zoo").convert(content | {"netD": Critic(outputs=3).state_dict()})
    assert set(converted.networks) == {"G"}
    assert [note.split(":")[0].split(" numbers")[0] for note in converted.notes] == ["The last 2", "D is left out"]


@pytest.mark.parametrize("name", sorted(json.loads(KEYS.read_text())))
def test_networks_of_the_published_sizes_find_a_place_for_every_tensor(name):
    tables = json.loads(KEYS.read_text())[name]
    content = {
        f"net{side}": {key: torch.zeros(shape) for key, shape in table.items()} for side, table in tables.items()
    }
    converted = alone("gan-zoo", content)
    gan = ganzoo.build(converted.recipe, **converted.size, device="meta")
    for side, tensors in converted.networks.items():
        ours = {key: tensor.shape for key, tensor in gan.get_submodule(side).state_dict().items()}
        counted = {key for key in ours if key.endswith("num_batches_tracked")}
        assert {key: tensor.shape for key, tensor in tensors.items()} == {k: ours[k] for k in ours.keys() - counted}
