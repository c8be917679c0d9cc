"""One process at work on a run: it steps, looks, scores, logs, saves, and does what its guard says."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from torch import Tensor

from ganzoo.data import prefetch, resident
from ganzoo.distributed.batch import Lost, world
from ganzoo.distributed.group import all_reduce_max, barrier, broadcast_state
from ganzoo.errors import RunError
from ganzoo.files.write import make_folder, remove_torn, write_json
from ganzoo.folder import examples
from ganzoo.folder.layout import ANIMATION, MODEL, RUN, TRAINING, bests, checkpoints
from ganzoo.folder.scores import Score, add_scores
from ganzoo.folder.weights import generator_state
from ganzoo.gan.gan import GAN
from ganzoo.parts.context import Batch
from ganzoo.training.batchnorm import settle
from ganzoo.training.checkpoint import (
    State,
    drop_bests,
    load_best,
    prune,
    save_best,
    save_training,
)
from ganzoo.training.config import Callback
from ganzoo.training.evaluation import Evaluation, drop_later, summary
from ganzoo.training.guard import HEALTH, LOWER, NAN, OFF, ROLLBACK, STOP, WARN, Alarm, Best, Guard, Stopped, told
from ganzoo.training.health import Gauge, Look, printable
from ganzoo.training.intervals import Stopwatch
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import NotFinite, Trainer
from ganzoo.training.optim import schedules
from ganzoo.training.output import Output
from ganzoo.training.progress import Pace, Reporter, duration
from ganzoo.training.signals import Interrupted, Signals

GO_ON, MOVED, OVER = 0, 1, 1000  # what processes tell each other between steps; signals lie between


class Session:
    """One process at work on a run.

    Args:
        job: what is trained on what, in a folder that is locked.
        trainer: the networks, where the run stands.
        log, reporter: where results go.
        callback: called with every log record.
        info: what the checkpoint that the run goes on from says besides its tensors.
    """

    def __init__(
        self,
        job: Job,
        trainer: Trainer,
        log: Log,
        reporter: Reporter,
        callback: Callback | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.job, self.trainer, self.log, self.reporter, self.callback = job, trainer, log, reporter, callback
        self.folder, self.data, self.intervals = job.folder, job.setup.data, job.setup.intervals
        job.gan.examples = examples.choose(self.data, job.gan.takes)
        self.output = Output(self.folder, trainer.seed, self.intervals.keep, job.gan.examples)
        held_out, device = job.setup.held_out, job.setup.precision.device
        self.evaluation = None if held_out is None else Evaluation(held_out, self.intervals, device)
        self.gauge, self.guard = Gauge(self.data, trainer.seed), Guard(self.intervals.guard)
        self.guard.restore(info or {})
        self.stopped: Alarm | None = None
        self.moved = False  # whether the trainer stands where no step took it, which other processes must hear
        self.pace = Pace(trainer.step)
        self.clock = Stopwatch(float(job.run_json.get("seconds", 0.0)))
        self.images = trainer.batches_per_step * int(trainer.gan.plan["batch"])  # real ones, in a step

    def begin(self, resumed: bool) -> None:
        """Make the folder agree with the trainer's step: nothing of later steps stays, what is missing appears."""
        make_folder(self.folder / TRAINING)
        remove_torn(self.folder)
        self.note_time()
        self.log.cut(self.trainer.step)
        self.output.drop_after(self.trainer.step)
        prune(self.folder, self.intervals.save_every)
        drop_later(self.folder, self.trainer.step)
        examples.write(self.folder, self.trainer.gan)
        samples = self.samples()
        self.output.picture(samples, frame=0 if self.trainer.step == 0 else None)
        look = self.gauge.look(self.trainer.step, samples)
        if not resumed:
            self.guard.see(look)
            self.guard.improves(Best(look.step, HEALTH, look.distance))
            self.checkpoint()
        self.find_best(look)
        self.publish()

    def find_best(self, look: Look) -> None:
        """Make sure that there is a best step to go back to: this one, where the one that was best is gone."""
        best = self.guard.best
        if best is None or best.step not in bests(self.folder):
            if best is None or best.step != look.step:
                self.guard.best = best = Best(look.step, HEALTH, look.distance)
            self.keep_best(saved=look.step in checkpoints(self.folder))
        drop_bests(self.folder, best.step)

    def go(self) -> None:
        """Take steps until the last one, a signal, the guard's word, or a number that is none.

        Raises:
            Interrupted: after a signal; everything is saved.
            Stopped: the guard ended it; everything is saved.
            RunError: a term is NaN, or a file cannot be written.
        """
        trainer = self.trainer
        try:
            with self.reporter, Signals(patient=world().size > 1) as signals, closing(self.batches()) as batches:
                while (word := self.agree(signals.caught)) == GO_ON:
                    self.step(list(islice(batches, trainer.batches_per_step)))
                    self.after_step()
                self.finish()
                barrier()  # nobody leaves before all is saved
                self.refuse_to_be_done(word)
        except NotFinite as error:
            raise RunError(f"{error}; {self.way_out()}") from error
        except Lost as error:
            last = max(checkpoints(self.folder), default=0)
            again = f"ganzoo train --resume {self.folder}"
            raise Lost(f"step {trainer.step:,}: {error}; step {last:,} is saved: go on with {again}") from error

    def refuse_to_be_done(self, word: int) -> None:
        """Raise what ended the run before its time: the guard, or the signal ``word``."""
        if self.stopped is not None:
            raise Stopped(self.guard.why_stopped(self.stopped, self.folder))
        if word != OVER:
            again = f"ganzoo train --resume {self.folder}"
            raise Interrupted(f"stopped at step {self.trainer.step:,} and saved; go on with: {again}", word)

    def agree(self, caught: int | None) -> int:
        """What every process does now: GO_ON, stop for the signal that one of them caught, or stop as it is OVER."""
        ended = self.over() or self.stopped is not None
        try:
            word = all_reduce_max(OVER if ended else caught or (MOVED if self.moved else GO_ON))
        except Lost:
            self.rescue()
            raise
        if word != MOVED:
            return word
        broadcast_state(self.trainer)
        self.moved = False
        return GO_ON

    def rescue(self) -> None:
        """Keep the step reached: other processes are lost, but this is a state between two steps."""
        if max(checkpoints(self.folder), default=-1) != self.trainer.step:
            self.trainer.check()
            self.checkpoint()

    def over(self) -> bool:
        """Whether the run has the steps, or the time, that it was given."""
        budget = self.intervals.budget
        return self.trainer.step >= self.intervals.bound or (budget is not None and self.clock.seconds >= budget)

    def why_over(self) -> str:
        """What a run that is over has had, and how to give it more."""
        step, budget = self.trainer.step, self.intervals.budget
        if step >= self.trainer.horizon and schedules(self.trainer.gan.plan):
            longer = f"ganzoo train --resume {self.folder} --fork NEWDIR --horizon N --steps N"
            return f"{self.folder} has {step:,} steps, and its schedule has ended; to go on with a longer one: {longer}"
        spent = "" if budget is None or step >= self.intervals.bound else f" and spent its {duration(budget)}"
        return f"{self.folder} has {step:,} steps{spent}; --steps N or --budget T (of all sessions) goes on"

    def left(self, seconds: float) -> float:
        """Seconds that are left at ``seconds`` per step."""
        steps = seconds * (self.intervals.bound - self.trainer.step)
        return (
            steps if self.intervals.budget is None else max(0.0, min(steps, self.intervals.budget - self.clock.seconds))
        )

    def way_out(self) -> str:
        """What to try when a number is none."""
        last = max(checkpoints(self.folder), default=0)
        recipe = self.trainer.gan.plan.recipe
        return (
            f"{self.folder} holds step {last:,}, which is good. Try lower learning rates: "
            f"ganzoo train --resume {self.folder} --guard rollback, or "
            f"ganzoo train {recipe} --init {self.folder} --set lr.d=... --set lr.g=..."
        )

    def batches(self) -> Generator[Batch, None, None]:
        """Batches from the trainer's step on, made one ahead and placed on its device."""
        trainer, plan = self.trainer, self.trainer.gan.plan
        flip = {"auto": None, "on": True, "off": False}[str(plan["flip"])]
        stream = resident(self.data.stream(int(plan["batch"]), trainer.seed, flip, world()), trainer.precision.device)
        per_step = trainer.batches_per_step
        source = prefetch(stream, trainer.step * per_step, self.intervals.bound * per_step)
        try:
            yield from map(trainer.precision.send, source)
        finally:
            source.close()  # type: ignore[attr-defined]

    def due(self, *intervals: int) -> bool:
        """Whether the trainer's step is a multiple of one of the intervals; of 0 it never is."""
        return any(interval and self.trainer.step % interval == 0 for interval in intervals)

    def step(self, batches: list[Batch]) -> None:
        """One round. A round that NaN ended counts as taken where the run goes on: its like is not met again."""
        begun = self.trainer.step
        try:
            self.trainer.round(batches)
        except NotFinite as error:
            self.trainer.step = begun + 1
            self.recover(error)

    def after_step(self) -> None:
        """Look, score, log and save where this step is a multiple of an interval, and heed the guard."""
        intervals = self.intervals
        seconds = self.pace.tick(self.trainer.step)
        speed = self.images / max(seconds, 1e-9)
        if self.due(intervals.save_every, intervals.eval_every):
            self.check()
        alarms = self.look() if self.due(intervals.grid_every, intervals.save_every) else []
        scores = self.score() if self.due(intervals.eval_every) else []
        record = self.record(speed, scores) if self.due(intervals.log_every) and self.trainer.counts else None
        if record is not None:
            alarms += self.guard.hear(self.trainer.step, record["losses"], record["health"]["gradients"])
        self.reporter.show(self.trainer.step, record, speed, self.left(seconds))
        self.react(alarms)
        if self.due(intervals.save_every):
            self.save()

    def finish(self) -> None:
        """Save the step reached, if it is not saved yet, with its picture and the whole animation."""
        if max(checkpoints(self.folder), default=-1) != self.trainer.step:
            self.trainer.check()
            self.checkpoint()
            self.publish()
        self.output.picture(self.samples())
        self.output.animation.write(self.folder / ANIMATION)

    # --- looking, scoring, logging --------------------------------------------------------------------------

    def samples(self) -> Tensor:
        """The fixed noise as the averaged generator shows it."""
        with self.averaged() as gan:
            return self.output.samples(gan)

    def look(self) -> list[Alarm]:
        """Draw the fixed noise, as a grid and a frame where they are due, and judge what it shows."""
        samples, step = self.samples(), self.trainer.step
        if self.due(self.intervals.grid_every):
            self.output.picture(samples, frame=step)
        return self.guard.see(self.gauge.look(step, samples))

    def score(self) -> list[Score]:
        """Measure, keep the scores, and the step too if it is the best so far by the first of them."""
        assert self.evaluation is not None
        with self.averaged() as gan:
            scores = self.evaluation.scores(gan, self.trainer.step)
        first = scores[0]
        better = self.guard.improves(Best(self.trainer.step, first.key, first.value, first.higher_is_better))
        if better:
            self.keep_best()
        add_scores(self.folder, scores)
        self.publish()
        self.reporter.say(f"step {self.trainer.step:,}: {summary(scores)}{', the best so far' if better else ''}")
        self.pace.rest()
        return scores

    def record(self, speed: float, scores: Sequence[Score] = ()) -> dict[str, Any]:
        """Write a line of the log and hand it to the callback; what is returned may hold infinite numbers."""
        step, accuracy = self.trainer.step, self.trainer.gan.game.accuracy()
        record: dict[str, Any] = {"step": step, "images": step * self.images, **self.trainer.report()}
        if accuracy is not None:
            record["accuracy"] = dict(zip(("real", "fake"), accuracy, strict=True))
        look, health = self.guard.memory.look, record.pop("health")
        finite = all(map(math.isfinite, [*record["losses"].values(), *health["gradients"].values()]))
        fresh = look is not None and look["looked"] > step - self.intervals.log_every
        record["health"] = {**health, "finite": finite, **(look if look is not None and fresh else {})}
        if scores:
            record["score"] = {score.key: score.value for score in scores}
        record["clock"] = {"time": now(), "images_per_second": round(speed, 1)}
        self.write(record)
        return record

    def write(self, record: Mapping[str, Any]) -> None:
        """Append a record to the log, and hand it to the callback."""
        shown = printable(record)
        self.log.write(shown)
        if self.callback is not None:
            self.callback(shown)

    # --- the guard ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Find weights that are NaN before anything is made of them."""
        try:
            self.trainer.check()
        except NotFinite as error:
            self.recover(error)

    def recover(self, error: NotFinite) -> None:
        """Go on from the best step where the guard rolls back; elsewhere the error ends the run."""
        self.react([Alarm(NAN, str(error))])
        if self.stopped is not None or self.guard.mode == OFF:
            raise error

    def react(self, alarms: Sequence[Alarm]) -> None:
        """Say what is wrong, and do what the guard does about it."""
        for alarm in alarms:
            action = self.guard.action(alarm)
            if action == OFF:
                return
            event = {"kind": alarm.kind, "action": action, "text": alarm.text}
            event |= self.roll_back() if action == ROLLBACK else {}
            if action == STOP:
                self.stopped = alarm  # its text ends the run
            else:
                self.reporter.say(told(event))
            self.write({"step": self.trainer.step, "event": event, "clock": {"time": now()}})
            if action != WARN:
                return

    def roll_back(self) -> dict[str, Any]:
        """Stand at the best step again, with lower learning rates, and go on counting; returns what to tell."""
        assert self.guard.best is not None
        trainer, best = self.trainer, self.guard.best.step
        factor = LOWER * trainer.factor
        state = load_best(self.folder, best, self.job.identity)
        kept = {name: tensor for name, tensor in state.tensors.items() if not name.startswith("sum/")}
        trainer.restore(trainer.step, kept, {})
        trainer.factor = factor
        self.guard.rolled_back(trainer.step, state.info)
        self.moved = True
        return {"to": best, "factor": factor}

    # --- saving ---------------------------------------------------------------------------------------------

    def state(self) -> State:
        """Everything to go on from here."""
        trainer = self.trainer
        settle(trainer, self.data)
        return State(
            trainer.step, self.job.identity, trainer.tensors(), {"counts": trainer.counts, **self.guard.state()}
        )

    def save(self) -> None:
        """Checkpoint, model, snapshot and animation of this step; unscored, it may be the best by its health."""
        look, better = self.guard.memory.look, False
        if self.evaluation is None and look is not None and look["looked"] == self.trainer.step:
            better = self.guard.improves(Best(self.trainer.step, HEALTH, look["distance"]))
        with self.averaged() as gan:  # before the checkpoint: a run that goes on from there does not come by again
            self.output.snapshot(gan, self.trainer.step)
        self.checkpoint()
        if better:
            self.keep_best(saved=True)
        self.publish()
        self.output.show_film()

    def checkpoint(self) -> None:
        """Write :meth:`state`, which was found to be finite; what was saved before stays until that is done."""
        save_training(self.folder, self.state(), self.intervals.save_every)
        if self.guard.best is not None:
            drop_bests(self.folder, self.guard.best.step)
        self.note_time()

    def keep_best(self, saved: bool = False) -> None:
        """Keep this step as the best one; ``saved`` says that it is a checkpoint already."""
        with self.averaged() as gan:
            model = generator_state(gan)
        save_best(self.folder, self.state(), model, saved)

    def publish(self) -> None:
        """Model, config and card: of the best step where a score chose one, else of this one."""
        best = self.guard.best
        with self.averaged() as gan:
            if best is None or best.by == HEALTH:
                self.output.publish(gan, {**self.job.config_json, "step": self.trainer.step, "selection": "last"})
            else:
                config = {**self.job.config_json, "step": best.step, "selection": "best"}
                self.output.publish(gan, config, bests(self.folder)[best.step] / MODEL)

    def note_time(self) -> None:
        """Write ``run.json``, with the seconds of training so far."""
        write_json(self.folder / TRAINING / RUN, {**self.job.run_json, "seconds": round(self.clock.seconds, 1)})

    @contextmanager
    def averaged(self) -> Iterator[GAN]:
        """The GAN with its averaged generator side."""
        settle(self.trainer, self.data)
        with self.trainer.ema.applied(self.trainer.gan):
            yield self.trainer.gan


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
