"""The hyperparameters of training: set with ``--set NAME=VALUE``, by a part's ``train=`` and by presets.

Those of a player are written ``lr.d``; a plain ``lr`` is for all players. Some take a schedule, such as
``cosine/2e-4/0``: see :mod:`ganzoo.schedules`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from ganzoo.errors import UsageError, either, nearest
from ganzoo.registry.leads import lead
from ganzoo.registry.loading import registry
from ganzoo.schedules import FORM, is_schedule, read_images, read_number, read_when

Value = float | int | str | tuple[float, ...]


@dataclass(frozen=True)
class Spec:
    """One hyperparameter.

    Attributes:
        default: its value where nothing asks for another.
        read: reads its text, and raises ValueError for one that does not work.
        form: the forms that it takes, in words.
        about: what it is for.
        always: whether every plan has it; another is there where something asks for it.
        side: whose network alone it is about; None for the whole training.
    """

    default: Value
    read: Callable[[str], Value]
    form: str
    about: str
    always: bool = True
    side: str | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that it takes, where these are few."""
        return self.read.choices if isinstance(self.read, _OneOf) else ()


def check_mapping(settings: object) -> None:
    """Refuse settings that are no mapping from names; None stands for none.

    Raises:
        UsageError: for anything else.
    """
    if settings is None or (isinstance(settings, Mapping) and all(isinstance(name, str) for name in settings)):
        return
    raise UsageError(f"settings={settings!r:.80} does not work: it maps names to values, such as {{'lr.g': 1e-4}}")


