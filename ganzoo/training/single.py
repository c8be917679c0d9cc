"""Batches of a single image in a pass, which some networks cannot learn from: refused before a run begins."""

from __future__ import annotations

import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.func import functional_call

from ganzoo.data import ImageData
from ganzoo.distributed.batch import SINGLE_PROCESS, use_world, world
from ganzoo.errors import UsageError
from ganzoo.gan.builder import assemble
from ganzoo.plan.plan import Plan
from ganzoo.visual.anatomy import input_shapes, networks


def refuse_single_image(plan: Plan, data: ImageData) -> None:
    """Refuse to train with one image in a pass where a network takes statistics over several.

    Each network is called once, as in training, with fake tensors: nothing is computed. Where there are more images in
    a pass nothing has to be looked at.

    Raises:
        UsageError: naming the network, what it said, and a batch that works.
    """
    batch, processes = int(plan["batch"]), world().size
    if world().part(batch) > 1 or (plan["sync"] == "on" and batch > 1):
        return
    gan = assemble(plan, data.size, data.channels, len(data.class_names), device="meta")
    with use_world(SINGLE_PROCESS):
        for name, network in networks(gan).items():
            shapes = input_shapes(network)
            reason = None if shapes is None else _refusal(network, shapes)
            if reason is not None:
                raise UsageError(
                    f"{plan.recipe} cannot be trained with one image in a pass: {name} says {reason!r}; give --batch"
                    f" {2 * processes} or more"
                )


@torch.no_grad()
def _refusal(network: nn.Module, shapes: tuple[tuple[int, ...], ...]) -> str | None:
    """What a network says against inputs of these shapes in training; None where it takes them."""
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    with FakeTensorMode(allow_non_fake_inputs=True):
        fakes = {name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in state.items()}
        try:
            functional_call(network.train(), fakes, tuple(torch.empty(shape) for shape in shapes))
        except ValueError as error:
            return str(error).splitlines()[0]
    return None
