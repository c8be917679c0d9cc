"""Files of weights in the layouts that their authors' code writes, read without that code."""

import gzip
import io
import pickle
import struct
import sys
import tarfile
import zipfile
from argparse import Namespace
from collections import OrderedDict
from hashlib import sha256
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ganzoo.errors import ModelError, UsageError
from ganzoo.foreign.files.reading import read_foreign
from ganzoo.foreign.files.recorded import Recorded


@pytest.fixture
def code_of_others(monkeypatch):
    """Makes functions and classes under module names of others; gone again before anything is read."""
    made = {}

    def make(module, name, thing):
        for end in range(1, len(module.split(".")) + 1):
            part = ".".join(module.split(".")[:end])
            if part not in sys.modules:
                monkeypatch.setitem(sys.modules, part, ModuleType(part))
                made[part] = True
        thing.__module__, thing.__qualname__, thing.__name__ = module, name, name
        monkeypatch.setattr(sys.modules[module], name, thing, raising=False)
        return thing

    make.forget = lambda: [sys.modules.pop(part, None) for part in made]
    return make


def networks():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    return net, net.state_dict()


def same(content, state):
    assert list(content) == list(state)
    assert all(torch.equal(content[key], state[key]) for key in state)
    assert all(type(tensor) is torch.Tensor and not tensor.requires_grad for tensor in content.values())


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("name", ["G_ema.pth", "weights.tar", "model"])
def test_a_state_dict_whatever_its_name(tmp_path, name, new):
    path, (_, state) = tmp_path / name, networks()
    torch.save(state, path, _use_new_zipfile_serialization=new)
    found = read_foreign(path)
    same(found.content, state)
    assert found.form == ("torch" if new else "torch-legacy") and found.size == path.stat().st_size
    assert found.sha256 == sha256(path.read_bytes()).hexdigest() and found.path == path and not found.beside


