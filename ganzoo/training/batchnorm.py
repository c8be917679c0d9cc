"""Statistics of the averaged generator's batch norms, taken from images that it makes itself ("standing statistics").

Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2019, arXiv 1809.11096) takes them
before it samples; ours does whenever averaged weights are looked at, scored or saved. The running statistics of the
generator that learns are those of other weights, and of its last few batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganzoo.data import ImageData
from ganzoo.data.stream import Shuffle
from ganzoo.distributed.batch import SINGLE_PROCESS, use_world
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import NOISE
from ganzoo.parts.freeze import learning_modules
from ganzoo.seeding import derive

if TYPE_CHECKING:
    from ganzoo.training.loop import Trainer

_ROWS, _NOISE = "statistics of rows", "statistics of noise"  # streams of random numbers


def refresh_statistics(trainer: Trainer, data: ImageData) -> None:
    """Let the averaged generator have statistics of its own: once for each step that anything asks for."""
    gan, ema = trainer.gan, trainer.ema
    if not ema.fresh_statistics:
        with ema.applied(gan):
            take_statistics(gan, data, trainer.seed, int(gan.plan["standing"]))
        ema.fresh_statistics = True


@torch.no_grad()
def take_statistics(gan: GAN, data: ImageData, seed: int, batches: int) -> None:
    """Replace the running statistics of ``gan.G`` by their means over batches of its own images.

    The same weights, data and seed give the same statistics; only norms leave eval mode, and global random numbers
    are not drawn.

    Args:
        gan: with its averaged generator side, in eval mode.
        data: what sources, texts and labels come from, in its own proportions.
        seed: of the noise and of the choice of rows.
        batches: how many, of as many images as a batch of training has; 0 keeps the statistics that are there.
    """
    generator: Any = gan.G
    norms: list[Any] = [module for module in learning_modules(generator) if _keeps_statistics(module)]
    if not norms or batches == 0:
        return
    buffers: list[Tensor] = [buffer for norm in norms for buffer in (norm.running_mean, norm.running_var)]
    sums = [torch.zeros_like(buffer) for buffer in buffers]
    size = int(gan.plan["batch"])
    order = Shuffle(data.count, size, _ROWS, seed)
    with use_world(SINGLE_PROCESS), _of_one_batch(norms):  # the other processes do not come by here
        for index in range(batches):
            _draw(gan, data, order.indices(index), derive(_NOISE, seed), index * size)
            torch._foreach_add_(sums, buffers)
    torch._foreach_div_(sums, batches)
    torch._foreach_copy_(buffers, sums)


def _keeps_statistics(module: nn.Module) -> bool:
    """Whether it is a batch norm: one of ours, PyTorch's, or a plugin's with the same names."""
    return getattr(module, "running_mean", None) is not None and hasattr(module, "momentum")


@contextmanager
def _of_one_batch(norms: list[Any]) -> Iterator[None]:
    """Let running statistics be those of the last batch alone inside the block."""
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
        norm.running_mean.zero_()  # with momentum 1 the old value still counts 0 times, and 0 times NaN is NaN
        norm.running_var.zero_()
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.eval()
            norm.momentum = momentum


def _draw(gan: GAN, data: ImageData, rows: Tensor, seed: int, start: int) -> None:
    """Make images with the labels, sources and texts of some rows, from noise numbered from ``start``."""
    labels = data.labels[rows] if gan.classes and data.labels is not None else None
    columns = data.columns(gan.input_names - {NOISE}, rows)
    given = gan.inputs(len(rows), seed, labels, start=start, columns=columns)
    generator: Any = gan.G
    weights = next(generator.parameters())
    z, y = given.pop("z").to(weights), given.pop("y").to(weights)
    generator(z, y, **{name: column.to(weights.device) for name, column in given.items()})
