"""The data loader: batches as a pure function of a seed and an index.

So a checkpoint has no position of a loader in it, only a step; a resumed run, or one with other threads or processes,
sees the very same batches.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from ganzoo.data.images import Images, runs_of
from ganzoo.distributed.batch import SINGLE_PROCESS, World
from ganzoo.errors import UsageError
from ganzoo.gan.inputs import signed
from ganzoo.seeding import derive

Batch = dict[str, Tensor]

_ORDER, _FLIP = "shuffle", "flip"  # streams of random numbers
WINDOW = 16_384
"""Images that are shuffled among each other where files are read in order: see :class:`Shuffle`."""


class Shuffle:
    """An endless sequence of numbers in which every epoch is a permutation.

    Number ``i`` of batch ``index`` stands at position ``p = index * batch + i``: in epoch ``p // count``, whose order
    is drawn from ``seed`` and the epoch alone. Batches cross epochs, so none is short, and a batch may be larger than
    an epoch.

    Where numbers lie in ``runs``, such as the pictures of each tar, an epoch takes the runs in an order that is drawn,
    and then draws the order within each :data:`WINDOW` of what stands there: so each file is read in one go, while
    neighbours in it do not come together.

    Args:
        count: numbers in an epoch.
        batch: numbers in a batch.
        seed: a stream's name and numbers that the orders are drawn from.
        runs: how many numbers there are in each run; empty for none.
    """

    def __init__(self, count: int, batch: int, *seed: int | str, runs: Sequence[int] = ()) -> None:
        self.count, self.size, self.seed, self.runs = count, batch, seed, runs
        self._epoch: tuple[int, Tensor] = (-1, torch.empty(0, dtype=torch.int64))

    def _order(self, epoch: int) -> Tensor:
        """The permutation of an epoch, int64 ``(count,)``; the last one is kept, as batches come in order."""
        known, order = self._epoch
        if known != epoch:
            rng = _generator(*self.seed, epoch)
            order = near_order(self.runs, rng) if self.runs else torch.randperm(self.count, generator=rng)
            self._epoch = (epoch, order)
        return order

    def indices(self, index: int) -> Tensor:
        """The numbers in batch ``index``, int64 ``(B,)``, which may reach into the next epoch."""
        position, stop = index * self.size, (index + 1) * self.size
        pieces = []
        while position < stop:
            epoch, start = divmod(position, self.count)
            piece = self._order(epoch)[start : start + stop - position]
            pieces.append(piece)
            position += len(piece)
        return torch.cat(pieces)


def near_order(runs: Sequence[int], rng: torch.Generator) -> Tensor:
    """A permutation that stays near to how things lie: runs in an order that is drawn, shuffled within a window.

    Args:
        runs: how many there are in each run; their sum is what is permuted.
        rng: that the order is drawn from.

    Returns:
        int64 ``(sum of runs,)``.
    """
    starts = [0, *torch.tensor(runs).cumsum(0).tolist()]
    places = torch.randperm(len(runs), generator=rng).tolist()
    order = torch.cat([torch.arange(starts[place], starts[place + 1]) for place in places])
    return torch.cat([part[torch.randperm(len(part), generator=rng)] for part in order.split(WINDOW)])


class Stream:
    """A data loader: an endless sequence of batches; every epoch is a permutation of the images, see :class:`Shuffle`.

    Args:
        images: what to fetch from.
        labels: class numbers ``(N,)``, or label vectors ``(N, L)``; None for none.
        batch: images per batch.
        seed: of the order and of the flips.
        flip: mirror each image with probability one half, drawn from ``(seed, index)`` alone.
        world: hand out only this process's rows of every batch, the same that the global batch has there.
        paired: further batch keys with a row for each image: images, which are mirrored together with it, or tensors.
        unpaired: further batch keys of images that are drawn, and mirrored, in an order of their own; and tensors with
            a row for each of these images, such as ``source_label`` beside ``source``: see :func:`leader`.

    Raises:
        UsageError: for a batch below 1, or one that the processes cannot share evenly.
    """

    def __init__(
        self,
        images: Images,
        labels: Tensor | None,
        batch: int,
        seed: int,
        flip: bool = False,
        world: World = SINGLE_PROCESS,
        paired: Mapping[str, Images | Tensor] | None = None,
        unpaired: Mapping[str, Images | Tensor] | None = None,
    ) -> None:
        if batch < 1:
            raise UsageError(f"a batch has at least 1 image, not {batch}")
        rows = {**({} if labels is None else {"label": labels}), **(paired or {})}
        self.tensors = {name: column for name, column in rows.items() if isinstance(column, Tensor)}
        self.pictures = {"image": images, **{n: column for n, column in rows.items() if not isinstance(column, Tensor)}}
        others = sorted((unpaired or {}).items())
        self.unpaired = {name: column for name, column in others if not isinstance(column, Tensor)}
        self.followers = {name: column for name, column in others if isinstance(column, Tensor)}
        self.size, self.seed, self.flip = batch, seed, flip
        self.rows = world.rows(world.part(batch))
        self.shuffle = Shuffle(images.shape[0], batch, _ORDER, seed, runs=runs_of(images))
        self.others = {
            name: Shuffle(others.shape[0], batch, _ORDER, seed, place, runs=runs_of(others))
            for place, (name, others) in enumerate(self.unpaired.items(), start=1)
        }

    def indices(self, index: int) -> Tensor:
        """The numbers of the images in the global batch ``index``, int64 ``(B,)``."""
        return self.shuffle.indices(index)

    def batch(self, index: int) -> Batch:
        """``image`` float32 ``(n, C, H, W)`` in [-1, 1], ``label`` where there are labels, and the rest.

        Labels are class numbers, int64 ``(n,)``, or label vectors, float32 ``(n, L)``.

        In a single process ``n`` is ``batch``; of several each gets its share.
        """
        chosen = self.indices(index)[self.rows]
        batch = self._shown(self.pictures, chosen, self.seed, index)
        for place, (name, images) in enumerate(self.unpaired.items(), start=1):
            own = self.others[name].indices(index)[self.rows]
            batch |= self._shown({name: images}, own, self.seed, index, place)
            batch |= {
                key: chosen_rows(rows, own)
                for key, rows in self.followers.items()
                if leader(key, self.unpaired) == name
            }
        return {**batch, **{name: chosen_rows(column, chosen) for name, column in self.tensors.items()}}

    def _shown(self, pictures: Mapping[str, Images], chosen: Tensor, *seed: int) -> Batch:
        """The chosen images of each name as float in [-1, 1]; those that belong together are mirrored together."""
        fetched = {name: images.fetch(chosen) for name, images in pictures.items()}
        if self.flip:
            # Drawn for the global batch and then cut, so that an image's coin is the same for any world.
            coins = torch.randint(2, (self.size,), generator=_generator(_FLIP, *seed))[self.rows]
            fetched = {name: _mirror(images, coins) for name, images in fetched.items()}
        return {name: signed(images) for name, images in fetched.items()}


def chosen_rows(column: Tensor, chosen: Tensor) -> Tensor:
    """The rows of a column by their numbers, which a column on a GPU is not waited for to have."""
    return column[chosen.to(column.device, non_blocking=True)]


def leader(name: str, pictures: Collection[str]) -> str | None:
    """The images that an unpaired tensor goes with: those whose name, and ``_``, its own name starts with.

    ``source_label`` goes with ``source``; of several the longest name counts, and without any it goes with none.
    """
    return max((one for one in pictures if name.startswith(f"{one}_")), key=len, default=None)


def _mirror(images: Tensor, coins: Tensor) -> Tensor:
    """Each image, or its mirror image where its coin is 1."""
    if images.dtype is torch.uint16:  # by its bits, as few devices can move such numbers
        return _mirror(images.view(torch.int16), coins).view(torch.uint16)
    both = torch.cat((images, images.flip(3)))  # choosing whole images is three times as fast as masking pixels
    return both.index_select(0, (torch.arange(len(images)) + coins * len(images)).to(images.device, non_blocking=True))


def _generator(*names: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*names))


_Item = tuple[Batch | None, BaseException | None]


def _produce(stream: Stream, start: int, stop: int, out: queue.Queue[_Item], gone: threading.Event) -> None:
    """Put batches, then an end mark or what went wrong, until the consumer is gone.

    It runs on the prefetching thread, and never waits for ever: a consumer that stopped in the middle of a batch takes
    nothing more from the queue, and would otherwise leave this thread behind.
    """

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
