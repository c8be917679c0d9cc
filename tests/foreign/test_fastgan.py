"""FastGAN's G, and Projected GAN's: a network in their layout, written from its description, and lists of names."""

import json
import pickle
import sys
import types
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import spectral_norm

import ganzoo
from ganzoo import ModelError
from ganzoo.foreign import Recorded
from tests.foreign.peers import alone, converter, made, model, same

LISTS = json.loads((Path(__file__).parent / "data" / "fastgan.json").read_text())
MULTIPLES = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}


class Noise(nn.Module):
    """A picture of noise that a test may set, times a strength."""

    def __init__(self):
        super().__init__()
        self.weight, self.picture = nn.Parameter(torch.zeros(1)), None

    def forward(self, x):
        return x + self.weight * self.picture


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


def conv(*args, bias=False):
    return spectral_norm(nn.Conv2d(*args, bias=bias))


def up(a, b, two):
    first = [nn.Upsample(scale_factor=2), conv(a, 2 * b, 3, 1, 1)]
    if not two:
        return nn.Sequential(*first, nn.BatchNorm2d(2 * b), nn.GLU(1))
    again = [conv(b, 2 * b, 3, 1, 1), Noise(), nn.BatchNorm2d(2 * b), nn.GLU(1)]
    return nn.Sequential(*first, Noise(), nn.BatchNorm2d(2 * b), nn.GLU(1), *again)


