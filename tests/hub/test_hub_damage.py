"""Files of the Hub that arrive, or lie in the cache, as something else than what the Hub lists."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hub_models import files, saved
from safetensors.torch import load, save

import ganzoo
from ganzoo.cli import main
from ganzoo.errors import HubError, HubUnreachable
from ganzoo.files.untrusted import file_digest

REPO = "org/first"
PLACES = {"model.safetensors": "/cdn/", "config.json": "/resolve/"}  # where the bytes of a file come from


def ganzoo_says(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result


def images(ref=REPO, **options):
    return ganzoo.load(ref, **options).sample(2, seed=3)


def kept(tmp_path):
    """The content of every file of the cache, by the digest that it is stored under."""
    return {path.name: path for path in (tmp_path / "hf-cache").glob("models--*/blobs/*")}


def spoil(path):
    """Flip one bit of a file in place; its size stays."""
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


def in_the_cache(tmp_path, name):
    return next((tmp_path / "hf-cache").glob(f"models--*/snapshots/*/{name}"))


@pytest.fixture
def whole(tmp_path):
    """What the model of the tests draws."""
    return images(saved(tmp_path / "whole"))


# --- from the network -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", ["flip", "html"])
def test_what_arrives_damaged_once_is_fetched_again(hub, whole, name, kind, caplog):
    hub.repo(REPO, files())
    hub.fail("GET", PLACES[name], kind)
    assert torch.equal(images(), whole)
    assert f"{name} of {REPO} is damaged: it is fetched again" in caplog.text


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", ["flip", "html"])
def test_what_arrives_damaged_always_is_refused_and_not_kept(hub, whole, tmp_path, name, kind):
    hub.repo(REPO, files())
    hub.fail("GET", PLACES[name], kind, times=1000)
    for _ in range(2):
        with pytest.raises(HubError, match=f"what arrives as {name} of {REPO} is not what the Hub lists"):
            images()
        assert all(file_digest(path) == digest for digest, path in kept(tmp_path).items() if len(digest) == 64)
        assert not list((tmp_path / "hf-cache").glob(f"models--*/snapshots/*/{name}"))
    hub.faults.clear()
    assert torch.equal(images(), whole)


def test_a_picture_that_arrives_damaged_is_no_part_of_a_pull(hub, tmp_path):
    hub.repo(REPO, {**files(), "samples.png": b"\x89PNG" + bytes(100)})
    hub.fail("GET", "/cdn/", "flip", times=1000)
    said = ganzoo_says("pull", REPO, tmp_path / "mine", status=1)
    assert "not what the Hub lists" in said.stderr and "Images of it" not in said.output
    assert not (tmp_path / "mine").exists()
    hub.faults.clear()
    hub.fail("GET", "/cdn/", "flip")
    assert "Images of it" in ganzoo_says("pull", REPO, tmp_path / "mine").stdout
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == files()["model.safetensors"]


def test_a_server_that_lists_no_digests_is_held_to_those_of_its_headers(hub, whole, monkeypatch):
    import hub_server

    monkeypatch.setattr(hub_server, "stored", lambda name, data: {})
    hub.repo(REPO, files())
    hub.fail("GET", "/cdn/", "flip", times=1000)
    with pytest.raises(HubError, match="not what the Hub lists"):
        images()
    hub.faults.clear()
    assert torch.equal(images(), whole)


def test_headers_of_another_file_are_no_way_round_what_is_listed(hub, monkeypatch):
    """A proxy that gives its own page, with its own ETag, for everything."""
    hub.repo(REPO, files())
    honest = hub.repos[REPO].files("main")
    spoilt = {**honest[1], "model.safetensors": bytes(len(honest[1]["model.safetensors"]))}
    listed = hub.repos[REPO].files
    answers = iter([listed("main")])
    monkeypatch.setattr(hub.repos[REPO], "files", lambda revision: next(answers, (honest[0], spoilt)))
    with pytest.raises(HubError, match=r"what arrives as model\.safetensors"):
        images()


# --- from the cache ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("pinned", [False, True])
def test_what_is_damaged_in_the_cache_is_noticed_and_fetched_again(hub, whole, tmp_path, name, pinned):
    commit = hub.repo(REPO, files()).branches["main"]
    asked = {"revision": commit} if pinned else {}
    assert torch.equal(images(**asked), whole)
    spoil(in_the_cache(tmp_path, name).resolve())
    assert torch.equal(images(**asked), whole)
    hub.seen.clear()
    assert torch.equal(images(**asked), whole) and not hub.calls("GET", PLACES[name])


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("pinned", [False, True])
def test_what_is_damaged_in_the_cache_is_not_used_without_a_network(hub, whole, tmp_path, name, pinned):
    commit = hub.repo(REPO, files()).branches["main"]
    asked = {"revision": commit} if pinned else {}
    images(**asked)
    spoil(in_the_cache(tmp_path, name).resolve())
    for method in ("GET", "HEAD"):
        hub.fail(method, "/", "drop", times=1000)
    with pytest.raises(HubUnreachable, match=f"{name} of {REPO}.*was damaged, and is removed|not in the cache"):
        images(**asked)
    hub.faults.clear()
    assert torch.equal(images(**asked), whole)


def test_pull_takes_nothing_damaged_from_the_cache(hub, tmp_path):
    hub.repo(REPO, files())
    images()
    spoil(in_the_cache(tmp_path, "model.safetensors").resolve())
    ganzoo_says("pull", REPO, tmp_path / "mine")
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == files()["model.safetensors"]


# --- pull reads the weights -------------------------------------------------------------------------------------


def not_finite(data):
    tensors = load(data)
    tensors[min(tensors)].view(-1)[:1].fill_(float("nan"))
    return save(tensors)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: save({"x": torch.zeros(2)}), "lacks the tensor"),
        (lambda data: b"<html>" + data[6:], "is not a safetensors file"),
        (not_finite, "holds NaN or infinite numbers"),
        (lambda data: data[:-100], "is torn"),
    ],
)
def test_pull_reads_the_weights_before_it_says_yes(hub, tmp_path, change, said):
    """Right as the Hub lists them, and yet no weights of this model: its authors published them so."""
    found = files()
    hub.repo(REPO, {**found, "model.safetensors": change(found["model.safetensors"])})
    result = ganzoo_says("pull", REPO, tmp_path / "mine", status=1)
    assert said in result.stderr and "org/first" in result.stderr and ".new-" not in result.stderr
    assert not list(tmp_path.glob("*mine*")) and "Images of it" not in result.output


def test_pull_of_a_shipped_model_reads_its_weights_too(hub, tmp_path, monkeypatch):
    from ganzoo.registry import loading

    folder = saved(tmp_path / "model_cards" / "little")
    monkeypatch.setattr(loading, "BESIDE", tmp_path)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    assert "is torn" in ganzoo_says("pull", "little", tmp_path / "mine", status=1).stderr
    assert not (tmp_path / "mine").exists()


def test_pull_of_a_model_with_a_part_that_is_missing_says_what_it_needs(hub, tmp_path):
    parts = json.loads(files()["config.json"])["parts"]
    next(part for part in parts if part["side"] == "g")["part"] = "normalization/softest"
    hub.repo(REPO, files(parts=parts, plugins={"ganzoo-softest": "1.2"}))
    said = ganzoo_says("pull", REPO, tmp_path / "mine").stdout
    assert "Its weights are whole" in said and "pip install 'ganzoo-softest==1.2'" in said
    assert "Images of it" not in said and Path(tmp_path / "mine" / "model.safetensors").is_file()
