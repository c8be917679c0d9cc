"""What a run says of itself: how its samples look, how they score, and the lines of its log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ganzoo.folder.scores import Score, add_scores
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.guard import HEALTH, Alarm, Best, Guard
from ganzoo.training.health import HealthProbe
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import Trainer
from ganzoo.training.saver import Saver


class Observer:
    """Looks at a run, scores it and writes its log.

    Args:
        job: what is trained.
        trainer: where it stands.
        guard: told what the samples show, and of every score.
        saver: draws the samples, and keeps the step that scores best.
        log: of the run.
    """

    def __init__(self, job: Job, trainer: Trainer, guard: Guard, saver: Saver, log: Log) -> None:
        self.trainer, self.guard, self.saver, self.log = trainer, guard, saver, log
        setup = job.setup
        self.folder, self.intervals = job.folder, setup.intervals
        self.probe = HealthProbe(setup.data, trainer.seed)
        self.evaluation: Evaluation | None = None
        if setup.held_out is not None:
            self.evaluation = Evaluation(setup.held_out, self.intervals, setup.precision.device)
        self.images_per_step = trainer.batches_per_step * int(trainer.gan.plan["batch"])

    def begin(self, resumed: bool) -> None:
        """Look at the step that the run starts from; a new run saves it, so that there is always a best step."""
        step, samples = self.trainer.step, self.saver.samples()
        self.saver.output.picture(samples, frame=0 if step == 0 else None)
        report = self.probe.measure(step, samples)
        if not resumed:
            self.guard.judge_samples(report)
            self.guard.improves(Best(report.step, HEALTH, report.distance))
            self.saver.checkpoint()
        self.saver.find_best(report)
        self.saver.publish()

    def look(self, frame: bool) -> list[Alarm]:
        """Draw the fixed noise and judge what it shows; with ``frame`` as a grid and a frame of the animation."""
        samples, step = self.saver.samples(), self.trainer.step
        if frame:
            self.saver.output.picture(samples, frame=step)
        return self.guard.judge_samples(self.probe.measure(step, samples))

    def score(self) -> tuple[list[Score], bool]:
        """Measure and keep the scores; the step too if it is the best so far by the first of them, which is said."""
        assert self.evaluation is not None
        step = self.trainer.step
        with self.saver.averaged() as gan:
            scores = self.evaluation.scores(gan, step)
        first = scores[0]
        better = self.guard.improves(Best(step, first.key, first.value, first.higher_is_better))
        if better:
            self.saver.keep_best()
        add_scores(self.folder, scores)
        self.saver.publish()
        return scores, better

    def record(self, speed: float, scores: Sequence[Score] = (), share: float = 0.0) -> dict[str, Any]:
        """Write a line of the log; what is returned may hold infinite numbers.

        Args:
            speed: images per second.
            scores: of this step, if it was scored.
            share: of the steps' time that was spent waiting for batches, from 0 to 1.
        """
        step, accuracy = self.trainer.step, self.trainer.gan.game.accuracy()
        record: dict[str, Any] = {"step": step, "images": step * self.images_per_step, **self.trainer.report()}
        if accuracy is not None:
            record["accuracy"] = dict(zip(("real", "fake"), accuracy, strict=True))
        last, health = self.guard.state.look, record.pop("health")
        finite = all(map(math.isfinite, [*record["losses"].values(), *health["gradients"].values()]))
        # What the samples showed stands in one line only, the first since they were looked at.
        fresh = last is not None and last["looked"] > step - self.intervals.log_every
        record["health"] = {**health, "finite": finite, **(last if last is not None and fresh else {})}
        if scores:
            record["score"] = {score.key: score.value for score in scores}
        record["clock"] = {"time": now(), "images_per_second": round(speed, 1), "data_share": round(share, 4)}
        self.log.write(record)
        return record

    def record_event(self, event: dict[str, Any]) -> None:
        """Write a line of what the guard saw and did."""
        self.log.write({"step": self.trainer.step, "event": event, "clock": {"time": now()}})


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