class Gate(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        pool = nn.AdaptiveAvgPool2d(4)
        self.main = nn.Sequential(pool, conv(a, b, 4), Swish(), conv(b, b, 1), nn.Sigmoid())


class Generator(nn.Module):
    """FastGAN's: ``form`` says which sizes have two convolutions; Projected GAN's scales noise and has a bias."""

    def __init__(self, z, ch, side, form="full", projected=False, channels=3):
        super().__init__()
        wide = {size: max(1, int(times * ch)) for size, times in MULTIPLES.items()}
        rich = {"full": {8, 32, 128, 512}, "lite": set(), "double": set(MULTIPLES)}[form]
        self.side, self.projected = side, projected
        first = spectral_norm(nn.ConvTranspose2d(z, 2 * wide[4], 4, bias=False))
        self.init = nn.Module()
        self.init.init = nn.Sequential(first, nn.BatchNorm2d(2 * wide[4]), nn.GLU(1))
        for size in MULTIPLES:
            if 4 < size <= max(side, 256):
                self.add_module(f"feat_{size}", up(wide[size // 2], wide[size], size in rich))
            if 64 <= size <= min(512, max(side, 256)):
                self.add_module(f"se_{size}", Gate(wide[size // 16], wide[size]))
        if not projected:
            self.to_128 = conv(wide[128], channels, 1)
        self.to_big = conv(wide[side], channels, 3, 1, 1, bias=projected)

    def forward(self, z):
        if self.projected:
            z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        maps = {4: self.init.init(z[:, :, None, None])}
        for size in MULTIPLES:
            if 4 < size <= self.side:
                x = self.get_submodule(f"feat_{size}")(maps[size // 2])
                gate = getattr(self, f"se_{size}", None)
                maps[size] = x if gate is None else x * gate.main(maps[size // 16])
        x = self.to_big(maps[self.side])
        return torch.tanh(x) if self.side == 1024 and not self.projected else x


class LabelledNorm(nn.Module):
    """A batch norm whose gain and shift are linear in an embedding."""

    def __init__(self, channels, length):
        super().__init__()
        self.gain, self.bias = (spectral_norm(nn.Linear(length, channels)) for _ in range(2))
        self.register_buffer("stored_mean", torch.randn(channels))
        self.register_buffer("stored_var", torch.rand(channels) + 0.5)

    def forward(self, x, y):
        x = F.batch_norm(x, self.stored_mean, self.stored_var)
        return x * (1 + self.gain(y))[:, :, None, None] + self.bias(y)[:, :, None, None]


class LabelledUp(nn.Module):
    def __init__(self, a, b, two, length):
        super().__init__()
        if not two:
            self.conv, self.bn = conv(a, 2 * b, 3, 1, 1), LabelledNorm(2 * b, length)
        else:
            self.conv1, self.conv2 = conv(a, 2 * b, 3, 1, 1), conv(b, 2 * b, 3, 1, 1)
            self.bn1, self.bn2, self.noise = LabelledNorm(2 * b, length), LabelledNorm(2 * b, length), Noise()

    def forward(self, x, y, pictures):
        x = F.interpolate(x, scale_factor=2)
        if not pictures:
            return F.glu(self.bn(self.conv(x), y), 1)
        for conv, norm, picture in zip((self.conv1, self.conv2), (self.bn1, self.bn2), pictures, strict=True):
            self.noise.picture = picture
            x = F.glu(norm(self.noise(conv(x)), y), 1)
        return x


class LabelledGenerator(Generator):
    """Projected GAN's with classes."""

    def __init__(self, z, ch, side, form, classes):
        super().__init__(z, ch, side, form, projected=True)
        wide = {size: max(1, int(times * ch)) for size, times in MULTIPLES.items()}
        for size in MULTIPLES:
            if hasattr(self, f"feat_{size}"):
                two = len(getattr(self, f"feat_{size}")) > 4
                setattr(self, f"feat_{size}", LabelledUp(wide[size // 2], wide[size], two, z))
        self.embed = nn.Embedding(classes, z)

    def forward(self, z, c, noises):
        y = self.embed(c.argmax(1))
        z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        maps = {4: self.init.init(z[:, :, None, None])}
        for size in MULTIPLES:
            if 4 < size <= self.side:
                x = getattr(self, f"feat_{size}")(maps[size // 2], y, noises.get(size))
                gate = getattr(self, f"se_{size}", None)
                maps[size] = x if gate is None else x * gate.main(maps[size // 16])
        return self.to_big(maps[self.side])


def network(*args, kind=Generator, **kwargs):
    torch.manual_seed(0)
    network = kind(*args, **kwargs)
    for layer in network.modules():
        for hook in layer._forward_pre_hooks.values():
            for _ in range(5):  # towards the largest singular value, not to it
                hook(layer, None)
    return made(network)


def same_noise(theirs, gan):
    """Give the peer's layers the pictures of noise of ours."""
    for i in range(len(gan.G.trunk.stages)):
        for j, place in enumerate((2, 6)):
            layers = theirs.get_submodule(f"feat_{8 << i}")
            if place < len(layers) and isinstance(layers[place], Noise):
                layers[place].picture = gan.G.trunk.stages[i].layers[j].noise.constant


def prefixed(state):
    return {f"synthesis.{name}": tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("side", "form", "projected"),
    [
        (256, "full", False),
        (128, "lite", True),
        (256, "double", True),
        pytest.param(1024, "full", False, marks=pytest.mark.slow),
        pytest.param(1024, "lite", True, marks=pytest.mark.slow),
    ],
)
@torch.no_grad()
def test_it_draws_what_their_networks_draw(side, form, projected):
    theirs = network(5, 8, side, form, projected)
    state = theirs.state_dict()
    name, content = ("projected-fastgan", prefixed(state)) if projected else ("odegeasslbc-fastgan", {"g": state})
    converted = alone(name, content)
    gan = model(converted)
    same_noise(theirs, gan)
    noise = torch.randn(2, 5)
    drawn = theirs(noise)
    assert (gan.resolution, gan.z_dim) == (side, 5)
    same(gan.G(noise, torch.zeros(2, 0)) / drawn.abs().max(), drawn / drawn.abs().max())
    assert any("picture of noise" in note for note in converted.notes) == (form != "lite")


@pytest.mark.parametrize(("side", "form"), [(128, "lite"), (256, "full"), (256, "double")])
@torch.no_grad()
def test_a_g_with_classes_draws_alike(side, form):
    theirs = network(5, 4, side, form, 3, kind=LabelledGenerator)
    found = alone("projected-fastgan", prefixed(theirs.state_dict()))
    assert found.size["classes"] == 3 and found.recipe.endswith("+cbn@g") and "D was left out" in found.notes[-1]
    gan = model(found)
    layers = {8 << i: stage.layers for i, stage in enumerate(gan.G.trunk.stages)}
    noises = {size: [one.noise.constant for one in both] for size, both in layers.items() if len(both) > 1}
    z, c = torch.randn(3, 5), torch.eye(3)
    drawn = theirs(z, c, noises)
    same(gan.G(z, c) / drawn.abs().max(), drawn / drawn.abs().max())


@pytest.mark.parametrize(("form", "count"), [("lite", (42, 67)), ("double", (78, 115))])
def test_a_g_with_classes_has_as_many_tensors_as_theirs(form, count):
    """parameter-counts.tsv has 42 and 78 parameters, 67 and 115 buffers."""
    theirs = LabelledGenerator(16, 8, 256, form, 10)
    names = [name for name in theirs.state_dict() if not name.startswith("to_128")]
    parameters = [name for name, _ in theirs.named_parameters() if name in names]
    assert (len(parameters), len(names) - len(parameters)) == count


def test_a_list_of_averaged_parameters_is_taken():
    theirs = network(5, 4, 256)
    average = [parameter.detach() * 2 for parameter in theirs.parameters()]
    content = {"g": theirs.state_dict(), "d": {}, "g_ema": average, "opt_g": {"state": {}, "param_groups": []}}
    found = alone("odegeasslbc-fastgan", content).networks["G"]
    plain = alone("odegeasslbc-fastgan", {"g": theirs.state_dict()}).networks["G"]
    assert torch.equal(found["trunk.first.norm.bias"], 2 * plain["trunk.first.norm.bias"])
    assert torch.equal(found["trunk.first.norm.running_var"], plain["trunk.first.norm.running_var"])
    with pytest.raises(ModelError, match="'g_ema' has 1 tensors"):
        converter("odegeasslbc-fastgan").convert({**content, "g_ema": average[:1]})


def test_a_pickle_is_as_good_as_its_state_dict():
    state = network(5, 4, 128, "lite", projected=True).state_dict()
    synthesis = Recorded("FastganSynthesis", state={"_parameters": state, "_buffers": {}, "_modules": {}})
    g = Recorded("Generator", state={"_modules": {"mapping": Recorded("DummyMapping"), "synthesis": synthesis}})
    found = alone("projected-fastgan", {"G": None, "D": None, "G_ema": g, "training_set_kwargs": {}})
    expected = alone("projected-fastgan", prefixed(state))
    assert found.recipe == expected.recipe == "fastgan:ch=4,form=lite,gate=swish,bound=false,unit=true"
    assert all(torch.equal(found.networks["G"][name], tensor) for name, tensor in expected.networks["G"].items())


@pytest.mark.parametrize("name", LISTS)
def test_the_networks_of_these_tests_have_the_published_names(name):
    """At a sixteenth of the width, and with a noise of 16: what the converter says then holds for the whole."""
    projected = "projgan" in name
    shapes = LISTS[name]["G"]
    state = network(16, 8 if projected else 4, 256, "lite" if projected else "full", projected).state_dict()
    state = prefixed(state) if projected else state
    less = lambda number: number // 16 if number > 9 else number  # noqa: E731
    assert {key: tuple(tensor.shape) for key, tensor in state.items() if "weight_v" not in key} == {
        key: tuple(map(less, shape)) for key, shape in shapes.items() if "weight_v" not in key
    }


def test_what_it_cannot_be_is_refused():
    state = prefixed(network(5, 4, 128, "lite", projected=True).state_dict())
    with pytest.raises(ModelError, match=r"an embedding of 4"):
        labelled = prefixed(network(5, 4, 128, "lite", 3, kind=LabelledGenerator).state_dict())
        converter("projected-fastgan").convert({**labelled, "synthesis.embed.weight": torch.zeros(3, 4)})
    with pytest.raises(ModelError, match=r"feat_16\.5"):
        converter("projected-fastgan").convert({**state, "synthesis.feat_16.5.weight_orig": torch.zeros(1)})
    with pytest.raises(ModelError, match="no place for 'mystery"):
        converter("projected-fastgan").convert({**state, "synthesis.mystery": torch.zeros(1)})


def test_gates_and_ends_by_option():
    gan = ganzoo.build("fastgan:ch=2,bound=false,unit=true", resolution=32, channels=1, z_dim=3).eval()
    z = torch.randn(2, 3)
    with torch.no_grad():
        torch.testing.assert_close(gan.G(z, torch.zeros(2, 0)), gan.G(3 * z, torch.zeros(2, 0)))
        gan.G.trunk.image.bias.fill_(100)
        assert float(gan.G(z, torch.zeros(2, 0)).min()) > 1
    assert F.silu(torch.ones(1)) == ganzoo.build("fastgan:ch=2,gate=swish", 32, 1).G.trunk.gates[-1].act(torch.ones(1))


@torch.no_grad()
def test_its_pickles_are_imported(tmp_path, monkeypatch):
    theirs = network(5, 4, 128, "full", projected=True)
    outer = nn.Module()
    outer.synthesis = theirs
    with monkeypatch.context() as patch:  # gone again when the file is read
        for place, kinds in {
            "pg_modules.networks_fastgan": [Generator],
            "pg_modules.blocks": [Noise, Gate, Swish],
        }.items():
            for name in ("pg_modules", place):
                patch.setitem(sys.modules, name, types.ModuleType(name))
            for kind in kinds:
                patch.setattr(kind, "__module__", place)
                setattr(sys.modules[place], kind.__name__, kind)
        (tmp_path / "network.pkl").write_bytes(pickle.dumps({"G": outer, "D": None, "G_ema": outer}))
    gan = ganzoo.load_foreign(tmp_path / "network.pkl")
    same_noise(theirs, gan)
    noise = torch.randn(2, 5)
    drawn = theirs(noise)
    same(gan.G(noise, torch.zeros(2, 0)) / drawn.abs().max(), drawn / drawn.abs().max())
