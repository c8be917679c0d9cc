"""How long a training takes here: a few of its own steps on its own data, with a grid and a checkpoint, timed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ganzoo.distributed.batch import world
from ganzoo.gan.game import Game
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.machine.randomness import preserved_randomness
from ganzoo.parts.update import Update
from ganzoo.training import setup
from ganzoo.training.bench import peak_memory, wait
from ganzoo.training.clocks import CLOCKS, check_counts
from ganzoo.training.config import TrainConfig
from ganzoo.training.intervals import Intervals
from ganzoo.training.job import Job, config_of
from ganzoo.training.log import Log
from ganzoo.training.progress import Silence
from ganzoo.training.session import Session

LEAST, CYCLE = 2, 16  # steps to time: at least two, and whole cycles of what is done every few steps
ENOUGH = 1.0  # seconds after which a whole cycle is enough
MOST_SECONDS = 10.0  # after which any number of steps is enough
Clock = Callable[[], float]
LOOKS = 256  # places of a training at which its phase is asked
SHARE = 0.02  # of a budget that may go into timing steps


@dataclass(frozen=True)
class Estimate:
    """What was measured.

    Attributes:
        step, grid, save, score: seconds of one step, one grid, one checkpoint with its model, one scoring; the step of
            the dearest phase, where a training has several, as networks do that grow.
        steps: how many were timed.
        images: real ones in a step.
        memory: bytes that the process has held at most, or that were taken of the GPU.
        parameters: by network.
        mean_step: seconds of a step on average in a training of so many steps, where phases differ.
    """

    step: float
    grid: float
    save: float
    score: float
    steps: int
    images: int
    memory: int
    parameters: Mapping[str, int]
    mean_step: Callable[[int], float] | None = None

    def step_in(self, length: int) -> float:
        """Seconds of a step, on average in a training of ``length`` steps."""
        return self.step if self.mean_step is None else self.mean_step(length)

    def pace(self, intervals: Intervals, length: int) -> float:
        """Seconds of a step with its share of grids, checkpoints and scores, on average in ``length`` steps."""
        score = self.score / intervals.eval_every if intervals.eval_every else 0.0
        return self.step_in(length) + self.grid / intervals.grid_every + self.save / intervals.save_every + score

    def steps_in(self, seconds: float, intervals: Intervals) -> int:
        """Steps that fit into ``seconds``; at least one."""
        dearest = replace(self, mean_step=None)
        low = max(1, math.floor(seconds / dearest.pace(intervals, 1)))
        if self.mean_step is None:
            return low
        high = 2 * low
        while high * self.pace(intervals, high) <= seconds:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if middle * self.pace(intervals, middle) <= seconds else (low, middle)
        return low


def timing_seconds_for(budget: float) -> float:
    """Seconds to spend on timing steps before a training of ``budget`` seconds."""
    return min(MOST_SECONDS, SHARE * budget)


def measure(made: setup.Setup, seconds: float = MOST_SECONDS) -> Estimate:
    """Train for a moment in a folder that is thrown away, by the very code that trains; timed by its budget's clock.

    Args:
        made: the training; scored once if it has images held out.
        seconds: seconds after which no further step is begun.
    """
    device, clock = made.precision.device, CLOCKS[made.intervals.clock]
    with TemporaryDirectory(prefix="ganzoo-") as name:
        gan = setup.fresh_gan(made.plan, made.data, made.seed)
        config_json = config_of(gan, made.data, made.seed, license=None)
        endless = replace(made, intervals=replace(made.intervals, steps=None, budget=None, keep=0, log=()))
        job = Job(endless, Path(name), gan, config_json, {"horizon": 1})
        session = Session(job, job.trainer(), Log(job.folder), Silence())
        session.begin(resumed=False)
        phases = _time_phases(session, seconds, clock)
        save = _time(session.saver.save, clock)
        session.trainer.ema.fresh_statistics = False  # as at a step where a look is all there is
        grid = _time(session.look, clock)
        score = _time(session.score, clock) if made.held_out is not None else 0.0
    return Estimate(
        step=max(map(fmean, phases)),
        grid=grid,
        save=save,
        score=score,
        steps=sum(map(len, phases)),
        images=(images := setup.images_per_step(made.plan)),
        memory=_memory(device),
        parameters={n: _count(getattr(gan, n)) for names in gan.players.values() for n in names},
        mean_step=None if len(phases) == 1 else partial(_mean_step, gan.game, [*map(fmean, phases)], images),
    )


def _mean_step(game: Game, seconds: Sequence[float], images: int, length: int) -> float:
    """Seconds of a step on average in ``length`` steps, by those of each phase."""
    player = next(iter(game.players))
    steps = [min(length - 1, round(length * place / LOOKS)) for place in range(LOOKS)]
    updates = (Update(step, player, horizon=length, images_seen=step * images) for step in steps)
    return fmean(seconds[game.phase_of(at)] for at in updates)


def _time(do: Callable[[], object], clock: Clock) -> float:
    start = clock()
    do()
    return clock() - start


def _time_phases(session: Session, seconds: float, clock: Clock) -> list[list[float]]:
    """Seconds of steps of each phase of the training."""
    game = session.trainer.gan.game
    if game.phases == 1:
        return [_time_steps(session, seconds, clock)]
    times: list[list[float]] = []
    for phase in range(game.phases):
        game.hold(phase)
        times.append(_time_steps(session, seconds / game.phases, clock))
    return times


def _time_steps(session: Session, seconds: float, clock: Clock) -> list[float]:
    """Seconds of each step after the first, which is slow because everything happens for the first time."""
    trainer, times = session.trainer, list[float]()
    with closing(session.batches()) as batches:

        def step() -> None:
            trainer.train_step(list(islice(batches, trainer.batches_per_step)))
            wait(trainer.precision.device)

        step()
        while len(times) < LEAST or (sum(times) < seconds and (len(times) % CYCLE or sum(times) < ENOUGH)):
            times.append(_time(step, clock))
    return times


def _memory(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()


def _count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def plan_run(config: TrainConfig) -> dict[str, Any]:
    """What :func:`ganzoo.train` with the same config would take here; trains for a moment and keeps nothing.

    Returns:
        JSON: ``recipe``, ``data``, the sizes, ``steps`` and ``images`` to train for, ``seconds`` they take,
        ``step_ms``, ``grid_ms``, ``save_ms``, ``images_per_second``, ``memory_mb``, ``parameters`` by network,
        ``measured_steps``, ``notes`` and ``machine``.

    Raises:
        UsageError, GanzooError: as :func:`ganzoo.train` does.
    """
    stop, notes, device = config.stop_condition(), list[str](), choose_device(config.device)
    intervals = setup.intervals_of(config, Intervals(1))
    check_counts(config.clock, device.type, world().size)
    with preserved_randomness():
        plan, data = setup.plan_and_data(
            str(config.recipe), config.data, setup.data_request(config), config.given_settings, notes
        )
        precision = choose_precision(str(plan["precision"]), device)
        found = measure(setup.Setup(plan, data, config.seed or 0, precision, intervals))
    length = stop.steps_of(found.images) or data.steps or setup.STEPS
    length = length if stop.budget is None else found.steps_in(stop.budget, intervals)
    pace = found.pace(intervals, length)
    return {
        "recipe": plan.recipe,
        "data": data.name,
        "resolution": data.size,
        "channels": data.channels,
        "batch": int(plan["batch"]),
        "budget": stop.budget,
        "clock": intervals.clock,
        "steps": length,
        "images": length * found.images,
        "seconds": round(length * pace, 1),
        "step_ms": round(1e3 * found.step_in(length), 2),
        "grid_ms": round(1e3 * found.grid, 2),
        "save_ms": round(1e3 * found.save, 2),
        "images_per_second": round(found.images / pace, 1),
        "memory_mb": round(found.memory / 2**20),
        "parameters": dict(found.parameters),
        "measured_steps": found.steps,
        "notes": [*notes, *plan.notes],
        "machine": {"device": str(device), "precision": precision.name, "threads": torch.get_num_threads()},
    }
