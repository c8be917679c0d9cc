"""Everything that a card says, read from its folder, checked, and from nowhere else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from ganzoo.card.markdown import one_line
from ganzoo.card.sections import kept_sections, named_ref
from ganzoo.errors import CardError, ModelError
from ganzoo.files.untrusted import field as checked
from ganzoo.files.untrusted import open_regular, quoted, read_json, read_shapes
from ganzoo.folder import examples
from ganzoo.folder.cost import cost_of
from ganzoo.folder.layout import (
    ANIMATION,
    CARD,
    CARD_PICTURES,
    DISCRIMINATOR,
    LICENCE,
    MODEL,
    NEIGHBOURS_PICTURE,
    PICTURES,
    PICTURES_INDEX,
    SAMPLES,
)
from ganzoo.folder.model import ModelFolder
from ganzoo.folder.neighbours import NeighboursRecord, read_neighbours
from ganzoo.folder.scores import Score
from ganzoo.plan.plan import Plan

PICTURES_FORMAT = 1
LARGEST_CARD = 1 << 20
LONGEST_TEXT, MOST_EVENTS = 1_000, 200
REPOSITORY = re.compile(r"(?:[A-Za-z0-9._-]{1,96}/)?[A-Za-z0-9._-]{1,96}")
TASKS = {"text": "text-to-image", "source": "image-to-image", "a": "image-to-image"}
"""The Hub's name for what a model does, by the batch key that its architecture requires."""


@dataclass(frozen=True)
class Index:
    """What ``pictures/index.json`` says.

    Attributes:
        step, weights: of the model that the pictures are of.
        captions: by file.
        events: what the guards did in training, as step and words.
    """

    step: int = -1
    weights: str = ""
    captions: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Facts:
    """What a card says.

    Attributes:
        name: of the model: the repository's or the folder's.
        ref: how commands call it: ``org/name``, ``name`` of a model that is shipped, or ``./folder``.
        config, plan: of ``config.json``.
        weights, size: numbers in ``model.safetensors``, and its bytes.
        scores: of the weights that are in the folder.
        history: scores of one protocol over the steps of training, where there are several; one list for each.
        files: which of ``samples.png``, ``progress.gif``, ``discriminator.safetensors`` and ``LICENSE`` are there.
        captions: of the pictures that show these weights, by file under ``pictures/``.
        prompts: texts that ``samples.png`` was drawn from, in the order of its samples; none for most models.
        events: what the guards did in training.
        cost: of the training, as ``config.json`` has it; None where nobody kept it.
        nearest: how near samples of these weights lie to what they learned from; None where nobody looked.
        kept: what a person wrote, by section.
    """

    name: str
    ref: str
    config: Mapping[str, Any]
    plan: Plan
    weights: int
    size: int
    scores: list[Score]
    history: list[list[Score]]
    files: frozenset[str]
    captions: Mapping[str, str]
    prompts: tuple[str, ...]
    events: tuple[tuple[int, str], ...]
    cost: Mapping[str, Any] | None
    nearest: NeighboursRecord | None
    kept: Mapping[str, str]

    @property
    def task(self) -> str:
        """The Hub's pipeline tag."""
        return task_of(self.plan.head.entry.requires if self.plan.head.entry else ())


def gather(folder: ModelFolder, ref: str | None = None) -> Facts:
    """Read a folder.

    Args:
        folder: of a model.
        ref: a Hub repository, or ``./folder``, to call it by; what its card names, else its folder, by default.

    Raises:
        ModelError: for anything that does not hold together.
        CardError: when the marks of the card that is there do not pair up.
    """
    config = dict(folder.config)
    config["ganzoo"] = str(config.get("ganzoo", "of an unknown version"))
    config["license"] = None if config["license"] is None else one_line(config["license"])
    card = read_card(folder) or ""
    own = folder_name(folder.path)
    ref = _reference(ref) or _named(card, own) or f"./{own}"
    name = ref.rpartition("/")[2]
    weights, size = _size(folder.path / MODEL)
    index = read_index(folder)
    fresh = index.step == config["step"]
    nearest = read_neighbours(folder.path)
    captions = {file: text for file, text in index.captions.items() if fresh and folder.has(f"{PICTURES}/{file}")}
    if index.weights != folder.digest:
        captions.pop(NEIGHBOURS_PICTURE, None)  # what these weights have copied, other ones may not have
    return Facts(
        name=name,
        ref=ref,
        config=config,
        plan=folder.plan,
        weights=weights,
        size=size,
        scores=folder.own_scores,
        history=by_step(folder.scores),
        files=frozenset(file for file in (SAMPLES, ANIMATION, DISCRIMINATOR, LICENCE) if folder.has(file)),
        prompts=tuple(examples.captions(folder.path)),
        captions=captions,
        events=index.events,
        cost=cost_of(config, folder.path),
        nearest=nearest if nearest is not None and nearest.weights == folder.digest else None,
        kept=kept_sections(card),
    )


