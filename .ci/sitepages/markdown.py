"""Markdown from facts: tables, and docstrings as a page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ganzoo.schedules import FORM

CODE_INDENT = " " * 4
CODE = re.compile(r"(`[^`]+`)")
SPECIAL = re.compile(r"([\\*_<\[\]])")
PREPRINT = re.compile(r"arXiv[ :\n](\d{4}\.\d{4,5})")
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):`~?([^`]+)`")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already, but for their ``|``."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """Markdown that stands in one line of a table."""
    return " ".join(text.replace("|", "\\|").split())


def code(text: str) -> str:
    """Inline code."""
    return f"`{text}`" if text else ""


def bash(*lines: str) -> str:
    """Commands to copy."""
    return "\n".join(["```bash", *lines, "```"])


def text(words: str) -> str:
    """A sentence of a docstring: what Markdown would take for its own is escaped, and preprints are links."""
    words = ROLE.sub(r"`\1`", words).replace("``", "`")
    return "".join(part if part.startswith("`") else _outside(part) for part in CODE.split(words))


def form(words: str, schedules: str) -> str:
    """What an option takes; how a schedule is written, which is long, is a link to the place that says it."""
    return f"a [schedule]({schedules})".join(map(text, words.split(FORM)))


def paragraphs(doc: str) -> str:
    """A docstring; what is indented in it stays code, also right behind a line such as ``Example:``."""
    lines: list[str] = []
    for line in doc.split("\n"):
        if line.startswith(CODE_INDENT) and lines and lines[-1].endswith(":") and not lines[-1].startswith(CODE_INDENT):
            lines.append("")
        lines.append(line if line.strip() else "")
    blocks = re.split(r"(\n{2,})", "\n".join(lines))
    return "".join(block if block.startswith((CODE_INDENT, "\n")) else _prose(block) for block in blocks)


def _prose(block: str) -> str:
    """Lines without an empty one between them: code in backticks and the name of a preprint may go over two."""
    return re.sub("::$", ":", text(block), flags=re.MULTILINE)


def _outside(part: str) -> str:
    return PREPRINT.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", SPECIAL.sub(r"\\\1", part))
