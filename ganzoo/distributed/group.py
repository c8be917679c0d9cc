"""Several processes at one training, as ``torchrun`` starts them: gloo on the CPU, NCCL between GPUs.

Each process has all networks and its slice of every batch (:mod:`ganzoo.distributed.batch`). After each turn's
backward pass the gradients are averaged, so every process takes the same step; there are no wrappers around networks.
Only the first process writes. The others wait for it in the control group, gloo's, which has a timeout of hours: what
one process downloads or scores may take far longer than a step.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganzoo.distributed import hosts
from ganzoo.distributed.batch import Lost, World, collective, use_world, world
from ganzoo.distributed.launch import Launch, launched
from ganzoo.distributed.parent import end_when_orphaned
from ganzoo.errors import GanzooError, RunError, UsageError

ANSWER = timedelta(minutes=30)  # for a message between steps; a process that was killed is noticed at once
CONTROL_TIMEOUT = timedelta(hours=6)  # for a download, a checkpoint or a score that one process sees to
COLLECTIVES, BACKENDS = "GANZOO_COLLECTIVES", ("gloo", "nccl")
SETTLING = 0.5  # seconds
T = TypeVar("T")
_worlds = count()


@contextmanager
def join_world(device: str | None = None) -> Iterator[World]:
    """Join the processes that were launched with this one, and part from them at the end.

    Of an error that several of them meet, one is to be printed: the others carry ``said_elsewhere=True``.

    Args:
        device: as ``--device`` says it.

    Raises:
        UsageError: the environment or the device does not suit several processes.
        RunError: the others cannot be reached, or do not come.
        Lost: one of them ended.
    """
    launch = launched()
    if launch.size == 1:
        yield world()
        return
    seconds, before = hosts.link_seconds(), hosts.open_sockets()
    store = _store(launch)
    with _said_once(store, launch):
        if launch.several_hosts:
            hosts.meet(launch, store)
        control = _join(launch, store)
        if launch.several_hosts:
            hosts.drop_when_silent(hosts.open_sockets() - before, seconds)
    try:
        with _looked_after(), use_world(World(launch.rank, launch.size, control)) as joined, _said_once(store, launch):
            choose_gpu(launch, device)
            yield joined
    finally:
        dist.destroy_process_group()


def _looked_after() -> AbstractContextManager[None]:
    """Ends this process with its launcher, where that is one that ends all by a signal when one of them fails."""
    return end_when_orphaned() if "TORCHELASTIC_RUN_ID" in os.environ else nullcontext()


def _join(launch: Launch, store: dist.Store) -> dist.ProcessGroup:
    """Make the group that steps are taken in, and the control."""
    by_nccl = torch.cuda.is_available() and dist.is_nccl_available() and not _shares_gpus()
    backend = "cpu:gloo,cuda:nccl" if by_nccl else "gloo"
    try:
        dist.init_process_group(backend, store=store, rank=launch.rank, world_size=launch.size, timeout=ANSWER)
        return dist.new_group(backend="gloo", timeout=CONTROL_TIMEOUT)  # type: ignore[return-value]
    except RuntimeError as error:
        raise _unreachable(error, launch) from error


@cache
def _meeting_point() -> dist.Store:
    """The store whose address is in the environment; it is opened once for all trainings of this process."""
    try:
        return next(iter(dist.rendezvous("env://", timeout=ANSWER)))[0]
    except (RuntimeError, ValueError) as error:
        raise _unreachable(error, launched()) from error


def _store(launch: Launch) -> dist.Store:
    """A place for short messages of this training alone; torchrun's outlives the processes that it starts again."""
    return dist.PrefixStore(f"ganzoo-{launch.attempt}-{next(_worlds)}", _meeting_point())


def _unreachable(error: Exception, launch: Launch) -> RunError:
    reason = str(error).strip().splitlines()[0]
    way_out = "start them all with torchrun"
    if launch.several_hosts:
        way_out += f", and on every machine set {hosts.INTERFACE} to the interface that leads to the others"
    return RunError(f"cannot reach the other processes of this run ({reason}); {way_out}")


