"""A guard over a run: it recognises a GAN that collapses or comes apart, says so in a sentence, and knows what to do.

Every judgement is a function of what the trainer's states show at multiples of the intervals, and what the guard
remembers goes into the checkpoints: a resumed run is judged as an unbroken one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError, RunError, either
from ganzoo.training.health import Look
from ganzoo.training.intervals import GUARDS

WARN, STOP, ROLLBACK, OFF = GUARDS
NAN = "nan"  # the kind of alarm after which no number means anything
HEALTH = "health"  # what the best step is chosen by where nothing is scored

IN_A_ROW = 3  # bad judgements that make an episode, and good ones that end it
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
        step: rounds taken.
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
class Episode:
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
class Memory:
    """What later judgements depend on.

    Attributes:
        look: the last one, as JSON.
        lowest, lowest_step: the smallest distance to the data, and when.
        stale: looks since then.
        varied: whether samples were varied once.
        first: the first value of every loss and gradient norm.
        episodes: by what is judged.
    """

    look: dict[str, Any] | None = None
    lowest: float = math.inf
    lowest_step: int = 0
    stale: int = 0
    varied: bool = False
    first: dict[str, float] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)

    def episode(self, name: str) -> Episode:
        """The episode of one kind of trouble."""
        return self.episodes.setdefault(name, Episode())

    def to_json(self) -> dict[str, Any]:
        """Everything, without infinity."""
        return {**asdict(self), "lowest": self.lowest if math.isfinite(self.lowest) else None}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Memory:
        """What :meth:`to_json` gave."""
        episodes = {name: Episode(**fields) for name, fields in given["episodes"].items()}
        lowest = math.inf if given["lowest"] is None else given["lowest"]
        return cls(**{**given, "episodes": episodes, "lowest": lowest})


class Guard:
    """Judges a run.

    Args:
        mode: ``warn``, ``stop``, ``rollback`` or ``off``.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.memory = Memory()
        self.best: Best | None = None
        self.rollbacks = 0

    # --- judging --------------------------------------------------------------------------------------------

    def see(self, look: Look) -> list[Alarm]:
        """Judge what the samples show."""
        memory = self.memory
        if not look.finite:
            lost = memory.episode("nan").begins(True, needed=1)
            return [Alarm(NAN, f"step {look.step:,}: samples hold numbers that are none")] if lost else []
        nearer = look.distance < memory.lowest
        if nearer:
            memory.lowest, memory.lowest_step, memory.stale = look.distance, look.step, 0
        else:
            memory.stale += 1
        memory.look = look.to_json()
        memory.varied |= look.step > 0 and look.modes > HEALTHY * look.of
        few = look.modes <= SHARE * look.of
        stuck = memory.stale >= STALE_LOOKS and look.step >= memory.lowest_step + STALE_STEPS
        away = look.distance > memory.lowest + AWAY or (stuck and look.distance > FAR)
        found = []
        if memory.episode("collapse").begins(few and not nearer and (memory.varied or stuck or away)):
            found.append(Alarm("collapse", _few_modes(look)))
        if memory.episode("away").begins(away and not few):
            found.append(Alarm("divergence", _gone(look, memory)))
        return found

    def hear(self, step: int, losses: Mapping[str, float], gradients: Mapping[str, float]) -> list[Alarm]:
        """Judge the numbers of a tick: mean losses by term, mean gradient norms by player."""
        memory = self.memory
        numbers = {f"the loss {term}": mean for term, mean in losses.items()}
        numbers |= {f"the gradient of {player}": norm for player, norm in gradients.items()}
        lost = [name for name, value in numbers.items() if not math.isfinite(value)]
        if lost:
            begins = memory.episode("infinite").begins(True, needed=1)
            return [Alarm(NAN, f"step {step:,}: {either(lost, 'and')} is not finite")] if begins else []
        for name, value in numbers.items():
            memory.first.setdefault(name, value)
        running = [name for name, value in numbers.items() if abs(value) >= max(HUGE, GROWN * abs(memory.first[name]))]
        if not memory.episode("running").begins(bool(running)):
            return []
        name = running[0]
        return [
            Alarm(
                "divergence",
                f"step {step:,}: {name} has grown from {_digits(memory.first[name])} to {_digits(numbers[name])}",
            )
        ]

    def action(self, alarm: Alarm) -> str:
        """What an alarm leads to now. With NaN only a run that rolls back goes on."""
        if self.mode == ROLLBACK:
            return ROLLBACK if self.best is not None and self.rollbacks < ROLLBACKS else STOP
        return STOP if self.mode == WARN and alarm.kind == NAN else self.mode

    def rolled_back(self, step: int, info: Mapping[str, Any]) -> None:
        """Remember what was remembered at the checkpoint that the run, at ``step`` now, went back to."""
        self.memory = _memory(info)
        self.memory.lowest_step = step
        self.memory.episodes.clear()
        self.rollbacks += 1

    def why_stopped(self, alarm: Alarm, folder: Path) -> str:
        """What was seen, what is kept, and what to try."""
        again = f"ganzoo train --resume {folder}"
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
        troubled = candidate.by == HEALTH and any(episode.bad for episode in self.memory.episodes.values())
        if troubled or not math.isfinite(candidate.value) or not candidate.beats(self.best):
            return False
        self.best = candidate
        return True

    # --- state ----------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What goes into a checkpoint's ``info``; ``best`` is the step whose checkpoint this one needs."""
        return {
            "best": None if self.best is None else self.best.step,
            "guard": {
                "mode": self.mode,
                "memory": self.memory.to_json(),
                "best": None if self.best is None else asdict(self.best),
                "rollbacks": self.rollbacks,
            },
        }

    def restore(self, info: Mapping[str, Any]) -> None:
        """Stand where :meth:`state` was taken. In another mode than then, trouble that lasts is spoken of anew.

        Raises:
            ModelError: for what no guard remembers.
        """
        if "guard" not in info:
            return
        self.memory = _memory(info)
        try:
            given = info["guard"]
            self.best = None if given["best"] is None else Best(**given["best"])
            self.rollbacks = int(given["rollbacks"])
            if given["mode"] != self.mode:
                self.memory.episodes.clear()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _nonsense(error) from error


def _memory(info: Mapping[str, Any]) -> Memory:
    try:
        return Memory.from_json(info["guard"]["memory"])
    except (KeyError, TypeError, AttributeError) as error:
        raise _nonsense(error) from error


def _nonsense(error: Exception) -> ModelError:
    return ModelError(f"what the checkpoint says of the guard makes no sense: {error!r}")


def _digits(value: float) -> str:
    """Three digits, without an exponent where a person can read it without."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def _few_modes(look: Look) -> str:
    shown = "1 mode" if look.modes == 1 else f"{look.modes} modes"
    return f"step {look.step:,}: 64 samples show {shown}, where as many real images show {look.of}"


def _gone(look: Look, memory: Memory) -> str:
    return (
        f"step {look.step:,}: samples leave the data: their distance to it is {look.distance:.2f}, and was "
        f"{memory.lowest:.2f} at step {memory.lowest_step:,}"
    )


def told(event: Mapping[str, Any]) -> str:
    """An event as a line for people."""
    if event["action"] == ROLLBACK:
        return f"{event['text']}: back to step {event['to']:,}, learning rates times {event['factor']:g}"
    return f"{event['action']}: {event['text']}"
