"""One process at work on a run: it takes steps, has them looked at, scored and saved, and does what its guard says."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

from ganzoo.data import prefetch, resident
from ganzoo.distributed.batch import Lost, world
from ganzoo.distributed.group import all_reduce_max, barrier, broadcast_state
from ganzoo.distributed.launch import launched
from ganzoo.errors import RunError, command
from ganzoo.folder.layout import checkpoints
from ganzoo.folder.scores import Score
from ganzoo.parts.context import Batch
from ganzoo.training.clocks import SessionTime
from ganzoo.training.evaluation import summary
from ganzoo.training.guard import LOWER, NAN, OFF, ROLLBACK, STOP, WARN, Alarm, Guard, Stopped, event_line
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import NotFinite, Trainer
from ganzoo.training.observer import Observer
from ganzoo.training.optim import schedules
from ganzoo.training.progress import DataShare, Pace, Reporter
from ganzoo.training.saver import Saver
from ganzoo.training.signals import Interrupted, Signals
from ganzoo.training.verdict import Verdict, verdict_of

GO_ON, MOVED, OVER = 0, 1, 1000  # what processes tell each other between steps; signals lie between


class Session:
    """One process at work on a run: the loop over its steps.

    Args:
        job: what is trained on what, in a folder that is locked.
        trainer: the networks, where the run stands.
        log, reporter: where results go.
        info: what the checkpoint that the run goes on from says besides its tensors.
    """

    def __init__(
        self, job: Job, trainer: Trainer, log: Log, reporter: Reporter, info: Mapping[str, Any] | None = None
    ) -> None:
        self.job, self.trainer, self.log, self.reporter = job, trainer, log, reporter
        self.folder, self.intervals = job.folder, job.setup.intervals
        self.guard = Guard(self.intervals.guard)
        self.guard.restore(info or {})
        self.time = SessionTime.of(job.run_json, self.intervals.clock)
        self.saver = Saver(job, trainer, self.guard, self.time)
        self.observer = Observer(job, trainer, self.guard, self.saver, log)
        self.stopped: Alarm | None = None
        self.verdict: Verdict | None = None
        self.moved = False  # whether the trainer stands where no step took it, which other processes must hear
        self.pace, self.share = Pace(trainer.step), DataShare()

    def begin(self, resumed: bool) -> None:
        """Make the folder agree with the trainer's step: nothing of later steps stays, what is missing appears."""
        self.saver.begin()
        self.log.cut(self.trainer.step)
        self.observer.begin(resumed)

    def go(self) -> None:
        """Take steps until the last one, a signal, the guard's word, or NaN.

        Raises:
            Interrupted: after a signal; everything is saved.
            Stopped: the guard ended it; everything is saved.
            RunError: a term is NaN, or a file cannot be written.
        """
        trainer = self.trainer
        try:
            with self.reporter, Signals(patient=world().size > 1) as signals, closing(self.batches()) as batches:
                while (word := self.agree(signals.caught)) == GO_ON:
                    given = self.share.waiting(lambda: list(islice(batches, trainer.batches_per_step)))
                    self.share.working(partial(self.step, given))
                    self.after_step()
                self.finish()
                barrier()  # nobody leaves before all is saved
                self.refuse_to_be_done(word)
        except NotFinite as error:
            raise RunError(f"{error}; {self.way_out()}") from error
        except Lost as error:
            raise Lost(f"step {trainer.step:,}: {error}; {self.what_is_left()}") from error

    # --- steps ----------------------------------------------------------------------------------------------

    def batches(self) -> Generator[Batch, None, None]:
        """Batches from the trainer's step on, made one ahead and placed on its device."""
        trainer, plan = self.trainer, self.trainer.gan.plan
        flip = {"auto": None, "on": True, "off": False}[str(plan["flip"])]
        stream = self.job.setup.data.stream(int(plan["batch"]), trainer.seed, flip, world())
        per_step = trainer.batches_per_step
        source = prefetch(
            resident(stream, trainer.precision.device), trainer.step * per_step, self.intervals.bound * per_step
        )
        try:
            yield from map(trainer.precision.send, source)
        finally:
            source.close()  # type: ignore[attr-defined]

    def due(self, *intervals: int) -> bool:
        """Whether the trainer's step is a multiple of one of the intervals; of 0 it never is."""
        return any(interval and self.trainer.step % interval == 0 for interval in intervals)

    def step(self, batches: list[Batch]) -> None:
        """One step. A step that NaN ended counts as taken where the run goes on: its like is not met again."""
        begun = self.trainer.step
        try:
            self.trainer.train_step(batches)
        except NotFinite as error:
            self.trainer.step = begun + 1
            self.recover(error)

    def after_step(self) -> None:
        """Look, score, log and save where this step is a multiple of an interval, and heed the guard."""
        intervals = self.intervals
        seconds = self.pace.tick(self.trainer.step)
        speed = self.observer.images_per_step / max(seconds, 1e-9)
        if self.due(intervals.save_every, intervals.eval_every):
            self.check()
        alarms = self.look() if self.due(intervals.grid_every, intervals.save_every) else []
        scores = self.score() if self.due(intervals.eval_every) else []
        record = None
        if self.due(intervals.log_every) and self.trainer.counts:
            record = self.observer.record(speed, scores, self.share.take())
            alarms += self.guard.judge_losses(self.trainer.step, record["losses"], record["health"]["gradients"])
        self.reporter.show(self.trainer.step, record, speed, self.left(seconds))
        self.react(alarms)
        if self.due(intervals.save_every):
            self.saver.save()

    def look(self) -> list[Alarm]:
        """Look at the samples; they become a frame where a grid is due."""
        return self.observer.look(frame=self.due(self.intervals.grid_every))

    def score(self) -> list[Score]:
        """Score this step, and say so; the time that it took is none of a step's."""
        scores, better = self.observer.score()
        self.reporter.say(f"step {self.trainer.step:,}: {summary(scores)}{', the best so far' if better else ''}")
        self.pace.rest()
        return scores

    # --- the end --------------------------------------------------------------------------------------------

    def agree(self, caught: int | None) -> int:
        """What every process does now: GO_ON, stop for the signal that one of them caught, or stop as it is OVER."""
        ended = self.over() or self.stopped is not None
        try:
            # The largest word of any process counts: OVER outranks a signal, and a signal outranks MOVED.
            word = all_reduce_max(OVER if ended else caught or (MOVED if self.moved else GO_ON))
        except Lost:
            self.rescue()
            raise
        if word != MOVED:
            return word
        broadcast_state(self.trainer)
        self.moved = False
        return GO_ON

    def over(self) -> bool:
        """Whether the run has the steps, or the time, that it was given."""
        budget = self.intervals.budget
        return self.trainer.step >= self.intervals.bound or (budget is not None and self.time.seconds >= budget)

    def rescue(self) -> None:
        """Keep the step reached: other processes are lost, but this is a state between two steps."""
        self.saver.rescue()

    def finish(self) -> None:
        """Save what the last step came to; of a run that is over, say what is wrong with it."""
        samples = self.saver.finish()
        if not (self.over() or self.stopped is not None):
            return
        self.remark()
        if self.guard.mode == OFF:
            return
        self.verdict = verdict_of(self.job, self.guard, self.observer.probe.measure(self.trainer.step, samples))
        if self.verdict is not None:
            self.saver.note(self.verdict)
            for line in self.verdict.lines:
                self.reporter.say(line)

    def remark(self) -> None:
        """Say what augmentations have to say at the end of a run."""
        augments = [part for parts in self.trainer.gan.critics.values() for part in parts.augments.values()]
        for text in dict.fromkeys(part.remark() for part in augments):
            if text is not None:
                self.reporter.say(f"note: {text}")

    def refuse_to_be_done(self, word: int) -> None:
        """Raise what ended the run before its time: the guard, or the signal ``word``."""
        if self.stopped is not None:
            cause = "" if self.verdict is None else f". {self.verdict.cause}"
            raise Stopped(f"{self.guard.why_stopped(self.stopped, self.folder)}{cause}")
        if word != OVER:
            again = command("train", "--resume", self.folder)
            raise Interrupted(f"stopped at step {self.trainer.step:,} and saved; go on with: {again}", word)

    def what_is_left(self) -> str:
        """What is saved when another process is lost, and how to go on; the folder is where the first process is."""
        again = command("train", "--resume", self.folder)
        if not launched().beside_first:
            first = self.job.run_json["host"]
            return f"what is saved is in {self.folder} on {first}: start every machine again with {again}"
        return f"step {max(checkpoints(self.folder), default=0):,} is saved: go on with {again}"

    def left(self, seconds: float) -> float:
        """Seconds on the wall that are left at ``seconds`` per step."""
        steps = seconds * (self.intervals.bound - self.trainer.step)
        budget = self.intervals.budget
        return steps if budget is None else max(0.0, min(steps, self.time.wait(budget - self.time.seconds)))

    def why_over(self) -> str:
        """What a run that is over has had, and how to give it more."""
        step, budget = self.trainer.step, self.intervals.budget
        if step >= self.trainer.horizon and schedules(self.trainer.gan.plan):
            longer = command("train", "--resume", self.folder, *["--fork", "NEWDIR", "--horizon", "N", "--steps", "N"])
            return f"{self.folder} has {step:,} steps, and its schedule has ended; to go on with a longer one: {longer}"
        spent = "" if budget is None or step >= self.intervals.bound else f" and spent its {self.intervals.budget_text}"
        return f"{self.folder} has {step:,} steps{spent}; --steps N or --budget T (of all sessions) goes on"

    def way_out(self) -> str:
        """What to try after NaN."""
        last = max(checkpoints(self.folder), default=0)
        recipe = self.trainer.gan.plan.recipe
        return (
            f"{self.folder} holds step {last:,}, which is good. Try lower learning rates: "
            f"{command('train', '--resume', self.folder, '--guard', 'rollback')}, or "
            f"{command('train', recipe, '--init', self.folder, *['--set', 'lr.d=...', '--set', 'lr.g=...'])}"
        )

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
                self.reporter.say(event_line(event))
            self.observer.record_event(event)
            if action != WARN:  # further alarms are of weights that are not there any more, or of a run that ends
                return

    def roll_back(self) -> dict[str, Any]:
        """Stand at the best step again, with lower learning rates, and go on counting; returns what to tell."""
        assert self.guard.best is not None
        best, factor = self.guard.best.step, LOWER * self.trainer.factor  # before the checkpoint's own comes back
        self.saver.restore_best()
        self.trainer.factor = factor
        self.moved = True
        return {"to": best, "factor": factor}
