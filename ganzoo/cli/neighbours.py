"""``ganzoo neighbours``: the training images that a model's samples lie nearest to, beside those of held-out images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.eval import kept_step, named, number, progress_shown
from ganzoo.cli.model import check_out, file_name
from ganzoo.cli.names import DATA, DEVICE, FEATURES, MODEL
from ganzoo.cli.options import SKIP_BAD
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say

if TYPE_CHECKING:
    from ganzoo.scoring.neighbours import Neighbours


@about(
    "score",
    """
    Does it copy what it was trained on?:
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
@click.option(
    "--features",
    type=FEATURES,
    metavar="NAME",
    help="Feature network: tf_efficientnet_lite0.in1k, or as eval takes it.",
)
@click.option("--weights", type=PATH, metavar="FILE", help="The network's weights.")
@click.option("--seed", default=0, show_default=True, help="Of the samples.")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images computed at once.")
@click.option("--device", type=DEVICE, help="Such as cpu or cuda:0.")
@click.option("--step", metavar="N|best", help="A checkpoint that train --keep kept.")
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print medians and shares as JSON.")
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
    from ganzoo.images import grid, save_png
    from ganzoo.machine.precision import choose_device
    from ganzoo.metrics.features import open_network
    from ganzoo.metrics.weights import OFFLINE_NETWORK
    from ganzoo.registry.sizes import shorter
    from ganzoo.scoring.neighbours import find, learned_from, training_images
    from ganzoo.scoring.score import subjects

    where = str(choose_device(device))
    subject = next(subjects(named(model), step=at, device=where, skip_bad=skip_bad)).model
    network = open_network(features or OFFLINE_NETWORK, shorter(subject.size), weights, where)
    training, unseen = training_images(subject, data, split, held_out, skip_bad)
    if not learned_from(subject, training):
        say(f"note: {training.name} is not what the model says that it was trained on", err=True)
    with progress_shown() as progress:
        found = find(subject, training, unseen, network, n=count, k=each, seed=seed, batch=batch, progress=progress)
    save_png(grid(found.table(rows), columns=1 + 2 * min(each, training.count)), out)
    show(found, as_json, out)


def show(found: Neighbours, as_json: bool, out: Path) -> None:
    """Print the medians of distances, the share of pairs and the sentence."""
    from ganzoo.cli.show import show_json, show_table

    numbers, sentence = found.numbers(), found.sentence()
    if as_json:
        show_json({**numbers, "sentence": sentence, "picture": str(out)})
        return
    rows = []
    for kind in found.near:
        values = numbers[kind].values()
        rows.append([kind, *("" if value is None else number(value) for value in values)])
    show_table(["to the nearest training image in", "median of samples", "of held-out images", "samples nearer"], rows)
    say(f"{sentence[:1].upper()}{sentence[1:]}.", f"sample, neighbours in pixels, neighbours in features: {out}")
