"""How far the numbers of two processes are from those of one: ``torchrun two_processes.py OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

from made_up import data_for
from torch import Tensor

import ganzoo
from ganzoo import Trainer
from ganzoo.distributed.batch import SINGLE_PROCESS, World, use_world
from ganzoo.distributed.group import join_world
from ganzoo.training.loop import reseed

# Without Adam, which makes a rounding error a step of full length.
SETTINGS = {"optimizer": "sgd", "lr.g": 0.002, "lr.d": 0.02, "batch": 4}
RECIPES = {
    "pix2pix": "pix2pix:ch=4+normalization/none",
    "cyclegan": "cyclegan:blocks=1,ch=4,pool=4+normalization/none",
    "simgan": "simgan:blocks=1,ch=6,pool=6,warmup=0,warmup.d=0",
}


def trained(recipe: str, world: World) -> dict[str, Tensor]:
    """Networks, histories and averages after three steps in ``world``."""
    with use_world(world):
        reseed(0)
        gan = ganzoo.build(recipe, 16, 3, settings=SETTINGS)
        trainer = Trainer(gan, 0, 3)
        stream = data_for(recipe).stream(4, 0, world=world)
        for step in range(3):
            start = step * trainer.batches_per_step
            trainer.train_step([stream.batch(start + k) for k in range(trainer.batches_per_step)])
        return {name: tensor.clone() for name, tensor in trainer.tensors().items() if not name.startswith("sum/")}


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference of any number."""
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


if __name__ == "__main__":
    with join_world() as joined:
        found = {
            name: apart(trained(recipe, SINGLE_PROCESS), trained(recipe, joined)) for name, recipe in RECIPES.items()
        }
        if joined.first:
            Path(sys.argv[1]).write_text("".join(f"{name} {value}\n" for name, value in found.items()))
