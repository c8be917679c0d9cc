"""``ganzoo eval``: score a model, a folder of images, or every kept step of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import DATA, FEATURES, METRICS, MODEL
from ganzoo.cli.options import AT_ONCE, AT_STEP, OF_DATA, OF_NETWORK, ON_DEVICE, SKIP_BAD
from ganzoo.cli.show import say
from ganzoo.errors import UsageError

if TYPE_CHECKING:
    from ganzoo.folder.scores import Score
    from ganzoo.hub.locate import ModelReference

OTHER_SPLIT = "other split"


@about(
    "score",
    """
    FID and KID with a feature network that needs no download:
    ganzoo eval runs/first --data digits --metrics fid,kid -n 1000 --features tf_efficientnet_lite0.in1k
    Without any network, mean and standard deviation over three draws:
    ganzoo eval runs/first --data digits --split test --metrics swd -n 200 --seeds 3
    Your own pictures in place of a model:
    ganzoo eval ./pictures --data digits -n 20 --features tf_efficientnet_lite0.in1k --json
    """,
)
@click.command("eval", short_help="Score a model against real images.")
@click.argument("model", type=MODEL)
@click.option(
    "--data", type=DATA, required=True, metavar="D", help="Real images: a name, folder or zip, as train takes them."
)
@OF_DATA
@click.option(
    "--metrics",
    type=METRICS,
    default="fid",
    show_default=True,
    metavar="M,M",
    help="See 'ganzoo list metric'; options as in kid:subsets=50,prdc.",
)
@click.option("-n", "count", type=click.IntRange(min=2), default=50_000, show_default=True, help="Images to draw.")
@click.option(
    "--features", type=FEATURES, metavar="NAME", help="Feature network, as 'ganzoo list features' or timm has it."
)
@OF_NETWORK
@click.option("--seed", default=0, show_default=True, help="Of the noise.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=1, show_default=True, help="Mean and std over so many.")
@AT_ONCE
@ON_DEVICE
@AT_STEP
@click.option("--snapshots", is_flag=True, help="Every checkpoint that train --keep kept, and the model.")
@click.option(
    "--floor",
    type=DATA,
    is_flag=False,
    flag_value=OTHER_SPLIT,
    metavar="[DATA]",
    help="Score other real images first, as what a perfect model would get; the data's other split if none is named.",
)
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print every field of every score.")
def evaluate(
    model: str,
    data: str,
    split: str | None,
    metrics: str,
    count: int,
    features: str | None,
    weights: Path | None,
    seed: int,
    seeds: int,
    batch: int,
    device: str | None,
    step: str | None,
    snapshots: bool,
    floor: str | None,
    skip_bad: bool,
    as_json: bool,
) -> None:
    """Score MODEL against real images, and keep the scores in its metrics.json.

    MODEL is the folder of a run or a reference to the Hub; the folder runs/NAME/snapshots, for each checkpoint in it;
    or a folder or zip of images. A score's key says what was measured: metric and number of images, the split of the
    data, the feature network, and its input's size where that is not the network's own. Scores of one key and data can
    be compared; ganzoo leaderboard does, and ganzoo verify measures them again.

    FID needs the weights of the 2015 Inception graph, fetched at its first use. Without them:
    --features tf_efficientnet_lite0.in1k. --snapshots scores every kept step of a run.

    --json prints {"scores": [...]}, each as metrics.json has it: key, metric, value, std, samples, dataset, network,
    resize, seed, seeds, step, seconds, weights, higher_is_better, floor, details.
    """
    from ganzoo.cli.show import show_json
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.score import evaluate as score

    with progress_shown() as progress:
        scores = score(
            named(model),
            data,
            split=split,
            metrics=metrics,
            n=count,
            features=features,
            weights=weights,
            seed=seed,
            seeds=seeds,
            batch=batch,
            device=str(choose_device(device)),
            step=kept_step(step),
            every_step=snapshots,
            floor=data if floor == OTHER_SPLIT else floor,
            skip_bad=skip_bad,
            progress=progress,
        )
    if as_json:
        show_json({"scores": [one.to_json() for one in scores]})
    else:
        show_scores(scores)


def score_model(
    model: str,
    data: str,
    metric: str,
    *,
    n: int,
    split: str | None = None,
    seed: int = 0,
    batch: int = 64,
    device: str | None = None,
    step: str | None = None,
    skip_bad: bool = False,
) -> list[Score]:
    """Score MODEL by one metric for a command of its own, and keep what it measured in the model's metrics.json.

    Args:
        model, data: as typed; see ``ganzoo eval --help``.
        metric: its name in the registry.
        n: images to draw.
        split: of the data, ``train`` by default; what a folder or zip is.
        seed: of noise and whatever else the metric draws.
        batch: images computed at once.
        device: as typed; the GPU if there is one, else the CPU, by default.
        step: as typed: the number of a kept step, ``best``, or None for the model itself.
        skip_bad: leave out pictures that cannot be read.

    Returns:
        The scores; one for each name that the metric returns.

    Raises:
        UsageError: for a model, data, step or device that is not there, or that the metric cannot measure.
    """
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.score import evaluate as score

    where = str(choose_device(device))
    fixed: dict[str, Any] = {
        "split": split,
        "n": n,
        "seed": seed,
        "batch": batch,
        "step": kept_step(step),
        "skip_bad": skip_bad,
    }
    return score(named(model), data, metrics=[metric], device=where, **fixed)


def kept_step(step: str | None) -> int | str | None:
    """A step as the command line has it.

    Raises:
        UsageError: for what is neither a number nor ``best``.
    """
    if step is not None and step != "best" and not step.isdecimal():
        raise UsageError(f"--step {step} does not work: give the number of a kept step, or best")
    return int(step) if step and step.isdecimal() else step


def named(model: str) -> Path | ModelReference:
    """What the command line calls MODEL: what is at that path if something is, else what the Hub has."""
    from ganzoo.hub.locate import on_command_line

    path = Path(model)
    return path if path.exists() else on_command_line(model)


def show_scores(scores: Sequence[Score]) -> None:
    """A table of what was measured; the columns that say nothing are left out."""
    from ganzoo.cli.show import show_table

    several = len({score.step for score in scores}) > 1
    columns: dict[str, list[str]] = {"score": [score.key for score in scores]}
    if several:
        columns["step"] = [str(score.step) for score in scores]
    columns["value"] = [number(score.value) for score in scores]
    if any(score.std is not None for score in scores):
        columns["±"] = ["" if score.std is None else number(score.std) for score in scores]
    if any(score.floor is not None for score in scores):
        columns["real images get"] = ["" if score.floor is None else number(score.floor) for score in scores]
    columns["better is"] = ["higher" if score.higher_is_better else "lower" for score in scores]
    show_table(list(columns), list(zip(*columns.values(), strict=True)))
    for seen in dict.fromkeys(str(score.details["shown"]) for score in scores if "shown" in score.details):
        say(f"networks saw {seen}")


def number(value: float) -> str:
    """Five significant digits, as many as a score is good for."""
    return f"{value:.5g}"


@contextmanager
def progress_shown(what: str = "scoring") -> Iterator[Callable[[int, int], None]]:
    """Something to tell how many images are done, and of how many; each pass gets a bar, which says ``what``."""
    from ganzoo.data.progress import progress_bar

    advance: Any = None
    before = 0
    with ExitStack() as stack:

        def tell(done: int, total: int) -> None:
            nonlocal advance, before
            if advance is None or done < before:
                stack.close()
                advance, before = stack.enter_context(progress_bar(what, total)), 0
            advance(done - before)
            before = done

        yield tell
