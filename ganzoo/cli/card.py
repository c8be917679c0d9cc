"""``ganzoo card``: the model card of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import command
from ganzoo.files.untrusted import printable
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder


@about(
    "share",
    """
    Write the model card of a run:
    ganzoo card runs/first
    Is it up to date?
    ganzoo card runs/first --check
    As a web page, too:
    ganzoo card runs/first --html card.html
    """,
)
@click.command(short_help="Write the model card of a folder.")
@click.argument("folder", type=PATH)
@click.option("--check", is_flag=True, help="Write nothing; say whether the card is what the folder would have.")
@click.option("--html", type=PATH, metavar="FILE.html", help="Also as a web page of one file.")
@click.pass_context
def card(ctx: click.Context, folder: Path, check: bool, html: Path | None) -> None:
    """Write the model card of FOLDER, README.md, with its pictures.

    Everything in it is read from the folder's files: scores, settings, parts, curves. What you write between its
    'ganzoo:begin' and 'ganzoo:end' marks stays when it is made again. --check exits with status 1, and a short diff,
    when the card is out of date or could not be published.
    """
    if html is not None:
        check_out(html, (".html",), "--html")
    from ganzoo.card import check_card, drift
    from ganzoo.folder.layout import CARD
    from ganzoo.folder.model import ModelFolder

    model = ModelFolder(folder)
    if not check:
        write(model)
    difference = drift(model) if check else ""
    problems = check_card(model)
    for line in [*difference.splitlines(), *(f"problem: {printable(problem)}" for problem in problems)]:
        say(line, err=not check)
    if html is not None:
        render(model, html)
    path = model.path / CARD
    if check and (difference or problems):
        say(f"{path} is not what its folder would have; make it again: {command('card', model.path)}", err=True)
        ctx.exit(1)
    say(f"{path}{' is up to date' if check else ''}" + (f", as a page: {html}" if html else ""))


def write(folder: ModelFolder) -> None:
    """Draw the pictures and write the card, once it is known that no text of a person would be lost."""
    from ganzoo.card import draw_pictures, make_card
    from ganzoo.files.write import write_text
    from ganzoo.folder.layout import CARD

    make_card(folder)
    with doing("drawing pictures"):
        notes = draw_pictures(folder)
    for note in notes:
        say(f"note: {printable(note)}", err=True)
    write_text(folder.path / CARD, make_card(folder))


def render(folder: ModelFolder, html: Path) -> None:
    """Write the card that is there as a web page."""
    from ganzoo.card.facts import read_card
    from ganzoo.card.html import card_page
    from ganzoo.files.write import write_text

    write_text(html, card_page(read_card(folder) or "", folder.path))
