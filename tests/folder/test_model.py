"""Model folders: what is written is read back; what a stranger changed is refused, and why is said in one line."""

import json
import os
import pickle
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_runs import tiny

import ganzoo
from ganzoo.errors import ModelError
from ganzoo.files.untrusted import quoted
from ganzoo.folder.config import describe
from ganzoo.folder.model import ModelFolder, save_model
from ganzoo.folder.weights import DTYPES, generator_state, plain_state
from ganzoo.gan.builder import build

RECIPES = ["dcgan:ch=4", "dcgan:ch=4+sn+hinge", "dcgan:ch=4+eqlr", "dcgan:ch=4+wn@g", "dcgan:ch=4+cbn+projection+sn"]


def saved(folder, recipe="dcgan:ch=4+sn", classes=0):
    torch.manual_seed(0)
    gan = build(recipe, 16, 1, classes=classes)
    folder.mkdir()
    dataset = {"name": "data", "fingerprint": "sha256:0", "count": 1, "licence": "unknown"}
    save_model(gan, folder, describe(gan, step=7, seed=1, dataset=dataset, license="mit"))
    return gan


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    saved(folder)
    return folder


@pytest.fixture
def model(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


def change(model, **fields):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, **fields}))


def refused(model, said):
    with pytest.raises(ModelError, match=said) as caught:
        ModelFolder(model).load()
    text = str(caught.value)
    assert text.isprintable() and len(text) < 600
    return text


# --- round trip ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
def test_model_read_back_samples_the_same_images(recipe, tmp_path):
    gan = saved(tmp_path / "model", recipe, classes=3 if "cbn" in recipe else 0)
    again = ModelFolder(tmp_path / "model").load()
    assert (again.sample(4, seed=0) - gan.sample(4, seed=0)).abs().max() < 1e-5
    assert again.config["step"] == 7 and again.plan.recipe == gan.plan.recipe
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    assert not any("parametrizations" in name for name in again.state_dict())
    assert set(load_file(tmp_path / "model" / "model.safetensors")) == set(again.state_dict())


def test_baking_leaves_the_network_as_it_was():
    gan = build("dcgan:ch=4+sn", 16, 1).train()
    before = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    plain_state(gan.G)
    assert gan.G.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items())
    gan.G(torch.randn(2, 128), torch.zeros(2, 0))


