"""Metrics and feature networks as people ask for them: ``kid:subsets=50,prdc``, in the grammar of a recipe's parts.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganzoo.errors import UsageError
from ganzoo.registry.entry import Entry
from ganzoo.registry.recipe import Part


def metric_words(text: str | Sequence[str]) -> tuple[str, ...]:
    """The metrics that a text lists, each with its options: ``("kid:subsets=50,size=100", "prdc")``.

    A comma separates metrics and, behind a ``:``, options. What follows it is an option where it has a ``=`` and no
    ``:`` of its own, and else the next metric; so nothing needs quotes.

    Args:
        text: as the command line has it; or a list of such texts.

    Raises:
        UsageError: an option follows a metric that has no ``:``.
    """
    words: list[str] = []
    pieces = (text,) if isinstance(text, str) else text
    for piece in (one.strip() for each in pieces for one in str(each).split(",")):
        if "=" not in piece or ":" in piece or not words:
            words += [piece] if piece else []
        elif ":" in words[-1]:
            words[-1] += f",{piece}"
        else:
            raise UsageError(f"options come behind a ':', such as {words[-1]}:{piece}; {words[-1]},{piece} has none")
    return tuple(words)


def read_metric(word: str) -> Part:
    """The name and the options of a metric that was asked for.

    Raises:
        UsageError: it cannot be read, or names places, which metrics do not have.
    """
    part = Part.parse(word)
    if part.places:
        raise UsageError(f"{word!r}: a metric has no places; write {part.spelling}, and options behind a ':'")
    return part


def configured(entry: Entry, part: Part) -> tuple[dict[str, Any], str]:
    """Options as keyword arguments; and the one text of the part that has them, without what is default.

    Args:
        entry: what was registered.
        part: it, as it was asked for.

    Raises:
        UsageError: it has no such option, or that cannot have such a value.
    """
    if not part.options:
        return {}, entry.name
    known, values = entry.options(), entry.read_options(dict(part.options))
    other = {name: value for name, value in values.items() if value != known[name].default}
    options = tuple((known[name].key, known[name].format(value)) for name, value in other.items())
    return other, str(Part(entry.name, None, (), options))
