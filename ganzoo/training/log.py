"""The log of a run: one JSON line per tick, and the same numbers to TensorBoard, trackio or Weights & Biases.

A line of ``log.jsonl`` has these fields; a number that is NaN or infinite is null:

- ``step``, ``images``: steps taken, real images seen.
- ``losses``: the mean of each term since the last line, as ``turn/term``. ``lr``: learning rates by player.
- ``accuracy``: shares of the last ``real`` and ``fake`` images that D told apart, where the game knows.
- ``health``: ``gradients``, the mean norm by player since the last line; ``drift``, how far the averaged generator is
  from the one that learns, relative; ``finite``, whether all losses and norms are. On the first line since a look at
  the 64 samples of fixed noise also ``looked``, its step, and ``modes``, ``of``, ``duplicates``, ``diversity`` and
  ``distance``, as :class:`ganzoo.training.health.HealthReport` has them.
- ``score``: value by key, in steps that were scored.
- ``clock``: ``time`` and ``images_per_second``; all that differs between two runs of the same thing.

A line of what the guard saw has ``step``, ``clock`` and ``event`` instead: ``kind`` (``collapse``, ``divergence`` or
``nan``), ``action`` (``warn``, ``stop`` or ``rollback``), ``text``, and for a rollback ``to``, the step whose weights
are back, and ``factor``, what learning rates are multiplied by from then on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ganzoo.errors import UsageError, either
from ganzoo.files.write import append_line, write_text
from ganzoo.folder.layout import LOG
from ganzoo.folder.log import flat, read_log
from ganzoo.registry.about import install
from ganzoo.training.config import Callback
from ganzoo.training.health import printable


class Sink(Protocol):
    """Where log lines go besides ``log.jsonl``."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Open it for the run in ``folder``."""

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Take the numbers of a step, by name."""

    def close(self) -> None:
        """No more lines will come."""


class TensorBoard:
    """Event files under ``tensorboard/`` in the run's folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        import_module("tensorboard")
        writer: Any = import_module("torch.utils.tensorboard").SummaryWriter
        self.writer = writer(log_dir=str(folder / "tensorboard"))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """See :class:`Sink`."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """See :class:`Sink`."""
        self.writer.close()


class Tracker:
    """A run of trackio or wandb, whose calls are the same."""

    package = ""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.tracker: Any = import_module(self.package)
        self.tracker.init(project="ganzoo", name=folder.name, config=dict(config))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """See :class:`Sink`."""
        self.tracker.log(dict(values), step=step)

    def close(self) -> None:
        """See :class:`Sink`."""
        self.tracker.finish()


class Trackio(Tracker):
    """A run of trackio."""

    package = "trackio"


class Wandb(Tracker):
    """A run of Weights & Biases."""

    package = "wandb"


SINKS: Mapping[str, type[Sink]] = {"tensorboard": TensorBoard, "trackio": Trackio, "wandb": Wandb}


def open_sinks(names: Sequence[str], folder: Path, config: Mapping[str, Any]) -> list[Sink]:
    """The sinks called ``names``.

    Raises:
        UsageError: for an unknown name, or a package that is not installed.
    """
    return [SINKS[name](folder, config) for name in checked_sinks(names)]


def checked_sinks(names: Sequence[str]) -> Sequence[str]:
    """``names`` as they are, once it is known that each can be opened; raises as :func:`open_sinks` does."""
    for name in names:
        if name not in SINKS:
            raise UsageError(f"--log {name} is unknown; it takes {either(SINKS)}")
        try:
            import_module(name)
        except ImportError:
            raise UsageError(f"--log {name} needs a package: {install(name)}") from None
    return names


class Log:
    """Appends records to ``log.jsonl``, and hands them to sinks and to the callback.

    Args:
        folder: of the run.
        sinks: take the numbers of each record.
        callback: called with each record.
    """

    def __init__(self, folder: Path, sinks: Sequence[Sink] = (), callback: Callback | None = None) -> None:
        self.folder, self.sinks, self.callback = folder, sinks, callback

    def cut(self, step: int) -> None:
        """Keep the lines up to ``step``: what came later is going to be taken again."""
        kept = [json.dumps(record) for record in read_log(self.folder) if record.get("step", 0) <= step]
        write_text(self.folder / LOG, "".join(f"{line}\n" for line in kept))

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one line, whose ``clock`` comes last; a number that is NaN or infinite is null there."""
        shown = printable(record)
        append_line(self.folder / LOG, json.dumps(shown))
        for sink in self.sinks:
            sink.write(int(shown["step"]), flat(shown))
        if self.callback is not None:
            self.callback(shown)

    def close(self) -> None:
        """Close the sinks."""
        for sink in self.sinks:
            sink.close()
