"""``ganzoo convert``: a model with its weights in half as many bytes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import DATA
from ganzoo.cli.paths import PATH
from ganzoo.cli.push import spelled
from ganzoo.cli.show import say
from ganzoo.cli.verify import row, verification_options, verifier
from ganzoo.errors import command
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.scoring.verify import Verification


@about(
    "share",
    """
    Half the size, without scores:
    ganzoo convert runs/first ./small
    Half the size, if every score stays what it was:
    ganzoo convert runs/first ./small --dtype bfloat16 --data digits --tolerance 0.1
    """,
)
@click.command(short_help="Write a model with its weights in half as many bytes.")
@click.argument("folder", type=PATH)
@click.argument("target", type=PATH)
@click.option("--dtype", default="float16", show_default=True, metavar="D", help="float16, bfloat16 or float32.")
@click.option("--data", type=DATA, metavar="D", help="The real images that it was scored against.")
@verification_options
def convert(folder: Path, target: Path, dtype: str, data: str | None, **options: Any) -> None:
    """Write the model in FOLDER to the new folder TARGET, with weights of another dtype.

    TARGET gets what would be published: weights, card, pictures. With --data, every score that FOLDER records of its
    weights is measured again from the new ones, each by its own protocol, and kept in TARGET; nothing is written, and
    the exit status is 1, if one moves by more than the tolerance. Without, TARGET has no scores. Networks compute in
    float32 whatever the dtype of their weights.
    """
    from ganzoo.folder.layout import MODEL
    from ganzoo.folder.model import ModelFolder
    from ganzoo.publish.convert import convert_model

    model = ModelFolder(folder)
    with nullcontext() if data is None else verifier(data, **options) as who, doing(f"writing {target}"):
        notes = convert_model(model, target, dtype, who, show)
    for note in notes:
        say(f"note: {note}", err=True)
    before, after = ((place / MODEL).stat().st_size for place in (model.path, target))
    say(f"{target}: {dtype} weights, {spelled(after)} instead of {spelled(before)}")
    if data is None:
        say(f"not scored yet: {command('eval', target, '--data', 'D')}")


def _alias(name: str, command: click.Command) -> click.Command:
    """A command under the name that it had in version 0.1.0; ``ganzoo --help`` leaves it out."""
    again = copy(command)
    again.name, again.hidden = name, True
    return again


cast = _alias("cast", convert)


def show(verifications: Sequence[Verification]) -> None:
    """What became of the scores, as ``ganzoo verify`` shows it."""
    from ganzoo.cli.show import show_table

    show_table(("score", "recorded", "with the new weights", "difference", "verdict"), [*map(row, verifications)])
