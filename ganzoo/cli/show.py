"""Tables and JSON on the terminal: drawn for people, plain and never cut for files and pipes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ganzoo.errors import printable
from ganzoo.files.streams import is_terminal, is_unicode


def say(*lines: object, err: bool = False) -> None:
    """Print lines, an empty one for nothing. Every command prints here, so that no name in a line steers a terminal.

    Args:
        lines: each stays one line; ``say(*text.split("\\n"))`` prints a text of several.
        err: print to stderr.
    """
    for line in lines or ("",):
        click.echo(printable(line, None), err=err)


def show_json(value: Any) -> None:
    """Print ``value`` as JSON; letters that do not print are escaped in JSON's own way."""
    written = json.dumps(value, indent=2, ensure_ascii=not is_unicode(sys.stdout))
    click.echo(
        "".join(letter if letter == "\n" or printable(letter) == letter else _in_json(letter) for letter in written)
    )


def _in_json(letter: str) -> str:
    """A letter that prints, or ends a line, as it is; any other as ``\\u1234``, or two of these."""
    if letter == "\n" or printable(letter) == letter:
        return letter
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings. In a terminal long cells are folded; elsewhere each row is one whole line."""
    columns = [printable(column, None) for column in columns]
    rows = [[printable(cell, None) for cell in row] for row in rows]
    if is_terminal(sys.stdout):
        _draw(columns, rows)
        return
    lines = [list(columns), *map(list, rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_facts(facts: Mapping[str, str]) -> None:
    """Print texts, each behind its title."""
    width = max(map(len, facts), default=0)
    for title, text in facts.items():
        click.echo(f"{title.ljust(width)}  {printable(text, None)}")


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=False, style="bold" if index == 0 else "")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