def task_of(requires: Collection[str]) -> str:
    """The Hub's pipeline tag for an architecture that requires these batch keys."""
    return next((task for key, task in TASKS.items() if key in requires), "unconditional-image-generation")


def by_step(scores: Iterable[Score]) -> list[list[Score]]:
    """Scores of one protocol and seed over training, in the order of steps, where there are two steps at least."""
    series: dict[object, dict[int, Score]] = {}
    for score in scores:
        series.setdefault((score.protocol, score.seed, score.seeds), {})[score.step] = score
    return [[steps[step] for step in sorted(steps)] for steps in series.values() if len(steps) > 1]


def read_card(folder: ModelFolder) -> str | None:
    """The card that is there; None if there is none.

    Raises:
        ModelError: for a file that no card is: too large, no text, a link.
    """
    path = folder.path / CARD
    if not path.is_symlink() and not path.exists():
        return None
    with open_regular(path) as file:
        data = file.read(LARGEST_CARD + 1)
    if len(data) > LARGEST_CARD:
        raise ModelError(f"{path} is larger than 1 MB; no card is")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is no text: {quoted(error)}") from None


def read_index(folder: ModelFolder) -> Index:
    """``pictures/index.json``, checked; an empty one where there is none.

    Raises:
        ModelError: for one that makes no sense.
    """
    path = folder.path / PICTURES / PICTURES_INDEX
    if not path.is_symlink() and not path.exists():
        return Index()
    table = read_json(path)
    captions, events = checked(table, "pictures", dict, path), checked(table, "events", list, path)
    if not all(name in CARD_PICTURES and _short(text) for name, text in captions.items()):
        raise ModelError(f"{path}: pictures are {quoted(captions)}; they are short texts, by file")
    if len(events) > MOST_EVENTS or not all(_is_event(event) for event in events):
        raise ModelError(f"{path}: events are {quoted(events)}; they are pairs of a step and a short text")
    weights = checked(table, "weights", str, path)
    return Index(checked(table, "step", int, path), weights, captions, tuple((step, text) for step, text in events))


def _short(text: object) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_TEXT


def _is_event(event: object) -> bool:
    return isinstance(event, list) and len(event) == 2 and type(event[0]) is int and _short(event[1])


def folder_name(path: Path) -> str:
    """What a folder is called, in any script; letters that show as nothing, or are no text, become ``-``."""
    name = path.resolve().name
    shown = "".join(letter if letter.isprintable() else "-" for letter in " ".join(name.split()))
    return shown or "model"


def reference_to(target: Path) -> str:
    """How the card of a folder to be made calls it: by its bare name, as what is shipped, where a repository may have
    that name, else ``./name``.
    """
    return target.name if REPOSITORY.fullmatch(target.name) else f"./{folder_name(target)}"


def _named(card: str, own: str) -> str | None:
    """What a card calls its model; a folder that could not be named in former cards is named by what it is."""
    named = named_ref(card)
    return None if named and named.startswith("./") and not REPOSITORY.fullmatch(own) else named


def _reference(ref: str | None) -> str | None:
    if ref is not None and not ref.startswith("./") and not REPOSITORY.fullmatch(ref):
        raise CardError(f"{ref!r} is no repository: write org/name, or the name of a model that is shipped")
    return ref


def _size(path: Path) -> tuple[int, int]:
    """Numbers in a safetensors file, and its bytes."""
    return sum(prod(tensor.shape) for tensor in read_shapes(path).values()), path.stat().st_size
