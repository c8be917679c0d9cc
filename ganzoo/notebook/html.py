"""Pieces of HTML for a notebook: one piece of text each, with its pictures in it, that runs and fetches nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from html import escape
from io import BytesIO

from PIL import Image

from ganzoo.errors import printable

LONGEST = 400  # letters of a value
BOX = "font-size:13px;line-height:1.45;max-width:1000px"
DIM = "opacity:0.65"
TABLE = "font-size:13px;border-collapse:collapse;margin:4px 0"
CELL = "text-align:left;vertical-align:top;padding:1px 14px 1px 0;border:none"


def plain(text: object) -> str:
    """Text as a page shows it: nothing in it is HTML, and nothing that turns lines around stays."""
    return escape(printable(text, LONGEST))


def picture(image: Image.Image, about: str) -> str:
    """Samples as HTML that holds them; ``about`` is for who does not see them. Whoever enlarges them sees pixels."""
    file = BytesIO()
    image.save(file, format="PNG")
    return embedded(file.getvalue(), about, "image-rendering:pixelated")


def embedded(data: bytes, about: str, style: str) -> str:
    """The bytes of a PNG file as HTML that holds them, on a line of its own; ``about`` is for who does not see it."""
    address = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    style = f"display:block;margin:4px 0;max-width:100%;height:auto;{style}"
    return f'<img src="{address}" alt="{plain(about)}" style="{style}">'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """A table of names and values; those without a value are left out."""
    rows = [
        f'<tr><td style="{CELL};{DIM}">{plain(name)}</td><td style="{CELL}">{plain(value)}</td></tr>'
        for name, value in pairs
        if value is not None and str(value)
    ]
    return f'<table style="{TABLE}">{"".join(rows)}</table>'


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a head."""
    head = "".join(f'<th style="{CELL}">{plain(column)}</th>' for column in columns)
    cells = ("".join(f'<td style="{CELL}">{plain(cell)}</td>' for cell in row) for row in rows)
    lines = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'


def note(text: object) -> str:
    """A line beside what matters."""
    return f'<div style="{DIM}">{plain(text)}</div>'


def box(title: str, pieces: Iterable[str]) -> str:
    """A title, and pieces of HTML under it."""
    return f'<div style="{BOX}"><b>{plain(title)}</b>{"".join(pieces)}</div>'


def piece(make: Callable[[], str], what: str) -> str:
    """What ``make`` gives; where it fails, a line that says so and why."""
    try:
        return make()
    except Exception as error:  # whatever a plugin's network or a foreign folder does, a notebook goes on
        return note(f"no {what}: {type(error).__name__}: {error}")


def whole(make: Callable[[], str], thing: object) -> str:
    """What ``make`` gives; where it fails, ``thing`` as text, and why there is no more."""
    try:
        return make()
    except Exception as error:  # as above
        text = thing if isinstance(thing, str) else repr(thing)
        return f"<pre>{escape(text)}</pre>{note(f'not shown as HTML: {type(error).__name__}: {error}')}"
