"""Finding models: on the Hub, among those that a package ships or the cache holds, and among this machine's runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, ModelError
from ganzoo.folder.layout import CONFIG
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.client import client, hub_errors
from ganzoo.hub.known import known
from ganzoo.hub.reach import check_reachable
from ganzoo.registry.loading import registry
from ganzoo.registry.recipe import EMPTY, KINDS

TAG = "ganzoo"
MOST_LOOKED_AT = 20_000  # models of the Hub, whatever a server says of further pages
FID = "fid"


@dataclass(frozen=True)
class Hit:
    """A model that was found.

    Attributes:
        where: ``"hub"``, ``"shipped"``, ``"cached"`` (fetched from the Hub before) or ``"run"``.
        ref: what ``ganzoo.load`` takes.
        parts: names of the parts of its recipe; of a model of the Hub as its card claims them.
        data: what it was trained on.
        scores: by key, with the protocol in it; of a model of the Hub as its card claims them.
        fid: the least FID among them, whatever its protocol.
        downloads: of the last 30 days; None for what is not on the Hub.
    """

    where: str
    ref: str
    parts: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    fid: float | None = None
    downloads: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``ganzoo search --json`` prints it."""
        return {**asdict(self), "parts": list(self.parts), "data": list(self.data)}


@dataclass(frozen=True)
class Question:
    """What a model must have; nothing is asked where a field is empty."""

    text: str = ""
    part: str | None = None
    data: str | None = None
    max_fid: float | None = None

    def fits(self, hit: Hit) -> bool:
        """Whether ``hit`` has it."""
        asked = (
            self.text.lower() in f"{hit.ref} {' '.join(hit.parts)}".lower(),
            self.part is None or part_name(self.part) in hit.parts,
            self.data is None or self.data in hit.data,
            self.max_fid is None or (hit.fid is not None and hit.fid <= self.max_fid),
        )
        return all(asked)


def part_name(given: str) -> str:
    """The name under which models have a part that is called ``given``: aliases resolved, without its kind."""
    try:
        return registry().find(given, KINDS).name
    except GanzooError:  # a part of a plugin that is not installed, or a name of several kinds
        return given.rpartition("/")[2]


def on_this_machine(question: Question, runs: Path | None = None) -> list[Hit]:
    """Models that answer the question among those that packages ship, in the Hub's cache, and under ``runs``."""
    places = [("run", path.parent) for path in sorted(runs.glob(f"*/{CONFIG}"))] if runs is not None else []
    named = [(where, str(folder) if folder.is_absolute() else f"./{folder}", folder) for where, folder in places]
    hits = []
    for where, ref, folder in [*named, *((model.where, model.ref, model.folder) for model in known())]:
        try:
            hits.append(_local(where, ref, ModelFolder(folder)))
        except (ModelError, KeyError, TypeError, AttributeError):
            continue  # no model, or one that does not hold together
    return [hit for hit in hits if question.fits(hit)]


def _local(where: str, ref: str, folder: ModelFolder) -> Hit:
    config, scores = folder.config, folder.own_scores
    named = [str(part["part"]).rpartition("/")[2] for part in config["parts"]]
    return Hit(
        where,
        ref,
        tuple(dict.fromkeys(name for name in named if name != EMPTY)),
        (str(config["dataset"]["name"]),),
        {score.key: score.value for score in scores},
        min((score.value for score in scores if score.metric == FID), default=None),
    )


def on_the_hub(question: Question, most: int, token: str | None = None) -> list[Hit]:
    """Models of the Hub whose cards answer the question, the most downloaded first.

    Args:
        question: what they must have.
        most: how many to return.
        token: of the Hub; with one, private models that it may read are found too.

    Raises:
        HubError: the Hub refused, or cannot be reached.
    """
    tags = [TAG]
    if question.part is not None:
        tags.append(part_name(question.part))
    if question.data is not None:
        tags.append(f"dataset:{question.data}")
    hits: list[Hit] = []
    check_reachable()
    with hub_errors("models", token):
        found = client(token).list_models(filter=tags, search=question.text or None, cardData=True, sort="downloads")
        for info in islice(found, MOST_LOOKED_AT):
            try:
                hit = _remote(info)
            except (TypeError, ValueError, AttributeError, OverflowError):
                continue  # a card that makes no sense
            if question.fits(hit):
                hits.append(hit)
            if len(hits) == most:
                break
    return hits


def _remote(info: Any) -> Hit:
    """A model as its card describes it; the card is a stranger's, so odd values are left out."""
    tags = [tag for tag in info.tags or [] if isinstance(tag, str)]
    downloads = info.downloads if isinstance(info.downloads, int) else None
    results = list(_results(info.card_data))
    return Hit(
        "hub",
        str(info.id),
        parts=tuple(tag for tag in tags if ":" not in tag and tag != TAG),
        data=tuple(tag.removeprefix("dataset:") for tag in tags if tag.startswith("dataset:")),
        scores={name: value for name, _, value in results},
        fid=min((value for _, metric, value in results if metric == FID), default=None),
        downloads=downloads,
    )


def _results(card: Any) -> Iterator[tuple[str, str, float]]:
    """Name, metric and value of every score that a card claims."""
    for result in getattr(card, "eval_results", None) or []:
        value = result.metric_value
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield str(result.metric_name or result.metric_type), str(result.metric_type), float(value)
