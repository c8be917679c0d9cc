"""How long a run is: until a step, or until its time is spent; and the horizon that schedules spread over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ganzoo.errors import UsageError, either
from ganzoo.plan.plan import Plan
from ganzoo.training.estimate import Estimate
from ganzoo.training.optim import schedules
from ganzoo.training.pacing import Pacing, Stop
from ganzoo.training.progress import duration
from ganzoo.training.setup import images_per_step

SAFE = 0.95  # of a budget that a schedule is spread over: one that is cut off spoils more than one that ends early


@dataclass
class Length:
    """How long a run is.

    Attributes:
        pacing: with when to stop.
        horizon: steps that schedules spread over.
        note: what a person should know, or nothing.
    """

    pacing: Pacing
    horizon: int
    note: str = ""


def length_of_new(
    stop: Stop,
    horizon: int | None,
    plan: Plan,
    pacing: Pacing,
    probe: Callable[[float], Estimate],
    former: int = 0,
    step: int = 0,
) -> Length:
    """The length of a run that begins, or of a fork.

    With a budget the number of steps is not known before. A schedule must be a function of the step all the same, so
    steps are timed first, the horizon is what fits (a little less, so that schedules get to their end), and it stays:
    a run that turns out faster ends with its schedule, a much slower one with its budget.

    Args:
        stop: what was said about when to stop.
        horizon: what was said about the horizon.
        plan: of the run.
        pacing: with the length for where nothing was said.
        probe: times the training for a budget of so many seconds; asked only where that is needed.
        former: horizon of the run that is forked.
        step: that it stands at.

    Raises:
        UsageError: for a horizon that ends before the run does, where a schedule depends on it.
    """
    scheduled, budget = schedules(plan), pacing.budget if stop == Stop() else stop.budget
    if budget is None:
        steps = stop.steps_of(images_per_step(plan)) or pacing.bound
        horizon = horizon or max(former, steps)
        if scheduled and steps > horizon:
            raise UsageError(
                f"the schedule of {either(scheduled, 'and')} would end at step {horizon:,} of {steps:,}: give "
                f"--horizon {steps}, or --steps {horizon}"
            )
        return Length(replace(pacing, steps=steps, budget=None), horizon)
    note = ""
    if horizon is None:
        found = probe(budget)
        share = SAFE if scheduled else 1.0
        fits = found.steps_in(share * budget, pacing)
        horizon = step + fits
        note = f"{duration(budget)} are about {fits:,} steps of {1e3 * found.pace(pacing):,.3g} ms"
        note += f"; the schedule of {either(scheduled, 'and')} ends at step {horizon:,}" if scheduled else ""
    return Length(replace(pacing, steps=horizon if scheduled else None, budget=budget), horizon, note)


def longer(stop: Stop, plan: Plan, pacing: Pacing, horizon: int) -> Pacing:
    """When a resumed run stops: as it was, unless something was said. A budget never leads past a schedule's end."""
    if stop == Stop():
        return pacing
    steps = stop.steps_of(images_per_step(plan))
    if stop.budget is not None and schedules(plan):
        steps = horizon
    return replace(pacing, steps=steps, budget=stop.budget)