def choose_gpu(launch: Launch, device: str | None) -> None:
    """Make ``cuda`` mean the GPU that has this process's number on its machine.

    Raises:
        UsageError: there are fewer GPUs than processes here, and NCCL is to connect them; or all were given one.
    """
    if device is not None and device.startswith("cuda:"):
        raise UsageError(f"--device {device} would put every process there: give --device cuda, and each takes its own")
    if device not in (None, "cuda") or not torch.cuda.is_available():
        return
    gpus = torch.cuda.device_count()
    if launch.local_rank >= gpus and not _shares_gpus():
        raise UsageError(
            f"process {launch.local_rank + 1} of this machine finds {gpus} GPUs: give torchrun "
            f"--nproc-per-node {gpus}, or ganzoo train --device cpu; {COLLECTIVES}=gloo lets processes share a GPU"
        )
    torch.cuda.set_device(launch.local_rank % gpus)


def _shares_gpus() -> bool:
    """Whether gloo carries what is on GPUs too: slower than NCCL, which refuses two processes on one GPU.

    Raises:
        UsageError: the variable says something else.
    """
    said = os.environ.get(COLLECTIVES, "")
    if said not in ("", *BACKENDS):
        raise UsageError(
            f"{COLLECTIVES}={said!r} is neither of {' and '.join(BACKENDS)}: unset it for NCCL between GPUs"
        )
    return said == "gloo"


@contextmanager
def _said_once(store: dist.Store, launch: Launch) -> Iterator[None]:
    """Mark an error that another process of this machine spoke of first, and tell the other machines of the first one.

    Whoever only finds that another process is gone hears from the store what ended that one, and says so too.
    """
    try:
        yield
    except BaseException as error:
        cause, elsewhere = None, False
        if isinstance(error, Lost):
            time.sleep(SETTLING)  # a store that goes down with the process that is gone may do so a moment later
        if hosts.is_connected(_port()):
            with suppress(RuntimeError):  # the store went down with its process: better twice than never
                cause = _first_failure(store, error)
                elsewhere = store.add(f"said-{launch.host}", 1) > 1
        told = error
        if isinstance(error, Lost) and not isinstance(error.__cause__, Lost):  # before there was a run to go on with
            told = Lost(f"{error}; {cause or 'see what its machine says'}: start all of them again by the same command")
        elif cause is not None:
            told = Lost(f"{error}; {cause}")
        if isinstance(told, (GanzooError, OSError)):
            told.said_elsewhere = elsewhere  # type: ignore[union-attr]
        if told is error:
            raise
        raise told from error


def _port() -> int:
    """Of the store; torch notes at length, on standard error, that a connection is down."""
    port = os.environ.get("MASTER_PORT", "")
    return int(port) if port.isdecimal() else 0


def _first_failure(store: dist.Store, error: BaseException) -> str | None:
    """What the process said that failed first, where an error is only that it is gone; else the error is noted."""
    if isinstance(error, Lost):
        if not store.check([hosts.FAILED]):
            return None
        host, text = json.loads(store.get(hosts.FAILED))
        return f"{host} says: {text}"
    text = str(error) if isinstance(error, (GanzooError, OSError)) else f"{type(error).__name__}: {error}"
    store.compare_set(hosts.FAILED, "", json.dumps([socket.gethostname(), text]))
    return None


# --- agreeing -----------------------------------------------------------------------------------------------


def barrier() -> None:
    """Wait until every process is here."""
    all_reduce_max(0)


def all_reduce_max(number: int) -> int:
    """The largest of every process's ``number``."""
    processes = world()
    if processes.size == 1:
        return number
    largest = torch.tensor(number)  # on the CPU, where the control group is
    with collective():
        dist.all_reduce(largest, dist.ReduceOp.MAX, group=processes.control)
    return int(largest)


