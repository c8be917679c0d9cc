"""What a run keeps of its steps: checkpoints, the best step, the published model, and ``run.json``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.card import write_card
from ganzoo.files.write import make_folder, remove_torn, write_json
from ganzoo.folder import examples, label_rows
from ganzoo.folder.layout import ANIMATION, MODEL, RUN, TRAINING, bests, checkpoints
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import read_scores
from ganzoo.folder.spent import SPENT
from ganzoo.folder.weights import generator_state
from ganzoo.gan.gan import GAN
from ganzoo.training.batchnorm import refresh_statistics
from ganzoo.training.checkpoint import State, drop_bests, load_best, prune, save_best, save_training
from ganzoo.training.clocks import SessionTime
from ganzoo.training.evaluation import drop_later
from ganzoo.training.guard import HEALTH, Best, Guard
from ganzoo.training.health import HealthReport
from ganzoo.training.job import Job
from ganzoo.training.loop import Trainer
from ganzoo.training.output import RunOutput
from ganzoo.training.verdict import Verdict


class Saver:
    """Saves the steps of a run.

    Args:
        job: says where, and what ``config.json`` and ``run.json`` hold.
        trainer: whose step is saved.
        guard: knows the best step, and its state goes into checkpoints.
        time: of the training, for ``run.json``.
    """

    def __init__(self, job: Job, trainer: Trainer, guard: Guard, time: SessionTime) -> None:
        self.job, self.trainer, self.guard, self.time = job, trainer, guard, time
        self.folder, self.save_every = job.folder, job.setup.intervals.save_every
        self.scored = job.setup.held_out is not None
        job.gan.examples = examples.choose(job.setup.data, job.gan.input_names)
        job.gan.label_rows = label_rows.choose(job.setup.data)
        self.output = RunOutput(self.folder, trainer.seed, job.setup.intervals.keep, job.gan.examples)
        self.spent = {key: job.run_json.get(key) for key in SPENT.values()}  # until the newest checkpoint

    def begin(self) -> None:
        """Make the folder agree with the trainer's step: what is of later steps is going to be made again."""
        make_folder(self.folder / TRAINING)
        remove_torn(self.folder)
        self.note()
        self.output.drop_after(self.trainer.step)
        prune(self.folder, self.save_every)
        drop_later(self.folder, self.trainer.step)
        examples.write(self.folder, self.trainer.gan)
        label_rows.write(self.folder, self.trainer.gan)

    @contextmanager
    def averaged(self) -> Iterator[GAN]:
        """The GAN with its averaged generator side, whose batch norms have statistics of their own."""
        refresh_statistics(self.trainer, self.job.setup.data)
        with self.trainer.ema.applied(self.trainer.gan):
            yield self.trainer.gan

    def samples(self) -> Tensor:
        """The fixed noise as the averaged generator shows it: ``(64, C, H, W)`` in [0, 1]."""
        with self.averaged() as gan:
            return self.output.samples(gan)

    def state(self) -> State:
        """Everything to go on from here."""
        trainer = self.trainer
        refresh_statistics(trainer, self.job.setup.data)
        info = {"counts": trainer.counts, **self.guard.checkpoint_info()}
        return State(trainer.step, self.job.identity, trainer.tensors(), info)

    def save(self) -> None:
        """Checkpoint, model, snapshot and animation of this step.

        Where nothing is scored, the step is the best one if its samples are the healthiest so far.
        """
        last, better = self.guard.state.look, False
        if not self.scored and last is not None and last["looked"] == self.trainer.step:
            better = self.guard.improves(Best(self.trainer.step, HEALTH, last["distance"]))
        with self.averaged() as gan:  # before the checkpoint: a run that goes on from there does not come by again
            self.output.snapshot(gan, self.trainer.step)
        self.checkpoint()
        if better:
            self.keep_best(saved=True)
        self.output.update_animation()  # before the card, which shows it
        self.publish()

    def checkpoint(self) -> None:
        """Write :meth:`state`, which was found to be finite; what was saved before stays until that is done."""
        save_training(self.folder, self.state(), self.save_every)
        if self.guard.best is not None:
            drop_bests(self.folder, self.guard.best.step)
        self.spent = self.time.to_json()
        self.note()

    def rescue(self) -> None:
        """Write the checkpoint of this step, unless it is there."""
        if max(checkpoints(self.folder), default=-1) != self.trainer.step:
            self.trainer.check()
            self.checkpoint()
            write_card(ModelFolder(self.folder))  # which says how long the training took

    def keep_best(self, saved: bool = False) -> None:
        """Keep this step as the best one; ``saved`` says that it is a checkpoint already."""
        with self.averaged() as gan:
            model = generator_state(gan)
        save_best(self.folder, self.state(), model, saved)

    def find_best(self, report: HealthReport) -> None:
        """Make sure that there is a best step to go back to: this one, where the one that was best is gone."""
        best = self.guard.best
        if best is None or best.step not in bests(self.folder):
            if best is None or best.step != report.step:
                self.guard.best = best = Best(report.step, HEALTH, report.distance)
            self.keep_best(saved=report.step in checkpoints(self.folder))
        drop_bests(self.folder, best.step)

    def restore_best(self) -> None:
        """Stand at the best step again, and go on counting; sums for the next log line start afresh."""
        assert self.guard.best is not None
        state = load_best(self.folder, self.guard.best.step, self.job.identity)
        kept = {name: tensor for name, tensor in state.tensors.items() if not name.startswith("sum/")}
        self.trainer.restore(self.trainer.step, kept, {})
        self.guard.rolled_back(self.trainer.step, state.info)

    def publish(self) -> None:
        """Model, config and card: of the best step where a score chose one, else of this one."""
        best, config_json = self.guard.best, self.job.config_json
        with self.averaged() as gan:
            if best is None or best.by == HEALTH:
                self.output.publish(
                    gan, {**config_json, "step": self.trainer.step, "selection": {"chosen": "last", "split": None}}
                )
            else:
                config = {**config_json, "step": best.step, "selection": selected_by(self.folder, best)}
                self.output.publish(gan, config, bests(self.folder)[best.step] / MODEL)

    def finish(self) -> Tensor:
        """Save the step reached, if it is not saved yet, with its picture and the whole animation.

        Returns:
            The samples in the picture, as :meth:`samples` has them.
        """
        if max(checkpoints(self.folder), default=-1) != self.trainer.step:
            self.trainer.check()
            self.checkpoint()
            self.publish()
        samples = self.samples()
        self.output.picture(samples)
        self.output.animation.write(self.folder / ANIMATION)
        write_card(ModelFolder(self.folder))  # which shows both
        return samples

    def note(self, verdict: Verdict | None = None) -> None:
        """Write ``run.json``, with the time that its newest checkpoint took, and what is wrong with a run that ends."""
        said = {} if verdict is None else {"verdict": verdict.to_json()}
        write_json(self.folder / TRAINING / RUN, {**self.job.run_json, **self.spent, **said})


def selected_by(folder: Path, best: Best) -> dict[str, Any]:
    """What ``config.json`` says of the score that chose the best step: its key, and the data that it is on."""
    chosen = [score for score in read_scores(folder) if (score.key, score.step) == (best.by, best.step)]
    return {"chosen": "best", "split": None, **({"key": best.by, **chosen[-1].dataset} if chosen else {})}
