"""Batches to a GPU by memory that was pinned once: the host neither waits for a copy nor pins memory for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

SLOTS = 4  # batches whose copies may be under way; the host is never so far ahead that it waits for the first of them


class Mark(Protocol):
    """A place in the work of a GPU, such as :class:`torch.cuda.Event`."""

    def record(self) -> None:
        """Be the place where its work stands now."""

    def synchronize(self) -> None:
        """Wait until it has come there."""


class PinnedRing:
    """Pinned memory for a few batches, used in turn; each is taken again when its copy is done.

    Args:
        empty: makes memory like ``torch.empty(shape, dtype=)`` does; pinned by default.
        mark: makes a :class:`Mark`; a CUDA event by default.
    """

    def __init__(
        self,
        empty: Callable[..., Tensor] | None = None,
        mark: Callable[[], Mark] | None = None,
    ) -> None:
        self.empty = empty or partial(torch.empty, pin_memory=True)
        self.mark = mark or torch.cuda.Event
        self.slots: list[dict[str, Tensor]] = [{} for _ in range(SLOTS)]
        self.marks: dict[int, Mark] = {}
        self.turn = 0

    def send(self, batch: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
        """A batch on a device; columns that are there already stay what they are."""
        place, self.turn = self.turn, (self.turn + 1) % SLOTS
        slot, mark = self.slots[place], self.marks.get(place)
        if mark is None:
            mark = self.marks[place] = self.mark()
        else:
            mark.synchronize()
        sent = {name: self._sent(slot, name, column, device) for name, column in batch.items()}
        mark.record()
        return sent

    def _sent(self, slot: dict[str, Tensor], name: str, column: Tensor, device: torch.device) -> Tensor:
        if column.device.type != "cpu":
            return column.to(device, non_blocking=True)
        own = slot.get(name)
        if own is None or own.shape != column.shape or own.dtype != column.dtype:
            own = slot[name] = self.empty(tuple(column.shape), dtype=column.dtype)
        return own.copy_(column).to(device, non_blocking=True)