@pytest.mark.parametrize("new", [True, False])
def test_what_checkpoints_keep_beside_their_tensors(tmp_path, new):
    _, state = networks()
    moments = {"step": torch.tensor(1.0), "exp_avg": torch.ones(4, 3, 3, 3)}
    adam = {"state": {0: moments}, "param_groups": [{"lr": 2e-4, "betas": (0.0, 0.99), "params": [0]}]}
    saved = {
        "state_dict": state,
        "optimizer": adam,
        "best_fid": np.float64(3.25),
        "flag": np.bool_(True),
        "half": np.float16(0.5),
        "array": np.arange(6, dtype=np.int64).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "size": torch.Size([1, 2]),
        "dtype": torch.float32,
        "device": torch.device("cuda:0"),
        "names": {"b", "a"},
        "raw": b"abc",
        "nothing": None,
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "no numbers": torch.zeros(0, 3),
        "bfloat16": torch.ones(2, dtype=torch.bfloat16),
        "history": [1.5, (2, "three")],
    }
    torch.save(saved, tmp_path / "ckpt", _use_new_zipfile_serialization=new)
    found = read_foreign(tmp_path / "ckpt").content
    same(found["state_dict"], state)
    assert type(found["best_fid"]) is float and found["best_fid"] == 3.25 and found["flag"] is True
    assert found["half"] == 0.5
    assert found["array"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["array"].dtype == torch.int64
    assert found["columns"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["size"], found["dtype"], found["device"]) == ((1, 2), "torch.float32", "cuda:0")
    assert (found["names"], found["raw"], found["nothing"]) == (("a", "b"), b"abc", None)
    assert type(found["parameter"]) is torch.Tensor and found["no numbers"].shape == (0, 3)
    assert found["history"] == [1.5, (2, "three")] and found["bfloat16"].dtype == torch.bfloat16
    assert found["optimizer"]["state"][0]["step"] == 1


def test_views_of_one_storage_share_it(tmp_path):
    whole = torch.arange(12.0)
    torch.save({"a": whole[2:8].reshape(2, 3).T, "b": whole[:4], "c": whole}, tmp_path / "a.pth")
    found = read_foreign(tmp_path / "a.pth").content
    assert found["a"].tolist() == [[2, 5], [3, 6], [4, 7]] and found["b"].tolist() == [0, 1, 2, 3]
    assert found["c"].untyped_storage().data_ptr() == found["b"].untyped_storage().data_ptr()


@pytest.mark.parametrize("new", [True, False])
def test_settings_and_whole_networks_are_recorded_by_name(tmp_path, code_of_others, new):
    config = code_of_others("models.utils.config", "BaseConfig", type("BaseConfig", (), {}))()
    config.depth = 3
    torch.save({"config": config, "args": Namespace(latent=512)}, tmp_path / "a", _use_new_zipfile_serialization=new)
    code_of_others.forget()
    found = read_foreign(tmp_path / "a").content
    assert isinstance(found["config"], Recorded) and found["config"].state == {"depth": 3}
    assert (found["config"].name, found["config"].module) == ("BaseConfig", "models.utils.config")
    assert found["args"].name == "Namespace" and found["args"].state == {"latent": 512}
    assert "models.utils.config" not in sys.modules


def test_a_network_of_torchs_classes_has_its_state_dict(tmp_path):
    net, state = networks()
    torch.save(net, tmp_path / "net.pt")
    found = read_foreign(tmp_path / "net.pt").content
    assert (found.name, found.module) == ("Sequential", "torch.nn.modules.container")
    same(found.tensors(), state)
    (tmp_path / "net.pkl").write_bytes(pickle.dumps(net))
    same(read_foreign(tmp_path / "net.pkl").content.tensors(), state)


class Kept(torch.nn.Module):
    """A network as code with its source in its pickles has it."""

    def __init__(self, width):
        super().__init__()
        self.fc = torch.nn.Linear(width, 2)
        self.register_buffer("w_avg", torch.arange(3.0))
        self.register_buffer("passing", torch.zeros(2), persistent=False)
        self.inner = None

    def __reduce__(self):
        state = {**self.__dict__, "_init_args": (), "_init_kwargs": {"z_dim": 512, "width": 4}}
        about = {"type": "class", "version": 6, "module_src": "open(CANARY, 'w')", "class_name": "Generator"}
        rebuild = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        return rebuild, ({**about, "state": state},), None


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_with_source_is_recorded_and_its_source_is_not_run(tmp_path, code_of_others, protocol):
    def rebuild(about):
        raise AssertionError("this is the code of the pickle's authors, which nobody calls")

    code_of_others("torch_utils.persistence", "_reconstruct_persistent_obj", rebuild)
    table = code_of_others("dnnlib.util", "EasyDict", type("EasyDict", (dict,), {}))
    net = Kept(4)
    net.inner = Kept(1)
    path = tmp_path / "network-snapshot.pkl"
    saved = {"G_ema": net, "G": net, "D": None, "training_set_kwargs": table(path="a.zip", labels=np.ones(2, "f4"))}
    path.write_bytes(pickle.dumps(saved, protocol))
    found = read_foreign(path)
    made = found.content["G_ema"]
    assert found.form == "pickle" and found.content["G"] is made and found.content["D"] is None
    assert (made.name, made.module, made.kwargs) == ("Generator", "", {"z_dim": 512, "width": 4})
    same(made.tensors(), net.state_dict())
    assert "inner.w_avg" in made.tensors() and "passing" not in made.tensors()
    assert found.content["training_set_kwargs"]["path"] == "a.zip"
    assert found.content["training_set_kwargs"]["labels"].tolist() == [1, 1]


def test_plain_classes_of_r3gans_are_recorded(tmp_path, code_of_others):
    def class_of(module, name):
        made = type(name, (torch.nn.Module,), {})
        return code_of_others(module, name, made)()

    net, inner = class_of("training.networks", "Generator"), class_of("R3GAN.Networks", "Generator")
    net.Model = inner
    inner.Layers = torch.nn.ModuleList([torch.nn.Conv2d(2, 2, 1, bias=False)])
    inner.Basis = torch.nn.Parameter(torch.ones(2, 4, 4))
    path, state = tmp_path / "a.pkl", net.state_dict()
    path.write_bytes(pickle.dumps({"G_ema": net}))
    code_of_others.forget()
    found = read_foreign(path).content["G_ema"]
    same(found.tensors(), state)
    assert list(found.tensors()) == ["Model.Basis", "Model.Layers.0.weight"]
    assert found.state["_modules"]["Model"].module == "R3GAN.Networks"


def test_spectral_norms_hooks_are_kept_by_name(tmp_path):
    net = torch.nn.utils.spectral_norm(torch.nn.Conv2d(2, 2, 1))
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(net))
    found = read_foreign(tmp_path / "a.pkl").content
    same(found.tensors(), net.state_dict())
    (hook,) = found.state["_forward_pre_hooks"].values()
    assert (hook.module, hook.name, hook.state["eps"]) == ("torch.nn.utils.spectral_norm", "SpectralNorm", 1e-12)


