"""Models side by side: recipes, settings, sizes, scores of one protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import printable
from ganzoo.folder.config import resolution_of
from ganzoo.folder.layout import MODEL
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.scores import Score, value_text
from ganzoo.plan.settings import write
from ganzoo.registry.recipe import EMPTY, Recipe
from ganzoo.registry.sizes import size_text

ABSENT = "\u2013"
SEVERAL = 2  # models that have a number, before one of them is the best


@dataclass(frozen=True)
class Model:
    """One of the models that are compared.

    Attributes:
        name: how tables call it.
        folder: where it is, with its recipe, settings and scores.
        parameters: of each network.
        size: bytes of ``model.safetensors``.
    """

    name: str
    folder: ModelFolder
    parameters: Mapping[str, int]
    size: int


@dataclass(frozen=True)
class TableRow:
    """One line of a table: a value for each model, None where a model has nothing of the kind."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        """Whether the models differ in it."""
        return any(value != self.values[0] for value in self.values)

    @property
    def odd(self) -> frozenset[int]:
        """Which models stand apart: from what most of them have, or from each other where there are two."""
        shared = [sum(value == other for other in self.values) for value in self.values]
        most = max(shared)
        if not self.differs or (most == 1 and len(shared) > SEVERAL):
            return frozenset()  # none, or all: marks would say nothing
        usual = self.values[shared.index(most)]
        return frozenset(at for at, value in enumerate(self.values) if most == 1 or value != usual)


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one protocol: one for each model, None where it has none."""

    scores: tuple[Score | None, ...]

    @property
    def one(self) -> Score:
        """Any of them, for what they share."""
        return next(score for score in self.scores if score is not None)

    @property
    def best(self) -> int | None:
        """Which model is best; None where fewer than two have a score."""
        have = [index for index, score in enumerate(self.scores) if score is not None]
        if len(have) < SEVERAL:
            return None
        first, *others = have
        for index in others:
            first = index if self.scores[index].better_than(self.scores[first]) else first  # type: ignore[union-attr, arg-type]
        return first


def read_model(folder: ModelFolder, name: str) -> Model:
    """Read a folder, without its weights.

    Raises:
        ModelError: for a folder that is no model, or cannot be built here.
    """
    gan = folder.build()
    networks = {network for names in gan.players.values() for network in names}
    parameters = {
        network: sum(parameter.numel() for parameter in gan.get_submodule(network).parameters())
        for network in sorted(networks, reverse=True)
    }
    try:
        size = (folder.path / MODEL).stat().st_size
    except OSError:
        raise ModelError(f"{folder} has no {MODEL}; it is not a whole model or run") from None
    return Model(name, folder, parameters, size)


# --- tables -------------------------------------------------------------------------------------------------


def tables(models: Sequence[Model]) -> dict[str, list[TableRow]]:
    """What is compared, by title; of the settings only those that differ."""
    return {
        "models": facts(models),
        "parts": merged(models, _parts),
        "settings": [row for row in merged(models, _settings) if row.differs],
        "sizes": [
            *merged(models, lambda model: {f"parameters of {n}": c for n, c in model.parameters.items()}),
            TableRow(f"MB of {MODEL}", tuple(round(model.size / 1e6, 3) for model in models)),
        ],
    }


FACTS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "recipe": lambda config: config["recipe"],
    "resolution": lambda config: size_text(resolution_of(config)),
    "channels": lambda config: config["channels"],
    "bits": lambda config: config["bits"],
    "classes": lambda config: config["classes"],
    "data": lambda config: config["dataset"].get("name"),
    "fingerprint": lambda config: config["dataset"].get("fingerprint"),
    "step": lambda config: config["step"],
    "selection": lambda config: config["selection"]["chosen"],
    "seed": lambda config: config["seed"],
    "licence": lambda config: config["license"],
    "ganzoo": lambda config: config.get("ganzoo"),
}


def facts(models: Sequence[Model]) -> list[TableRow]:
    """What ``config.json`` says of the whole model."""
    return [TableRow(name, tuple(read(model.folder.config) for model in models)) for name, read in FACTS.items()]


def merged(models: Sequence[Model], read: Callable[[Model], Mapping[str, Any]]) -> list[TableRow]:
    """A row for each name that a model has, in the order of their first appearance."""
    found = [read(model) for model in models]
    names = dict.fromkeys(name for values in found for name in values)
    return [TableRow(name, tuple(values.get(name) for values in found)) for name in names]


def _parts(model: Model) -> dict[str, str]:
    """The part in each slot, with the options that are not its defaults; several of one kind in one line."""
    slots: dict[str, list[str]] = {}
    for slot in (model.folder.plan.head, *model.folder.plan.slots):
        if slot.name == EMPTY or slot.entry is None:
            continue
        options = [f"{key}={text}" for key, text in slot.changed.items()]
        places = [slot.side] if slot.side else []
        where = f"{slot.kind}@{places[0]}" if places else slot.kind
        what = slot.name + (f"@{','.join(map(str, slot.resolutions))}" if slot.resolutions else "")
        slots.setdefault(where, []).append(what + (f":{','.join(options)}" if options else ""))
    return {where: " + ".join(names) for where, names in slots.items()}


def _settings(model: Model) -> dict[str, str]:
    return {name: write(setting.value) for name, setting in model.folder.plan.settings.items()}


def score_rows(models: Sequence[Model]) -> list[ScoreRow]:
    """Scores side by side, those of one protocol and data only; where a model has several, that of most seeds."""
    found: dict[object, list[Score | None]] = {}
    for index, model in enumerate(models):
        for score in model.folder.own_scores:
            row = found.setdefault(score.protocol, [None] * len(models))
            kept = row[index]
            row[index] = score if kept is None or score.seeds >= kept.seeds else kept
    return [ScoreRow(tuple(row)) for row in found.values()]


def to_json(models: Sequence[Model]) -> dict[str, Any]:
    """Everything that is compared, as ``--json`` prints it; lists are in the order of the models, null is absent."""
    plain = {
        title: {row.name: list(row.values) for row in rows}
        for title, rows in tables(models).items()
        if title != "models"
    }
    return {
        "models": [{"name": m.name, **{name: read(m.folder.config) for name, read in FACTS.items()}} for m in models],
        **plain,
        "scores": [
            {
                "key": row.one.key,
                "dataset": dict(row.one.dataset),
                "network_sha256": row.one.network["sha256"],
                "resize": row.one.resize,
                "best": row.best,
                "values": [
                    score and {n: getattr(score, n) for n in ("value", "std", "seed", "seeds", "step", "weights")}
                    for score in row.scores
                ],
            }
            for row in score_rows(models)
        ],
    }


def text(value: Any) -> str:
    """A value as a table shows it; what a terminal would obey is escaped."""
    if value is None:
        return ABSENT
    return f"{value:,}" if type(value) is int else printable(value)


def score_text(score: Score | None) -> str:
    """``12.34 ± 0.05``."""
    if score is None:
        return ABSENT
    return value_text(score.value, score.std)


def parts_shared(models: Sequence[Model]) -> frozenset[str]:
    """Words that stand in the recipe of every model."""
    every = [words(model) for model in models]
    return frozenset(every[0]).intersection(*every)


def words(model: Model) -> list[str]:
    """The recipe, taken apart: its head and its parts."""
    recipe = Recipe.parse(model.folder.config["recipe"])
    return [str(part) for part in (recipe.head, *recipe.parts)]
