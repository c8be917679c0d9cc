"""The model card of a folder: its README.md, generated from the folder's own files, and nothing in it typed by hand.

:func:`make_card` is a function of ``config.json``, ``metrics.json``, ``pictures/`` and of what a person wrote between
marks in the card that is there; :func:`draw_pictures` makes ``pictures/``. The words are in ``template.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ganzoo.card.check import check_card, drift
from ganzoo.card.facts import gather
from ganzoo.card.markdown import plain
from ganzoo.card.page import render
from ganzoo.errors import CardError, ModelError
from ganzoo.files.write import write_text
from ganzoo.folder.layout import CARD
from ganzoo.folder.model import ModelFolder
from ganzoo.registry.loading import log

if TYPE_CHECKING:
    from PIL.Image import Image

    from ganzoo.folder.neighbours import NeighboursRecord

__all__ = [
    "add_neighbours",
    "check_card",
    "draw_pictures",
    "drift",
    "kept_up_to_date",
    "make_card",
    "plain",
    "write_card",
]


def make_card(folder: ModelFolder, ref: str | None = None) -> str:
    """The text of the card that a folder would have.

    Args:
        folder: of a model.
        ref: how the commands in it call the model: a Hub repository such as ``org/name``. By default the one that the
            card already names, else the folder itself.

    Raises:
        ModelError: for a folder that is no model, or whose files make no sense.
        CardError: when the marks in the card that is there do not pair up, so that text could be lost.
    """
    return render(gather(folder, ref))


def write_card(folder: ModelFolder) -> None:
    """Write ``README.md`` into a run's folder, quickly: text only, and the pictures that are there.

    A card that cannot be made anew stays as it is, with a warning: nobody wants to lose what they wrote between
    broken marks, or a training, to a card.
    """
    try:
        text = render(gather(folder))
    except (CardError, ModelError) as error:
        log.warning("%s is left as it was: %s", folder.path / CARD, error)
        return
    write_text(folder.path / CARD, text)


@contextmanager
def kept_up_to_date(folder: ModelFolder) -> Iterator[None]:
    """Let the block change what a card says, such as scores; a card that said what the folder has is made again after.

    A card that a person changed outside of its marks, or that was behind already, stays as it is.
    """
    try:
        fresh = not drift(folder)
    except (CardError, ModelError):
        fresh = False
    yield
    if fresh:
        write_card(folder)


def draw_pictures(folder: ModelFolder) -> list[str]:
    """Draw what the card shows under ``pictures/``; returns what could not be drawn, and why."""
    from ganzoo.card.pictures import draw

    return draw(folder)


def add_neighbours(folder: ModelFolder, picture: Image, record: NeighboursRecord) -> bool:
    """Show a strip of samples, and of the training images nearest to them, in the card.

    Args:
        folder: of the model.
        picture: the strip.
        record: what was measured.

    Returns:
        Whether the card shows it now: one that was changed by hand, or behind, stays as it was.
    """
    from ganzoo.card import pictures

    with kept_up_to_date(folder):
        pictures.add_neighbours(folder, picture, record)
    try:
        return not drift(folder)
    except (CardError, ModelError):
        return False
