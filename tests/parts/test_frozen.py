"""Frozen networks: used, never changed, not saved where they can be loaded again, and loaded when they are needed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import proof_parts
import pytest
import torch
from proof_parts import Eyes
from safetensors.torch import load_file
from tiny_runs import resume
from tiny_runs import tiny as tiny_run
from torch import nn

import ganzoo
from ganzoo.gan.weights import initialise
from ganzoo.parts import frozen
from ganzoo.testing import plugin

SIZES = {"resolution": 16, "channels": 1}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Eyes, "opened", 0)
    monkeypatch.setattr(Eyes, "seed", 7)
    with plugin(proof_parts, "proofs"):
        yield


def test_building_loading_and_sampling_open_nothing(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path / "run", "looking").folder
    Eyes.opened = 0
    ganzoo.build("looking", **SIZES).sample(1)
    ganzoo.load(folder).sample(1)
    assert Eyes.opened == 0


def test_it_is_not_initialised_reparametrised_trained_or_averaged() -> None:
    gan = ganzoo.build("looking+sn", **SIZES, settings={"init": "normal"})
    eyes, mix = gan.D.eyes, gan.D.mix
    opened, fresh = eyes.open(), Eyes.load().state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in opened.state_dict().items())
    assert not list(opened.parameters()) and not list(mix.parameters())
    gan.train()
    assert not any(module.training for module in (*opened.modules(), *mix.modules()))
    assert not hasattr(mix.drawn, "parametrizations") and hasattr(gan.D.head[2], "parametrizations")
    assert mix.drawn.weight.std() > 0.1, "a draw of its own, not N(0, 0.02)"
    x = torch.rand(2, 1, 16, 16, requires_grad=True)
    gan.D(x, torch.zeros(2, 0)).scores.sum().backward()
    assert x.grad is not None and x.grad.any()
    assert copy.deepcopy(gan.D).eyes is eyes


def test_a_named_one_is_in_no_file_and_a_drawn_one_is(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path / "run", "looking").folder
    state = load_file(folder / "training" / "step-00000004" / "state.safetensors")
    assert not [name for name in state if "eyes" in name]
    assert [name for name in state if "mix.drawn.weight" in name] == ["gan/D.mix.drawn.weight"]
    config = json.loads((folder / "config.json").read_text())
    assert config["frozen"] == {"eyes": frozen(Eyes.load, "eyes").digest()}


def test_other_weights_are_refused_when_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_run(tmp_path / "run", "looking", steps=2).folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(Eyes, "seed", 8)
    with pytest.raises(ganzoo.RunError, match=r"weights of 'eyes' whose sha256 is .*put the same file in their place"):
        resume(folder, steps=4)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_weights_that_cannot_be_had_are_missed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Eyes, "seed", None)
    with pytest.raises(ganzoo.GanzooError, match=r"weights of eyes are not here"):
        tiny_run(tmp_path / "run", "looking")
    assert not list(tmp_path.iterdir())


def test_a_module_that_initialises_itself_is_left_alone() -> None:
    class Zeroed(nn.Module):
        def __init__(self, kit: object) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
            nn.init.zeros_(self.last.weight)
            self.last.ganzoo_init = "own"

    network = Zeroed(None)
    initialise(network, "orthogonal")
    assert not network.last.weight.any()
    torch.testing.assert_close(network.first.weight @ network.first.weight.T, torch.eye(4))
