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


class Adaptive(nn.Module):
    """Maps normalised over pixels, scaled and shifted by w."""

    def __init__(self, w, width):
        super().__init__()
        self.styleModulator = Scaled(nn.Linear(w, 2 * width))

    def forward(self, x, w):
        scale, shift = self.styleModulator(w)[:, :, None, None].chunk(2, 1)
        x = x - x.mean((2, 3), keepdim=True)
        return scale * x * (x.square().mean((2, 3), keepdim=True) + 1e-8).rsqrt() + shift


class Multiplier(nn.Module):
    """A strength of noise, whose picture a test may set."""

    def __init__(self):
        super().__init__()
        self.module, self.picture = nn.Conv2d(1, 1, 1, bias=False), None

    def forward(self, x):
        return x + self.module(self.picture[None, None])


class Styled(nn.Module):
    def __init__(self, z=5, wide=(8, 8, 4), channels=3, layers=2):
        super().__init__()
        w, last = wide[0], wide[0]
        self.mapping = nn.Module()
        self.mapping.FC = nn.ModuleList(Scaled(nn.Linear(a, w)) for a in (z, *[w] * (layers - 1)))
        self.register_buffer("mean_w", torch.randn(1, w))
        self.baseScale0, self.conv0 = nn.Parameter(torch.randn(1, w, 4, 4)), conv(w, w, 3)
        self.adain00, self.adain01 = Adaptive(w, w), Adaptive(w, w)
        self.noiseMod00, self.noiseMod01 = Multiplier(), Multiplier()
        self.scaleLayers, self.toRGBLayers, self.noiseModulators = (nn.ModuleList() for _ in range(3))
        for width in wide[1:]:
            layers = [conv(last, width, 3), Adaptive(w, width), conv(width, width, 3), Adaptive(w, width)]
            self.scaleLayers.append(nn.ModuleList(layers))
            self.toRGBLayers.append(conv(width, channels, 1))
            self.noiseModulators.append(nn.ModuleList([Multiplier(), Multiplier()]))
            last = width

    @torch.no_grad()
    def forward(self, z, psi=1.0):
        w = unit(z)
        for layer in self.mapping.FC:
            w = F.leaky_relu(0.01 * layer(w), 0.2)
        w = self.mean_w + psi * (w - self.mean_w)
        x = self.adain00(F.leaky_relu(self.noiseMod00(self.baseScale0.expand(len(z), -1, -1, -1)), 0.2), w)
        x = self.adain01(F.leaky_relu(self.noiseMod01(self.conv0(x)), 0.2), w)
        for (first, one, second, two), (noise, other) in zip(self.scaleLayers, self.noiseModulators, strict=True):
            x = one(F.leaky_relu(noise(first(F.interpolate(x, scale_factor=2))), 0.2), w)
            x = two(F.leaky_relu(other(second(x)), 0.2), w)
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


@pytest.mark.parametrize(("wide", "channels", "layers"), [((8, 8, 4), 3, 2), ((6, 6), 1, 8), ((8, 4, 2, 1), 3, 1)])
@pytest.mark.parametrize("psi", [1.0, 0.5])
def test_stylegan_draws_what_the_project_draws(wide, channels, layers, psi):
    torch.manual_seed(0)
    theirs = Styled(wide=wide, channels=channels, layers=layers)
    content = {"config": {"phiTruncation": 0.7}, "netG": theirs.state_dict(), "netD": {"decisionLayer": torch.ones(1)}}
    converted = alone("gan-zoo", content)
    assert [note for note in converted.notes if "0.7" in note] and "D is left out" in " ".join(converted.notes)
    gan, z = model(converted), torch.randn(2, 5)
    pairs = [(theirs.noiseMod00, theirs.noiseMod01), *theirs.noiseModulators]
    for (a, b), first, second in zip(pairs, gan.G.trunk.first, gan.G.trunk.second, strict=True):
        a.picture, b.picture = first.noise.constant, second.noise.constant
    gan.G.truncate(psi)
    with torch.no_grad():
        same(gan.G(z, torch.zeros(2, 0)), theirs(z, psi))


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
        ({"alpha": 0.5}, {"adain00.styleModulator.module.weight": torch.zeros(2, 2)}, "alpha=0.5"),
        ({}, {"adain00.styleModulator.module.weight": torch.zeros(2, 2)}, "'baseScale0'"),
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
