"""BigGAN-PyTorch, whose networks are written here as its description has them, names and shapes as its files."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganzoo
from ganzoo import ModelError
from tests.foreign.peers import alone, converter, model, same

WIDE = {16: (4, 4, 4), 32: (4, 4, 4, 4), 64: (16, 16, 8, 4, 2), 128: (16, 16, 8, 4, 2, 1)}
CRITIC = {16: (4, 4, 4, 4), 32: (4, 4, 4, 4), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 16)}
KEYS = Path(__file__).parent / "data" / "biggan-pytorch.json"


class Divided(nn.Module):
    """A layer whose weight is divided by what one step from ``u0`` makes of its singular value."""

    def __init__(self, shape, bias=True, call=F.linear):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / (torch.Size(shape[1:]).numel()) ** 0.5)
        self.bias = nn.Parameter(0.1 * torch.randn(shape[0])) if bias else None
        self.call = call
        matrix, left = self.weight.detach().flatten(1), torch.randn(1, shape[0])
        for _ in range(3):  # towards the first singular vector, as in training, and not there
            left = F.normalize(left @ matrix @ matrix.T)
        self.register_buffer("u0", left)
        self.register_buffer("sv0", torch.rand(1))

    def plain(self):
        matrix = self.weight.flatten(1)
        v = F.normalize(self.u0 @ matrix)
        u = F.normalize(v @ matrix.T)
        return self.weight / (v @ matrix.T @ u.T)[0, 0]

    def forward(self, x):
        return self.call(x, self.plain(), self.bias)


def conv(a, b, size=3, bias=True):
    return Divided((b, a, size, size), bias, lambda x, weight, bias: F.conv2d(x, weight, bias, padding=size // 2))


class Statistics(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.register_buffer("stored_mean", 0.3 * torch.randn(maps))
        self.register_buffer("stored_var", torch.rand(maps) + 0.5)

    def standardised(self, x):
        return F.batch_norm(x, self.stored_mean, self.stored_var, eps=1e-5)


class Norm(Statistics):
    """Scale and shift by layers of a context, or by look-ups of a label."""

    def __init__(self, maps, context, classes):
        super().__init__(maps)
        made = (lambda: Divided((maps, context), bias=False)) if context else (lambda: nn.Embedding(classes, maps))
        self.gain, self.bias = made(), made()

    def forward(self, x, y):
        return self.standardised(x) * (1 + self.gain(y))[:, :, None, None] + self.bias(y)[:, :, None, None]


class LastNorm(Statistics):
    def __init__(self, maps):
        super().__init__(maps)
        self.gain, self.bias = nn.Parameter(torch.rand(maps) + 0.5), nn.Parameter(0.2 * torch.randn(maps))

    def forward(self, x):
        return self.standardised(x) * self.gain[:, None, None] + self.bias[:, None, None]


class Attention(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.theta, self.phi = conv(maps, maps // 8, 1, False), conv(maps, maps // 8, 1, False)
        self.g, self.o = conv(maps, maps // 2, 1, False), conv(maps // 2, maps, 1, False)
        self.gamma = nn.Parameter(torch.tensor(0.7))

    def forward(self, x, y=None):
        key, value = F.max_pool2d(self.phi(x), 2).flatten(2), F.max_pool2d(self.g(x), 2).flatten(2)
        weights = (self.theta(x).flatten(2).transpose(1, 2) @ key).softmax(-1)
        return x + self.gamma * self.o((value @ weights.transpose(1, 2)).unflatten(2, x.shape[2:]))


def twice(x, up):
    return F.interpolate(x, scale_factor=2) if up else x


class GBlock(nn.Module):
    def __init__(self, a, b, norm, up=True):
        super().__init__()
        self.conv1, self.conv2, self.conv_sc = conv(a, b), conv(b, b), conv(a, b, 1)
        self.bn1, self.bn2 = norm(a), norm(b)

    def forward(self, x, y):
        h = self.conv2(F.relu(self.bn2(self.conv1(twice(F.relu(self.bn1(x, y)), True)), y)))
        return h + self.conv_sc(twice(x, True))


class DeepGBlock(nn.Module):
    def __init__(self, a, b, norm, up):
        super().__init__()
        hidden, self.b, self.up = a // 4, b, up
        self.conv1, self.conv2 = conv(a, hidden, 1), conv(hidden, hidden)
        self.conv3, self.conv4 = conv(hidden, hidden), conv(hidden, b, 1)
        self.bn1, self.bn2, self.bn3, self.bn4 = norm(a), norm(hidden), norm(hidden), norm(hidden)

    def forward(self, x, y):
        h = self.conv1(F.relu(self.bn1(x, y)))
        h = self.conv2(twice(F.relu(self.bn2(h, y)), self.up))
        h = self.conv4(F.relu(self.bn4(self.conv3(F.relu(self.bn3(h, y))), y)))
        return h + twice(x[:, : self.b], self.up)


class Generator(nn.Module):
    """``form`` is ``piece`` (BigGAN), ``deep`` (BigGAN-deep) or ``looked-up`` (SNGAN and SAGAN)."""

    def __init__(self, form, size=16, ch=2, z=4, shared=3, classes=5, attention=None, channels=3, wide=None):
        super().__init__()
        wide = [times * ch for times in wide or WIDE[size]]
        self.form, self.length = form, z
        context = {"piece": shared + z, "deep": shared + z, "looked-up": 0}[form]
        if form != "looked-up":
            self.shared = nn.Embedding(classes, shared)
        norm = lambda maps: Norm(maps, context, classes)  # noqa: E731
        self.linear = Divided((wide[0] * 16, shared + z if form == "deep" else z))
        self.blocks = nn.ModuleList()
        for i, (a, b) in enumerate(pairwise(wide)):
            if form == "deep":
                self.blocks.append(nn.ModuleList([DeepGBlock(a, a, norm, False)]))
            block = DeepGBlock if form == "deep" else GBlock
            self.blocks.append(nn.ModuleList([block(a, b, norm, True)]))
            if attention == 8 << i:
                self.blocks[-1].append(Attention(b))
        self.output_layer = nn.Sequential(LastNorm(wide[-1]), nn.ReLU(), conv(wide[-1], channels))

    @torch.no_grad()
    def forward(self, z, labels):
        y = self.shared(labels) if self.form != "looked-up" else labels
        first, *pieces = z.split(self.length, 1)
        contexts = [y] * len(self.blocks)
        if self.form == "piece":
            contexts = [torch.cat([y, piece], 1) for piece in pieces]
        if self.form == "deep":
            first = torch.cat([y, z], 1)
            contexts = [first] * len(self.blocks)
        h = self.linear(first).unflatten(1, (-1, 4, 4))
        for blocks, context in zip(self.blocks, contexts, strict=True):
            for block in blocks:
                h = block(h, context)
        return torch.tanh(self.output_layer(h))


def halved(x, down):
    return F.avg_pool2d(x, 2) if down else x


class DBlock(nn.Module):
    def __init__(self, a, b, first, down):
        super().__init__()
        self.first, self.down = first, down
        self.conv1, self.conv2 = conv(a, b), conv(b, b)
        self.conv_sc = conv(a, b, 1) if a != b or down else None

    def forward(self, x):
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        return halved(h, self.down) + halved(self.conv_sc(x) if self.conv_sc else x, self.down)


class DeepDBlock(nn.Module):
    def __init__(self, a, b, down):
        super().__init__()
        self.down, hidden = down, b // 4
        self.conv1, self.conv2 = conv(a, hidden, 1), conv(hidden, hidden)
        self.conv3, self.conv4 = conv(hidden, hidden), conv(hidden, b, 1)
        self.conv_sc = conv(a, b - a, 1) if a != b else None

    def forward(self, x):
        h = self.conv3(F.relu(self.conv2(F.relu(self.conv1(F.relu(x))))))
        past = halved(x, self.down)
        past = torch.cat([past, self.conv_sc(past)], 1) if self.conv_sc else past
        return self.conv4(halved(F.relu(h), self.down)) + past


class Discriminator(nn.Module):
    def __init__(self, form, size=16, ch=2, classes=5, attention=(), channels=3):
        super().__init__()
        widths, halvings = [times * ch for times in CRITIC[size]], (size // 4).bit_length() - 1 if size > 32 else 2
        deep = form == "deep"
        if deep:
            self.input_conv = conv(channels, widths[0])
        self.blocks = nn.ModuleList()
        for i, (a, b) in enumerate(pairwise(widths if deep else [channels, *widths])):
            down = i < halvings
            made = [DeepDBlock(a, b, down), DeepDBlock(b, b, False)] if deep else [DBlock(a, b, i == 0, down)]
            self.blocks.append(nn.ModuleList([*made, *(Attention(b) for _ in range(i in attention))]))
        self.linear, self.embed = Divided((1, widths[-1])), Divided((classes, widths[-1]), bias=False, call=None)
        self.deep = deep

    @torch.no_grad()
    def forward(self, x, labels):
        h = self.input_conv(x) if self.deep else x
        for blocks in self.blocks:
            for block in blocks:
                h = block(h)
        h = F.relu(h).sum((2, 3))
        return self.linear(h)[:, 0] + (self.embed.plain()[labels] * h).sum(1)


def built(converted):
    """The model without spectral norm, which is sooner made."""
    return model(replace(converted, recipe=f"{converted.recipe}+weight/none"))


def compared(gan, g, d=None, tolerance=1e-4):
    """That ours draws and judges as theirs do."""
    labels = torch.tensor([0, 4])
    y, z = F.one_hot(labels, gan.classes).float(), torch.randn(2, gan.z_dim)
    images = g(z, labels)
    assert images.std() > 0.1
    with torch.no_grad():
        same(gan.G(z, y), images, tolerance)
        if d is not None:
            scores = d(images, labels)
            same(gan.D(images, y).scores / scores.abs().mean(), scores / scores.abs().mean(), tolerance)


CASES = [
    ("piece", {"ch": 4, "attention": 8}, {"ch": 2, "attention": (0,)}, "biggan:ch=4,shared=3,ch.d=8+sa@g,8+sa@d,8"),
    ("piece", {"channels": 1}, {"channels": 1}, "biggan:ch=2,shared=3,ch.d=8+attention/none@g+attention/none@d"),
    (
        "piece",
        {"size": 64, "ch": 1},
        {"size": 64},
        "biggan:ch=1,widths=brock,shared=3,ch.d=2+attention/none@g+attention/none@d",
    ),
    (
        "deep",
        {"size": 32, "attention": 16},
        {"size": 32, "attention": (1, 2)},
        "biggan-deep:ch=2,depth=2,shared=3,ch.d=2+sa@g,16+sa@d,8",
    ),
    ("looked-up", {"attention": 8}, {"ch": 3}, "sagan:ch=8,ch.d=12,wide=true+sa@g,8+attention/none@d"),
]


@pytest.mark.parametrize(("form", "of_g", "of_d", "recipe"), CASES)
def test_it_draws_and_judges_as_the_project_does(form, of_g, of_d, recipe):
    torch.manual_seed(0)
    g, d = Generator(form, **of_g).eval(), Discriminator(form, **of_d).eval()
    converted = alone("biggan-pytorch", {"G_ema": g.state_dict(), "D": d.state_dict()})
    assert converted.recipe == recipe and set(converted.networks) == {"G", "D"}
    assert converted.size["resolution"] == of_g.get("size", 16) and converted.size["classes"] == 5
    compared(built(converted), g, d)


def test_g_alone_is_enough_and_the_average_comes_first():
    torch.manual_seed(0)
    learns, average = Generator("piece").eval(), Generator("piece").eval()
    bare = model(alone("biggan-pytorch", average.state_dict()))
    compared(bare, average)
    both = converter("biggan-pytorch").convert({"G": learns.state_dict(), "G_ema": average.state_dict()})
    assert set(both.networks) == {"G"}
    same(both.networks["G"]["trunk.image.bias"], average.state_dict()["output_layer.2.bias"])


@pytest.mark.parametrize("place", ["bn.stored", "bn.running"])
def test_statistics_of_spread_batches_lie_one_level_deeper(place):
    torch.manual_seed(0)
    g = Generator("piece").eval()
    state = {name.replace(".stored", f".{place}"): tensor for name, tensor in g.state_dict().items()}
    if place == "bn.stored":  # standing statistics are sums, and how many there are
        means = {name.rpartition("stored")[0]: None for name in state if "stored_mean" in name}
        state |= {f"{stem}accumulation_counter": torch.tensor([4.0]) for stem in means}
        state |= {name: tensor * 4 for name, tensor in state.items() if "stored_" in name}
    compared(built(converter("biggan-pytorch").convert(state)), g)


def test_half_precision_and_vectors_of_more_singular_values():
    torch.manual_seed(0)
    g = Generator("piece").eval()
    state = {name: tensor.half() for name, tensor in g.state_dict().items()}
    state |= {name.replace("0", "1"): tensor for name, tensor in state.items() if name in ("linear.u0", "linear.sv0")}
    converted = converter("biggan-pytorch").convert(state)
    assert all(tensor.dtype == torch.float32 for tensor in converted.networks["G"].values())
    compared(built(converted), g, tolerance=0.02)


@pytest.mark.parametrize(
    ("form", "given", "said"),
    [
        ("piece", {"wide": (4, 8, 4)}, r"maps \[8, 16, 8\] wide"),
        ("deep", {"size": 32, "channels": 128}, "output_layer.2.weight makes 128 maps"),
        ("looked-up", {"size": 64, "ch": 1}, "without shared.weight are none"),
    ],
)
def test_what_ours_does_not_compute_is_refused_by_the_tensor_that_tells(form, given, said):
    with pytest.raises(ModelError, match=said):
        converter("biggan-pytorch").convert(Generator(form, **given).state_dict())


def test_noise_for_the_first_layer_alone_is_refused():
    state = Generator("piece").state_dict()
    state["blocks.0.0.bn1.gain.weight"] = torch.zeros(8, 3)
    with pytest.raises(ModelError, match=r"blocks\.0\.0\.bn1\.gain\.weight sees 3 numbers"):
        converter("biggan-pytorch").convert(state)


def test_a_narrow_d_is_left_out_and_a_note_says_so():
    state = {**Discriminator("looked-up").state_dict()}
    state |= {"blocks.0.0.conv1.weight": torch.zeros(3, 3, 3, 3), "blocks.0.0.conv1.u0": torch.zeros(1, 3)}
    converted = converter("biggan-pytorch").convert({"G": Generator("looked-up").state_dict(), "D": state})
    assert set(converted.networks) == {"G"} and "ch.d" not in converted.recipe
    assert any("D is left out" in note and "D_wide" in note for note in converted.notes)


@pytest.mark.parametrize("name", sorted(json.loads(KEYS.read_text())))
def test_networks_of_the_published_sizes_find_a_place_for_every_tensor(name, monkeypatch):
    divided = lambda state, *names: {key: one for key, one in state.items() if key.rpartition(".")[2] not in names}  # noqa: E731
    monkeypatch.setattr("ganzoo.foreign.converters.biggan.plain_iterated", divided)  # shapes alone
    content = {
        side: {key: torch.zeros(()).expand(shape) for key, shape in tensors.items()}
        for side, tensors in json.loads(KEYS.read_text())[name].items()
    }
    converted = alone("biggan-pytorch", content)
    gan = ganzoo.build(f"{converted.recipe}+weight/none", **converted.size, device="meta")
    for side, tensors in converted.networks.items():
        ours = {key: tensor.shape for key, tensor in gan.get_submodule(side).state_dict().items()}
        assert {key: tensor.shape for key, tensor in tensors.items()} == ours
