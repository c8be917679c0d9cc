"""The processes of a run besides the first: they take its steps with it, and leave everything else to it.

The first process sets a run up as it would alone. Then :func:`lead` tells the others what came of it, and they
:func:`follow`; so no other code asks which process it is in, and what is refused is refused once.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganzoo.data import DataRequest, open_data
from ganzoo.data.classes import adopted
from ganzoo.data.holdout import HoldOut
from ganzoo.distributed.group import broadcast_object, broadcast_state, in_rank_order
from ganzoo.errors import RunError
from ganzoo.folder.building import build_from
from ganzoo.folder.layout import CONFIG
from ganzoo.machine.deterministic import deterministic
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.training import resume
from ganzoo.training.alike import other_data, refuse_other_precision
from ganzoo.training.evaluation import divided
from ganzoo.training.intervals import Intervals
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import NotFinite, Trainer
from ganzoo.training.progress import Silence
from ganzoo.training.session import Session
from ganzoo.training.setup import Setup


class Follower(Session):
    """A process that writes nothing and decides nothing."""

    def begin(self, resumed: bool) -> None:
        """The folder is the first process's."""

    def over(self) -> bool:
        """The first process says when."""
        return False

    def after_step(self) -> None:
        """Look at the terms where the first process does, so that all meet a NaN in one turn; the rest is its own."""
        if self.due(self.intervals.log_every, self.intervals.save_every, self.intervals.eval_every):
            with suppress(NotFinite):  # the first process says what to do about it
                self.trainer.check_terms()

    def recover(self, error: NotFinite) -> None:
        """All met it, as terms are averaged over processes; the first one knows what to do about it."""

    def rescue(self) -> None:
        """The first process saves."""

    def finish(self) -> None:
        """The first process saves."""


def lead(job: Job, trainer: Trainer) -> None:
    """Tell the other processes what is trained, once nothing speaks against it, and wait until they stand ready."""
    broadcast_object([str(job.folder), job.config_json, job.run_json, asdict(job.setup.intervals)])
    in_rank_order(lambda: None)  # this one has its data, so whatever had to be fetched is there
    broadcast_state(trainer)


def follow(data: Any, device: str | None) -> tuple[Path, Trainer]:
    """Take part in the run that the first process leads, to its end.

    Args:
        data: as the run was given it; None for where a resumed one says it is.
        device: as ``--device`` says it.

    Raises:
        GanzooError: as training does.
    """
    where, config_json, run_json, given = broadcast_object(None)
    folder = Path(where)
    gan = build_from(config_json, folder, "cpu")
    precision = choose_precision(str(gan.plan["precision"]), choose_device(device))
    refuse_other_precision(run_json, precision)
    wanted = DataRequest(**resume.shape_of_data(folder, config_json), skip_bad=bool(run_json["skip_bad"]))
    opened = in_rank_order(lambda: open_data(run_json["data"] if data is None else data, wanted))
    try:
        resume.refuse_other_data(folder, config_json, opened)
    except RunError as error:
        raise other_data(run_json, config_json, opened) from error
    if gan.classes:
        opened, _ = adopted(opened, gan.class_names, str(folder))
    train, _ = divided(HoldOut.read(config_json, folder / CONFIG), opened)
    intervals = Intervals(**{**given, "log": ()})
    setup = Setup(gan.plan, train, int(config_json["seed"]), precision, intervals)
    job = Job(setup, folder, gan, config_json, run_json)
    with deterministic(bool(run_json["deterministic"])):
        trainer = job.trainer()
        broadcast_state(trainer)
        Follower(job, trainer, Log(folder), Silence()).go()
    return folder, trainer
