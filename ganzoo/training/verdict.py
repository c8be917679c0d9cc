"""What is said of a run when it ends: that G collapsed, what probably caused it, and what to try, with commands.

While a run goes on, its guard waits until trouble has lasted. At the end there is no later look to wait for, and what a
person has is what the samples show now; so the verdict weighs all the looks at them that the log has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import command
from ganzoo.folder.log import read_log
from ganzoo.plan.plan import GIVEN
from ganzoo.plan.settings import write
from ganzoo.registry.sizes import size_text
from ganzoo.training.guard import AWAY, HEALTHY, Guard
from ganzoo.training.health import HealthReport
from ganzoo.training.job import Job
from ganzoo.training.setup import free_folder

COLLAPSE, DIVERGENCE = "collapse", "divergence"
FEW = 0.3  # of the modes of real images; the guard, which may be wrong at every look, waits for fewer
CLOSE = 0.6  # a distance to the data below which an image looks like some of it: few modes there are no slow start
SLOW = 200  # steps up to which few modes are a G that has hardly begun, unless it had more of them
LONG = 1_000  # steps after which few modes are a collapse, even where they still come nearer to the data
SURE = 0.95  # of real and of fake images that D tells apart: G learns nothing from such a D
UNSURE = 0.55  # of fake images that D tells: it is fooled by whatever G repeats
FEW_IMAGES = 500
LARGE_BATCH = 256
SOFTER = 4.0  # what a learning rate is divided by


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a run that ended.

    Attributes:
        kind: ``collapse`` or ``divergence``.
        step: of the samples that show it.
        text: a sentence with the words for it.
        cause: what probably caused it.
        ways: things to try, each as words and a command.
    """

    kind: str
    step: int
    text: str
    cause: str
    ways: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """As ``run.json`` keeps it."""
        return {"kind": self.kind, "step": self.step, "text": self.text, "cause": self.cause, "ways": self.ways}

    @property
    def lines(self) -> list[str]:
        """What a person reads at the end of a training."""
        return [f"{self.text}. {self.cause}. Three things to try:", *(f"  {why}: {how}" for why, how in self.ways)]


def collapsed(looks: Sequence[HealthReport]) -> bool:
    """Whether samples that are alike now are a mode collapse, and not a G that has hardly begun to learn.

    Args:
        looks: at the samples, the last one as the run ended; that of an untrained G is no part of them.
    """
    *before, last = looks
    if not last.finite or not _few(last):
        return False
    if last.step >= LONG or last.distance < CLOSE:
        return True
    nearest = min(before, key=lambda look: look.distance, default=last)
    since = [look for look in looks if look.step > nearest.step]
    if last.distance <= nearest.distance or len(since) < 2:
        return False  # it still comes nearer, or one look may be chance
    had_more = any(look.modes > HEALTHY * look.of for look in before)
    return _few(since[-2]) and (had_more or last.step >= SLOW)


def diverged(looks: Sequence[HealthReport]) -> bool:
    """Whether samples that are not alike have left the data, in the last two looks at least; ``looks`` as above."""
    lowest = min((look.distance for look in looks[:-2]), default=float("inf"))
    return all(look.distance > lowest + AWAY for look in looks[-2:]) and not _few(looks[-1])


def _few(look: HealthReport) -> bool:
    return look.modes <= FEW * look.of


def verdict_of(job: Job, guard: Guard, last: HealthReport) -> Verdict | None:
    """What is wrong with a run that ends now; None where nothing is known to be.

    Args:
        job: the run.
        guard: its guard.
        last: what its samples show now.
    """
    records = [record for record in read_log(job.folder) if "event" not in record]
    looks = [look for look in map(_look, records) if look is not None and 0 < look.step < last.step]
    if last.step and collapsed([*looks, last]):
        kind, text = COLLAPSE, _alike(last)
    elif last.step and diverged([*looks, last]):
        kind, text = DIVERGENCE, _gone(last, min(looks, key=lambda look: look.distance))
    else:
        return None
    right = [record["accuracy"] for record in records if isinstance(record.get("accuracy"), dict)]
    cause, side = _cause(right[-1] if right else {}, job)
    return Verdict(kind, last.step, text, cause, _ways(job, guard, last.step, side))


