"""The state of torch's generators on the CPU and on the device of a batch, which a pass can be repeated from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

State = tuple[Tensor, Tensor | None]


def random_state(device: torch.device) -> State:
    """What the default generators would draw next: on the CPU, and on ``device`` where that is a GPU."""
    return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None


def set_random_state(device: torch.device, state: State) -> None:
    """Let the default generators draw from a state on."""
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)


@contextmanager
def drawing_from(device: torch.device, state: State) -> Iterator[None]:
    """Draw from a state on inside the ``with`` block, and afterwards as if nothing had been drawn there."""
    here = random_state(device)
    set_random_state(device, state)
    try:
        yield
    finally:
        set_random_state(device, here)
