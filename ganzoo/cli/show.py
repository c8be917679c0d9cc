"""Tables and JSON on the terminal: drawn for people, plain and never cut for files and pipes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click


def show_json(value: Any) -> None:
    """Print ``value`` as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings. In a terminal long cells are folded; elsewhere each row is one whole line."""
    if sys.stdout.isatty():
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
        click.echo(f"{title.ljust(width)}  {text}")


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
