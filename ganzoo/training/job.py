"""A run that nothing speaks against: what is trained on what, how, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.data import ImageData
from ganzoo.data.holdout import VALID
from ganzoo.distributed.batch import world
from ganzoo.folder.config import describe
from ganzoo.folder.versions import identity_of
from ganzoo.gan.gan import GAN
from ganzoo.machine.compiled import compile_networks, turn_marker
from ganzoo.parts.context import Batch
from ganzoo.parts.freeze import open_frozen
from ganzoo.training.fastest import fastest
from ganzoo.training.loop import Trainer
from ganzoo.training.optim import schedules
from ganzoo.training.setup import Setup


@dataclass
class Job:
    """A run before its first step here.

    Attributes:
        setup: data, device, and when to look, save and stop.
        folder: where it goes.
        gan: with first weights; those of a checkpoint come later.
        config_json: content of ``config.json``, but for the step.
        run_json: content of ``training/run.json``.
        notes: what a person should know, found on the way.
    """

    setup: Setup
    folder: Path
    gan: GAN
    config_json: dict[str, Any]
    run_json: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """A digest of all hyperparameters and the data: a checkpoint of another one is foreign."""
        return identity_of(self.config_json)

    def trainer(self) -> Trainer:
        """Networks on their device, with optimisers."""
        precision = self.setup.precision
        self.gan.data_count = self.setup.data.count
        self.gan.data_labels = self.setup.data.labels
        precision.tune()
        precision.place(self.gan)
        seed, setup = int(self.config_json["seed"]), self.setup
        size = int(self.gan.plan["batch"]) // world().size

        def batch() -> Batch:
            return precision.send(setup.data.stream(size, seed, False).batch(0))

        setting, notes = fastest(self.gan, precision, batch, seed)
        self.notes += [*notes, *compile_networks(self.gan, precision.device, setting)]
        trainer = Trainer(self.gan, seed, int(self.run_json["horizon"]), precision)
        trainer.begin = turn_marker(self.gan.plan, precision.device, setting)
        return trainer


def config_of(gan: GAN, data: ImageData, seed: int, license: str | None, horizon: int = 0) -> dict[str, Any]:
    """``config.json`` of a GAN that is about to learn from ``data``; with a horizon where a scheduler has one.

    Loads what is frozen, so that weights which cannot be had are missed before anything is written.
    """
    dataset = {"name": data.name, "fingerprint": data.fingerprint, "count": data.count, "licence": data.licence}
    dataset |= {VALID: dict(data.valid)} if data.valid else {}
    config = describe(gan, step=0, seed=seed, dataset=dataset, license=license)
    config["frozen"] = open_frozen(gan)
    return {**config, "horizon": horizon} if schedules(gan.plan) else config
