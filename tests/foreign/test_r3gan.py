"""R3GAN: a network in its layout written here from the paper, and the lists of names of its configurations."""

import json
import pickle
import sys
import types
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import ganzoo
from ganzoo import ModelError
from ganzoo.foreign import Recorded
from tests.foreign.peers import alone, converter, model, same

LISTS = json.loads((Path(__file__).parent / "data" / "r3gan.json").read_text())
KERNEL = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
MODEL = "Model."


def block(place, width, expand, group, randn):
    inside = width * expand
    shapes = {"LinearLayer1.Layer.weight": (inside, width, 1, 1), "LinearLayer2.Layer.weight": (inside, group, 3, 3)}
    shapes |= {"LinearLayer3.Layer.weight": (width, inside, 1, 1)}
    shapes |= {f"NonLinearity{n}.Bias": (inside,) for n in (1, 2)}
    return {f"{place}.{name}": randn(shape) / shape[-1] for name, shape in shapes.items()}


def tensors(widths, *, z=5, classes=0, count=2, expand=2, group=4, seed=0):
    """G and D in the layout of the lists, of widths from the smallest map to the image."""
    rng = torch.Generator().manual_seed(seed)
    randn = lambda shape: torch.randn(shape, generator=rng) * 0.4  # noqa: E731
    n = len(widths)
    ends = [*pairwise(widths)]
    g = {"MainLayers.0.Layers.0.Basis": randn((widths[0], 4, 4))}
    g["MainLayers.0.Layers.0.LinearLayer.weight"] = randn((widths[0], z + (64 if classes else 0)))
    d = {"ExtractionLayer.Layer.weight": randn((widths[-1], 3, 1, 1))}
    for i, (a, b) in enumerate(ends):
        for state, place, change in (
            (g, f"MainLayers.{i + 1}.Layers.0", (b, a, 1, 1)),
            (d, f"MainLayers.{n - 2 - i}.Layers.{count}", (a, b, 1, 1)),
        ):
            state[f"{place}.Resampler.Kernel"] = KERNEL
            state |= {f"{place}.LinearLayer.Layer.weight": randn(change)} if a != b else {}
    for i, width in enumerate(widths):
        for j in range(count):
            g |= block(f"MainLayers.{i}.Layers.{j + 1}", width, expand, group, randn)
            d |= block(f"MainLayers.{n - 1 - i}.Layers.{j}", width, expand, group, randn)
    g["AggregationLayer.Layer.weight"] = randn((3, widths[-1], 1, 1)) * 0.1
    end = f"MainLayers.{n - 1}.Layers.{count}"
    d |= {f"{end}.Basis.weight": randn((widths[0], 1, 4, 4))}
    d |= {f"{end}.LinearLayer.weight": randn((widths[0] if classes else 1, widths[0]))}
    if classes:
        g["EmbeddingLayer.weight"] = randn((64, classes))
        d["EmbeddingLayer.weight"] = randn((widths[0], classes))
    return g, d


