"""What ``ganzoo.train`` returns: a run that was trained, with its networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.folder.log import read_log
from ganzoo.gan.gan import GAN
from ganzoo.notebook.run import html, text
from ganzoo.training.loop import Trainer
from ganzoo.training.verdict import Verdict


@dataclass(repr=False)
class Run:
    """A finished run. Notebooks show its curves and samples.

    Attributes:
        folder: where everything is; ``ganzoo.load(run.folder)`` reads it.
        step: steps taken.
        gan: as trained, the generator side averaged.
        verdict: what is wrong with it, such as a mode collapse, with what to try; None where nothing is known to be.
    """

    folder: Path
    step: int
    gan: GAN
    verdict: Verdict | None = None

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of ``log.jsonl``, oldest first: losses, accuracy of D, learning rates, what the guard saw."""
        return read_log(self.folder)

    def __repr__(self) -> str:
        return text(self.folder, self.step, self.gan, None if self.verdict is None else self.verdict.text)

    def _repr_html_(self) -> str:
        """What a notebook shows: losses and scores over the steps, and samples as they are now."""
        return html(self.folder, self.step, self.gan, repr(self))


def finished(folder: Path, trainer: Trainer, verdict: Verdict | None = None) -> Run:
    """The run in a folder, with the averaged networks of its trainer in the place of those that learned."""
    for name, average in trainer.ema.averages.items():
        setattr(trainer.gan, name, average)
    return Run(folder, trainer.step, trainer.gan.eval(), verdict)
