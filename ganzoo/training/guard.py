"""A guard over a run: it recognises a GAN that collapses or diverges, says so in a sentence, and knows what to do.

Every judgement is a function of what the trainer's states show at multiples of the intervals, and what the guard
remembers goes into the checkpoints: a resumed run is judged as an unbroken one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError, RunError, command, either
from ganzoo.files.parse import fields_of
from ganzoo.files.untrusted import quoted
from ganzoo.training.health import HealthReport
from ganzoo.training.intervals import GUARDS

WARN, STOP, ROLLBACK, OFF = GUARDS
NAN = "nan"  # the kind of alarm after which no number means anything
HEALTH = "health"  # what the best step is chosen by where nothing is scored

IN_A_ROW = 3  # bad judgements that make a streak, and good ones that end it
SHARE = 0.25  # of the modes of real images; no more than that is a collapse
HEALTHY = 0.5  # of them; a run that has shown so many has something to lose
AWAY = 0.3  # that the distance to the data grows over its lowest when samples leave the data
FAR = 1.0  # a distance at which samples have nothing of the data yet
STALE_LOOKS, STALE_STEPS = 5, 500  # without a new lowest distance, after which a run that never was healthy is stuck
HUGE, GROWN = 1e4, 100.0  # a loss or gradient norm above the one, and so many times its first: it runs away
ROLLBACKS = 3  # then the run stops
LOWER = 0.5  # what a rollback multiplies learning rates by


class Stopped(RunError):
    """The guard ended a run, and all is saved; its text says why and what to try."""


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong.

    Attributes:
        kind: ``collapse``, ``divergence`` or ``nan``.
        text: a plain sentence that names the step.
    """

    kind: str
    text: str


@dataclass
class Best:
    """The best step so far.

    Attributes:
        step: steps taken.
        by: the key of a score, or ``health``.
        value: of it.
        higher: whether higher values are better.
    """

    step: int
    by: str
    value: float
    higher: bool = False

    def beats(self, other: Best | None) -> bool:
        """Whether this one takes the other's place: it is better, or the other was chosen by something else."""
        if other is None or other.by != self.by:
            return True
        return self.value > other.value if self.higher else self.value < other.value


@dataclass
class Streak:
    """One kind of trouble: how long it has been seen or not seen, and whether it was spoken of."""

    bad: int = 0
    good: int = 0
    spoken: bool = False

    def begins(self, bad: bool, needed: int = IN_A_ROW) -> bool:
        """Take in one judgement; True in the moment when trouble has lasted long enough to be spoken of."""
        self.bad, self.good = (self.bad + 1, 0) if bad else (0, self.good + 1)
        if self.good >= IN_A_ROW:
            self.spoken = False
        if self.spoken or self.bad < needed:
            return False
        self.spoken = True
        return True


@dataclass
class GuardState:
    """What later judgements depend on.

    Attributes:
        look: the last health report, as JSON; the key in checkpoints too.
        lowest, lowest_step: the smallest distance to the data, and when.
        stale: health reports since then.
        varied: whether samples were varied once.
        first: the first value of every loss and gradient norm.
        streaks: by what is judged.
    """

    look: dict[str, Any] | None = None
    lowest: float = math.inf
    lowest_step: int = 0
    stale: int = 0
    varied: bool = False
    first: dict[str, float] = field(default_factory=dict)
    streaks: dict[str, Streak] = field(default_factory=dict)

    def streak(self, name: str) -> Streak:
        """The streak of one kind of trouble."""
        return self.streaks.setdefault(name, Streak())

    def to_json(self) -> dict[str, Any]:
        """Everything, without infinity, under the keys that checkpoints have had from the first."""
        fields = asdict(self)
        fields["lowest"] = self.lowest if math.isfinite(self.lowest) else None
        fields["episodes"] = fields.pop("streaks")
        return fields

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> GuardState:
        """What :meth:`to_json` gave.

        Raises:
            KeyError, ValueError: for what it never gives.
        """
        fields = dict(given)
        fields["streaks"] = fields.pop("episodes")
        if fields["lowest"] is None:
            del fields["lowest"]  # infinity, its default
        state = cls(**fields_of(cls, fields))
        if state.look is not None:
            HealthReport.from_json(state.look)
        return state


