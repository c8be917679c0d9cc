"""How long a run is: until a step, or until its time is spent; and the horizon that schedules spread over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ganzoo.distributed.batch import world
from ganzoo.errors import either
from ganzoo.plan.plan import Plan
from ganzoo.training.clocks import check_counts
from ganzoo.training.config import TrainConfig
from ganzoo.training.estimate import Estimate
from ganzoo.training.intervals import Intervals, Stop
from ganzoo.training.optim import schedules
from ganzoo.training.setup import Setup, images_per_step

SAFE = 0.95  # of a budget that a schedule is spread over: one that is cut off spoils more than one that ends early


@dataclass
class Length:
    """How long a run is.

    Attributes:
        setup: whose intervals say when to stop.
        horizon: steps that learning-rate schedulers spread over.
        note: what a person should know, or nothing.
    """

    setup: Setup
    horizon: int
    note: str = ""


def length_of_new(
    config: TrainConfig,
    setup: Setup,
    probe: Callable[[float], Estimate],
    former: int = 0,
    step: int = 0,
) -> Length:
    """The length of a run that begins, or of a fork.

    With a budget the number of steps is not known before. A schedule must be a function of the step all the same, so
    steps are timed first, the horizon is what fits (a little less, so that schedules get to their end), and it stays:
    a run that turns out faster ends with its schedule, a much slower one with its budget.

    Args:
        config: what was said about when to stop, and about the horizon.
        setup: of the run, its intervals with the length for where nothing was said.
        probe: times the training for a budget of so many seconds; asked only where that is needed.
        former: horizon of the run that is forked.
        step: that it stands at.

    Raises:
        UsageError: the budget is processor time, which is not what this training takes.
    """
    stop, horizon, intervals = config.stop_condition(), config.horizon, setup.intervals
    scheduled, budget = schedules(setup.plan), intervals.budget if stop == Stop() else stop.budget
    if budget is None:
        steps = stop.steps_of(images_per_step(setup.plan)) or intervals.bound
        horizon = horizon or max(former, steps)
        return Length(replace(setup, intervals=replace(intervals, steps=steps, budget=None)), horizon)
    note, intervals = "", replace(intervals, budget=budget)
    check_counts(intervals.counted, setup.precision.device.type, world().size)
    if horizon is None:
        found = probe(budget)
        share = SAFE if scheduled else 1.0
        fits = found.steps_in(share * budget, intervals)
        horizon = step + fits
        note = f"{intervals.budget_text} are about {fits:,} steps of {1e3 * found.pace(intervals, fits):,.3g} ms"
        note += f"; the schedule of {either(scheduled, 'and')} ends at step {horizon:,}" if scheduled else ""
    intervals = replace(intervals, steps=horizon if scheduled else None)
    return Length(replace(setup, intervals=intervals), horizon, note)


def longer(config: TrainConfig, plan: Plan, intervals: Intervals, horizon: int) -> Intervals:
    """When a resumed run stops: as it was, unless something was said. A budget never leads past a scheduler's end."""
    stop = config.stop_condition()
    if stop == Stop():
        return intervals
    steps = stop.steps_of(images_per_step(plan))
    if stop.budget is not None and schedules(plan):
        steps = horizon
    return replace(intervals, steps=steps, budget=stop.budget)
