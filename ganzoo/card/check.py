"""Whether a card may be published, and whether it is the one that its folder would have."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ganzoo.card.facts import Facts, gather, read_card, read_index
from ganzoo.card.metadata import listed
from ganzoo.card.page import render
from ganzoo.card.sections import HEAD, kept_sections
from ganzoo.errors import CardError, command
from ganzoo.files.untrusted import printable, quoted
from ganzoo.folder.layout import CARD, MODEL, PICTURES, largest
from ganzoo.folder.model import ModelFolder

if TYPE_CHECKING:
    from huggingface_hub import CardData

LICENCES = "licences.txt"
MOST_LINES = 24  # of a difference


def _again(folder: ModelFolder) -> str:
    return f"make it again: {command('card', folder.path)}"


def known_licences() -> frozenset[str]:
    """The ids of licences that the Hub takes."""
    return frozenset(resources.files("ganzoo.card").joinpath(LICENCES).read_text("utf-8").split())


def check_card(folder: ModelFolder) -> list[str]:
    """What keeps the card of a folder from being published, in sentences; nothing where all is well.

    Looked at are its marks, its YAML block (does the Hub's own reader take it, are the numbers finite, is the licence
    one that the Hub knows), its scores beside those of the folder, and that everything it links to is there. Nothing
    is sent anywhere.

    Raises:
        ModelError: for a folder that is no model, or a card that cannot be read at all.
    """
    text = read_card(folder)
    if text is None:
        return [f"{folder} has no {CARD}: {command('card', folder.path)} writes it"]
    return _structure(text) or [*_metadata(text, folder), *_links(text, folder), *_pictures(folder)]


def drift(folder: ModelFolder) -> str:
    """How the card of a folder differs from the one that it would have, as a short diff; empty where it does not.

    Raises:
        ModelError: for a folder that is no model.
        CardError: when the marks in the card do not pair up.
    """
    text = read_card(folder)
    if text is None:
        return f"{folder} has no {CARD}"
    lines = difflib.unified_diff(
        text.splitlines(),
        render(gather(folder)).splitlines(),
        fromfile=f"{CARD} as it is",
        tofile=f"{CARD} as generated",
        n=0,
    )
    shown = [printable(line.rstrip()) for line in lines]
    more = [f"and {len(shown) - MOST_LINES} lines more"] if len(shown) > MOST_LINES else []
    return "\n".join(shown[:MOST_LINES] + more)


# --- the parts of the check -------------------------------------------------------------------------------------


def _structure(text: str) -> list[str]:
    problems = []
    if not HEAD.match(text):
        problems.append(f"{CARD} does not begin with a YAML block between two lines of ---")
    if not re.search(r"^# \S", text, re.MULTILINE):
        problems.append(f"{CARD} has no title")
    try:
        kept_sections(text)
    except CardError as error:
        problems.append(str(error))
    return problems


def _metadata(text: str, folder: ModelFolder) -> list[str]:
    """What is wrong with the YAML block."""
    try:
        data = _read(text)
    except Exception as error:  # YAML and the Hub's reader raise what they like
        return [f"the YAML block of {CARD} cannot be read: {printable(' '.join(str(error).split()), 200)}"]
    facts = gather(folder)
    problems = [f"the YAML block of {CARD} holds {problem}" for problem in _odd(data.to_dict())]
    wanted = {"library_name": "ganzoo", "pipeline_tag": facts.task, "license": facts.config["license"]}
    for name, value in wanted.items():
        if data.get(name) != value:
            problems.append(f"{name} of {CARD} is {quoted(data.get(name))}, not {quoted(value)} as in {folder}")
    licence = facts.config["license"]
    if licence is not None and licence not in known_licences():
        problems.append(f"the Hub knows no licence {quoted(licence)}: give one such as apache-2.0, or other")
    return problems + _scores(data, facts, folder)


def _read(text: str) -> CardData:
    from huggingface_hub import ModelCard

    return ModelCard(text).data


def stated_licence(folder: ModelFolder) -> str | None:
    """The licence in the YAML block of a folder's card; None where there is none, or nothing that can be read."""
    try:
        return getattr(_read(read_card(folder) or ""), "license", None)
    except Exception:  # YAML and the Hub's reader raise what they like; a check of the card says it
        return None


def _odd(value: Any, where: str = "") -> Iterator[str]:
    """Values that JSON could not have, each with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _odd(inner, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _odd(inner, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{value} at {printable(where, 80)}"
    elif not isinstance(value, (str, int, float, type(None))):
        yield f"a {type(value).__name__} at {printable(where, 80)}"


def _scores(data: CardData, facts: Facts, folder: ModelFolder) -> list[str]:
    """Scores that the card claims and the folder does not have, and the other way round."""
    results = data.get("eval_results") or []
    claimed = sorted((str(result.metric_name), _listed(result.metric_value)) for result in results)
    measured = sorted((score.key, _listed(score.value)) for score in facts.scores)
    if claimed == measured:
        return []
    return [f"the scores in {CARD} are not those of the weights in {folder}; {_again(folder)}"]


def _listed(value: object) -> str:
    """A score as cards list it; those of ganzoo 0.1 have all digits."""
    return str(listed(value)) if isinstance(value, (int, float)) else str(value)


def _links(text: str, folder: ModelFolder) -> list[str]:
    """Links that lead nowhere, or out of the folder."""
    problems = []
    for target in dict.fromkeys(targets(text)):
        address = urlsplit(target)
        path = unquote(address.path)
        if address.scheme in ("https", "http", "mailto") or (not address.scheme and not path):
            continue
        if address.scheme or address.netloc or largest(path) is None:
            problems.append(f"{CARD} links to {quoted(target)}, which is not among the files that are published")
        elif not folder.has(path):
            problems.append(f"{CARD} shows {path}, which is not there; {_again(folder)}")
    return problems


def targets(text: str) -> Iterator[str]:
    """Where the links and pictures of a card lead, also those that no page would show as links."""
    from ganzoo.card.html import parser

    credulous = parser()
    credulous.validateLink = lambda url: True  # type: ignore[method-assign]
    for block in credulous.parse(HEAD.sub("", text, count=1)):
        for token in block.children or ():
            target = token.attrs.get("src", token.attrs.get("href"))
            if target is not None:
                yield str(target)


def _pictures(folder: ModelFolder) -> list[str]:
    index = read_index(folder)
    if not index.captions or not folder.has(MODEL) or index.weights == folder.digest:
        return []
    return [f"the pictures in {folder.path / PICTURES} are of other weights; {_again(folder)}"]
