"""``ganzoo neighbours``: the training images that a model's samples lie nearest to, beside those of held-out images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.eval import kept_step, named, number, progress_shown
from ganzoo.cli.model import check_out, file_name
from ganzoo.cli.names import DATA, MODEL
from ganzoo.cli.options import AT_ONCE, AT_STEP, LOOKED_THROUGH, OF_NETWORK, ON_DEVICE, SKIP_BAD
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, command

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder
    from ganzoo.scoring.neighbours import Neighbours


@about(
    "score",
    """
    Does it copy what it was trained on?
    ganzoo neighbours runs/first --data digits
    Fewer samples, five neighbours of each, numbers for a script:
    ganzoo neighbours runs/first --data digits -n 32 -k 5 --json --out copies.png
    """,
)
@click.command(short_help="Find the training images nearest to samples.")
@click.argument("model", type=MODEL)
@click.option("--data", type=DATA, required=True, metavar="D", help="What the model was trained on, as train takes it.")
@click.option("--split", metavar="S", help="Of the data, that it was trained on: train by default.")
@click.option(
    "--held-out",
    type=DATA,
    metavar="D",
    help="Real images that it has not seen; by default what its training held out, or the other split of the data.",
)
@click.option("-n", "count", type=click.IntRange(2, 10_000), default=256, show_default=True, help="How many samples.")
@click.option("-k", "each", type=click.IntRange(1, 16), default=3, show_default=True, help="Neighbours of each.")
@click.option(
    "--rows", type=click.IntRange(min=1), default=8, show_default=True, help="Samples that the picture shows."
)
@LOOKED_THROUGH
@OF_NETWORK
@click.option("--seed", default=0, show_default=True, help="Of the samples.")
@AT_ONCE
@ON_DEVICE
@AT_STEP
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print medians and shares as JSON.")
@click.option("--card", is_flag=True, help="Also draw a strip into the model's card, where 'ganzoo push' publishes it.")
@click.option("--out", type=PATH, metavar="FILE.png", help="Picture to write.")
def neighbours(
    model: str,
    data: str,
    split: str | None,
    held_out: str | None,
    count: int,
    each: int,
    rows: int,
    features: str | None,
    weights: Path | None,
    seed: int,
    batch: int,
    device: str | None,
    step: str | None,
    skip_bad: bool,
    as_json: bool,
    card: bool,
    out: Path | None,
) -> None:
    """Find the training images that samples of MODEL lie nearest to.

    FILE.png has a row for each of the samples nearest to any: the sample, its neighbours in pixels, and its neighbours
    in features. The distances are shown beside those of held-out images: samples of a model that copies lie nearer to
    what it was trained on than new pictures of the same kind do (arXiv 2004.05675). MODEL may be a folder of images.
    """
    out = out or file_name(model, "neighbours.png")
    check_out(out, (".png",))
    at = kept_step(step)
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.neighbours import neighbours as find

    folder = card_folder(model, step) if card else None
    with progress_shown("searching") as progress:
        found = find(
            named(model),
            data,
            split=split,
            held_out=held_out,
            n=count,
            k=each,
            features=features,
            weights=weights,
            seed=seed,
            batch=batch,
            device=str(choose_device(device)),
            step=at,
            skip_bad=skip_bad,
            progress=progress,
        )
    found.save(out, rows)
    show(found, as_json, out)
    if folder is not None:
        tell_of_card(folder, found)


def card_folder(model: str, step: str | None) -> ModelFolder:
    """The folder whose card the strip goes into.

    Raises:
        UsageError: the model has no folder of one's own, or the weights are not those of its card.
    """
    from ganzoo.files.write import check_writable
    from ganzoo.folder.model import ModelFolder
    from ganzoo.scoring.score import is_model

    if not is_model(Path(model)):
        raise UsageError(
            f"--card draws into the folder of a model, and {model} is no such folder here: 'ganzoo pull' makes one"
        )
    if step is not None:
        raise UsageError("--card shows the folder's own weights, not those of one of its steps: leave --step out")
    check_writable(Path(model))
    return ModelFolder(Path(model))


def tell_of_card(folder: ModelFolder, found: Neighbours) -> None:
    """Draw the strip into the card, and say what became of it."""
    from ganzoo.folder.layout import CARD
    from ganzoo.scoring.neighbours import add_to_card

    card = folder.path / CARD
    if add_to_card(found, folder):
        say(f"note: {card} shows them: these images of {found.training.name} are published with it", err=True)
    else:
        say(
            f"note: {card} stays as it was, and shows them once made again: {command('card', folder.path)}",
            err=True,
        )


def show(found: Neighbours, as_json: bool, out: Path) -> None:
    """Print the medians of distances, the share of pairs and the sentence."""
    from ganzoo.cli.show import show_json, show_table

    numbers, sentence = found.numbers(), found.sentence()
    if as_json:
        show_json({**numbers, "sentence": sentence, "picture": str(out)})
        return
    rows = []
    for kind in found.near:
        values = [numbers[kind][name] for name in ("samples", "held_out", "samples_nearer")]
        rows.append([kind, *("" if value is None else number(value) for value in values)])
    show_table(["to the nearest training image in", "median of samples", "of held-out images", "samples nearer"], rows)
    say(f"{sentence[:1].upper()}{sentence[1:]}.", f"sample, neighbours in pixels, neighbours in features: {out}")
