"""``ganzoo cast``: a model with its weights in half as many bytes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.push import spelled
from ganzoo.cli.verify import examiner, examining, row

if TYPE_CHECKING:
    from ganzoo.scoring.verify import Verdict


@click.command(short_help="Write a model with its weights in half as many bytes.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--dtype", default="float16", show_default=True, metavar="D", help="float16, bfloat16 or float32.")
@click.option("--data", metavar="D", help="The real images that it was scored against.")
@examining
def cast(folder: Path, target: Path, dtype: str, data: str | None, **options: Any) -> None:
    """Write the model in FOLDER to the new folder TARGET, with weights of another dtype.

    TARGET gets what would be published: weights, card, pictures. With --data, every score that FOLDER records of its
    weights is measured again from the new ones, each by its own protocol, and kept in TARGET; nothing is written, and
    the exit status is 1, if one moves by more than the tolerance. Without, TARGET has no scores. Networks compute in
    float32 whatever the dtype of their weights.

    \b
    Example:
      ganzoo cast runs/first ./small --data digits
    """
    from ganzoo.folder.layout import MODEL
    from ganzoo.folder.model import ModelFolder
    from ganzoo.publish.convert import cast as write

    model, target = ModelFolder(folder.expanduser()), target.expanduser()
    with nullcontext() if data is None else examiner(data, **options) as who:
        notes = write(model, target, dtype, who, show)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    before, after = ((place / MODEL).stat().st_size for place in (model.path, target))
    click.echo(f"{target}: {dtype} weights, {spelled(after)} instead of {spelled(before)}")
    if data is None:
        click.echo(f"not scored yet: ganzoo eval {target} --data D")


def show(verdicts: Sequence[Verdict]) -> None:
    """What became of the scores, as ``ganzoo verify`` shows it."""
    from ganzoo.cli.show import show_table

    show_table(("score", "recorded", "with the new weights", "difference", "verdict"), [row(one) for one in verdicts])
