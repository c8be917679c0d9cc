"""How fast a recipe trains here: one update of D and one of G, beside other libraries, in one process.

A machine's speed drifts, so steps of ours and of the peers are taken in turn and medians compared.
"""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.builder import build
from ganzoo.errors import UsageError
from ganzoo.gan import GAN, Batch, Turn
from ganzoo.training.loop import Trainer
from ganzoo.training.peers import Job, prepare
from ganzoo.training.precision import choose_device, choose_precision, keep_memory

MATRIX = 2048  # side of the square matrices whose product gives the peak
PIXELS = 32  # the size that every peer has


def bench(
    recipe: str,
    against: Sequence[str] = (),
    *,
    batch: int = 64,
    channels: int = 3,
    classes: int = 0,
    z_dim: int = 128,
    rounds: int = 7,
    settings: Mapping[str, object] | None = None,
    device: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time one D plus one G update at 32 pixels; peers run on the CPU.

    Args:
        recipe: what to train.
        against: peers to time in the same process; see :mod:`ganzoo.training.peers`.
        batch, channels, classes, z_dim: sizes, the same for all.
        rounds: timed steps of each, after two that are not.
        settings: as for training; ``repeat.d`` is 1 here unless given.
        device: where ours runs.
        progress: told what is being done.

    Returns:
        JSON: ``ours`` and each of ``peers`` with ``step_ms`` (median), ``step_ms_all`` and ``images_per_second``;
        ``ours`` also with ``turn_ms``, ``gflop_per_step`` and ``fraction_of_peak`` (of the measured product of
        2048x2048 matrices in the same arithmetic); each peer with ``ratio``, its median over ours.

    Raises:
        UsageError: for a recipe or peer that does not exist, or a peer without such an architecture.
    """
    if rounds < 1 or batch < 2:
        raise UsageError("a benchmark takes at least one round and a batch of two")
    where = choose_device(device)
    if against and where.type != "cpu":
        raise UsageError(f"peers are timed on the CPU, and ours would run on {where}: add --device cpu")
    torch.manual_seed(0)
    gan = build(recipe, PIXELS, channels, classes, z_dim, {"repeat.d": 1, **(settings or {})})
    labels = torch.arange(batch) % max(gan.classes, 1)
    job = Job(torch.rand(batch, channels, PIXELS, PIXELS) * 2 - 1, labels, gan.classes, z_dim)
    peers = {peer: prepare(peer, gan.plan.head.name, job) for peer in against}
    ours = Clocked.prepare(gan, job, where)
    times = _interleave({"ours": ours.step, **peers}, rounds, progress)
    return {
        "recipe": gan.plan.recipe,
        "batch": batch,
        "resolution": PIXELS,
        "channels": channels,
        "classes": gan.classes,
        "z_dim": z_dim,
        "rounds": rounds,
        **_report(ours, times, batch),
    }


def _report(ours: Clocked, times: dict[str, list[float]], batch: int) -> dict[str, Any]:
    """What was measured: ``ours``, ``peers`` and the machine."""
    precision, rounds = ours.trainer.precision, len(times["ours"])
    peak, flop = matrix_rate(precision.dtype, precision.device), ours.flop()
    mine = _summary(times.pop("ours"), batch)
    mine["turn_ms"] = {name: round(1e3 * median(spent[2 : rounds + 2]), 3) for name, spent in ours.turns.items()}
    mine["gflop_per_step"] = round(flop / 1e9, 3)
    mine["fraction_of_peak"] = round(flop / mine["step_ms"] / 1e6 / peak, 4)
    peers = {name: _summary(spent, batch) for name, spent in times.items()}
    for summary in peers.values():
        summary["ratio"] = round(summary["step_ms"] / mine["step_ms"], 4)
    machine = {
        "device": str(precision.device),
        "precision": precision.name,
        "threads": torch.get_num_threads(),
        "matrix_gflops": round(peak, 1),
        "peak_memory_mb": round(peak_memory() / 2**20, 1),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return {"ours": mine, "peers": peers, "machine": machine}


class Clocked:
    """A trainer whose turns are timed."""

    def __init__(self, trainer: Trainer, batch: Batch) -> None:
        self.trainer, self.batch = trainer, batch
        self.turns: dict[str, list[float]] = {turn.name: [] for turn in trainer.turns}
        self._take = trainer.take
        trainer.take = self.take  # type: ignore[method-assign]

    @classmethod
    def prepare(cls, gan: GAN, job: Job, device: torch.device) -> Clocked:
        """A trainer placed on the device in the arithmetic that the plan asks for."""
        precision = choose_precision(str(gan.plan["precision"]), device)
        if device.type == "cpu":
            keep_memory()
        precision.place(gan)
        real = job.real.to(device).contiguous(memory_format=torch.channels_last)
        return cls(Trainer(gan, 0, 1, precision), {"image": real, "label": job.labels.to(device)})

    def take(self, turn: Turn, batch: Batch, update: int) -> None:
        """One turn, timed until the device is done with it."""
        start = perf_counter()
        self._take(turn, batch, update)
        wait(self.trainer.precision.device)
        self.turns[turn.name].append(perf_counter() - start)

    def step(self) -> None:
        """One round on the same batch."""
        self.trainer.round([self.batch] * self.trainer.batches_per_step)

    def flop(self) -> int:
        """Floating point operations of one round: matrix products and convolutions, forward and backward."""
        with FlopCounterMode(display=False) as counter:
            self.step()
        return counter.get_total_flops()


def _interleave(
    steps: Mapping[str, Callable[[], None]], rounds: int, progress: Callable[[str], None]
) -> dict[str, list[float]]:
    """Seconds of each step, taken in turn; the first two rounds warm up and do not count."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(rounds + 2):
        for name, step in steps.items():
            progress(f"round {index + 1} of {rounds + 2}: {name}")
            start = perf_counter()
            step()
            if index >= 2:
                times[name].append(perf_counter() - start)
    return times


def _summary(seconds: Sequence[float], batch: int) -> dict[str, Any]:
    middle = median(seconds)
    return {
        "step_ms": round(1e3 * middle, 3),
        "step_ms_all": [round(1e3 * second, 3) for second in seconds],
        "images_per_second": round(batch / middle, 2),
    }


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """GFLOP/s of a product of two 2048x2048 matrices: the best of five."""
    one = torch.randn(MATRIX, MATRIX, device=device).to(dtype)
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        one @ one
        wait(device)
        best = min(best, perf_counter() - start)
    return 2 * MATRIX**3 / best / 1e9


def wait(device: torch.device) -> None:
    """Until everything asked of the device is done; a CPU is done at once."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory() -> int:
    """The most bytes that this process has held."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024
