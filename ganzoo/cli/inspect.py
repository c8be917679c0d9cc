"""``ganzoo inspect``: power spectra and a t-SNE map of a model's samples, beside those of real images."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.eval import kept_step, named, progress_shown
from ganzoo.cli.model import check_out, file_name
from ganzoo.cli.names import DATA, MODEL
from ganzoo.cli.options import AT_ONCE, AT_STEP, LOOKED_THROUGH, OF_DATA, OF_NETWORK, ON_DEVICE, SKIP_BAD
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_json


@about(
    "look",
    """
    A run beside what it learned from:
    ganzoo inspect runs/first --data digits
    The numbers alone, of fewer images:
    ganzoo inspect runs/first --data digits -n 100 --json
    """,
)
@click.command(short_help="Draw power spectra and a map of samples beside data.")
@click.argument("model", type=MODEL)
@click.option(
    "--data", type=DATA, required=True, metavar="D", help="Real images: a name, folder or zip, as train takes them."
)
@OF_DATA
@click.option(
    "-n", "count", type=click.IntRange(5, 5_000), default=500, show_default=True, help="Samples, and real images."
)
@LOOKED_THROUGH
@OF_NETWORK
@click.option("--seed", default=0, show_default=True, help="Of the samples, the choice of real images and the map.")
@AT_ONCE
@ON_DEVICE
@AT_STEP
@SKIP_BAD
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option(
    "--out", type=PATH, metavar="FILE.png|FILE.svg", help="Figure to write; its numbers get the name with .json."
)
def inspect(
    model: str,
    data: str,
    split: str | None,
    count: int,
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
    """Draw power spectra and a t-SNE map of samples of MODEL, beside those of real images.

    Left in the figure is how much power images have at each spatial frequency, averaged over directions (arXiv
    2003.01826): what a generator cannot draw fine enough, or draws too fine, parts the two curves. Beside it is one
    map of the features of both kinds, twice: with the real images in colour, by class where they have any, and with
    the samples. Where only grey lies, one kind has what the other lacks. Distances on such a map mean little; the
    share of nearest neighbours that is printed is of the features themselves.

    MODEL may be a folder of images. Needs the extra 'plot'.
    """
    out = out or file_name(model, "inspect.png")
    check_out(out, (".png", ".svg"))
    at = kept_step(step)
    from ganzoo.machine.precision import choose_device
    from ganzoo.scoring.inspection import inspect as looked_at
    from ganzoo.visual.figure import need_matplotlib

    need_matplotlib("ganzoo inspect")  # before a model is fetched
    with progress_shown("looking") as progress:
        found = looked_at(
            named(model),
            data,
            split=split,
            n=count,
            features=features,
            weights=weights,
            seed=seed,
            batch=batch,
            device=str(choose_device(device)),
            step=at,
            skip_bad=skip_bad,
            progress=progress,
        )
        numbers = found.save(out)
    if as_json:
        show_json({**found.to_json(), "figure": str(out)})
        return
    said = [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in found.sentences()]
    say(*said, f"spectra, and t-SNE of real images and of samples: {out}", f"its numbers: {numbers}")
