"""Text of strangers within Markdown: shown letter by letter, never obeyed."""

from __future__ import annotations

import re

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!~&$])")


class Markdown(str):
    """Text that is Markdown already, and is not escaped again."""


def plain(text: object) -> Markdown:
    """Text as Markdown shows it letter by letter: nothing in it is markup, and it stays on one line."""
    return escaped(one_line(text))


def escaped(line: str) -> Markdown:
    """A piece of a line as Markdown shows it letter by letter, with the spaces at its ends."""
    return Markdown(SPECIAL.sub(r"\\\1", line))


def code(text: object) -> Markdown:
    """Text as a code span, which may stand in a table."""
    line = one_line(text).replace("|", r"\|")
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return Markdown(f"{fence}{space}{line}{space}{fence}")


def one_line(text: object) -> str:
    """Text without line breaks and without letters that show as nothing or turn the line around."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(str(text).split()))
