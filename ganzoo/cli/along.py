"""Options of the commands that move images along directions, or begin at latents that were found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.model import file_name
from ganzoo.cli.paths import PATH, PathType
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, command

if TYPE_CHECKING:
    from ganzoo.gan.gan import GAN
    from ganzoo.gan.latents import Latents
    from ganzoo.gan.steering import Directions

DIRECTIONS = "directions.safetensors"
Command = Callable[..., Any]
LATENTS = PathType(exists=True, dir_okay=False)

FILE = click.option(
    "--directions",
    type=PATH,
    metavar="FILE.safetensors",
    help="The file of directions; by default MODEL-directions.safetensors here.",
)
MOVES = click.option(
    "--direction",
    "moves",
    multiple=True,
    metavar="dN=SIGMAS",
    help="Move the images along a direction that 'ganzoo directions' found, such as d3=1.5; several add up.",
)
WALKS = click.option(
    "--direction",
    "moves",
    multiple=True,
    metavar="dN=A..B",
    help="Walk along a direction that 'ganzoo directions' found, such as d3=-2..2; or move all, d0=1; several add up.",
)


def known_directions(model: str, moves: tuple[str, ...], file: Path | None, walks: bool = False) -> Directions | None:
    """The directions that are moved along, read and known to have these before the model is opened; None for none.

    Args:
        model: as typed.
        moves: as typed.
        file: as typed; None for that named after the model.
        walks: whether a range may be walked along.

    Raises:
        UsageError: there is no file, or it has not these directions.
        ModelError: the file holds none.
    """
    from ganzoo.folder.directions import read_directions
    from ganzoo.gan.steering import check_moves, read_moves, read_ranges

    check_moves(moves, file if file is not None or not moves else DIRECTIONS)
    if not moves:
        return None
    path = file or file_name(model, DIRECTIONS)
    if file is None and not path.exists():
        raise UsageError(f"there is no {path}: {command('directions', model)} writes it; or name a file: --directions")
    found = read_directions(path)
    (read_ranges if walks else read_moves)(moves, len(found.vectors))
    return found


def known_latents(files: tuple[Path, ...]) -> list[Latents]:
    """Latents that were found, read before the model is opened.

    Raises:
        ModelError: a file holds none.
    """
    from ganzoo.folder.latents import read_latents

    return [read_latents(file) for file in files]


def checked_latents(gan: GAN, found: list[Latents], files: tuple[Path, ...]) -> list[Latents]:
    """They, once it is known that the model takes them; said where they are of other weights.

    Raises:
        UsageError: they are of another model.
    """
    from ganzoo.folder.latents import asked_latents, of_another

    for file, one in zip(files, found, strict=True):
        asked_latents(gan, one)
        if of_another(gan, one):
            say(f"note: {file} was found in other weights than these, and may mean nothing here", err=True)
    return found