@pytest.mark.parametrize("old", [b"numpy.core", b"numpy._core"])
def test_numpy_before_2_wrote_other_names(tmp_path, old):
    data = pickle.dumps([np.arange(3.0), np.float32(2)], 2).replace(b"numpy._core", old)
    (tmp_path / "a.pkl").write_bytes(data)
    array, number = read_foreign(tmp_path / "a.pkl").content
    assert array.tolist() == [0, 1, 2] and number == 2.0


def test_safetensors(tmp_path):
    state = {"a.weight": torch.ones(2, 3), "n": torch.tensor(4)}
    save_file(state, tmp_path / "model.bin")
    found = read_foreign(tmp_path / "model.bin")
    assert found.form == "safetensors" and {key: t.tolist() for key, t in found.content.items()} == {
        key: t.tolist() for key, t in state.items()
    }


PARAM = """7767517
4 5
Input            data  0 1 data
Split            split 1 2 data a b
Convolution      conv  1 1 a c 0=2 1=3 4=1 5=1 6=18 9=2 -23310=1,2.000000e-01
PReLU            slope 1 1 c d 0=2
"""


@pytest.mark.parametrize(("dtype", "flag"), [("f2", 0x01306B47), ("f4", 0)])
def test_ncnn(tmp_path, dtype, flag):
    weight = np.arange(18, dtype=dtype)
    numbers = struct.pack("<I", flag) + weight.tobytes() + np.array([1, 2, 3, 4], "f4").tobytes()
    (tmp_path / "a.param").write_text(PARAM)
    (tmp_path / "a.bin").write_bytes(numbers)
    found = read_foreign(tmp_path / "a.param")
    *_, conv, slope = found.content["layers"]
    assert found.form == "ncnn" and found.beside == {"a.bin": sha256(numbers).hexdigest()}
    assert torch.equal(conv["weights"]["weight"], torch.arange(18.0).reshape(2, 1, 3, 3))
    assert conv["weights"]["bias"].tolist() == [1, 2] and slope["weights"]["slope"].tolist() == [3, 4]
    assert conv["params"] == {0: 2, 1: 3, 4: 1, 5: 1, 6: 18, 9: 2, 10: [0.2]}
    assert (conv["type"], conv["inputs"], conv["outputs"]) == ("Convolution", ["a"], ["c"])
    with pytest.raises(UsageError, match=r"numbers of a\.param: give that"):
        read_foreign(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("text", "numbers", "said"),
    [
        (PARAM, 10, "torn"),
        (PARAM, 200, "more than its layers need"),
        (PARAM.replace("4 5", "9 5"), 92, "second line"),
        (PARAM.replace("PReLU", "LSTM "), 92, "'LSTM'"),
        (PARAM.replace("6=18", "6=17"), 92, "no whole filters"),
        (PARAM.replace("6=18", "6=999999999999"), 92, "filters|torn"),
        (PARAM.replace("1=3", "1=x"), 92, "broken"),
        (PARAM.replace("Split            split 1", "Split            split 9"), 92, "fewer blobs"),
    ],
)
def test_broken_ncnn(tmp_path, text, numbers, said):
    (tmp_path / "a.param").write_text(text)
    (tmp_path / "a.bin").write_bytes(bytes(numbers))
    with pytest.raises(ModelError, match=said):
        read_foreign(tmp_path / "a.param")


