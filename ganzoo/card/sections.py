"""What a person wrote into a card, between marks, and what the card says of itself.

``<!-- ganzoo:begin notes -->`` and ``<!-- ganzoo:end notes -->`` each stand on a line of their own. What is between
them survives every regeneration; all else is generated. Names other than those of the template may be used anywhere.
"""

from __future__ import annotations

import re

from ganzoo.card.markdown import Markdown
from ganzoo.errors import CardError

LINE = re.compile(r"^[ \t]*<!--[ \t]*ganzoo:(begin|end)[ \t]+([a-z][a-z0-9-]{0,60})[ \t]*-->[ \t]*$", re.MULTILINE)
REF = re.compile(r"^<!-- ganzoo:card (?P<ref>(?:[A-Za-z0-9._-]{1,96}/)?[A-Za-z0-9._-]{1,96}) ", re.MULTILINE)
HEAD = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
PROMPT = "<!-- Write here. What stands between these two lines stays when the card is made again. -->"


def kept_sections(card: str) -> dict[str, str]:
    """What stands between marks, by name, in order, without blank lines around it.

    Raises:
        CardError: for a section that does not end, begins twice, or lies within another.
    """
    card = HEAD.sub(lambda head: "\n" * head[0].count("\n"), card, count=1)
    found: dict[str, str] = {}
    opened: re.Match[str] | None = None
    for mark in LINE.finditer(card):
        what, name = mark.groups()
        if what == "begin" and opened is None and name not in found:
            opened = mark
        elif what == "end" and opened is not None and opened[2] == name:
            found[name] = card[opened.end() : mark.start()].strip("\r\n")
            opened = None
        else:
            raise CardError(_broken(card, mark))
    if opened is not None:
        raise CardError(_broken(card, opened))
    return found


def _broken(card: str, mark: re.Match[str]) -> str:
    line = card.count("\n", 0, mark.start()) + 1
    return (
        f"line {line} of the card, {mark[0].strip()}, has no partner: write each section once, between"
        f" <!-- ganzoo:begin {mark[2]} --> and <!-- ganzoo:end {mark[2]} -->"
    )


def section(name: str, text: str | None) -> Markdown:
    """A section with its marks; an empty one says what it is for."""
    return Markdown(f"<!-- ganzoo:begin {name} -->\n{text or PROMPT}\n<!-- ganzoo:end {name} -->")


def written(text: str | None) -> bool:
    """Whether a person wrote something, other than nothing, into a section."""
    return bool(text and text.replace(PROMPT, "").strip())


def named_ref(card: str) -> str | None:
    """The Hub repository that a card names as its own; None if it names none."""
    found = REF.search(card)
    return found["ref"] if found else None


def heading_mark(ref: str) -> Markdown:
    """The line that says who wrote the card; :func:`named_ref` reads it.

    The name of a folder that could end the comment, or has spaces, is left out: the folder has it.
    """
    mark = f"<!-- ganzoo:card {ref} is"
    named = ref if REF.match(mark) else "(this folder)"
    return Markdown(f"<!-- ganzoo:card {named} is generated: only what stands between begin and end marks is kept -->")
