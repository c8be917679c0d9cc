"""``compile``: the numbers of the plain networks, penalties as written, notes where it does nothing, CUDA graphs."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from ganzoo.gan.builder import build
from ganzoo.machine import compiled
from ganzoo.parts import exact
from ganzoo.registry.loading import registry
from ganzoo.training.loop import Trainer

GIVERS = {  # what some regularizers need, and networks that have it
    "w": "stylegan2:ch=2,mapping=1",
    "pixels": "dcgan:ch=2+unet@d:ch=2+sn@d+hinge",
    "encoding": "fastgan:ch=2",
}


def taught(on: bool, parts: str) -> Trainer:
    torch.manual_seed(0)
    settings = {"compile": "on" if on else "off"}
    needs = registry().find(parts.rpartition("+")[2]).requires
    head = next((recipe for need, recipe in GIVERS.items() if need in needs), "dcgan:ch=2+sn@d+hinge")
    gan = build(f"{head}+{parts}", resolution=16, channels=1, z_dim=4, settings=settings)
    compiles = on and not any(part.refines for part in gan.regularizers)
    notes = compiled.compile_networks(gan, torch.device("cpu"))
    assert len(notes) == (on and not compiles)
    assert (gan.D._compiled_call_impl is not None) == compiles
    trainer = Trainer(gan, 0, 1)
    batch = {"image": torch.rand(4, 1, 16, 16) * 2 - 1}
    for _ in range(2):
        trainer.train_step([batch] * trainer.batches_per_step)
    return trainer


PAIRS = [
    f"{augment.name}+{regularizer.spelling}"
    for augment, regularizer in product(registry().entries("augment"), registry().entries("regularizer"))
]


@pytest.mark.slow
@pytest.mark.parametrize("parts", ["gp", *PAIRS])
def test_compiled_networks_learn_what_plain_ones_do(monkeypatch, parts):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")  # all of the compiler but the C++ that it writes
    plain, quick = (taught(on, parts).tensors() for on in (False, True))
    assert plain.keys() == quick.keys()
    for name, tensor in plain.items():
        assert torch.allclose(tensor.double(), quick[name].double(), rtol=1e-3, atol=1e-3), name


def test_an_exact_pass_goes_through_the_network_as_written():
    calls: list[str] = []
    network = nn.Linear(2, 2)
    stand_in = compiled.Compiled(network)
    stand_in.compiled = lambda x: (calls.append("compiled"), network(x))[1]
    x = torch.zeros(1, 2)
    stand_in(x)
    stand_in(x.requires_grad_())
    assert calls == ["compiled", "compiled"]
    with exact(x.device):
        stand_in(x)
        stand_in(x * 1)
    assert len(calls) == 2


def test_where_nothing_compiles_a_note_says_so_and_the_networks_stay(monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no C++ compiler\nmore")

    monkeypatch.setattr(torch, "compile", broken)
    gan = build("gan:ch=2", resolution=16, channels=1, settings={"compile": "on"})
    (note,) = compiled.compile_networks(gan, torch.device("cpu"))
    assert "no C++ compiler" in note and "more" not in note
    assert gan.D._compiled_call_impl is None


def test_noise_that_is_refined_keeps_the_networks_as_written_and_a_note_says_so():
    gan = build("dcgan:ch=2+hinge+lo", resolution=16, channels=1, settings={"compile": "on"})
    (note,) = compiled.compile_networks(gan, torch.device("cpu"))
    assert "compile=on: lo differentiates" in note and gan.D._compiled_call_impl is None


def test_graphs_are_recorded_where_there_is_cuda(monkeypatch):
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(torch, "compile", lambda call, **options: asked.append(options) or call)
    compiled.Compiled(nn.Linear(2, 2), graphs=True)
    compiled.Compiled(nn.Linear(2, 2))
    assert [options.get("mode") for options in asked] == ["reduce-overhead", None]

    for setting, marks in {"graphs": True, "on": False, "off": False}.items():
        plan = build("gan:ch=2", resolution=16, settings={"compile": setting}).plan
        cuda, cpu = (compiled.turn_marker(plan, torch.device(kind)) for kind in ("cuda", "cpu"))
        assert (cuda is torch.compiler.cudagraph_mark_step_begin) == marks
        assert cpu() is None and cpu is not torch.compiler.cudagraph_mark_step_begin


def test_without_cuda_a_note_says_that_there_are_no_graphs(monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    gan = build("gan:ch=2", resolution=16, channels=1, settings={"compile": "graphs"})
    (note,) = compiled.compile_networks(gan, torch.device("cpu"))
    assert "graphs are CUDA's" in note and gan.D._compiled_call_impl is not None


def test_every_turn_tells_the_graphs_that_it_begins():
    gan = build("dcgan:ch=2+hinge", resolution=16, channels=1, settings={"repeat.d": 2})
    trainer, told = Trainer(gan, 0, 1), []
    trainer.begin = lambda: told.append(len(told))
    batch = {"image": torch.rand(4, 1, 16, 16) * 2 - 1}
    trainer.train_step([batch] * trainer.batches_per_step)
    assert len(told) == 3