def residual(state, place, x):
    first, grouped, last = (state[f"{place}.LinearLayer{n}.Layer.weight"] for n in (1, 2, 3))
    act = lambda h, n: F.leaky_relu(h + state[f"{place}.NonLinearity{n}.Bias"][:, None, None], 0.2)  # noqa: E731
    h = act(F.conv2d(x, first), 1)
    h = act(F.conv2d(h, grouped, padding=1, groups=len(grouped) // grouped.shape[1]), 2)
    return x + F.conv2d(h, last)


def blocks(state, i, x):
    for j in range(9):
        if f"MainLayers.{i}.Layers.{j}.LinearLayer1.Layer.weight" in state:
            x = residual(state, f"MainLayers.{i}.Layers.{j}", x)
    return x


def resampled(state, i, x, up):
    found = [name for name in state if name.startswith(f"MainLayers.{i}.") and name.endswith("Resampler.Kernel")]
    if not found:
        return x
    kernel = state[found[0]].expand(x.shape[1], 1, 4, 4)
    if up:
        x = F.conv_transpose2d(x, 4 * kernel, stride=2, padding=1, groups=len(kernel))
    else:
        x = F.conv2d(x, kernel, stride=2, padding=1, groups=len(kernel))
    change = state.get(found[0].replace("Resampler.Kernel", "LinearLayer.Layer.weight"))
    return x if change is None else F.conv2d(x, change)


def draw(state, z, y, stages):
    h = torch.cat([z, y @ state["EmbeddingLayer.weight"].T], 1) if y.shape[1] else z
    x = (h @ state["MainLayers.0.Layers.0.LinearLayer.weight"].T)[:, :, None, None]
    x = x * state["MainLayers.0.Layers.0.Basis"]
    for i in range(stages):
        x = blocks(state, i, resampled(state, i, x, up=True))
    return F.conv2d(x, state["AggregationLayer.Layer.weight"])


def judge(state, x, y, stages):
    x = F.conv2d(x, state["ExtractionLayer.Layer.weight"])
    for i in range(stages):
        x = resampled(state, i, blocks(state, i, x), up=False)
    end = next(name for name in state if name.endswith("Basis.weight"))
    x = F.conv2d(x, state[end], groups=x.shape[1]).flatten(1)
    x = x @ state[end.replace("Basis", "LinearLayer")].T
    return (x * (y @ state["EmbeddingLayer.weight"].T)).sum(1) if y.shape[1] else x[:, 0]


def recorded(state):
    """A network as its pickles hold it: plain classes of torch in each other."""
    made = Recorded("Module", state={"_parameters": {}, "_buffers": {}, "_modules": {}})
    for name, tensor in state.items():
        first, _, rest = name.partition(".")
        if rest:
            made.state["_modules"].setdefault(first, {})[rest] = tensor
        else:
            made.state["_buffers" if first == "Kernel" else "_parameters"][first] = tensor
    made.state["_modules"] = {name: recorded(inner) for name, inner in made.state["_modules"].items()}
    return made


def named(state):
    return {MODEL + name: tensor for name, tensor in state.items()}


CASES = [((8, 8, 8, 4), {}), ((16, 16, 16), {"classes": 3, "group": 8, "expand": 1}), ((8, 8, 4), {"count": 1})]


@pytest.mark.parametrize(("widths", "sizes"), CASES)
@torch.no_grad()
def test_it_draws_and_judges_as_the_paper_says(widths, sizes):
    g, d = tensors(widths, **sizes)
    gan = model(alone("brownvc-r3gan", {"G": named(g), "D": named(d)}))
    classes, side = sizes.get("classes", 0), 2 << len(widths)
    assert (gan.resolution, gan.z_dim, len(gan.class_names)) == (side, 5, classes)
    z, y, images = torch.randn(2, 5), torch.eye(2, classes), torch.randn(2, 3, side, side)
    same(gan.G(z, y), draw(g, z, y, len(widths)))
    scores = judge(d, images, y, len(widths))
    same(gan.D(images, y).score / scores.abs().max(), scores / scores.abs().max())


def test_of_a_pickle_the_moving_average_is_taken():
    (g, d), (average, _) = tensors((8, 8), seed=1), tensors((8, 8), seed=2)
    parts = {"G": recorded(named(g)), "D": recorded(named(d)), "G_ema": recorded(named(average))}
    found = alone("brownvc-r3gan", {**parts, "augment_pipe": None, "training_set_kwargs": {"path": "x"}})
    assert set(found.networks) == {"G", "D"}
    assert torch.equal(found.networks["G"]["trunk.image.weight"], average["AggregationLayer.Layer.weight"])


@pytest.mark.parametrize(
    ("name", "recipe", "side", "classes"),
    [
        ("CIFAR10-cond", "r3gan:ch=768,full=32,blocks=2,expand=2,group=16", 32, 10),
        ("FFHQ-64", "r3gan:ch=768,full=32,blocks=2,expand=2,group=16", 64, 0),
        ("ImageNet-64", "r3gan:ch=1536,full=64,blocks=2,expand=2,group=32", 64, 1000),
    ],
)
def test_its_configurations_have_a_place_for_every_tensor(name, recipe, side, classes):
    # Kernels are numbers: arithmetic on the device meta makes torch import its compiler.
    empty = lambda key, shape: KERNEL if key.endswith("Kernel") else torch.empty(shape, device="meta")  # noqa: E731
    content = {key: {n: empty(n, shape) for n, shape in LISTS[name][key].items()} for key in "GD"}
    found = alone("brownvc-r3gan", content)
    assert (found.recipe, found.size["resolution"], found.size["classes"]) == (recipe, side, classes)
    gan = ganzoo.build(found.recipe, device="meta", **found.size)
    for network in "GD":
        ours = {n: t.shape for n, t in gan.get_submodule(network).state_dict().items()}
        assert {n: t.shape for n, t in found.networks[network].items()} == ours


def test_what_it_cannot_be_is_refused():
    g, d = tensors((8, 8, 8))
    with pytest.raises(ModelError, match=r"MainLayers\.1\..* of 8 pixels have 4 channels after 8"):
        converter("brownvc-r3gan").convert(tensors((8, 4, 8))[0])
    with pytest.raises(ModelError, match="two configurations"):
        converter("brownvc-r3gan").convert({"G": g, "D": tensors((8, 8, 8), count=1)[1]})
    with pytest.raises(ModelError, match=r"EmbeddingLayer\.weight has 32 numbers a class"):
        converter("brownvc-r3gan").convert({**g, "EmbeddingLayer.weight": torch.zeros(32, 3)})
    assert not converter("brownvc-r3gan").fits(d)


def module(kind, state):
    """A network of torch in its layout, all of whose modules are of one class."""
    made, inner = kind(), {}
    for key, tensor in state.items():
        first, _, rest = key.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = tensor
        elif first == "Kernel":
            made.register_buffer(first, tensor)
        else:
            made.register_parameter(first, torch.nn.Parameter(tensor))
    for first, rest in inner.items():
        made.add_module(first, module(kind, rest))
    return made


@torch.no_grad()
def test_its_pickles_are_imported(tmp_path, monkeypatch):
    kind = type("Generator", (torch.nn.Module,), {"__module__": "R3GAN.Networks"})
    g, d = tensors((8, 8, 4))
    with monkeypatch.context() as patch:  # gone again when the file is read
        for name in ("R3GAN", "R3GAN.Networks"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        sys.modules["R3GAN.Networks"].Generator = kind
        networks = {key: module(kind, named(state)) for key, state in {"D": d, "G_ema": g}.items()}
        (tmp_path / "network.pkl").write_bytes(pickle.dumps({"G": None, **networks, "training_set_kwargs": {}}))
    gan = ganzoo.load_foreign(tmp_path / "network.pkl")
    z, y = torch.randn(2, 5), torch.zeros(2, 0)
    same(gan.G(z, y), draw(g, z, y, 3))
