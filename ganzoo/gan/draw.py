"""A generator's images, a piece of the batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from torch import Tensor, nn

from ganzoo.registry.entry import resolve

KEEP = "ganzoo.machine.memory:keep_memory"  # which stands above this room


def draw(generator: nn.Module, z: Tensor, y: Tensor, batch: int, conditions: Mapping[str, Tensor]) -> list[Tensor]:
    """Images in [-1, 1], float32 on the CPU: pieces ``(batch, C, H, W)``, of which the last may be smaller.

    Args:
        generator: put into eval mode, and back into that which it was in.
        z: noise, or source images, with a row for each image.
        y: label vectors ``(n, y_dim)``.
        batch: how many go through the generator at once.
        conditions: its further inputs by name, with a row for each image; those of whole numbers stay such.
    """
    return in_pieces(generator, generator, (z, y), batch, conditions)


def in_pieces(
    network: nn.Module,
    call: Callable[..., Tensor],
    rows: Sequence[Tensor],
    batch: int,
    conditions: Mapping[str, Tensor] | None = None,
) -> list[Tensor]:
    """What ``call`` of a network makes of rows, float32 on the CPU, ``batch`` rows at a time.

    On a CPU the process keeps what memory the maps of a piece took: half of a drawing can be the system's work on pages
    that each map takes anew, see :func:`ganzoo.machine.memory.keep_memory`. Kernels lie as they are: a picture is to be
    the same, bit for bit, as that of whoever calls the network.

    Args:
        network: put into eval mode, and back into that which it was in.
        call: itself, or a method of it.
        rows: its inputs, of the dtype of its weights.
        batch: how many at once.
        conditions: further inputs by name, which keep their dtype.
    """
    weights, named = next(network.parameters()), conditions or {}
    with ExitStack() as stack:
        stack.callback(network.train, network.training)
        network.eval()
        if weights.device.type == "cpu":
            resolve(KEEP)()
        return [
            call(
                *(given[i : i + batch].to(weights) for given in rows),
                **{name: given[i : i + batch].to(weights.device) for name, given in named.items()},
            )
            .float()
            .cpu()
            for i in range(0, len(rows[0]), batch)
        ]