def _alike(last: HealthReport) -> str:
    modes = "1 mode" if last.modes == 1 else f"{last.modes} modes"
    alike = f"{last.duplicates:.0%} of them are near-duplicates"
    return f"mode collapse: 64 samples show {modes}, where as many real images show {last.of}; {alike}"


def _gone(last: HealthReport, nearest: HealthReport) -> str:
    was = f"was {nearest.distance:.2f} at step {nearest.step:,}"
    return f"divergence: the samples left the data: their distance to it is {last.distance:.2f}, and {was}"


def _look(record: Mapping[str, Any]) -> HealthReport | None:
    """The look at the samples that a line of the log tells of; None for none."""
    fields = record.get("health")
    if not isinstance(fields, dict) or "modes" not in fields:
        return None
    names = ("modes", "of", "duplicates", "diversity", "distance", "looked")
    try:
        return HealthReport.from_json({name: fields[name] for name in names})
    except (KeyError, ValueError):
        return None


# --- why, and what to do ------------------------------------------------------------------------------------------


def _cause(right: Mapping[str, Any], job: Job) -> tuple[str, str]:
    """What probably caused a collapse, and the player whose learning rate is to be lowered."""
    real, fake = (value if isinstance(value, float) else None for value in (right.get("real"), right.get("fake")))
    if real is not None and fake is not None and min(real, fake) >= SURE:
        told = f"it tells {real:.0%} of real and {fake:.0%} of fake images"
        return f"Probably D is too strong: {told}, so G learns little from it", "d"
    if fake is not None and fake <= UNSURE:
        return f"Probably D is too weak: it tells only {fake:.0%} of fake images, so G repeats what fools it", "g"
    if job.setup.data.count < FEW_IMAGES:
        return f"Probably {job.setup.data.count:,} images are too few: D knows them by heart", "d"
    return "Probably G moves faster than D can follow, and goes after what fools it for the moment", "g"


def _ways(job: Job, guard: Guard, step: int, side: str) -> tuple[tuple[str, str], ...]:
    """Three things to try: softer learning rates, more images in a batch, and the best step or another start."""
    plan = job.setup.plan
    name = f"lr.{side}"
    rate = plan[name] if name in plan.settings else None
    if isinstance(rate, float):
        softer = (f"a lower learning rate of {side.upper()}", _again(job, {name: rate / SOFTER}))
    else:  # one that follows a schedule, or another game's
        softer = ("two updates of D for each of G", _again(job, {"repeat.d": 2}))
    batch = int(plan["batch"])
    if batch < LARGE_BATCH:
        larger = ("a larger batch", _again(job, {"batch": 2 * batch}))
    else:
        larger = ("a slower average of G", _again(job, {"ema": 0.9999}))
    if guard.best is not None and 0 < guard.best.step < step:
        words = ("train", "--resume", job.folder, "--guard", "rollback", "--steps", 2 * step)
        other = (f"going on, and back to step {guard.best.step:,}, the best one, if it lasts", command(*words))
    else:
        other = ("another start", _again(job, {}, seed=int(job.config_json["seed"]) + 1))
    return softer, larger, other


def _again(job: Job, changes: Mapping[str, Any], seed: int | None = None) -> str:
    """The command that trains the same anew, with settings changed."""
    plan, setup = job.setup.plan, job.setup
    given = {name: setting.value for name, setting in plan.settings.items() if setting.reason == GIVEN}
    settings = {name: write(value) for name, value in {**given, **changes}.items()}
    seed = int(job.config_json["seed"]) if seed is None else seed
    words: list[object] = ["train", plan.recipe, "--data", job.run_json.get("data") or "DATA"]
    words += ["--resolution", size_text(setup.data.size), "--seed", seed]
    words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    words += ["--steps", setup.intervals.steps] if setup.intervals.steps is not None else []
    return command(*words, "--out", free_folder(job.folder))
