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
- ``clock``: ``time``, ``images_per_second``, and ``data_share``, the share of the time of steps that was spent waiting
  for batches; all that differs between two runs of the same thing.

A line of what the guard saw has ``step``, ``clock`` and ``event`` instead: ``kind`` (``collapse``, ``divergence`` or
``nan``), ``action`` (``warn``, ``stop`` or ``rollback``), ``text``, and for a rollback ``to``, the step whose weights
are back, and ``factor``, what learning rates are multiplied by from then on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ganzoo.errors import ModelError, UsageError, either
from ganzoo.files.names import as_text
from ganzoo.files.untrusted import open_regular, quoted
from ganzoo.files.write import append_line, atomic, set_aside, write_text
from ganzoo.folder.layout import LOG
from ganzoo.folder.log import flat, left_out, lines_of, say_once
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
    return [SINKS[name](folder, config) for name in checked_sinks(names, [folder])]


def checked_sinks(names: Sequence[str], folders: Iterable[object] = ()) -> Sequence[str]:
    """``names`` as they are, once it is known that each can be opened for a run in any of ``folders``.

    Raises:
        UsageError: as :func:`open_sinks` does, and for a folder whose name is no text, which they do not take.
    """
    named = [os.fspath(folder) for folder in folders if isinstance(folder, str | os.PathLike)]
    odd = next((name for name in map(str, named) if name != as_text(name)), None)
    if names and odd is not None:
        raise UsageError(f"--log {names[0]} takes no folder whose name is no text: {quoted(odd)}; choose another")
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
        """Keep the lines up to ``step``: what came later is going to be taken again.

        A log in which something makes no sense, or which is no file, is kept too, beside the new one.

        Raises:
            RunError: the disk is full or the folder cannot be written to.
        """
        path, bad = self.folder / LOG, 0
        try:
            with open_regular(path) as old, atomic(path) as temporary, temporary.open("wb") as new:
                for line, record in lines_of(old):
                    bad += record is None
                    if record is not None and record["step"] <= step:
                        new.write(line.rstrip() + b"\n")
                if bad:
                    aside = set_aside(path)
        except ModelError as error:
            if os.path.lexists(path):
                say_once(f"{error}; it is kept as {set_aside(path).name}, and the run goes on with an empty one")
            write_text(path, "")
            return
        if bad:
            say_once(f"{path}: {left_out(bad)}; as it was, it is kept as {aside.name}")

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