def test_ncnn_without_its_numbers(tmp_path):
    (tmp_path / "a.param").write_text(PARAM)
    with pytest.raises(UsageError, match=r"a\.bin beside it: there is none"):
        read_foreign(tmp_path / "a.param")


def zipped(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "text")
    return file.getvalue()


def tarred(kind):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(f"run/{kind}.pth"))
    return file.getvalue()


def arrays():
    file = io.BytesIO()
    np.savez(file, a=np.ones(2))
    return file.getvalue()


STRANGERS = {
    "nothing": (b"", "empty"),
    "a page": (b"\n<!DOCTYPE html><html>Quota exceeded</html>", "web page"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
    "npy": (b"\x93NUMPY\x01\x00", "NumPy"),
    "npz": (arrays(), r"npz.*a\.npy"),
    "json": (b'{"modelTopology": {}}', "JSON"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x051.9:", "ONNX"),
    "index": (bytes(64) + bytes.fromhex("57fb808b247547db"), "TensorFlow"),
    "pb": (b"\x0a\x1d\x0a\x01x\x12\x0bPlaceholder*", "TensorFlow"),
    "tar": (tarred("G"), r"run/G\.pth.*tar -xf"),
    "tar.gz": (gzip.compress(tarred("G")), r"run/G\.pth.*tar -xzf"),
    "gz": (gzip.compress(b"weights"), "gunzip"),
    "zip": (zipped(["a/G.pth", "a/D.pth"]), r"a/G\.pth' and 1 more.*unzip"),
    "an empty zip": (zipped([]), "empty zip"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "picture"),
    "text": (b"these are no weights", "no file of weights that ganzoo knows"),
    "an old pickle": (b"cos\nsystem\n(S'true'\ntR.", r"names 'os\.system'"),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_holds_no_weights_is_told_apart(tmp_path, kind):
    data, said = STRANGERS[kind]
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=said) as caught:
        read_foreign(path)
    text = str(caught.value)
    assert text.startswith(str(path)) and text.isprintable() and len(text) < len(str(path)) + 300


def test_torchscript_says_how_its_weights_are_taken_out(tmp_path):
    (tmp_path / "a.pt").write_bytes(zipped(["a/data.pkl", "a/constants.pkl", "a/code/__torch__.py"]))
    with pytest.raises(UsageError, match=r"TorchScript.*torch\.jit\.load\(FILE\)\.state_dict"):
        read_foreign(tmp_path / "a.pt")


def test_a_pickle_of_tensorflows_days_says_how_it_is_converted(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02cdnnlib.tflib.network\nNetwork\nq\x00)\x81q\x01}b.")
    with pytest.raises(ModelError, match=r"dnnlib\.tflib\.network\.Network.*legacy\.py --source FILE --dest"):
        read_foreign(tmp_path / "a.pkl")


def test_a_persons_link_is_followed_and_folders_and_nothing_are_said(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "a.pth")
    (tmp_path / "link").symlink_to("a.pth")
    assert read_foreign(tmp_path / "link").content["a"] == 1
    with pytest.raises(UsageError, match="is a folder"):
        read_foreign(tmp_path)
    with pytest.raises(UsageError, match="there is no file"):
        read_foreign(tmp_path / "b.pth")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(UsageError, match="there is no file"):
        read_foreign(tmp_path / "round")


def test_a_class_that_is_not_known_is_named_with_what_would_work(tmp_path, code_of_others):
    net = code_of_others("networks.dcgan", "Generator", type("Generator", (), {}))()
    torch.save({"G": net, "state": OrderedDict()}, tmp_path / "a.pth")
    with pytest.raises(ModelError, match=r"networks\.dcgan\.Generator.*torch\.save\(model\.state_dict"):
        read_foreign(tmp_path / "a.pth")
