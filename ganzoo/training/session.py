"""One process at work on a run: steps, looks, logs, saves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ganzoo.data import ImageData, prefetch
from ganzoo.errors import RunError
from ganzoo.files import remove_torn, write_json
from ganzoo.gan import GAN, Batch
from ganzoo.training.log import Log
from ganzoo.training.loop import NotFinite, Trainer
from ganzoo.training.output import FILM, Output
from ganzoo.training.progress import Pace, Reporter
from ganzoo.training.signals import Interrupted, Signals
from ganzoo.training.start import RUN, Pacing
from ganzoo.training.state import TRAINING, State, checkpoints, save_training

Callback = Callable[[Mapping[str, Any]], None]


@dataclass
class Session:
    """One process at work on a run.

    Attributes:
        folder: of the run, locked.
        trainer, data: the networks, and what they learn from.
        config: what ``config.json`` says besides the step.
        notes: what ``run.json`` says.
        pacing: when to look, save and stop.
        identity: digest of the mathematics, checked on resume.
        output, log, reporter: where results go.
        callback: called with every log record.
    """

    folder: Path
    trainer: Trainer
    data: ImageData
    config: Mapping[str, Any]
    notes: Mapping[str, Any]
    pacing: Pacing
    identity: str
    output: Output
    log: Log
    reporter: Reporter
    callback: Callback | None = None

    def __post_init__(self) -> None:
        self.pace = Pace(self.trainer.step)
        self.images = self.trainer.batches_per_step * int(self.trainer.gan.plan["batch"])  # real ones, in a step

    def begin(self, resumed: bool) -> None:
        """Make the folder agree with the trainer's step: nothing of later steps stays, what is missing appears."""
        (self.folder / TRAINING).mkdir(exist_ok=True)
        remove_torn(self.folder)
        write_json(self.folder / TRAINING / RUN, self.notes)
        self.log.cut(self.trainer.step)
        self.output.drop_after(self.trainer.step)
        with self.averaged() as gan:
            self.output.picture(gan, frame=0 if self.trainer.step == 0 else None)
        if not resumed:
            self.checkpoint()
        self.publish()

    def go(self) -> None:
        """Take steps until the last one, a signal, or a number that is none.

        Raises:
            Interrupted: after a signal; everything is saved.
            RunError: a term is NaN, or a file cannot be written.
        """
        trainer = self.trainer
        try:
            with self.reporter, Signals() as signals, closing(self.batches()) as batches:
                while trainer.step < self.pacing.steps and signals.caught is None:
                    trainer.round(list(islice(batches, trainer.batches_per_step)))
                    self.after_step()
                self.finish()
        except NotFinite as error:
            raise RunError(f"{error}; {self.way_out()}") from error
        if signals.caught is not None and trainer.step < self.pacing.steps:
            again = f"ganzoo train --resume {self.folder}"
            raise Interrupted(f"stopped at step {trainer.step:,} and saved; go on with: {again}", signals.caught)

    def way_out(self) -> str:
        """What to try when a number is none."""
        last = max(checkpoints(self.folder), default=0)
        return (
            f"{self.folder} holds step {last:,}, which is good. Try a lower learning rate from there: "
            f"ganzoo train {self.trainer.gan.plan.recipe} --init {self.folder} --set lr.d=... --set lr.g=..."
        )

    def batches(self) -> Generator[Batch, None, None]:
        """Batches from the trainer's step on, made one ahead and placed on its device."""
        trainer, plan = self.trainer, self.trainer.gan.plan
        flip = {"auto": None, "on": True, "off": False}[str(plan["flip"])]
        stream = self.data.stream(int(plan["batch"]), trainer.seed, flip)
        per_step = trainer.batches_per_step
        source = prefetch(stream, trainer.step * per_step, self.pacing.steps * per_step)
        device = trainer.precision.device
        try:
            for batch in source:
                image = batch["image"].to(device, memory_format=torch.channels_last)
                yield {**{name: value.to(device) for name, value in batch.items()}, "image": image}
        finally:
            source.close()  # type: ignore[attr-defined]

    def after_step(self) -> None:
        """Log, look and save where this step is a multiple of an interval."""
        step, pacing = self.trainer.step, self.pacing
        seconds = self.pace.tick(step)
        speed = self.images / max(seconds, 1e-9)
        record = self.record(speed) if step % pacing.log_every == 0 else None
        self.reporter.show(step, record, speed, seconds * (pacing.steps - step))
        if step % pacing.grid_every == 0:
            with self.averaged() as gan:
                self.output.picture(gan, frame=step)
        if step % pacing.save_every == 0:
            self.checkpoint()
            self.publish(snapshot=True)
            self.output.show_film()

    def finish(self) -> None:
        """Save the step reached, if it is not saved yet, with its picture and the whole film."""
        if max(checkpoints(self.folder), default=-1) != self.trainer.step:
            self.checkpoint()
            self.publish()
        with self.averaged() as gan:
            self.output.picture(gan)
        self.output.film.write(self.folder / FILM)

    def record(self, speed: float) -> dict[str, Any]:
        """Write a line of the log, and hand it to the callback."""
        step, accuracy = self.trainer.step, self.trainer.gan.game.accuracy()
        record: dict[str, Any] = {"step": step, "images": step * self.images, **self.trainer.report()}
        if accuracy is not None:
            record["accuracy"] = dict(zip(("real", "fake"), accuracy, strict=True))
        stamp = datetime.now(timezone.utc).isoformat(timespec="seconds")
        record["clock"] = {"time": stamp, "images_per_second": round(speed, 1)}
        self.log.write(record)
        if self.callback is not None:
            self.callback(record)
        return record

    def checkpoint(self) -> None:
        """Everything to go on from here; refuses a state with NaN in it, and leaves what was saved before."""
        trainer = self.trainer
        trainer.check()
        save_training(self.folder, State(trainer.step, self.identity, trainer.tensors(), {"counts": trainer.counts}))

    def publish(self, snapshot: bool = False) -> None:
        """Model, config and card as of this step."""
        with self.averaged() as gan:
            self.output.publish(gan, {**self.config, "step": self.trainer.step}, snapshot)

    @contextmanager
    def averaged(self) -> Iterator[GAN]:
        """The GAN with its averaged generator side."""
        with self.trainer.ema.applied(self.trainer.gan):
            yield self.trainer.gan