def test_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        saved(tmp_path / name)
    for file in ("model.safetensors", "config.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_weights_are_read_as_config_says(model, dtype):
    tensors = load_file(model / "model.safetensors")
    half = {name: t.to(DTYPES[dtype]) if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(half, model / "model.safetensors")
    refused(model, "its recipe says F32")
    change(model, dtype=dtype)
    assert ModelFolder(model).load().sample(2, seed=0).isfinite().all()


def test_config_has_no_path_and_names_every_part(tmp_path):
    run = tiny(tmp_path / "run", steps=1, license="cc-by-4.0")
    text = (run.folder / "config.json").read_text()
    config = json.loads(text)
    assert str(tmp_path) not in text
    assert config["parts"][0]["part"] == "architecture/dcgan"
    assert config["settings"]["batch"] == {"value": 4, "reason": "set by you"}
    assert config["dataset"]["count"] == 48 and config["license"] == "cc-by-4.0"
    assert {"format", "ganzoo", "recipe", "z_dim", "plugins", "seed", "step", "selection", "dtype"} <= set(config)


def test_kept_steps_can_be_loaded(tmp_path):
    folder = tiny(tmp_path / "run", steps=6, keep=2, settings={"lr.g": 5e-3}).folder
    images = {step: ModelFolder(folder).load(step=step).sample(2, seed=0) for step in (4, 6, None)}
    assert torch.equal(images[6], images[None]) and not torch.equal(images[4], images[6])
    with pytest.raises(ModelError, match=r"no step '2'; it has 4, 6 and 6|no step '2'; it has 4 and 6"):
        ModelFolder(folder).load(step=2)
    assert ModelFolder(folder).load(step="best").sample(1, seed=0).isfinite().all()  # a run has one, by its health
    shutil.rmtree(folder / "training")
    with pytest.raises(ModelError, match="no score has chosen a best one"):
        ModelFolder(folder).load(step="best")


def test_hub_cache_links_are_allowed(model, tmp_path):
    blobs, snapshot = tmp_path / "cache" / "blobs", tmp_path / "cache" / "snapshots" / "0123"
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, name in enumerate(("config.json", "model.safetensors")):
        shutil.move(model / name, blobs / str(number))
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    assert ModelFolder(snapshot).load().sample(1, seed=0).shape == (1, 1, 16, 16)


# --- config.json --------------------------------------------------------------------------------------------


def test_folder_that_is_no_model_says_so(tmp_path):
    refused(tmp_path / "missing", "there is no folder")
    refused(tmp_path, "has no config.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{" + b" " * (2 << 20) + b"}", "larger than 1 MB"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "does not hold a JSON object"),
        (b'{"format": NaN}', "is not JSON"),
        (b"{}", "has no 'format'"),
    ],
)
def test_config_that_is_none(model, content, said):
    (model / "config.json").write_bytes(content)
    refused(model, said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "1"}, "format is"),
        ({"format": True}, "format is"),
        ({"format": 3, "ganzoo": "9.1"}, r"pip install 'ganzoo-core>=9\.1'"),
        ({"format": 3, "ganzoo": "9.1' ; rm -rf /"}, r"pip install --upgrade 'ganzoo-core>=0\.2'$"),
        ({"format": 0}, "format 0, which there never was"),
        ({"height": 1 << 30}, "height is"),
        ({"height": 17, "width": 17}, "17"),
        ({"width": 32}, "project"),
        ({"bits": 12}, "bits is 12; it is 8 or 16"),
        ({"selection": "last"}, "selection is"),
        ({"selection": {"chosen": "mine", "split": None}}, "selection is"),
        ({"label_kind": "many"}, "label_kind is"),
        ({"frozen": []}, "frozen is"),
        ({"channels": 0}, "channels is"),
        ({"classes": -1}, "classes is"),
        ({"classes": 3, "class_names": ["a", "b", "c"]}, "takes none"),
        ({"class_names": ["\x1b[31m"]}, "class_names"),
        ({"dtype": "float64"}, "dtype is"),
        ({"step": "7"}, "step is"),
        ({"license": 3}, "license is"),
        ({"recipe": "../../etc"}, "cannot be built"),
        ({"recipe": "\x1b]0;title\x07"}, "cannot be built"),
        ({"parts": []}, "does not hold together"),
        ({"parts": "all"}, "does not hold together"),
        ({"settings": {"lr.g": {"value": {}, "reason": ""}}}, "lr.g"),
        ({"settings": {"lr.g": {"value": "\x1b[31m", "reason": ""}}}, "lr.g"),
        ({"settings": 3}, "does not hold together"),
        ({"plugins": {"evil; rm -rf /": "1"}}, "PEP 503"),
        ({"plugins": {"-r": "1"}}, "PEP 503"),
        ({"plugins": {"ganzoo": "0.0.1"}}, "ganzoo itself and no plugin"),
        ({"plugins": {"Ganzoo.Core": "0.2.0"}}, "ganzoo itself and no plugin"),
        ({"plugins": {"ganzoo-x": "1 --pre"}}, "PEP 440"),
        ({"plugins": {"ganzoo-x": 1}}, "PEP 440"),
    ],
)
def test_config_with_a_bad_field(model, fields, said):
    change(model, **fields)
    refused(model, said)


def with_part(model, position, **fields):
    config = json.loads((model / "config.json").read_text())
    config["parts"][position].update(fields)
    (model / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ch": 10**6}, "parameters, more than"),
        ({"ch": 10**15}, "cannot be built"),
        ({"ch": 10**30}, "cannot be built"),
        ({"ch": -4}, "cannot be built"),
        ({"ch": "__import__('os')"}, "cannot be built"),
        ({"ch": [4, 8]}, "cannot be built"),
        ({"no_such": 1}, "cannot be built"),
    ],
)
def test_options_of_parts_are_checked_before_memory_is_taken(model, options, said):
    change(model, recipe="dcgan+sn")
    with_part(model, 0, options=options)
    refused(model, said)


def test_parameter_limit_can_be_lowered(model, monkeypatch):
    monkeypatch.setenv("GANZOO_MAX_PARAMETERS", "1000")
    refused(model, "more than the 1,000 allowed")


def test_missing_plugin_is_named_as_the_model_claims_it(model):
    generator = [part["side"] for part in json.loads((model / "config.json").read_text())["parts"]].index("g")
    with_part(model, generator, part="normalization/softest")
    change(model, plugins={"ganzoo-softest": "1.2"})
    refused(model, r"as claimed by the model, it needs: pip install 'ganzoo-softest==1\.2'$")


def test_unknown_part_without_a_claim(model):
    with_part(model, -1, part="loss/softest")
    assert "pip install" not in refused(model, "softest")


# --- model.safetensors --------------------------------------------------------------------------------------


def rewrite(model, edit):
    path = model / "model.safetensors"
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path)