def _number(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high or not math.isfinite(value):
        raise ValueError(text)
    return value


def _real(low: float = 0.0, high: float = math.inf) -> Callable[[str], Value]:
    return lambda text: _number(text, low, high)


def _whole(low: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if not text.isdecimal() or int(text) < low:
            raise ValueError(text)
        return int(text)

    return read


@dataclass(frozen=True)
class _OneOf:
    """Reads one of a few texts."""

    choices: tuple[str, ...]

    def __call__(self, text: str) -> Value:
        if text not in self.choices:
            raise ValueError(text)
        return text


def _one_of(*choices: str) -> Callable[[str], Value]:
    return _OneOf(choices)


def _scheduled(low: float = 0.0, high: float = math.inf, below: float = math.inf) -> Callable[[str], Value]:
    """A number from ``low`` to ``high`` and under ``below``, or a schedule of such."""

    def one(text: str) -> float:
        value = _number(text, low, high)
        if value >= below:
            raise ValueError(text)
        return value

    return lambda text: read_number(text, one, write)


def _images(text: str) -> int:
    """Real images, with a suffix or without one; 500000.0 too, as Python and old config.json files have it."""
    if text[-1:].isalpha():
        return read_images(text)
    value = _number(text, 0.0, math.inf)
    if value != round(value):
        raise ValueError(text)
    return round(value)


def _halflife(text: str) -> Value:
    return read_number(text, _images, lambda count: str(round(count)))


def _when(text: str) -> Value:
    return "0" if text == "0" else read_when(text)


def _betas(text: str) -> Value:
    values = tuple(_number(beta, 0.0, 1.0) for beta in text.split("/"))
    if len(values) != 2 or max(values) >= 1:
        raise ValueError(text)
    return values


def _init(text: str) -> Value:
    kind, *width = text.split("/")
    if kind not in ("default", "normal", "orthogonal", "xavier") or len(width) > 1 or (width and kind == "default"):
        raise ValueError(text)
    return "/".join([kind, *(write(_number(value, 0.0, math.inf)) for value in width)])


OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd", "nadam", "radam")
_RATE = f"a number from 0 up, or {FORM}"
_BETA = f"a number in [0, 1), or {FORM} of such"

PER_PLAYER: Mapping[str, Spec] = {
    "lr": Spec(2e-4, _scheduled(), _RATE, "learning rate, or its schedule"),
    "optimizer": Spec("adam", _one_of(*OPTIMIZERS), either(OPTIMIZERS), "optimiser, as torch has it"),
    "betas": Spec((0.5, 0.999), _betas, "two numbers in [0, 1), such as 0.5/0.999", "Adam's betas"),
    "beta1": Spec(0.5, _scheduled(below=1.0), _BETA, "the first of Adam's betas"),
    "beta2": Spec(0.999, _scheduled(below=1.0), _BETA, "the second of Adam's betas"),
    "eps": Spec(1e-8, _scheduled(), _RATE, "what the optimiser adds to the root of the second moment"),
    "weight-decay": Spec(0.0, _scheduled(), _RATE, "weight decay, as the optimiser has it"),
    "clip": Spec(0.0, _scheduled(), f"{_RATE}; 0 turns it off", "gradient clipping: the most that its norm may be"),
    "repeat": Spec(1, _whole(1), "a whole number from 1 up", "updates in a step"),
    "accumulate": Spec(1, _whole(1), "a whole number from 1 up", "gradient accumulation: pieces of a batch"),
}
"""Settings of every player: ``NAME.PLAYER`` is for one of them, a plain ``NAME`` for all without one of their own."""
Z_DIM = "z-dim"
FREEZE = "freeze.d"
EXCLUDES = {"ema": "ema.halflife", "ema.halflife": "ema"}
"""Of settings that say the same in two ways, the other: at a higher level of precedence one takes its place."""
_PAIR = {"beta1": 0, "beta2": 1}  # which of the two numbers of betas each is


SETTINGS: Mapping[str, Spec] = {
    "lr.g": replace(PER_PLAYER["lr"], about="learning rate of G, or its schedule"),
    "lr.d": replace(PER_PLAYER["lr"], about="learning rate of D, or its schedule"),
    "optimizer": replace(PER_PLAYER["optimizer"], about="optimiser of every player"),
    "betas": PER_PLAYER["betas"],
    "repeat.d": replace(PER_PLAYER["repeat"], about="updates of D in a step, each with its own batch"),
    "repeat.g": replace(PER_PLAYER["repeat"], about="updates of G in a step"),
    "batch": Spec(64, _whole(1), "a whole number from 1 up", "batch size, over all processes"),
    "ema": Spec(
        0.999,
        _scheduled(0.0, 0.999999),
        f"a number in [0, 1), or {FORM} of such; 0 turns it off",
        "decay of G's exponential moving average (EMA)",
    ),
    "ema.halflife": Spec(
        0,
        _halflife,
        f"real images, such as 500k, or {FORM} of such; 0 copies the weights",
        "images after which half of the EMA is new, in place of its decay",
        always=False,
    ),
    "ema.start": Spec(
        "0",
        _when,
        "whole steps, or real images with a suffix, such as 300k",
        "until then the EMA is a copy of the weights",
        always=False,
    ),
    "ema.ramp": Spec(
        0.0,
        _real(),
        "a number from 0 up; 0 turns it off",
        "the EMA's halflife is at most this times the images seen",
        always=False,
    ),
    "standing": Spec(
        16,
        _whole(0),
        "a whole number; 0 keeps those of training",
        "batches that the averaged G's batch norms take their statistics from",
    ),
    "init": Spec(
        "default", _init, "default, normal[/STD], orthogonal[/GAIN] or xavier[/GAIN]", "initialisation of the weights"
    ),
    "z-dim": Spec(
        128,
        _whole(1),
        "a whole number from 1 up",
        "length of the noise z; z-dim@32 is for images of 32 rows",
        always=False,
        side="g",
    ),
    "prior": Spec(
        "normal",
        _one_of("normal", "truncated-normal", "uniform"),
        "normal, truncated-normal (cut to -2 and 2) or uniform",
        "distribution of the noise z",
    ),
    "fake-labels": Spec(
        "batch",
        _one_of("batch", "data", "uniform"),
        "batch, data or uniform",
        "labels of fakes: those of the real batch, drawn as often as in the data, or every class as often",
        always=False,
    ),
    FREEZE: Spec(
        0,
        _whole(0),
        "a whole number from 0 up",
        "blocks of D, from the image on, that stay as --init brings them (FreezeD)",
        always=False,
        side="d",
    ),
    "flip": Spec("auto", _one_of("auto", "on", "off"), "auto, on or off", "mirror real images at random"),
    "sync": Spec("off", _one_of("on", "off"), "on or off", "batch norms see the images of all processes (SyncBN)"),
    "precision": Spec(
        "auto",
        _one_of("auto", "fp32", "bf16"),
        "auto, fp32 or bf16",
        "arithmetic of the networks; bf16 is mixed precision",
    ),
    "compile": Spec(
        "off",
        _one_of("on", "off", "graphs", "auto"),
        "on, off, graphs, or auto for what measures fastest on this machine",
        "whether networks run compiled; graphs: as CUDA graphs",
    ),
}


def write(value: Value) -> str:
    """The text of a value, as ``--set`` takes it back."""
    if isinstance(value, tuple):
        return "/".join(map(write, value))
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def split(name: str) -> tuple[str, str | None]:
    """A setting of a player as its plain name and the player; any other as it is, and None."""
    plain, _, player = name.rpartition(".")
    return (plain, player) if plain in PER_PLAYER and player.isidentifier() else (name, None)


def spec_of(name: str) -> Spec | None:
    """What a setting is, those of single players and sizes included; None for one that there is not."""
    return SETTINGS.get(_of_every_size(name)) or PER_PLAYER.get(split(name)[0])


def _of_every_size(name: str) -> str:
    """``z-dim`` of ``z-dim@32``; any other name as it is."""
    plain, _, size = name.partition("@")
    return plain if plain == Z_DIM and size.isdecimal() and not size.startswith("0") else name


def z_dim_names(height: int) -> tuple[str, str]:
    """The settings that say how long the noise is for images of so many rows, the more specific first."""
    return f"{Z_DIM}@{height}", Z_DIM


def candidates(name: str) -> list[str]:
    """The settings that say what ``name`` is, the most specific first: of ``beta1.d`` also ``betas.d`` and ``betas``.

    A player without a learning rate of its own learns as G does.
    """
    plain, player = split(name)
    names = [plain, "betas"] if plain in _PAIR else [plain]
    places = [player, None] if player is not None else [None]
    found = [each if place is None else f"{each}.{place}" for place in places for each in names]
    return [*found, "lr.g"] if plain == "lr" and player not in ("g", None) else found


def value_from(name: str, source: str, value: Value) -> Value:
    """The value of the setting ``name`` where ``source``, one of its :func:`candidates`, has ``value``."""
    plain = split(name)[0]
    return value[_PAIR[plain]] if isinstance(value, tuple) and plain in _PAIR else value


def rank(name: str) -> int:
    """How specific a name is: of one level, the settings of the more specific one count."""
    plain, player = split(name)
    return 2 * (player is not None) + (plain in _PAIR or "@" in name)


def outranks(name: str, other: str) -> bool:
    """Whether ``name``, set at a higher level of precedence, leaves nothing of ``other``, as ``lr`` of ``lr.d``."""
    if EXCLUDES.get(name) == other or name == _of_every_size(other) != other:
        return True
    plain, player = split(other)
    if plain == "betas":
        return player is not None and name == plain
    return name != other and rank(name) < rank(other) and name in candidates(other) and not _of_another(name, player)


def _of_another(name: str, player: str | None) -> bool:
    """Whether ``name`` is a setting of another player, such as the learning rate of G that others learn with."""
    return split(name)[1] not in (None, player)


def shares(name: str, there: Collection[str]) -> list[str]:
    """The more specific names that ``name`` has to be set for too, since others that are ``there`` say both numbers.

    Of a plain ``beta1`` beside ``betas.d`` of a lower level, this is ``beta1.d``.
    """
    plain, player = split(name)
    if plain not in _PAIR or player is not None:
        return []
    return [f"{plain}.{split(other)[1]}" for other in there if other.startswith("betas.")]


def read(name: str, value: object) -> Value:
    """The value of one setting, checked.

    Raises:
        UsageError: for an unknown name or a value that it cannot take.
    """
    spec = spec_of(name)
    if spec is None:
        known = [*SETTINGS, *PER_PLAYER]
        near = f"; nearest: {', '.join(nearest(name, known))}"
        parts = [f"{entry.kind}/{entry.name}" for entry in registry().entries()]
        raise UsageError(f"there is no setting {name!r}{lead(name, 'setting', known, parts=parts) or near}")
    text = write(tuple(value)) if isinstance(value, (list, tuple)) else str(value)  # type: ignore[arg-type]
    try:
        return spec.read(text)
    except ValueError:
        no = f"; {name} takes no schedule" if is_schedule(text) and FORM not in spec.form else ""
        raise UsageError(f"{name}={text} does not work: {name} takes {spec.form}{no}") from None
