"""What data is known by follows its content, and does not depend on the memory that is free now."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

import ganzoo
from ganzoo.data import DataRequest, dataset, open_data
from ganzoo.errors import RunError, UsageError
from ganzoo.metrics import cache
from ganzoo.scoring.score import evaluate

SHORT = 10  # bytes of memory for images: nothing fits
FEATURES = "test_efficientnet:random"


def noise(seed, size=16):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Pictures without compression, so that others are as many bytes."""
    for number in range(8):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(path)
    return tmp_path / "photos"


def rewrite(folder):
    """Put other pictures in the place of all, of the same names, sizes and times."""
    for path in folder.rglob("*.bmp"):
        before = path.stat()
        noise(100 + int(path.stem)).save(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size


def zipped(folder):
    return shutil.make_archive(str(folder.with_name("packed")), "zip", folder)


def free(monkeypatch, available):
    """As if so many bytes of memory were free."""
    monkeypatch.setattr(dataset, "available_memory", lambda: available)


def known(value, memory=SHORT, **wanted):
    return open_data(value, DataRequest(memory=memory, **wanted)).fingerprint


@pytest.mark.parametrize("form", [lambda folder: folder, zipped], ids=["folder", "zip"])
@pytest.mark.parametrize("memory", [SHORT, 2**30])
def test_other_pictures_of_the_same_names_and_sizes_are_other_data(folder, form, memory):
    before = known(form(folder), memory)
    assert known(form(folder), memory) == before
    rewrite(folder)
    assert known(form(folder), memory) != before


def test_data_in_python_is_known_by_its_content():
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    data, other = TensorDataset(pixels, torch.arange(6) % 2), TensorDataset(255 - pixels, torch.arange(6) % 2)
    assert known(data).startswith("files-sha256:")
    assert known(data) == known(data) != known(other)


def test_a_source_of_a_plugin_is_known_by_its_content():
    from ganzoo.data import Pictures, collect_pictures

    class Drawn(Pictures):
        def __init__(self, seed):
            self.seed = seed
            super().__init__("drawn", ["a", "b"])

        def read(self, index):
            return noise(self.seed + index)

    one, other = (
        collect_pictures(Drawn(seed), DataRequest(memory=SHORT), name="drawn").fingerprint for seed in (0, 50)
    )
    assert one != other


def test_names_are_not_content(folder):
    before = {kind: known(folder, fingerprint_kind=kind) for kind in ("sha256", "files-sha256")}
    assert {kind: known(zipped(folder / "a"), fingerprint_kind=kind) for kind in before} == {
        kind: known(folder / "a", fingerprint_kind=kind) for kind in before
    }
    for path in sorted((folder / "a").iterdir()):
        path.rename(path.with_name(f"renamed-{path.name}"))
    assert {kind: known(folder, fingerprint_kind=kind) for kind in before} == before


@pytest.mark.parametrize("kind", ["sha256", "files-sha256"])
def test_a_kind_that_is_asked_for_is_the_same_whatever_memory_there_is(folder, kind, monkeypatch):
    monkeypatch.setattr(dataset, "HASHED_BYTES", 16 * 16 * 3 * 3)  # of three images
    held, lazy = known(folder, 2**30, fingerprint_kind=kind), known(folder, SHORT, fingerprint_kind=kind)
    assert held == lazy and held.startswith(f"{kind}:")


def test_a_kind_that_there_is_not():
    with pytest.raises(UsageError, match="sha256 or files-sha256, not 'md5'"):
        DataRequest(fingerprint_kind="md5")


def test_what_an_older_version_knew_data_by_is_known_still(folder):
    """Names and sizes of files: the fingerprint of this folder as ganzoo 0.1.0 made it, on demand."""
    from hashlib import sha256

    digest = sha256(repr((8, 3, 16, 16)).encode())
    for name in sorted(str(path.relative_to(folder)) for path in folder.rglob("*.bmp")):
        size = (folder / name).stat().st_size
        digest.update(f"{name}\0{size}\0{'ab'.index(name[0])}\n".encode())
    data, former = open_data(folder, DataRequest(memory=SHORT)), f"files-sha256:{digest.hexdigest()}"
    assert data.is_known_as(former) and data.is_known_as(data.fingerprint) and not data.is_known_as(None)
    assert not replace(data, fingerprint="files-sha256:of-something-made-of-it").is_known_as(former)


# --- runs ---------------------------------------------------------------------------------------------------


def begun(folder, out, **scored):
    small = {"resolution": 16, "settings": {"batch": 4}, "steps": 1}
    return ganzoo.train("dcgan:ch=4", folder, out, device="cpu", quiet=True, **small, **scored).folder


def resumed(folder, out, **options):
    return ganzoo.train(data=folder, resume=out, device="cpu", quiet=True, **options)


@pytest.mark.parametrize("first, later", [(2**40, SHORT), (SHORT, 2**40)], ids=["less", "more"])
@pytest.mark.parametrize("scored", [{}, {"eval_every": 1, "metrics": ["fid"], "features": FEATURES, "eval_n": 2}])
def test_a_run_goes_on_with_other_memory(folder, tmp_path, monkeypatch, first, later, scored):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    free(monkeypatch, first)
    begun(folder, tmp_path / "run", **scored)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["fingerprint_kind"] == ("files-sha256" if first == SHORT else "sha256")
    free(monkeypatch, later)
    assert resumed(folder, tmp_path / "run", steps=2).step == 2
    forked = resumed(folder, tmp_path / "run", fork=tmp_path / "fork", steps=3).folder
    again = json.loads((forked / "config.json").read_text())["dataset"]
    assert again == config["dataset"]


@pytest.mark.parametrize("memory", [2**40, SHORT])
def test_a_run_does_not_go_on_with_other_pictures_of_the_same_names(folder, tmp_path, monkeypatch, memory):
    free(monkeypatch, memory)
    begun(folder, tmp_path / "run")
    rewrite(folder)
    with pytest.raises(RunError, match="these 8 images are others"):
        resumed(folder, tmp_path / "run", steps=2)


# --- scores -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [2**40, SHORT])
def test_scores_are_against_the_pictures_that_are_there_now(folder, tmp_path, monkeypatch, memory):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    free(monkeypatch, memory)
    others = tmp_path / "others"
    shutil.copytree(folder, others)

    def fd():
        (score,) = evaluate(folder, others, metrics=["fid"], n=8, features=FEATURES)
        return score.value

    assert fd() == pytest.approx(0, abs=1e-3)
    rewrite(others)
    changed = fd()
    shutil.rmtree(cache.folder())
    assert changed == pytest.approx(fd(), rel=1e-6) and changed > 1e-3


def test_a_score_on_what_was_trained_on_is_refused_whatever_memory_there_is(folder, tmp_path, monkeypatch):
    free(monkeypatch, 2**40)
    made = begun(folder, tmp_path / "run")
    free(monkeypatch, SHORT)
    with pytest.raises(UsageError, match="what the model was trained on"):
        evaluate(made, str(folder), split="test", metrics=["fid"], n=8, features=FEATURES)