def rewrite_header(model, edit):
    path = model / "model.safetensors"
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def first(tensors):
    return next(name for name in sorted(tensors) if name.endswith("weight"))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda t: t.pop(first(t)), "lacks the tensor"),
        (lambda t: t.update(extra=torch.ones(1)), "holds the tensor 'extra'"),
        (lambda t: t.update({"\x1b[31m": torch.ones(1)}), r"'\\x1b\[31m'"),
        (lambda t: t.update({first(t): t[first(t)].double()}), "is 'F64'; its recipe says F32"),
        (lambda t: t.update({first(t): t[first(t)].int()}), "is 'I32'; its recipe says F32"),
        (lambda t: t.update({first(t): t[first(t)][..., None].clone()}), "its recipe says \\["),
        (lambda t: t[first(t)].view(-1)[:1].fill_(float("nan")), "NaN or infinite"),
        (lambda t: t[first(t)].view(-1)[-1:].fill_(float("inf")), "NaN or infinite"),
    ],
)
def test_tensors_that_are_not_the_recipes(model, edit, said):
    rewrite(model, edit)
    refused(model, said)


def offsets(header):
    return header[first({name: 0 for name in header if name != "__metadata__"})]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda h: offsets(h).update(data_offsets=[0, 1 << 60]), "not as long as its shape"),
        (lambda h: offsets(h).update(data_offsets=[-8, 0]), "as long as|do not follow"),
        (lambda h: offsets(h).update(data_offsets=[x + 4 for x in offsets(h)["data_offsets"]]), "do not follow"),
        (lambda h: offsets(h).update(data_offsets="all"), "no offsets"),
        (lambda h: offsets(h).update(shape=[1 << 40, 1 << 40]), "its recipe says"),
        (lambda h: offsets(h).update(dtype=["F32"]), "its recipe says F32"),
        (lambda h: h.update(bad=3), "its header is no table"),
    ],
)
def test_header_that_lies(model, edit, said):
    rewrite_header(model, edit)
    refused(model, said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps({"G": 1}), "not a safetensors file"),
        (b"", "not a safetensors file"),
        (b"PK\x03\x04" + bytes(100), "not a safetensors file"),
        (struct.pack("<Q", 1 << 62) + b"{}", "not a safetensors file"),
        (struct.pack("<Q", 2) + b"[]", "header is no table"),
        (struct.pack("<Q", 50_000) + b"[" * 50_000, "header cannot be read"),
    ],
)
def test_file_that_is_no_safetensors(model, content, said):
    (model / "model.safetensors").write_bytes(content)
    refused(model, said)


@pytest.mark.parametrize("change_by", [-5, 5])
def test_file_of_another_length(model, change_by):
    path = model / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:change_by] if change_by < 0 else data + bytes(change_by))
    refused(model, "is torn")


def test_pickles_beside_the_model_are_never_opened(model):
    for name in ("model.bin", "pytorch_model.bin", "model.pt"):
        (model / name).write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    ModelFolder(model).load()
    assert not os.path.exists("/tmp/owned")


# --- files that are none ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_links_pipes_and_folders_are_refused(model, tmp_path, name):
    outside = tmp_path / "outside"
    shutil.move(model / name, outside)
    (model / name).symlink_to(outside)
    refused(model, "is a link")
    (model / name).unlink()
    os.mkfifo(model / name)
    refused(model, "not a regular file")
    (model / name).unlink()
    (model / name).mkdir()
    refused(model, "not a regular file")
    shutil.rmtree(model / name)
    refused(model, f"has no {name}")


def test_links_of_snapshots_lead_nowhere(model, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(model / "model.safetensors", outside / "step-00000001.safetensors")
    (model / "snapshots").symlink_to(outside)
    with pytest.raises(ModelError, match="has no step '1'"):
        ModelFolder(model).load(step=1)


def test_quoted_text_is_short_printable_and_on_one_line():
    text = quoted("\x1b[31m\n" + "é" * 500)
    assert text.isprintable() and text.isascii() and len(text) < 100


def test_discriminator_is_not_published(model):
    assert all(name.startswith("G.") for name in load_file(model / "model.safetensors"))
    assert list(dict(ModelFolder(model).load().named_children())) == ["G"]
    assert ModelFolder(model).config["step"] == 7
    assert set(generator_state(build("dcgan:ch=4+sn", 16, 1))) == set(load_file(model / "model.safetensors"))


def test_public_load_reads_a_folder(model):
    assert ganzoo.load(model).sample(2, seed=0, output="np").shape == (2, 16, 16, 1)
