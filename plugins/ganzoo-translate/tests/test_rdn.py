"""Residual Dense Network: its size, and the layers models of TensorFlow.js that it takes over."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from made_up import trainer
from peers import alone, model, same

import ganzoo
from ganzoo import ModelError, ResolutionError, UsageError
from ganzoo.foreign import read_foreign

SMALL = "rdn:ch=4,ch.d=4,growth=2,blocks=2,convs=2,up.ch=4"
PUBLISHED = "GANZOO_ESRGAN_SLIM"  # where npm's @upscalerjs/esrgan-slim 1.0.0 was unpacked: the folder with x2, x3, ...


@pytest.mark.parametrize(
    ("recipe", "count"),
    [
        ("rdn:growth=4,blocks=2,convs=1,scale=2,up=nearest", 222_075),  # that of @upscalerjs/esrgan-slim
        ("rdn:growth=4,blocks=2,convs=1,scale=4,up=nearest", 233_451),
    ],
)
def test_the_published_networks_have_as_many_parameters(recipe, count):
    gan = ganzoo.build(recipe, 128, device="meta")
    assert sum(parameter.numel() for parameter in gan.G.parameters()) == count


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("up", ["shuffle", "nearest"])
def test_a_small_picture_becomes_a_large_one(scale, up):
    gan, side = ganzoo.build(f"{SMALL},scale={scale},up={up}", 24 if scale == 3 else 32), 32 // scale // 4 * 4
    assert gan.G(torch.rand(1, 3, side, 12), torch.zeros(1, 0)).shape == (1, 3, side * scale, 12 * scale)


@pytest.mark.parametrize(
    ("recipe", "resolution", "error"),
    [(f"{SMALL},scale=3", 32, ResolutionError), ("rdn:growth=0", 32, UsageError), ("rdn:blocks=0", 32, UsageError)],
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


# --- files of others ----------------------------------------------------------------------------------------


class Graph:
    """A layers model as it is written: each call adds a layer and returns its name."""

    def __init__(self):
        self.layers, self.weights, self.rng = [], {}, np.random.default_rng(0)

    def add(self, kind, name, inputs, **config):
        nodes = [[[one, 0, 0, {}] for one in inputs]] if inputs else []
        self.layers.append(
            {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": nodes}
        )
        return name

    def conv(self, name, taken, inputs, outputs, size):
        kernel = self.rng.normal(size=(size, size, inputs, outputs), scale=1 / (size * inputs**0.5))
        self.weights[f"{name}/kernel"] = kernel.astype(np.float32)
        self.weights[f"{name}/bias"] = self.rng.normal(size=outputs).astype(np.float32)
        config = {"strides": [1, 1], "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": True}
        config |= {"kernel_size": [size, size], "padding": "same", "data_format": "channels_last", "filters": outputs}
        return self.add("Conv2D", name, [taken], **config)

    def relu(self, name):
        return self.add("Activation", f"{name}_Relu", [name], activation="relu")

    def write(self, folder):
        weights = [{"name": name, "shape": list(w.shape), "dtype": "float32"} for name, w in self.weights.items()]
        config = {"name": "g", "layers": self.layers, "input_layers": [["LR", 0, 0]], "output_layers": [["SR", 0, 0]]}
        topology = {"model_config": {"class_name": "Functional", "config": config}}
        manifest = [{"paths": ["shard.bin"], "weights": weights}]
        content = {"format": "layers-model", "modelTopology": topology, "weightsManifest": manifest}
        (folder / "model.json").write_text(json.dumps(content))
        (folder / "shard.bin").write_bytes(b"".join(w.tobytes() for w in self.weights.values()))
        return folder / "model.json"


def network(ch=4, growth=2, blocks=2, convs=2, wide=6, scale=2, planes=3):
    graph = Graph()
    graph.add("InputLayer", "LR", [], batch_input_shape=[None, None, None, planes])
    first = graph.conv("F_m1", "LR", planes, ch, 3)
    block = graph.conv("F_0", first, ch, ch, 3)
    ends = []
    for i in range(1, blocks + 1):
        joined = block
        for j in range(1, convs + 1):
            relu = graph.relu(graph.conv(f"F_{i}_{j}", joined, ch + (j - 1) * growth, growth, 3))
            joined = graph.add("Concatenate", f"RDB_Concat_{i}_{j}", [joined, relu], axis=3)
        block = graph.add("Add", f"LRL_{i}", [graph.conv(f"LFF_{i}", joined, ch + convs * growth, ch, 1), block])
        ends.append(block)
    joined = graph.add("Concatenate", "LRLs_Concat", ends, axis=3) if blocks > 1 else block
    last = graph.conv("GFF_2", graph.conv("GFF_1", joined, blocks * ch, ch, 1), ch, ch, 3)
    h = graph.relu(graph.conv("UPN1", graph.add("Add", "FDF", [last, first]), ch, wide, 5))
    h = graph.conv("UPN3", graph.relu(graph.conv("UPN2", h, wide, wide // 2, 3)), wide // 2, planes * scale**2, 3)
    h = graph.add("UpSampling2D", "UPsample", [h], size=[scale, scale], interpolation="nearest")
    graph.conv("SR", h, planes * scale**2, planes, 3)
    return graph


@torch.no_grad()
def evaluated(content, x):
    """What a layers model makes of pictures (B, C, H, W), layer by layer."""
    found = {}
    for layer in content["layers"]:
        inputs, config = [found[name] for name in layer["inputs"]], layer["config"]
        if layer["class"] == "InputLayer":
            made = x
        elif layer["class"] == "Conv2D":
            kernel, bias = (content["weights"][f"{layer['name']}/{part}"] for part in ("kernel", "bias"))
            made = F.conv2d(inputs[0], kernel.permute(3, 2, 0, 1), bias, padding=config["kernel_size"][0] // 2)
        elif layer["class"] == "Concatenate":
            made = torch.cat(inputs, 1)
        elif layer["class"] == "UpSampling2D":
            made = inputs[0].repeat_interleave(config["size"][0], 2).repeat_interleave(config["size"][1], 3)
        else:
            made = {"Add": sum, "Activation": lambda given: F.relu(given[0])}[layer["class"]](inputs)
        found[layer["name"]] = made
    return found[content["outputs"][0]]


@torch.no_grad()
def enlarges_alike(file, planes=3):
    content = read_foreign(file).content
    converted = alone("upscalerjs-rdn", content)
    gan, x = model(converted), torch.rand(2, planes, 12, 16)
    same((gan.G(x * 2 - 1, torch.zeros(2, 0)) + 1) / 2, evaluated(content, x * 255) / 255)
    return converted


@pytest.mark.parametrize(
    "size", [{}, {"blocks": 1, "convs": 1, "scale": 3}, {"ch": 3, "growth": 5, "blocks": 3, "scale": 1, "planes": 1}]
)
def test_it_enlarges_what_the_graph_enlarges(tmp_path, size):
    converted = enlarges_alike(network(**size).write(tmp_path), size.get("planes", 3))
    assert converted.size["resolution"] == 64 * size.get("scale", 2)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("UPN2_Relu", {"activation": "tanh"}, "'UPN2_Relu'"),
        ("F_1_1", {"padding": "valid"}, "'F_1_1'"),
        ("F_1_1", {"strides": [2, 2]}, "'F_1_1'"),
        ("RDB_Concat_1_1", {"axis": 1}, "'RDB_Concat_1_1'"),
        ("UPsample", {"interpolation": "bilinear"}, "'UPsample'"),
        ("UPsample", {"size": [2, 3]}, "enlarge by"),
        ("UPsample", {"size": [7] * 10_000}, "enlarge by.{0,90}, and"),
        ("F_1_1", {"name": "\x1b[31m" * 99}, r"its layer '.{0,330}' does"),
    ],
)
def test_another_graph_is_refused_by_the_layer_that_tells(tmp_path, name, change, said):
    graph = network()
    next(layer for layer in graph.layers if layer["name"] == name)["config"].update(change)
    with pytest.raises(ModelError, match=said):
        ganzoo.load_foreign(graph.write(tmp_path))


def test_a_graph_that_ends_elsewhere_is_refused(tmp_path):
    file = network().write(tmp_path)
    file.write_text(file.read_text().replace('"output_layers": [["SR"', '"output_layers": [["GFF_2"'))
    with pytest.raises(ModelError, match="'GFF_2'"):
        ganzoo.load_foreign(file)


def test_a_number_in_a_name_is_not_counted_up_to(tmp_path):
    graph = network()
    graph.weights |= {name: np.zeros((1, 1, 1, 1), np.float32) for name in ("LFF_9999/kernel", "F_1_9999/kernel")}
    with pytest.raises(ModelError, match="9999 blocks of 9999 convolutions"):
        ganzoo.load_foreign(graph.write(tmp_path))


def test_a_graph_of_another_order_is_refused(tmp_path):
    graph = network()
    next(layer for layer in graph.layers if layer["name"] == "LRLs_Concat")["inbound_nodes"][0].reverse()
    with pytest.raises(ModelError, match="LRLs_Concat"):
        ganzoo.load_foreign(graph.write(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_published_file_enlarges_alike(scale):
    if PUBLISHED not in os.environ:
        pytest.skip(f"{PUBLISHED} does not say where the models of npm's @upscalerjs/esrgan-slim are")
    converted = enlarges_alike(Path(os.environ[PUBLISHED]) / f"x{scale}" / "model.json")
    assert converted.recipe.startswith("rdn:ch=64,growth=4,blocks=2,convs=1,up.ch=64")