def broadcast_object(value: Any) -> Any:
    """The first process's ``value``, in every process, as JSON hands it on; of a single process ``value`` itself."""
    processes = world()
    if processes.size == 1:
        return value
    text = json.dumps(value).encode() if processes.first else b""
    letters = torch.frombuffer(bytearray(text.ljust(all_reduce_max(len(text)))), dtype=torch.uint8)
    return json.loads(bytes(_from_first(letters).numpy()))


def gather_objects(value: Any) -> list[Any]:
    """Every process's ``value`` by rank, in every process, as JSON hands it on; of a single process ``[value]``."""
    processes = world()
    if processes.size == 1:
        return [value]
    text = json.dumps(value).encode()
    letters = torch.frombuffer(bytearray(text.ljust(all_reduce_max(len(text)))), dtype=torch.uint8)
    found = [torch.empty_like(letters) for _ in range(processes.size)]
    with collective():
        dist.all_gather(found, letters, group=processes.control)
    return [json.loads(bytes(each.numpy())) for each in found]


def _from_first(tensor: Tensor) -> Tensor:
    """Fill a contiguous tensor on the CPU, of any dtype, with what the first process has in it."""
    with collective():  # as bytes, so that any dtype goes through
        dist.broadcast(tensor.view(-1).view(torch.uint8), 0, group=world().control)
    return tensor


def in_rank_order(do: Callable[[], T]) -> T:
    """Do something in the first process, then in the first of each other machine, then in the rest.

    What one downloads or unpacks, those after it find. An error ends the run, as the others miss this process.
    """
    launch = launched() if world().size > 1 else Launch()
    place = 0 if launch.rank == 0 else 1 if launch.local_rank == 0 else 2
    for _ in range(place):
        barrier()
    done = do()
    for _ in range(2 - place):
        barrier()
    return done


# --- training -----------------------------------------------------------------------------------------------


@torch.no_grad()
def all_reduce_means(tensors: Sequence[Tensor]) -> None:
    """Replace tensors of one type and device by their means over processes, in one message."""
    processes = world()
    if processes.size == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    with collective():
        dist.all_reduce(flat)
    pieces = flat.div_(processes.size).split([tensor.numel() for tensor in tensors])
    torch._foreach_copy_(list(tensors), [piece.view(t.shape) for piece, t in zip(pieces, tensors, strict=True)])


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their means over processes, which are the gradients of the global batch."""
    all_reduce_means([parameter.grad for parameter in parameters if parameter.grad is not None])


def running_statistics(gan: nn.Module) -> list[Tensor]:
    """Buffers that each process estimates from its own slice: those called ``running_...``, as PyTorch's norms do.

    All other buffers must be equal everywhere, as they are when parts use :func:`gather` and :func:`global_mean`.
    """
    return [buffer for name, buffer in gan.named_buffers() if name.rpartition(".")[2].startswith("running_")]


class Restorable(Protocol):
    """A training that can be put where another process's stands; see :class:`ganzoo.training.loop.Trainer`."""

    step: int
    counts: dict[str, int]

    def tensors(self) -> dict[str, Tensor]:
        """The whole training state by name: weights, averages, optimisers."""

    def restore(self, step: int, tensors: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Take over the step, tensors and counts of another process."""


def broadcast_state(trainer: Restorable) -> None:
    """Give every process the first one's state: step, weights, moving averages, optimisers, counts."""
    processes = world()
    if processes.size == 1:
        return
    mine = {name: tensor.detach().cpu() for name, tensor in trainer.tensors().items()} if processes.first else {}
    kinds = {name: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for name, tensor in mine.items()}
    step, counts, kinds = broadcast_object([trainer.step, trainer.counts, kinds])
    tensors: dict[str, Tensor] = {}
    for name, (dtype, shape) in kinds.items():
        empty = torch.empty(shape, dtype=getattr(torch, dtype))
        tensors[name] = _from_first(mine[name].contiguous() if processes.first else empty)
    if not processes.first:
        trainer.restore(step, tensors, counts)
