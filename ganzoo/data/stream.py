"""Batches as a pure function of a seed and an index, so that resuming a run needs to remember nothing but its step."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.errors import UsageError
from ganzoo.seeding import derive

if TYPE_CHECKING:
    from ganzoo.data.dataset import Images

Batch = dict[str, Tensor]

_ORDER, _FLIP = 0, 1  # what a derived seed is for


def to_float(images: Tensor) -> Tensor:
    """uint8 to float32 in [-1, 1]: ``x / 127.5 - 1``."""
    return images.float().div_(127.5).sub_(1.0)


class Stream:
    """An endless sequence of batches in which every epoch is a permutation of the images.

    Image ``i`` of batch ``index`` stands at position ``p = index * batch + i``: in epoch ``p // N``, whose order is
    drawn from ``(seed, epoch)`` alone. Batches cross epochs, so none is short and a batch may be larger than the data.

    Args:
        images: what to fetch from.
        labels: int64 ``(N,)``, or None.
        batch: images per batch.
        seed: of the order and of the flips.
        flip: mirror each image with probability one half, drawn from ``(seed, index)`` alone.
    """

    def __init__(self, images: Images, labels: Tensor | None, batch: int, seed: int, flip: bool = False) -> None:
        if batch < 1:
            raise UsageError(f"a batch has at least 1 image, not {batch}")
        self.images, self.labels = images, labels
        self.size, self.seed, self.flip = batch, seed, flip
        self.count = images.shape[0]
        self._epoch: tuple[int, Tensor] = (-1, torch.empty(0, dtype=torch.int64))

    def _order(self, epoch: int) -> Tensor:
        """The permutation of an epoch; the last one is remembered."""
        known, order = self._epoch
        if known != epoch:
            order = torch.randperm(self.count, generator=_generator(_ORDER, self.seed, epoch))
            self._epoch = (epoch, order)
        return order

    def indices(self, index: int) -> Tensor:
        """The numbers of the images in batch ``index``, int64 ``(B,)``."""
        position, stop = index * self.size, (index + 1) * self.size
        pieces = []
        while position < stop:
            epoch, start = divmod(position, self.count)
            piece = self._order(epoch)[start : start + stop - position]
            pieces.append(piece)
            position += len(piece)
        return torch.cat(pieces)

    def _mirror_some(self, images: Tensor, index: int) -> Tensor:
        """Each image or its mirror image, by coins that belong to batch ``index``."""
        coins = torch.randint(2, (self.size,), generator=_generator(_FLIP, self.seed, index))
        both = torch.cat((images, images.flip(3)))  # choosing whole images is three times as fast as masking pixels
        return both.index_select(0, torch.arange(self.size) + coins * self.size)

    def batch(self, index: int) -> Batch:
        """``image`` float32 ``(B, C, H, W)`` in [-1, 1] and, where there are labels, ``label`` int64 ``(B,)``."""
        chosen = self.indices(index)
        images = self.images.fetch(chosen)
        if self.flip:
            images = self._mirror_some(images, index)
        batch = {"image": to_float(images)}
        if self.labels is not None:
            batch["label"] = self.labels[chosen]
        return batch


def _generator(*numbers: int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*numbers))


_Item = tuple[Batch | None, BaseException | None]


def _produce(stream: Stream, start: int, stop: int, out: queue.Queue[_Item], gone: threading.Event) -> None:
    """Put batches, then an end mark or what went wrong, until the consumer is gone."""

    def put(item: _Item) -> None:
        while not gone.is_set():
            try:
                return out.put(item, timeout=0.1)
            except queue.Full:
                continue

    try:
        for index in range(start, stop):
            if gone.is_set():
                return
            put((stream.batch(index), None))
        put((None, None))
    except BaseException as error:  # handed on, to be raised where the batch is asked for
        put((None, error))


def prefetch(stream: Stream, start: int, stop: int) -> Iterator[Batch]:
    """Batches ``start`` to ``stop - 1`` of ``stream``, made by one thread that is at most two ahead.

    The batches are those of ``stream.batch``. What goes wrong in the thread is raised here, after the batches before
    it; the thread ends when the iterator is exhausted, closed or dropped.
    """
    out: queue.Queue[_Item] = queue.Queue(maxsize=2)
    gone = threading.Event()
    arguments = (stream, start, stop, out, gone)
    thread = threading.Thread(target=_produce, args=arguments, name="ganzoo-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            batch, error = out.get()
            if error is not None:
                raise error
            if batch is None:
                return
            yield batch
    finally:
        gone.set()
        thread.join()
