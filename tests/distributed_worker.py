"""What two processes compute together, beside what each computes by itself: ``torchrun distributed_worker.py OUT ...``.

The first process writes to OUT how far the two are apart; test_distributed.py says how far they may be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import proof_parts
import torch
from proof_parts import PROOFS
from torch import Tensor

from ganzoo.data import DataRequest, open_data
from ganzoo.distributed.batch import SINGLE_PROCESS, World, gather, global_draw, global_mean, use_world, world
from ganzoo.distributed.group import all_reduce_max, broadcast_object, join_world
from ganzoo.gan.builder import build
from ganzoo.machine.precision import Precision
from ganzoo.testing import plugin
from ganzoo.training.loop import NotFinite, Trainer, reseed

SLOW = {"optimizer": "sgd", "lr.g": 0.02, "lr.d": 0.02, "batch": 8}  # Adam makes a rounding error a step of full length
RECIPES: dict[str, tuple[str, dict[str, object]]] = {
    "mlp": ("gan:ch=16", {}),
    "adam": ("gan:ch=16", {"optimizer": "adam", "lr.g": 2e-4, "lr.d": 2e-4}),
    "dropout": ("dcgan:ch=4,dropout=0.5+normalization/none", {}),
    "augmented": ("dcgan:ch=4+normalization/none+diffaugment", {}),
    "ada": ("gan:ch=16+hinge+ada:kimg=0.048,interval=2,target=-0.99", {}),
    "apa": ("gan:ch=16+hinge+apa:kimg=0.048,interval=1,target=-0.99", {}),
    "repeat": ("sngan:ch=4+normalization/none@g", {"repeat.d": 5, "flip": "on"}),
    "conditional": ("sngan:ch=4+normalization/none@g+projection", {"repeat.d": 1}),
    "classifier": ("gan:ch=16+ac", {}),
    "gp": ("gan:ch=16+wgan+gp", {"repeat.d": 1}),
    "dragan": ("gan:ch=16+regularizer/dragan", {}),
    "r1": ("gan:ch=16+r1:every=2", {}),
    "lecam": ("gan:ch=16+hinge+lecam", {}),
    "top-k": ("gan:ch=16+top-k:gamma=0,nu=0.5", {}),  # an epoch is a step: see trained()
    "average": ("gan:ch=16+relativistic-average:form=ls", {}),
    "paired": ("gan:ch=16+relativistic", {}),
    "syncbn": ("dcgan:ch=4", {"sync": "on"}),
    "syncbn-gp": ("dcgan:ch=4+gp", {"sync": "on", "lr.d": 1e-4}),  # its first slopes are in the hundreds
    "synccbn": ("dcgan:ch=4+cbn@g+projection", {"sync": "on"}),
    "style": ("stylegan2:ch=4,mapping=1,mixing=0.5,group=4+r1:gamma=1,every=2,own.step=true+pl:every=2", {"z-dim": 8}),
    "style-uneven": ("stylegan2:ch=4,mapping=1,group=3+plain@d", {"z-dim": 8}),
    "growing": ("pggan:ch=4,group=0,fade=1,grow=linear/0/4", {"lr.d": 1e-3, "lr.g": 1e-3}),  # groups over both slices
    "growing-style": ("stylegan:ch=4,mapping=1,mixing=0.5,fade=1,grow=linear/0/2+r1:gamma=1", {"z-dim": 8}),
    "ownbn": ("dcgan:ch=4", {}),
    **{name: (recipe, {"repeat.d": 1}) for name, recipe in PROOFS.items()},
}


def trained(recipe: str, settings: dict[str, object], world: World) -> dict[str, Tensor]:
    """Weights, optimisers, averages and means of terms after three steps in ``world``: this process's own, or all's."""
    with use_world(world), plugin(proof_parts, "proofs"):
        reseed(0)
        gan = build(recipe, 16, 1, 10, settings={**SLOW, **settings})
        gan.data_count = 8
        trainer = Trainer(gan, 0, 3, Precision(torch.device("cpu"), torch.float32))
        stream = open_data("digits", DataRequest(resolution=16)).stream(8, 0, gan.plan["flip"] == "on", world)
        for step in range(3):
            start = step * trainer.batches_per_step
            trainer.train_step([stream.batch(start + k) for k in range(trainer.batches_per_step)])
        right = {"accuracy": torch.tensor(gan.game.accuracy())}
        return {**{name: tensor.clone() for name, tensor in trainer.tensors().items()}, **right}


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest difference of any number."""
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


def slopes(f: Callable[[Tensor], Tensor], x: Tensor) -> list[Tensor]:
    """A value, its gradient, and the gradient of its gradient's sum of cubes."""
    x = x.clone().requires_grad_()
    value = f(x)
    (first,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(first.pow(3).sum(), x)
    return [value.detach(), first.detach(), second]


def helpers(world: World) -> dict[str, float]:
    """How far ``whole``, ``whole_mean`` and ``whole_draw`` are from the plain thing; gradients are those of the sum."""
    x = torch.linspace(-1, 2, 24, dtype=torch.float64).reshape(8, 3)
    rows = world.rows(4)

    def f(x: Tensor) -> Tensor:
        return (x.exp() * (gather(x).std() + global_mean(x * x) + global_mean(x, (0, 1)) ** 2)).sum()

    with use_world(SINGLE_PROCESS):
        value, first, second = slopes(f, x)
    mine = slopes(f, x[rows])
    torch.manual_seed(3)
    drawn = global_draw(torch.rand, 4, 2)
    torch.manual_seed(3)
    return {
        "value": float((2 * global_mean(mine[0]) - value).abs()),
        "gradient": float((mine[1] - first[rows]).abs().max()),
        "second": float((mine[2] - second[rows]).abs().max() / second.abs().max()),
        "drawn": float((drawn - torch.rand(8, 2)[rows]).abs().max()),
        "agreed": all_reduce_max(world.rank) - 1,
        "told": broadcast_object({"rank": world.rank, "text": "ä"}) != {"rank": 0, "text": "ä"},
    }


def poisoned(world: World) -> str:
    """What every process says of a NaN that only the last one met."""
    gan = build("gan:ch=4", 16, 1, settings={"batch": 8})
    trainer = Trainer(gan, 0, 1, Precision(torch.device("cpu"), torch.float32))
    batch = {"image": torch.full((4, 1, 16, 16), float("nan") if world.rank else 0.5)}
    try:
        trainer.train_step([batch])
    except NotFinite as error:
        return str(error)
    return "nothing"


if __name__ == "__main__":
    with join_world() as joined:
        assert world() == joined and joined.size == 2
        found: dict[str, object] = {"helpers": helpers(joined), "poisoned": poisoned(joined)}
        for name in sys.argv[2:]:
            found[name] = apart(trained(*RECIPES[name], SINGLE_PROCESS), trained(*RECIPES[name], joined))
        if joined.first:
            Path(sys.argv[1]).write_text(json.dumps(found))
