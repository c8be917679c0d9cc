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
from ganzoo.distributed.group import broadcast_object, broadcast_state, in_rank_order
from ganzoo.folder.model import build_from
from ganzoo.machine.deterministic import deterministic
from ganzoo.machine.precision import choose_device, choose_precision
from ganzoo.training import resume
from ganzoo.training.job import Job
from ganzoo.training.log import Log
from ganzoo.training.loop import NotFinite, Trainer
from ganzoo.training.pacing import Pacing
from ganzoo.training.progress import Silence
from ganzoo.training.session import Session


class Follower(Session):
    """A process that writes nothing and decides nothing."""

    def begin(self, resumed: bool) -> None:
        """The folder is the first process's."""

    def over(self) -> bool:
        """The first process says when."""
        return False

    def after_step(self) -> None:
        """Look at the terms where the first process does, so that all meet a NaN in one turn; the rest is its own."""
        if self.due(self.pacing.log_every, self.pacing.save_every, self.pacing.eval_every):
            with suppress(NotFinite):  # the first process says what to do about it
                self.trainer.look()

    def recover(self, error: NotFinite) -> None:
        """All met it, as terms are averaged over processes; the first one knows what to do about it."""

    def rescue(self) -> None:
        """The first process saves."""

    def finish(self) -> None:
        """The first process saves."""


def lead(job: Job, trainer: Trainer) -> None:
    """Tell the other processes what is trained, once nothing speaks against it, and wait until they stand ready."""
    broadcast_object([str(job.folder), job.config, job.notes, asdict(job.pacing)])
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
    where, config, notes, pacing = broadcast_object(None)
    folder = Path(where)
    gan = build_from(config, folder, "cpu")
    precision = choose_precision(str(gan.plan["precision"]), choose_device(device))
    wanted = DataRequest(config["resolution"], config["channels"], skip_bad=bool(notes["skip_bad"]))
    opened = in_rank_order(lambda: open_data(notes["data"] if data is None else data, wanted))
    resume.refuse_other_data(folder, config, opened)
    job = Job(folder, gan, opened, config, notes, Pacing(**{**pacing, "log": ()}), precision)
    with deterministic(bool(notes["deterministic"])):
        trainer = job.trainer()
        broadcast_state(trainer)
        job.session(trainer, Log(folder), Silence(), make=Follower).go()
    return folder, trainer
