"""A run that nothing speaks against: what is trained on what, how, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.data import ImageData
from ganzoo.folder import examples
from ganzoo.folder.config import describe
from ganzoo.gan.gan import GAN
from ganzoo.machine.compiled import compile_networks
from ganzoo.machine.precision import Precision
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.log import Log
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import schedules
from ganzoo.training.output import Output
from ganzoo.training.pacing import Pacing
from ganzoo.training.progress import Reporter
from ganzoo.training.resume import identity
from ganzoo.training.session import Callback, Session


@dataclass
class Job:
    """A run before its first step here.

    Attributes:
        folder: where it goes.
        gan: with first weights; those of a checkpoint come later.
        data: what it learns from.
        config: content of ``config.json``.
        notes: content of ``training/run.json``.
        pacing: when to look, save and stop.
        precision: device and arithmetic.
        held_out: images that it is scored against, if it is.
        remarks: what a person should know, found on the way.
    """

    folder: Path
    gan: GAN
    data: ImageData
    config: dict[str, Any]
    notes: dict[str, Any]
    pacing: Pacing
    precision: Precision
    held_out: ImageData | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """A digest of the mathematics."""
        return identity(self.gan.plan, self.config)

    def trainer(self) -> Trainer:
        """Networks on their device, with optimisers."""
        self.precision.tune()
        self.precision.place(self.gan)
        self.remarks += compile_networks(self.gan, self.precision.device)
        return Trainer(self.gan, int(self.config["seed"]), int(self.notes["horizon"]), self.precision)

    def session(
        self,
        trainer: Trainer,
        log: Log,
        reporter: Reporter,
        callback: Callback | None = None,
        info: Mapping[str, Any] | None = None,
        make: type[Session] = Session,
    ) -> Session:
        """One process at work on it; ``info`` is that of the checkpoint that it goes on from."""
        self.gan.examples = examples.choose(self.data, self.gan.takes)
        output = Output(self.folder, int(self.config["seed"]), self.pacing.keep, self.gan.examples)
        evaluation = None if self.held_out is None else Evaluation(self.held_out, self.pacing, self.precision.device)
        return make(
            self.folder, trainer, self.data, self.config, self.notes, self.pacing, self.identity, output, log, reporter,
            callback, info or {}, evaluation,
        )  # fmt: skip


def config_of(gan: GAN, data: ImageData, seed: int, license: str | None, horizon: int = 0) -> dict[str, Any]:
    """``config.json`` of a GAN that is about to learn from ``data``; with a horizon where a schedule has one."""
    dataset = {"name": data.name, "fingerprint": data.fingerprint, "count": data.count, "licence": data.licence}
    config = describe(gan, step=0, seed=seed, dataset=dataset, license=license)
    return {**config, "horizon": horizon} if schedules(gan.plan) else config
