"""``TrainConfig``: the facts of a training, spelled and documented once, for Python and the command line alike.

:func:`ganzoo.train` has a parameter for each field, and ``ganzoo train`` and ``ganzoo plan`` make their options from
them. Nothing here imports torch, since ``--help`` reads it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from ganzoo.errors import UsageError, read_text, read_texts, whole
from ganzoo.files.paths import expanded, to_path
from ganzoo.plan.settings import check_mapping
from ganzoo.registry.sizes import read_size
from ganzoo.training.intervals import Stop, read_budget

Callback = Callable[[Mapping[str, Any]], None]
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")
EXAMPLES = {  # of the fields that are texts, or lists of them
    "recipe": "dcgan+sn+hinge",
    "device": "cpu",
    "license": "mit",
    "guard": "stop",
    "clock": "cpu",
    "metrics": "fid",
    "features": "inception-v3-compat",
    "log": "tensorboard",
}
FACT = "fact"  # the key of a field's metadata that holds its Fact
PLACE_OF_ARGUMENTS = "See :class:`ganzoo.training.config.TrainConfig`, whose fields these are."


@dataclass(frozen=True)
class Fact:
    """What a person reads about a field, and how its option looks.

    Attributes:
        text: shown by ``--help`` and in the docstring of :func:`ganzoo.train`, without a full stop at its end.
        metavar: stands for the value in ``--help``.
        python: what it takes in Python besides; only in the docstring.
        click: keyword arguments of ``click.option`` that its type does not tell.
        place: whether it may be a path, in which ``~`` is expanded, and which is not empty.
    """

    text: str
    metavar: str | None = None
    python: str = ""
    click: Mapping[str, Any] = field(default_factory=dict)
    place: bool = False


def fact(
    text: str, metavar: str | None = None, python: str = "", place: bool = False, **click: Any
) -> Mapping[str, Fact]:
    """Metadata of a field: its :class:`Fact`."""
    return {FACT: Fact(text, metavar, python, click, place)}


@dataclass(frozen=True)
class TrainConfig:
    """What a training was asked for; None where nothing was said, so that a resumed run keeps what it had.

    A text, a number or a name that cannot be meant raises :class:`ganzoo.errors.UsageError`.
    """

    recipe: str | None = field(
        default=None, metadata=fact("Such as dcgan+sn+hinge; a resumed run knows its own", "RECIPE")
    )
    data: Any = field(
        default=None,
        metadata=fact(
            "A data set's name, a folder, a .zip, shards, a packed file, or hf:org/name; a resumed run knows its own",
            "D",
            python="or a uint8 tensor ``(N, C, H, W)``, or a torch data set",
            place=True,
        ),
    )
    out: str | Path | None = field(
        default=None, metadata=fact("Folder to make; runs/RECIPE by default", "DIR", place=True)
    )
    steps: int | None = field(
        default=None, metadata=fact("Stop after N steps; the data set's own length, else 20,000", "N")
    )
    images: int | None = field(default=None, metadata=fact("Stop after N real images instead", "N"))
    budget: str | float | None = field(
        default=None,
        metadata=fact(
            "Stop after so much training time instead, such as 20m or 1h30m", "T", python="or a number of seconds"
        ),
    )
    clock: str | None = field(
        default=None,
        metadata=fact(
            "What --budget counts: wall (default), or cpu, the processor time of all threads, for a machine that does "
            "other work",
            "WHICH",
        ),
    )
    batch: int | None = field(default=None, metadata=fact("Images in a batch; 64 by default", "N", python="a setting"))
    seed: int | None = field(default=None, metadata=fact("Of everything drawn; 0 by default", "N"))
    resolution: str | int | tuple[int, int] | None = field(
        default=None,
        metadata=fact(
            "Of the images: 64, or 64x128 with the height first; the data's own by default",
            "R",
            python="or a pair of numbers",
        ),
    )
    settings: Mapping[str, object] | None = field(
        default=None,
        metadata=fact(
            "A hyperparameter or another setting that 'ganzoo build --explain' shows",
            "K=V",
            python='all of them by name, such as ``{"lr.g": 1e-4}``',
        ),
    )
    init: str | Path | None = field(
        default=None,
        metadata=fact(
            "First weights, to fine-tune: a folder, or org/name of the Hub; of other sizes, the layers that agree",
            "REF",
            place=True,
        ),
    )
    resume: bool | str | Path = field(
        default=False,
        metadata=fact(
            "Go on with DIR, or with the run in --out if there is one",
            "[DIR]",
            python="True for the latter",
            place=True,
            is_flag=False,
            flag_value=True,
            default=None,
        ),
    )
    fork: str | Path | None = field(
        default=None,
        metadata=fact("With --resume: go on in NEWDIR, with what else is given changed", "NEWDIR", place=True),
    )
    horizon: int | None = field(
        default=None,
        metadata=fact(
            "Steps that a learning-rate scheduler spreads over; those of the first start, or that fit into its budget",
            "N",
        ),
    )
    callback: Callback | None = field(default=None, metadata=fact("Called with every line of the log"))
    device: str | None = field(default=None, metadata=fact("Such as cpu or cuda; the GPU if there is one", "D"))
    workers: int | None = field(
        default=None, metadata=fact("Threads of the data loader that decode pictures; no result depends on them", "N")
    )
    deterministic: bool | None = field(
        default=None, metadata=fact("Only operations that repeat bit for bit; a resumed run does as it did before")
    )
    save_every: int | None = field(default=None, metadata=fact("Steps between checkpoints; 250", "N"))
    grid_every: int | None = field(
        default=None, metadata=fact("Steps between grids and frames of progress.gif; 100", "N")
    )
    log_every: int | None = field(default=None, metadata=fact("Steps between lines of log.jsonl; 10", "N"))
    keep: int | None = field(
        default=None, metadata=fact("Keep the weights of the last K checkpoints, for sample --step", "K")
    )
    license: str | None = field(default=None, metadata=fact("Licence of the model, such as cc-by-4.0", "ID"))
    guard: str | None = field(
        default=None,
        metadata=fact(
            "On collapse or divergence: warn (default), stop, rollback to the best step with half the learning rates, "
            "or off",
            "WHAT",
        ),
    )
    eval_every: int | None = field(
        default=None,
        metadata=fact(
            "Steps between scores against held-out images; the best step becomes the model; none by default", "N"
        ),
    )
    metrics: Sequence[str] | None = field(
        default=None,
        metadata=fact("What to score, such as fid,kid; the first chooses the best; fid", "M", python="as a list"),
    )
    eval_n: int | None = field(default=None, metadata=fact("Samples to score; 10000", "N"))
    features: str | None = field(
        default=None, metadata=fact("Feature extractor of the metrics; each one's own", "NAME")
    )
    eval_data: str | Path | None = field(
        default=None, metadata=fact("Real images to score against; one in ten of the data, held out", "D", place=True)
    )
    skip_bad: bool = field(default=False, metadata=fact("Leave out pictures that cannot be read"))
    log: Sequence[str] | None = field(
        default=None, metadata=fact("Also log to tensorboard, trackio or wandb", "WHERE", multiple=True)
    )
    quiet: bool = field(default=False, metadata=fact("Show no progress"))
    channels: int | None = field(
        default=None, metadata=fact("Of the images: 1 is grey, 3 RGB, 4 RGBA; the data's own by default", "C")
    )
    bits: int | None = field(
        default=None, metadata=fact("Of each value of the images: 8 or 16; the data's own by default", "B")
    )

    def __post_init__(self) -> None:
        self._check_types()
        for name, value in self._places().items():
            object.__setattr__(self, name, value)
        if self.resolution is not None:
            object.__setattr__(self, "resolution", read_size(self.resolution))
        self.stop_condition()  # refuses what cannot be meant, before anything is touched
        for name in ("horizon", "workers"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise UsageError(f"--{name} {number} does not work: it is a whole number from 1 up")
        if self.license is not None and not LICENSE.fullmatch(self.license):
            raise UsageError(
                f"--license {self.license} is no licence id: give one such as apache-2.0, mit or cc-by-4.0"
            )

    def _check_types(self) -> None:
        """Refuse values that no option of the command line could be: those come as numbers, switches and texts."""
        if type(self.device).__module__ == "torch":  # a torch.device, of whose class this module knows nothing
            object.__setattr__(self, "device", str(self.device))
        for one in fields(self):
            value, kind = getattr(self, one.name), str(one.type).removesuffix(" | None")
            if value is None or value == one.default:
                continue
            if kind == "int":
                object.__setattr__(self, one.name, whole(one.name, value))
            elif kind == "bool" and not isinstance(value, bool):
                raise UsageError(f"{one.name}={value!r:.80} does not work: it is True or False")
            elif kind == "str":
                read_text(one.name, value, EXAMPLES[one.name])
            elif kind == "Sequence[str]":
                read_texts(one.name, value, EXAMPLES[one.name])
            elif kind == "Callback" and not callable(value):
                raise UsageError(f"{one.name}={value!r:.80} does not work: it is a function of a line of the log")
            elif FACTS[one.name].place and one.name != "data" and not isinstance(value, bool):
                to_path(value, one.name)
        check_mapping(self.settings)

    def _places(self) -> dict[str, str | Path]:
        """What was given of what may be a path, as it is meant."""
        given = {name: getattr(self, name) for name, fact in FACTS.items() if fact.place}
        texts = {name: expanded(value, name) for name, value in given.items() if isinstance(value, str)}
        return texts | {name: to_path(value, name) for name, value in given.items() if isinstance(value, PathLike)}

    def stop_condition(self) -> Stop:
        """When to stop, as far as it was said."""
        return Stop(self.steps, self.images, read_budget(self.budget), self.clock)

    @property
    def given_settings(self) -> dict[str, object]:
        """Settings by name, the batch among them."""
        return {**(self.settings or {}), **({} if self.batch is None else {"batch": self.batch})}

    @property
    def shape(self) -> dict[str, object]:
        """What was said of the images' shape: resolution, channels and bits; None where nothing was."""
        return {"resolution": self.resolution, "channels": self.channels, "bits": self.bits}

    @property
    def hyperparameters(self) -> dict[str, object]:
        """What was given of all that a resumed run may not change: settings, seed, and the shape of the images."""
        given = {"seed": self.seed, **self.shape, **self.given_settings}
        return {name: value for name, value in given.items() if value is not None}


FACTS: Mapping[str, Fact] = {each.name: each.metadata[FACT] for each in fields(TrainConfig)}


def arguments() -> str:
    """The fields as the section ``Args:`` of a docstring has them, indented by eight blanks."""
    lines = []
    for name, fact in FACTS.items():
        text = f"{name}: {fact.text}{f'; {fact.python}' if fact.python else ''}."
        lines.append(textwrap.fill(text, 118, initial_indent=" " * 8, subsequent_indent=" " * 12))
    return "\n".join(lines).lstrip()


def with_arguments(function: Callable[..., Any]) -> None:
    """Write the fields into the docstring of a function whose parameters they are."""
    if function.__doc__:  # there is none under python -OO
        function.__doc__ = function.__doc__.replace(PLACE_OF_ARGUMENTS, arguments())
