"""Layers models of TensorFlow.js: JSON beside files of numbers, whatever is in them."""

import json
from hashlib import sha256

import numpy as np
import pytest
import torch

from ganzoo.errors import ModelError, UsageError
from ganzoo.foreign.files.reading import read_foreign


def layer(name, kind, *inputs, **config):
    nodes = [[[one, 0, 0, {}] for one in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def model(**changes):
    layers = [
        layer("in", "InputLayer", batch_input_shape=[None, None, None, 3]),
        layer("a", "Conv2D", "in", filters=2, kernel_initializer={"class_name": "Zeros", "config": {}}),
        layer("sum", "Add", "a", "in"),
    ]
    topology = {"model_config": {"class_name": "Functional", "config": {"layers": layers}}}
    topology["model_config"]["config"] |= {"input_layers": [["in", 0, 0]], "output_layers": [["sum", 0, 0]]}
    weights = [
        {"name": "a/kernel", "shape": [2, 3], "dtype": "float32"},
        {"name": "a/bias", "shape": [2], "dtype": "float32"},
    ]
    group = {"paths": ["one.bin", "two.bin"], "weights": weights}
    return {"format": "layers-model", "modelTopology": topology, "weightsManifest": [group]} | changes


def written(folder, content, **files):
    (folder / "model.json").write_text(json.dumps(content))
    for name, data in (files or {"one": np.arange(5, dtype="<f4"), "two": np.arange(5, 8, dtype="<f4")}).items():
        (folder / f"{name}.bin").write_bytes(bytes(data))
    return folder / "model.json"


def test_weights_may_lie_across_files(tmp_path):
    found = read_foreign(written(tmp_path, model()))
    assert found.form == "tfjs"
    assert found.content["weights"]["a/kernel"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found.content["weights"]["a/bias"].tolist() == [6, 7]
    first, conv, last = found.content["layers"]
    assert conv == {"class": "Conv2D", "name": "a", "inputs": ["in"], "config": {"name": "a", "filters": 2}}
    assert first["config"]["batch_input_shape"] == [None, None, None, 3] and last["inputs"] == ["a", "in"]
    assert found.content["outputs"] == ["sum"]
    assert found.beside["one.bin"] == sha256((tmp_path / "one.bin").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("uint8", {"scale": 0.5, "min": -1}, [-1, -0.5, 126.5]),
        ("uint16", {"scale": 0.5, "min": -1}, [-1, -0.5, 126.5]),
        ("float16", {}, [0, 1, 255]),
    ],
)
def test_quantised_weights_are_dequantised(tmp_path, kind, more, expected):
    weight = {"name": "w", "shape": [3], "dtype": "float32", "quantization": {"dtype": kind, **more}}
    content = model(weightsManifest=[{"paths": ["one.bin"], "weights": [weight]}])
    file = written(tmp_path, content, one=np.array([0, 1, 255], np.dtype(kind).newbyteorder("<")))
    assert read_foreign(file).content["weights"]["w"].tolist() == expected


def spoiled(**change):
    content = model()
    content["weightsManifest"][0]["weights"][0] |= change
    return content


def beyond(path):
    content = model()
    content["weightsManifest"][0]["paths"][0] = path
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *[
            (beyond(path), "no file beside it")
            for path in ("../one.bin", "/etc/hosts", "a/one.bin", "..", "", 3, "u:x")
        ],
        (spoiled(shape=[3, 3]), r"take 44 bytes, and one\.bin, two\.bin have 32"),
        (spoiled(shape=[1 << 39, 1 << 39]), "are read at most"),
        (spoiled(shape=[-2, -3]), "has the shape"),
        (spoiled(shape=[2.0, 3]), "has the shape"),
        (spoiled(shape=[1] * 9), "of the shape"),
        (spoiled(dtype="string"), "holds 'string'"),
        (spoiled(name="a/bias"), "'a/bias' twice"),
        (beyond("two.bin"), r"the file of numbers 'two\.bin' twice"),
        (model(weightsManifest=model()["weightsManifest"] * 2), r"the file of numbers 'one\.bin' twice"),
        (model(modelTopology={"config": [layer("a", "Add"), layer("a", "ReLU")]}), "the layer 'a' twice"),
        (spoiled(quantization={"dtype": "uint8", "scale": 1e999, "min": 0}), "quantised from"),
        (model(modelTopology={"config": [layer("a", "Add") | {"inbound_nodes": [[["b", 1, 0]]]}]}), "refers to"),
        (model(modelTopology={}), "broken"),
        (model(weightsManifest=5), "broken"),
    ],
)
def test_what_is_broken_or_hostile_is_refused(tmp_path, content, said):
    with pytest.raises(ModelError, match=said):
        read_foreign(written(tmp_path, content))


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "real").write_bytes(bytes(20))
    file = written(tmp_path, model())
    (tmp_path / "one.bin").unlink()
    (tmp_path / "one.bin").symlink_to(tmp_path / "real")
    with pytest.raises(ModelError, match="link"):
        read_foreign(file)


def test_what_is_missing_is_named(tmp_path):
    file = written(tmp_path, model())
    (tmp_path / "two.bin").unlink()
    with pytest.raises(UsageError, match=r"two\.bin beside it: there is none"):
        read_foreign(file)


def test_a_graph_model_is_told(tmp_path):
    with pytest.raises(UsageError, match="graph model"):
        read_foreign(written(tmp_path, model(format="graph-model")))


def test_deep_json_is_an_error(tmp_path):
    (tmp_path / "model.json").write_text('{"weightsManifest": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(ModelError, match="broken"):
        read_foreign(tmp_path / "model.json")


def test_other_json_is_none_of_weights(tmp_path):
    (tmp_path / "config.json").write_text('{"a": 1}')
    with pytest.raises(UsageError, match="it is JSON"):
        read_foreign(tmp_path / "config.json")


def test_its_tensors_own_their_memory(tmp_path):
    weights = read_foreign(written(tmp_path, model())).content["weights"]
    weights["a/bias"].zero_()
    assert torch.equal(weights["a/bias"], torch.zeros(2))