class Guard:
    """Judges a run.

    Args:
        mode: ``warn``, ``stop``, ``rollback`` or ``off``.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.state = GuardState()
        self.best: Best | None = None
        self.rollbacks = 0

    # --- judging --------------------------------------------------------------------------------------------

    def judge_samples(self, report: HealthReport) -> list[Alarm]:
        """Judge what the samples show."""
        state = self.state
        if not report.finite:
            lost = state.streak("nan").begins(True, needed=1)
            return [Alarm(NAN, f"step {report.step:,}: samples hold NaN")] if lost else []
        # An untrained G is about 1.4 away from the data and shows one mode (DCGAN) or 64 (SNGAN): no bare number tells
        # trouble from a beginning. What counts is what this run had: something to lose, or all the time that it needs.
        nearer = report.distance < state.lowest
        if nearer:
            state.lowest, state.lowest_step, state.stale = report.distance, report.step, 0
        else:
            state.stale += 1
        state.look = report.to_json()
        # Not at step 0, where an untrained SNGAN would count as a run that had variety to lose.
        state.varied |= report.step > 0 and report.modes > HEALTHY * report.of
        few = report.modes <= SHARE * report.of
        # Both counts, so that neither a short interval between grids nor a long one makes a slow start look stuck.
        stuck = state.stale >= STALE_LOOKS and report.step >= state.lowest_step + STALE_STEPS
        # A stuck run that never came near has no lowest distance to leave; only that it is far is left to see.
        away = report.distance > state.lowest + AWAY or (stuck and report.distance > FAR)
        found = []
        # Few modes that still come nearer are a G that learns; few modes of a run that never was varied are a collapse
        # only once it is stuck or away. Distance alone speaks of divergence: with few modes it is the collapse's word.
        if state.streak("collapse").begins(few and not nearer and (state.varied or stuck or away)):
            found.append(Alarm("collapse", _few_modes(report)))
        if state.streak("away").begins(away and not few):
            found.append(Alarm("divergence", _gone(report, state)))
        return found

    def judge_losses(self, step: int, losses: Mapping[str, float], gradients: Mapping[str, float]) -> list[Alarm]:
        """Judge the numbers of a tick: mean losses by term, mean gradient norms by player."""
        state = self.state
        numbers = {f"the loss {term}": mean for term, mean in losses.items()}
        numbers |= {f"the gradient of {player}": norm for player, norm in gradients.items()}
        lost = [name for name, value in numbers.items() if not math.isfinite(value)]
        if lost:
            begins = state.streak("infinite").begins(True, needed=1)
            return [Alarm(NAN, f"step {step:,}: {either(lost, 'and')} is not finite")] if begins else []
        for name, value in numbers.items():
            state.first.setdefault(name, value)
        # Losses have no common scale (a Wasserstein loss has none at all), so a number is held against its own first
        # value; and as a tiny first one may grow a hundredfold while nothing is wrong, it must be huge as well.
        running = [name for name, value in numbers.items() if abs(value) >= max(HUGE, GROWN * abs(state.first[name]))]
        if not state.streak("running").begins(bool(running)):
            return []
        name = running[0]
        return [
            Alarm(
                "divergence",
                f"step {step:,}: {name} has grown from {_digits(state.first[name])} to {_digits(numbers[name])}",
            )
        ]

    def action(self, alarm: Alarm) -> str:
        """What an alarm leads to now. With NaN only a run that rolls back goes on."""
        if self.mode == ROLLBACK:
            return ROLLBACK if self.best is not None and self.rollbacks < ROLLBACKS else STOP
        return STOP if self.mode == WARN and alarm.kind == NAN else self.mode

    def rolled_back(self, step: int, info: Mapping[str, Any]) -> None:
        """Remember what was remembered at the checkpoint that the run, at ``step`` now, went back to."""
        self.state = _state_in(info)
        self.state.lowest_step = step
        self.state.streaks.clear()
        self.rollbacks += 1

    def why_stopped(self, alarm: Alarm, folder: Path) -> str:
        """What was seen, what is kept, and what to try."""
        again = command("train", "--resume", folder)
        best = "" if self.best is None else f", and step {self.best.step:,}, the best one, too"
        if self.rollbacks:
            times = "1 rollback" if self.rollbacks == 1 else f"{self.rollbacks} rollbacks"
            hope = f"{times} did not help: try another loss or penalty, or a larger batch"
        else:
            hope = f"To go back to the best step with lower learning rates: {again} --guard rollback"
        return f"{alarm.text}; stopped, and saved in {folder}{best}. {hope}. To go on regardless: {again}"

    # --- the best step --------------------------------------------------------------------------------------

    def improves(self, candidate: Best) -> bool:
        """Whether a step is the best so far; if so it is remembered as that. In trouble, health is not believed."""
        troubled = candidate.by == HEALTH and any(streak.bad for streak in self.state.streaks.values())
        if troubled or not math.isfinite(candidate.value) or not candidate.beats(self.best):
            return False
        self.best = candidate
        return True

    # --- state ----------------------------------------------------------------------------------------------

    def checkpoint_info(self) -> dict[str, Any]:
        """What goes into a checkpoint's ``info``; ``best`` is the step whose checkpoint this one needs."""
        return {
            "best": None if self.best is None else self.best.step,
            "guard": {
                "mode": self.mode,
                "memory": self.state.to_json(),
                "best": None if self.best is None else asdict(self.best),
                "rollbacks": self.rollbacks,
            },
        }

    def restore(self, info: Mapping[str, Any]) -> None:
        """Stand where :meth:`checkpoint_info` was taken; in another mode than then, lasting trouble is spoken of anew.

        Raises:
            ModelError: for what no guard remembers.
        """
        if "guard" not in info:
            return
        self.state = _state_in(info)
        try:
            given = info["guard"]
            self.best = None if given["best"] is None else Best(**fields_of(Best, given["best"]))
            self.rollbacks = min(int(given["rollbacks"]), ROLLBACKS)
            if given["mode"] != self.mode:
                self.state.streaks.clear()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _nonsense(error) from error


def _state_in(info: Mapping[str, Any]) -> GuardState:
    try:
        return GuardState.from_json(info["guard"]["memory"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _nonsense(error) from error


def _nonsense(error: Exception) -> ModelError:
    return ModelError(f"what the checkpoint says of the guard makes no sense: {quoted(error)}")


def _digits(value: float) -> str:
    """Three digits, without an exponent where a person can read it without."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def _few_modes(report: HealthReport) -> str:
    shown = "1 mode" if report.modes == 1 else f"{report.modes} modes"
    return f"step {report.step:,}: mode collapse: 64 samples show {shown}, where as many real images show {report.of}"


def _gone(report: HealthReport, state: GuardState) -> str:
    return (
        f"step {report.step:,}: samples leave the data: their distance to it is {report.distance:.2f}, and was "
        f"{state.lowest:.2f} at step {state.lowest_step:,}"
    )


def event_line(event: Mapping[str, Any]) -> str:
    """An event as a line for people."""
    if event["action"] == ROLLBACK:
        return f"{event['text']}: back to step {event['to']:,}, learning rates times {event['factor']:g}"
    return f"{event['action']}: {event['text']}"
