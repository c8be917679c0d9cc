"""``ganzoo card``: the model card of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, command
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
    Say what the training of a model of your own loop cost:
    ganzoo card mine --cost "two hours of a laptop"
    """,
)
@click.command(short_help="Write the model card of a folder.")
@click.argument("folder", type=PATH)
@click.option("--check", is_flag=True, help="Write nothing; say whether the card is what the folder would have.")
@click.option("--html", type=PATH, metavar="FILE.html", help="Also as a web page of one file.")
@click.option(
    "--cost",
    metavar="TEXT",
    help="What the training cost, in your words, for a model whose folder does not know; what ganzoo trains it counts.",
)
@click.pass_context
def card(ctx: click.Context, folder: Path, check: bool, html: Path | None, cost: str | None) -> None:
    """Write the model card of FOLDER, README.md, with its pictures.

    Everything in it is read from the folder's files: scores, settings, parts, curves. What you write between its
    'ganzoo:begin' and 'ganzoo:end' marks stays when it is made again. --check exits with status 1, and a short diff,
    when the card is out of date or could not be published.
    """
    if html is not None:
        check_out(html, (".html",), "--html")
    if check and cost is not None:
        raise UsageError("--cost is written down, and --check writes nothing: leave one of them out")
    from ganzoo.card import check_card, drift
    from ganzoo.folder.layout import CARD
    from ganzoo.folder.model import ModelFolder

    model = ModelFolder(folder)
    if cost is not None:
        keep_words(model, cost)
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


def keep_words(folder: ModelFolder, words: str) -> None:
    """Write down what a person says that the training cost.

    Raises:
        UsageError: it was measured, or the words are too many.
    """
    from ganzoo.card import make_card
    from ganzoo.files.untrusted import read_json
    from ganzoo.files.write import write_json
    from ganzoo.folder.cost import COST, LONGEST_COST, SAID, cost_of, cost_text
    from ganzoo.folder.layout import CONFIG

    said = " ".join(words.split())
    if not 0 < len(said) <= LONGEST_COST:
        raise UsageError(f"--cost takes a text of at most {LONGEST_COST} letters, not {len(said)}")
    known = cost_of(folder.config, folder.path)
    if known is not None and SAID not in known:
        raise UsageError(f"--cost does not work: that of {folder} was measured, {printable(cost_text(known), 300)}")
    make_card(folder)  # what cannot be written is said before anything is
    path = folder.path / CONFIG
    write_json(path, {**read_json(path), COST: {SAID: said}})  # in its own format, which an older ganzoo may read


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
