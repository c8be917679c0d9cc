"""How fast a recipe trains here: one update of D and one of G, beside other libraries, in one process.

A machine's speed drifts, so steps of ours and of the peers are taken in turn and medians compared.
"""

from __future__ import annotations

import platform
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.data import ImageData
from ganzoo.data.images import MemoryImages
from ganzoo.errors import ResolutionError, UsageError, either
from ganzoo.gan.builder import build
from ganzoo.gan.game import Turn
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import SOURCE, TEXT, encode_text
from ganzoo.layers.layout import as_written
from ganzoo.machine.compiled import compile_networks, turn_marker
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.machine.timing import DeviceClock, Mark
from ganzoo.parts.context import Batch
from ganzoo.training.drawing import drawing_speed
from ganzoo.training.fastest import fastest
from ganzoo.training.layerwise import Untracked, layers_of
from ganzoo.training.loop import Trainer
from ganzoo.training.peak import Peak
from ganzoo.training.peers import Workload, check_peer, prepare_peer

PIXELS = 32  # the size that most peers have
WARM = 2  # rounds that warm up; one step of ours is taken before
LEAST = 3  # steps of a session that are timed at least


def bench(
    recipe: str,
    against: Sequence[str] = (),
    *,
    batch: int = 64,
    channels: int = 3,
    classes: int = 0,
    z_dim: int | None = None,
    resolution: int = PIXELS,
    rounds: int = 7,
    settings: Mapping[str, object] | None = None,
    device: str | None = None,
    turns: bool = False,
    sample: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time one D plus one G update, of ours and of peers on the same device.

    Args:
        recipe: what to train.
        against: peers to time in the same process; see :mod:`ganzoo.training.peers`.
        batch, channels, classes: sizes, the same for all.
        z_dim: length of the noise; by default that of the recipe.
        resolution: height and width of the images, in pixels; most peers have 32 alone.
        rounds: timed steps of each, after two that are not.
        settings: as for training; ``repeat.d`` is 1 here unless given.
        device: where all of them run.
        turns: whether ours is also measured layer by layer, as its networks are written.
        sample: whether its generator is also timed at drawing, as :func:`ganzoo.training.drawing.drawing_speed` does.
        progress: told what is being done.

    Returns:
        JSON: ``recipe``, the sizes, ``ours``, ``peers`` by name, ``machine`` and ``notes``; with ``sample`` also
        ``sample``, of a generator with its first weights. ``ours`` and each peer have
        ``step_ms`` (median), ``step_ms_all`` and ``images_per_second``; each peer ``ratio``, its median over ours.
        ``ours`` also has ``turn_ms`` (median by turn), ``gflop_per_step``, ``fraction_of_peak`` (of the best measured
        product in the same arithmetic, before, between and after the rounds: see :class:`ganzoo.training.peak.Peak`),
        ``peak_memory_mb`` (the process before any peer is loaded; what was allocated on a GPU), ``data_share`` (of a
        step's time, waiting for its batch) and ``end_to_end``: a training session on images in memory, as
        :func:`session_cost` returns it;
        with ``turns`` also ``layers``, as :func:`ganzoo.training.layerwise.layers_of` returns them, each with its
        ``fraction_of_peak``.

    Raises:
        UsageError: for a recipe or peer that does not exist, a size that one of them has not, or a peer without such an
            architecture or for other data.
        PluginError: for a peer that is broken.
    """
    if rounds < 1 or batch < 2:
        raise UsageError("a benchmark takes at least one round and a batch of two")
    where = choose_device(device)
    torch.manual_seed(0)
    try:
        gan = build(recipe, resolution, channels, classes, z_dim, {"repeat.d": 1, **(settings or {})})
    except ResolutionError as error:
        raise UsageError(f"{error}; bench has --resolution for another size than {resolution}") from error
    networks = either(gan.plan.architectures, "and")
    for peer in against:
        check_peer(peer, networks, gan.classes, resolution)
    real = torch.rand(batch, channels, resolution, resolution) * 2 - 1  # first, as no memory holds more
    labels = torch.arange(batch) % max(gan.classes, 1)
    drawn = {"sample": drawing_speed(gan, where, batch, rounds)} if sample else {}
    workload = Workload(real.to(where), labels.to(where), gan.classes, gan.z_dim)
    ours = Clocked.prepare(gan, workload, where, turns, rounds)
    ours.step()
    memory = memory_of(where)
    peers = {peer: prepare_peer(peer, networks, workload).step for peer in against}
    peak = Peak(ours.trainer.precision.dtype, where)
    steps = {name: partial(finished, step, where) for name, step in {"ours": ours.step, **peers}.items()}
    times = _interleave(steps, rounds, progress, peak.measure)
    return {
        "recipe": gan.plan.recipe,
        "batch": batch,
        "resolution": resolution,
        "channels": channels,
        "classes": gan.classes,
        "z_dim": gan.z_dim,
        "rounds": rounds,
        **_report(ours, times, peak, memory),
        **drawn,
    }


def _report(ours: Clocked, times: dict[str, list[float]], peak: Peak, memory: int) -> dict[str, Any]:
    """What was measured: ``ours``, ``peers`` and the machine."""
    precision, rounds, batch = ours.trainer.precision, len(times["ours"]), len(ours.batch["image"])
    mine = _summary(times.pop("ours"), batch)
    mine["turn_ms"] = {name: round(1e3 * median(spent), 3) for name, spent in ours.turn_seconds(rounds).items()}
    mine["gflop_per_step"] = round(ours.flop / 1e9, 3)
    mine["fraction_of_peak"] = round(ours.flop / mine["step_ms"] / 1e6 / peak.best, 4)
    for row in ours.layers:
        spent = row["forward_ms"] + row["backward_ms"]
        row["fraction_of_peak"] = round(1e3 * row["gflop"] / spent / peak.best, 4) if spent else 0.0
    mine |= {"layers": ours.layers} if ours.layers else {}
    mine["peak_memory_mb"] = round(memory / 2**20, 1)
    cost = session_cost(ours.trainer, batch, max(rounds, LEAST))
    mine["data_share"] = round(cost["wait_ms"] / (cost["wait_ms"] + cost["step_ms"]), 5)
    mine["end_to_end"] = cost
    peers = {name: _summary(spent, batch) for name, spent in times.items()}
    for summary in peers.values():
        summary["ratio"] = round(summary["step_ms"] / mine["step_ms"], 4)
    machine = {
        "device": str(precision.device),
        "precision": precision.name,
        "threads": torch.get_num_threads(),
        "matrix_gflops": round(peak.best, 1),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return {"ours": mine, "peers": peers, "machine": machine, "notes": ours.notes}


class Clocked:
    """A trainer whose turns are timed; a GPU is not waited for between them.

    Attributes:
        flop: floating point operations of one step: matrix products and convolutions, forward and backward.
        layers: what each layer has of a step, where that was asked for.
    """

    def __init__(self, trainer: Trainer, batch: Batch) -> None:
        self.trainer, self.batch, self.notes = trainer, batch, list[str]()
        self.clock = DeviceClock(trainer.precision.device)
        self.turns: dict[str, list[tuple[Mark, Mark]]] = {turn.name: [] for turn in trainer.turns}
        self.flop, self.layers = 0, list[dict[str, Any]]()
        self._take = trainer.take

    @classmethod
    def prepare(cls, gan: GAN, workload: Workload, device: torch.device, turns: bool, rounds: int) -> Clocked:
        """A trainer placed on the device in the arithmetic that the plan asks for.

        Operations are counted, and layers measured, of the networks as they are written: a compiler hides them.
        """
        precision = choose_precision(str(gan.plan["precision"]), device)
        precision.tune()
        precision.place(gan)
        batch = {"image": workload.real, "label": workload.labels, **stand_ins(gan, workload.real)}
        ours = cls(Trainer(gan, 0, 1, precision), precision.send(batch))
        ours.flop = ours.counted()
        if turns:
            ours.layers = layers_of(ours.trainer, ours.step, rounds)
        setting, notes = fastest(gan, precision, lambda: ours.batch)
        ours.notes += [*notes, *compile_networks(gan, device, setting)]
        ours.trainer.begin = turn_marker(gan.plan, device, setting)
        ours.trainer.take = ours.take  # type: ignore[method-assign]
        return ours

    def take(self, turn: Turn, batch: Batch, update: int) -> None:
        """One turn, timed."""
        start = self.clock.now()
        self._take(turn, batch, update)
        self.turns[turn.name].append((start, self.clock.now()))

    def turn_seconds(self, rounds: int) -> dict[str, list[float]]:
        """Seconds of every turn of the timed rounds, after the steps that warm up."""
        self.clock.wait()
        spans = {name: marks[WARM + 1 : WARM + 1 + rounds] for name, marks in self.turns.items()}
        return {name: [self.clock.between(*span) for span in marks] for name, marks in spans.items()}

    def step(self) -> None:
        """One step on the same batch."""
        self.trainer.train_step([self.batch] * self.trainer.batches_per_step)

    def counted(self) -> int:
        """Floating point operations of one step."""
        counter = FlopCounterMode(display=False)
        counter.mod_tracker = Untracked()  # type: ignore[assignment]
        with counter, as_written():
            self.step()
        return counter.get_total_flops()


def session_cost(trainer: Trainer, batch: int, rounds: int) -> dict[str, float]:
    """What a training session takes besides its steps: it runs for a moment, in a folder that is thrown away.

    Args:
        trainer: has taken steps before.
        batch: images in a batch.
        rounds: steps to take; medians of them count.

    Returns:
        Milliseconds: ``wait_ms`` for the next batch, ``step_ms`` of the bare step, ``log_ms`` of a line of the log,
        ``grid_ms`` of a look at the samples, ``save_ms`` of a checkpoint with its model; and ``ratio``: a step with its
        share of all that, at the intervals of ``ganzoo train``, over the bare step.
    """
    from ganzoo.training.intervals import Intervals  # what is imported here times its steps by this module's clock
    from ganzoo.training.job import Job as Training
    from ganzoo.training.job import config_of
    from ganzoo.training.log import Log
    from ganzoo.training.progress import Silence
    from ganzoo.training.session import Session
    from ganzoo.training.setup import Setup

    gan, data, intervals = trainer.gan, made_up(trainer.gan, batch), Intervals(None)
    setup = Setup(gan.plan, data, 0, trainer.precision, intervals)
    with TemporaryDirectory(prefix="ganzoo-") as name:
        job = Training(setup, Path(name), gan, config_of(gan, data, 0, None), {})
        session = Session(job, trainer, Log(job.folder), Silence())
        session.begin(resumed=False)
        taken: dict[str, list[float]] = {what: [] for what in ("wait", "step", "log", "grid", "save")}

        def timed(what: str, do: Callable[[], Any]) -> Any:
            start = perf_counter()
            result = do()
            wait(trainer.precision.device)
            taken[what].append(perf_counter() - start)
            return result

        with closing(session.batches()) as batches:
            for _ in range(rounds):
                some = timed("wait", lambda: list(islice(batches, trainer.batches_per_step)))
                timed("step", partial(session.step, some))
                timed("log", lambda: session.observer.record(1.0))
        for _ in range(LEAST):
            timed("grid", session.look)
            timed("save", session.saver.save)
    ms = {what: 1e3 * median(spent) for what, spent in taken.items()}
    often = {
        "wait": 1,
        "step": 1,
        "log": intervals.log_every,
        "grid": intervals.grid_every,
        "save": intervals.save_every,
    }
    ratio = sum(ms[what] / every for what, every in often.items()) / ms["step"]
    return {**{f"{what}_ms": round(each, 3) for what, each in ms.items()}, "ratio": round(ratio, 4)}


def made_up(gan: GAN, batch: int) -> ImageData:
    """Random images in memory, enough for several batches."""
    count = max(8 * batch, 512)
    pixels = torch.randint(256, (count, *gan.image), dtype=torch.uint8)
    labels = torch.arange(count) % gan.classes if gan.classes else None
    others = stand_ins(gan, pixels)
    columns = {name: column if name == TEXT else MemoryImages(column) for name, column in others.items()}
    return ImageData("noise", MemoryImages(pixels), labels, gan.class_names, paired=columns)


def stand_ins(gan: GAN, images: Tensor) -> dict[str, Tensor]:
    """What a GAN takes besides noise, for images that nobody will look at: the last for the first, and captions."""
    columns = {SOURCE: images.flip(0), TEXT: encode_text([f"image {number}" for number in range(len(images))])}
    return {name: column for name, column in columns.items() if name in gan.input_names}


def _interleave(
    steps: Mapping[str, Callable[[], None]],
    rounds: int,
    progress: Callable[[str], None],
    between: Callable[[], None],
) -> dict[str, list[float]]:
    """Seconds of each step, taken in turn, and ``between`` before each round and after the last.

    The first two rounds warm up and do not count.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    for index in range(rounds + WARM):
        between()
        for name, step in steps.items():
            progress(f"round {index + 1} of {rounds + WARM}: {name}")
            start = perf_counter()
            step()
            if index >= WARM:
                times[name].append(perf_counter() - start)
    between()
    return times


def _summary(seconds: Sequence[float], batch: int) -> dict[str, Any]:
    middle = median(seconds)
    return {
        "step_ms": round(1e3 * middle, 3),
        "step_ms_all": [round(1e3 * second, 3) for second in seconds],
        "images_per_second": round(batch / middle, 2),
    }


def wait(device: torch.device) -> None:
    """Until everything asked of the device is done; a CPU is done at once."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def finished(step: Callable[[], None], device: torch.device) -> None:
    """Take a step, and wait until it is done."""
    step()
    wait(device)


def memory_of(device: torch.device) -> int:
    """The most bytes that were taken of a GPU, or that this process has held."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()


def peak_memory() -> int:
    """The most bytes that this process has held."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024
