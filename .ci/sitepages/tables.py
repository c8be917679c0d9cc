"""Tables of a built page: how wide a column has to be follows from its longest cell, which no style sheet can measure."""

from __future__ import annotations

import re
from html import unescape

from sitepages.links import whole

TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<(t[hd])( style=[^>]*)?>(.*?)</\1>", re.DOTALL)
CODE = re.compile(r"<code>([^<]*)</code>")
WIDTHS = {16: "brief", 40: "plain"}  # the longest cell's characters, and what its column is called
WIDEST = "wordy"
SEVERAL = 4  # columns, with which a table is scrolled sideways on a phone in any case
LONG = 120  # characters of a cell that makes its row high where its column is narrow
VAST = "vast"
MANY = 5  # columns, beside which a wordy one is narrower
NARROWER = "crowded"
LENGTHY = 60  # characters of a command that has a cell to itself
COMMAND = "ganzoo "
NAME = re.compile(r"\w{24,}")  # one word of a cell, such as a configuration of another library
SHORT = 26  # characters of code that a browser may not break in a cell


def sized(html: str) -> str:
    """HTML whose cells have a class for the width of their column, and whose code does not break behind ``--``."""
    return TABLE.sub(_table, html)


def _table(found: re.Match[str]) -> str:
    rows = [[inside for _, _, inside in CELL.findall(row)] for row in ROW.findall(found[0])]
    columns = [[row[place] for row in rows if place < len(row)] for place in range(max(map(len, rows)))]
    classes = [_class(cells) for cells in columns]
    if len(columns) >= MANY:
        classes = [NARROWER if name == WIDEST else name for name in classes]
    if len(columns) >= SEVERAL:
        long = [any(_size(cell) > LONG for cell in cells) for cells in columns]
        classes = [f"{name} {VAST}" if far else name for name, far in zip(classes, long, strict=True)]
    return ROW.sub(lambda row: f"<tr>{_row(row[1], classes)}</tr>", found[0])


def _row(html: str, classes: list[str]) -> str:
    names = iter(classes)

    def cell(found: re.Match[str]) -> str:
        tag, style, inside = found.groups()
        return f'<{tag} class="{next(names)}"{style or ""}>{CODE.sub(_code, _breaking(inside))}</{tag}>'

    return CELL.sub(cell, html)


def _class(cells: list[str]) -> str:
    longest = max(cells, key=_size)
    size = _size(longest)
    if size > LENGTHY and CODE.fullmatch(longest.strip()) and _text(longest).startswith(COMMAND):
        return "lengthy"
    return next((name for most, name in WIDTHS.items() if size <= most), WIDEST)


def _size(cell: str) -> int:
    return len(_text(cell))


def _breaking(html: str) -> str:
    """A cell whose long names may be broken behind their underscores; code has places of its own."""
    pieces = re.split(r"(<code.*?</code>|<[^>]*>)", html)
    return "".join(
        piece if piece[:1] == "<" else NAME.sub(lambda word: word[0].replace("_", "_<wbr>"), piece) for piece in pieces
    )


def _text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def _code(found: re.Match[str]) -> str:
    """Code of a cell; a ``|`` in it was escaped for the table, and stays so where only GitHub takes that back."""
    said = found[1].replace("\\|", "|")
    if len(unescape(said)) <= SHORT:
        return f'<code class="short">{said}</code>'
    return f'<code class="long">{whole(said)}</code>'
