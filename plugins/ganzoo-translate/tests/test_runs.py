"""Runs of the four systems: resumed exactly, loaded, sampled from pictures, and shared by processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from ganzoo_translate import warmed
from made_up import PLAIN, data_for, differences, train
from PIL import Image
from safetensors import safe_open

import ganzoo
from ganzoo import GanzooError, UsageError
from ganzoo.cli.kit import main
from ganzoo.testing import check_component

WORKER = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One finished run of each system."""
    folder = tmp_path_factory.mktemp("runs")
    return {system: train(folder / system, recipe).folder for system, recipe in PLAIN.items()}


@pytest.mark.parametrize("system", PLAIN)
@pytest.mark.parametrize("first", [1, 3])
def test_resumed_run_equals_unbroken_run(system, first, runs, tmp_path):
    train(tmp_path / "parts", PLAIN[system], steps=first)
    parts = ganzoo.train(resume=tmp_path / "parts", data=data_for(PLAIN[system]), steps=4, quiet=True)
    assert differences(runs[system], parts.folder) == []


def test_histories_are_in_the_checkpoint(runs):
    for system, keys in {"simgan": ["game.history"], "cyclegan": ["game.history.image", "game.history.source"]}.items():
        with safe_open(runs[system] / "training" / "step-00000004" / "state.safetensors", "pt") as state:
            for key in keys:
                assert int(state.get_tensor(f"gan/{key}.held")) == 6
                assert state.get_tensor(f"gan/{key}.images").abs().sum() > 0


@pytest.mark.parametrize("system", PLAIN)
def test_loaded_model_translates(system, runs, monkeypatch):
    def missing(*arguments, **keywords):
        raise GanzooError("no weights here")

    monkeypatch.setattr(warmed, "Content", missing)  # samples need no content network
    gan = ganzoo.load(runs[system])
    photos = torch.rand(3, 3, 16, 16)
    images = gan.sample(source=photos)
    assert images.shape == (3, 3, 16, 16)
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images, gan.sample(source=photos, seed=9))  # there is no noise
    assert gan.sample(4).shape == (4, 3, 16, 16)  # from the examples in its folder
    assert set(dict(gan.named_children())) == set(gan.players["g"])
    with pytest.raises(UsageError, match="source images, and no noise"):
        gan.sample(z=torch.zeros(1, 128))
    too_small = r"from 16 x 16 up" if system == "cyclegan" else r"takes \(n, 3, 16, 16\)"  # which takes any size
    with pytest.raises(UsageError, match=too_small):
        gan.sample(source=torch.rand(1, 3, 8, 32))


def test_loaded_cyclegan_also_goes_back(runs):
    gan = ganzoo.load(runs["cyclegan"])
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    assert gan.F(images, torch.zeros(2, 0)).shape == images.shape


def test_sample_command_translates_a_picture(runs, tmp_path):
    Image.new("RGB", (16, 16), (200, 30, 90)).save(tmp_path / "photo.png")
    words = ["sample", runs["pix2pix"], "--input", tmp_path / "photo.png", "--out", tmp_path / "out.png"]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize("system", PLAIN)
def test_pushed_model_is_loaded_back(system, hub, runs):
    result = CliRunner().invoke(main, ["push", str(runs[system]), f"me/{system}", "--unscored"])
    assert result.exit_code == 0, result.output
    assert {"examples/source.png", "model.safetensors", "config.json"} <= hub.repos[f"me/{system}"].head().keys()
    photos = torch.rand(2, 3, 16, 16)
    assert torch.equal(
        ganzoo.load(f"me/{system}").sample(source=photos), ganzoo.load(runs[system]).sample(source=photos)
    )


def test_content_network_that_is_not_here_is_said_before_anything_is_written(tmp_path, monkeypatch):
    def missing(*arguments, **keywords):
        raise GanzooError("the weights of tf_efficientnet_lite0.in1k are not on this machine")

    monkeypatch.setattr(warmed, "Content", missing)
    with pytest.raises(GanzooError, match="not on this machine"):
        train(tmp_path / "run", PLAIN["cartoongan"])
    assert not (tmp_path / "run" / "config.json").exists()
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_model_records_this_package(runs):
    config = ganzoo.load(runs["cyclegan"]).config
    assert "ganzoo-translate" in config["plugins"]
    assert config["recipe"] == PLAIN["cyclegan"]


def test_two_processes_compute_what_one_does(tmp_path):
    """Dropout and histories belong to images, so it does not matter who computes them."""
    out = tmp_path / "apart.txt"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    command += ["--rdzv-endpoint", "127.0.0.1:0", str(WORKER), str(out)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=300, check=False)
    assert out.exists(), done.stderr
    apart = dict(line.split() for line in out.read_text().splitlines())
    assert len(apart) == 3 and all(float(value) < 5e-5 for value in apart.values()), apart


@pytest.mark.slow
@pytest.mark.parametrize("system", PLAIN)
def test_conforms(system):
    check_component(f"architecture/{system}")
