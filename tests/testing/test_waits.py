"""What makes a program wait for a GPU is found without one, and what does not is left in peace."""

import re

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.data.device import moved
from ganzoo.testing import plugin
from ganzoo.testing.tiny import synthetic_data, tiny
from ganzoo.testing.waits import META, PretendGPU, check_waits, trainer_on_meta, waits_of


def masked(x):
    chosen = x.clone()
    chosen[x > 0] = 1.0
    return chosen


WAITING = {
    "item": (lambda x: x.sum().item(), "waits for what _local_scalar_dense gives"),
    "float": (lambda x: float(x.mean()), "waits for what _local_scalar_dense gives"),
    "if": (lambda x: 1 if (x > 0).any() else 0, "waits for what _local_scalar_dense gives"),
    "tolist": (lambda x: x.tolist(), "brings a tensor from the GPU to the CPU"),
    "cpu": (lambda x: x.cpu(), "brings a tensor from the GPU to the CPU"),
    "mask": (masked, "chooses by a mask"),
    "tensor": (
        lambda x: x + torch.tensor([1.0, 2.0], device=x.device)[:1],
        "makes a tensor on the GPU of the program's numbers",
    ),
    "moved": (lambda x: x + torch.ones(3).to(x.device), "moves a tensor to the GPU without non_blocking=True"),
    "copied": (lambda x: x[0].copy_(torch.ones(3)), "moves a tensor to the GPU without non_blocking=True"),
    "indices": (lambda x: x[torch.tensor([0, 1])], "indexes by numbers of the CPU"),
    "generator": (
        lambda x: torch.randn(3, device=x.device, generator=torch.Generator()),
        "draws on the GPU by a generator of the CPU",
    ),
}


def found(program):
    x = torch.ones(2, 3, device=META)
    with PretendGPU() as pretend:
        program(x)
    return list(pretend.waits)


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_is_named_with_its_line(name):
    program, what = WAITING[name]
    (line,) = found(program)
    assert re.search(r"test_waits\.py:\d+ ", line) and what in line


@pytest.mark.parametrize(
    "program",
    [
        lambda x: x + torch.full((3,), 2.0, device=x.device),
        lambda x: x + torch.ones(3).to(x.device, non_blocking=True),
        lambda x: torch.where(x > 0, x, 0.0),
        lambda x: x * torch.tensor(2.0),
        lambda x: x + torch.rand((), device=x.device),
        lambda x: [float(torch.rand(())), torch.arange(3).tolist(), torch.ones(3)[torch.ones(3) > 0].sum().item()],
        lambda x: x[:, torch.arange(2, device=x.device)],
    ],
)
def test_what_does_not_wait_is_left_in_peace(program):
    assert found(program) == []


class Looking(nn.Module):
    """A loss that looks at a number in every update of D."""

    def d(self, critic, real, fake):
        gap = critic(real).mean() - critic(fake).mean()
        return -gap if gap > 0 else gap

    def g(self, critic, real, fake):
        return -critic(fake).mean()


def test_a_plugins_loss_that_waits_does_not_pass():
    class Hooks:
        @ganzoo.hookimpl
        def register_losses(self, register):
            register("looking", Looking)

    with plugin(Hooks()) as known, pytest.raises(AssertionError, match=r"loss/looking: no step waits .*test_waits\.py"):
        check_waits(known.find("looking"))


@pytest.mark.parametrize(
    "recipe", ["dcgan+sn@d+hinge", "sagan+r1:every=2+diffaugment", "stylegan2+ada", "dcgan+fm+lecam+cr"]
)
def test_steps_of_several_parts_and_players_do_not_wait(recipe):
    made = tiny(recipe)
    trainer = trainer_on_meta(made.build())
    assert waits_of(trainer, made.batches, steps=3) == []
    assert trainer.step == 3


@pytest.mark.parametrize("flip", [False, True])
def test_a_data_set_on_the_gpu_makes_its_batches_there_without_a_wait(flip):
    data = synthetic_data({"image", "label", "source", "source_label", "text"}, 16, 3)
    here = data.stream(4, seed=0, flip=flip)
    there = moved(here, META)
    with PretendGPU() as pretend:
        batch = there.batch(0)
    assert list(pretend.waits) == []
    assert {name: (column.shape, column.dtype) for name, column in batch.items()} == {
        name: (column.shape, column.dtype) for name, column in here.batch(0).items()
    }
    assert all(column.is_meta for column in batch.values())
