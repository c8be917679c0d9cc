"""``ganzoo caption-accuracy``: whether captions steer the class."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli.kit import DATA, MODEL, SKIP_BAD, about


@about(
    "score",
    """
    Do captions steer the class?
    ganzoo caption-accuracy runs/stackgan --data captions:digits
    Of images that it has not seen, for a script:
    ganzoo caption-accuracy runs/stackgan --data captions:digits --split test -n 200 --json
    """,
)
@click.command("caption-accuracy", short_help="Measure how often a caption's class is drawn.")
@click.argument("model", type=MODEL)
@click.option(
    "--data", type=DATA, required=True, metavar="D", help="Real images with captions and labels: captions:SOURCE."
)
@click.option("--split", metavar="S", help="Of the data: train (default) or test; what a folder or zip is.")
@click.option("-n", "count", type=click.IntRange(min=2), default=1000, show_default=True, help="Images to draw.")
@click.option("--seed", default=0, show_default=True, help="Of the classifier and of the noise.")
@click.option("--step", metavar="N|best", help="A checkpoint that train --keep kept.")
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print every field of the score.")
def caption_accuracy(model: str, data: str, count: int, as_json: bool, **options: Any) -> None:
    """Measure how often MODEL draws the class that a caption names, and keep the score in its metrics.json.

    A small classifier learns the real images, about half a minute on one core. The score is the share of drawn images
    whose class it finds to be that of their caption; beside it stands the same share of real images that it has not
    seen, which is what a perfect model would get. By chance it is one over the number of classes.

    The same as ganzoo eval MODEL --data D --metrics caption-accuracy -n 1000; ganzoo verify measures it again.

    --json prints {"scores": [...]} as ganzoo eval does; details has chance, and classes: the share of each class.
    """
    from ganzoo.cli.kit import score_model, show_json, show_scores
    from ganzoo_text.accuracy import METRIC

    scores = score_model(model, data, METRIC, n=count, batch=256, device="cpu", **options)
    if as_json:
        show_json({"scores": [score.to_json() for score in scores]})
    else:
        show_scores(scores)
