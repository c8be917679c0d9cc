"""``ganzoo refined-accuracy``: what the images of a refiner are worth as training data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.kit import DATA, MODEL, SKIP_BAD, about, say

if TYPE_CHECKING:
    from ganzoo.cli.kit import Score


@about(
    "score",
    """
    Are refined digits better training data than rendered ones?
    ganzoo refined-accuracy runs/refiner --data rendered-digits:digits
    With fewer images, on a split that nobody has seen:
    ganzoo refined-accuracy runs/refiner --data rendered-digits:digits --split test -n 300 --json
    """,
)
@click.command("refined-accuracy", short_help="Measure what refined images are worth as training data.")
@click.argument("model", type=MODEL)
@click.option(
    "--data", type=DATA, required=True, metavar="D", help="Labelled sources and real images: rendered-digits:SOURCE."
)
@click.option("--split", metavar="S", help="Of the data: train (default) or test.")
@click.option("-n", "count", type=click.IntRange(10, 100_000), default=5000, show_default=True, help="Images to learn.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the classifiers.")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Images refined at once.")
@click.option("--device", help="Where the model is, such as cpu or cuda:0.")
@click.option("--step", metavar="N|best", help="A checkpoint that train --keep kept.")
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print the whole record.")
def refined_accuracy(
    model: str,
    data: str,
    count: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a classifier on what MODEL makes of rendered digits, and test it on real ones.

    Beside it stands the same classifier, trained on the sources as they are. Two alarms: the model changes next to
    nothing, or what it makes no longer shows its label. The accuracy is kept in the model's metrics.json.

    The same as ganzoo eval MODEL --data D --metrics refined-accuracy -n 5000; ganzoo verify measures it again.

    --json prints {"score": {...}} as metrics.json has it; its details are unrefined, gain, real (images classified),
    moved (mean change of a pixel in [0, 1]), labels_kept, and alarms, a list of texts.
    """
    from ganzoo.cli.kit import score_model, show_json
    from ganzoo_translate.refinement import METRIC

    (score,) = score_model(model, data, METRIC, n=count, **options)
    if as_json:
        show_json({"score": score.to_json()})
    else:
        _show(score)


def _show(score: Score) -> None:
    found = score.details
    say(
        f"{score.key}  {score.value:.4f}",
        f"learnt from sources as they are  {found['unrefined']:.4f}  (refining adds {found['gain']:+.4f})",
        f"a pixel changes by {found['moved']:.4f}; {found['labels_kept']:.1%} still show their label",
    )
    for alarm in found["alarms"]:
        say(f"alarm: {alarm}")
