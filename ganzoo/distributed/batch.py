"""The global batch, of which each process of a distributed run holds an equal slice.

Whatever looks across a batch, or draws random numbers for its images, does so through :func:`gather`,
:func:`global_mean` and :func:`global_draw`: then N processes with B/N images compute what one computes with B. A single
process computes the plain thing at no cost. Every process must come to each of them, in the same order.

Losses stay as written: the mean over a slice is right, because the trainer averages gradients over processes, and the
backward passes here are scaled for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ganzoo.errors import RunError, UsageError, either


class Lost(RunError):
    """Another process of the run is gone, so this one cannot go on."""


@dataclass(frozen=True)
class World:
    """The processes that work on one batch.

    Attributes:
        rank: of this one; it holds slice ``rank`` of every batch.
        size: how many there are.
        control: the process group on which the others wait for what one does by itself; None for a single process.
    """

    rank: int = 0
    size: int = 1
    control: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def part(self, batch: int) -> int:
        """How many of ``batch`` images each process has.

        Raises:
            UsageError: the batch does not split evenly.
        """
        if batch % self.size:
            less = batch - batch % self.size
            near = either([less, less + self.size] if less else [self.size])
            raise UsageError(f"a batch of {batch} cannot be shared by {self.size} processes: give --batch {near}")
        return batch // self.size

    def rows(self, n: int) -> slice:
        """This process's rows of a global batch, of which each process has ``n``."""
        return slice(self.rank * n, (self.rank + 1) * n)


@dataclass(frozen=True)
class Piece:
    """One of the equal pieces of a process's slice, which go through the networks one after the other.

    Attributes:
        index: which, counted from 0.
        count: how many there are.
    """

    index: int = 0
    count: int = 1

    def rows(self, n: int) -> slice:
        """Its rows of a slice of ``n`` images, which it divides."""
        size = n // self.count
        return slice(self.index * size, (self.index + 1) * size)


SINGLE_PROCESS = World()
WHOLE = Piece()
_world = SINGLE_PROCESS
_piece = WHOLE


def world() -> World:
    """The processes that share a batch with this one, and its place among them; one alone outside a distributed run."""
    return _world


@contextmanager
def use_world(world: World) -> Iterator[World]:
    """Make ``world`` the current one inside the ``with`` block."""
    global _world
    before, _world = _world, world
    try:
        yield world
    finally:
        _world = before


@contextmanager
def whole_batch() -> Iterator[None]:
    """Begin with the whole batch; a piece of it that is entered inside the ``with`` block is left at its end."""
    global _piece
    _piece = WHOLE
    try:
        yield
    finally:
        _piece = WHOLE


def enter_piece(piece: Piece) -> None:
    """Let what is drawn from here on be for the images of a piece: its rows of the numbers of all."""
    global _piece
    _piece = piece


@contextmanager
def collective() -> Iterator[None]:
    """Around everything that waits for the other processes.

    Raises:
        Lost: one of them is gone, or did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:
        raise Lost("another process of this run ended or does not answer") from error


class _Sum(torch.autograd.Function):
    """The sum over processes; its gradient is the sum of their gradients, so it can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        summed = x.detach().clone(memory_format=torch.contiguous_format)
        with collective():
            dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return all_reduce_sum(gradients[0])


def all_reduce_sum(x: Tensor) -> Tensor:
    """The sum of every process's ``x``, which have one shape."""
    return x if _world.size == 1 else _Sum.apply(x)  # type: ignore[no-untyped-call]


def all_reduce_mean(x: Tensor) -> Tensor:
    """The mean over processes of their ``x``, entry by entry."""
    return x if _world.size == 1 else all_reduce_sum(x) / _world.size


def gather(x: Tensor) -> Tensor:
    """``x`` ``(n, ...)`` of every process as one tensor ``(B, ...)``, the rows as in the global batch.

    Gradients reach the rows of every process. In a single process it is ``x`` itself.
    """
    if _world.size == 1:
        return x
    # A sum of zero-padded slices in place of all_gather, as the sum has a derivative of every order here.
    others = (_world.rank, _world.size - 1 - _world.rank)
    before, after = (x.new_zeros((len(x) * n, *x.shape[1:])) for n in others)
    return all_reduce_sum(torch.cat([before, x, after]))  # adding zeros changes no number


def global_mean(x: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """The mean of ``x`` ``(n, ...)`` over ``dim``, which has 0 in it, and over the slices of all processes.

    In a single process it is ``x.mean(dim)``.
    """
    return all_reduce_mean(x.mean() if dim is None else x.mean(dim))


def global_draw(draw: Callable[..., Tensor], n: int, *shape: int) -> Tensor:
    """This process's rows of what ``draw(B, *shape)`` draws for the global batch, ``(n, ...)``.

    Every process draws all of it, from generators in one state, and keeps its rows: so the numbers of an image do not
    depend on the number of processes, and the generators stay in step. In a single process it is ``draw(n, *shape)``.
    Where a batch goes through the networks in pieces, the rows are those of the piece.

    Args:
        draw: such as ``torch.rand``; its first argument is the number of rows.
        n: images in this process's slice, or in its piece.
        shape: of a row.
    """
    drawn = draw(n * _piece.count * _world.size, *shape)[_world.rows(n * _piece.count)]
    return drawn[_piece.rows(len(drawn))]
