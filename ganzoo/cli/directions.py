"""``ganzoo directions``: directions of the noise, or of w, along which a model's images change; and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.eval import progress_shown
from ganzoo.cli.mix import read_layers
from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.names import MODEL
from ganzoo.cli.options import ON_DEVICE
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.cli.truncation import NOISE, noise_of_layers, told, truncation_options
from ganzoo.errors import UsageError, counted

if TYPE_CHECKING:
    from ganzoo.gan.steering import Directions


@about(
    "look",
    """
    Find directions, and a picture of what each changes:
    ganzoo directions runs/first
    By principal components of w, of some layers alone:
    ganzoo directions runs/stylegan2 --method ganspace --samples 256 --layers 2-5 -n 4 --out w.png
    """,
)
@click.command(short_help="Find directions along which images change most.")
@click.argument("model", type=MODEL)
@click.option(
    "--method",
    type=click.Choice(["sefa", "ganspace"]),
    default="sefa",
    show_default=True,
    help="By the weights that take the latents, or by principal components of features.",
)
@click.option("-n", "count", type=click.IntRange(1, 512), default=8, show_default=True, help="How many, at most.")
@click.option(
    "--layers",
    metavar="A-B",
    help="Layers of w that are moved; of a generator without w those that take z, whose weights count. All by default.",
)
@click.option("--at", metavar="LAYER", help="For ganspace: the layer of G whose features count, such as trunk.0.")
@click.option("--samples", type=click.IntRange(min=16), metavar="N", help="For ganspace: draws to find them by; 4096.")
@click.option("--space", type=click.Choice(["w", "z"]), help="Where they are; w where there is one by default.")
@click.option("--seed", default=0, show_default=True, help="Seed of the image that the picture moves.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Class of a row; several are taken in turn.")
@truncation_options
@NOISE
@ON_DEVICE
@click.option("--out", type=PATH, metavar="FILE.png", help="Picture to write; the directions get its name.")
def directions(
    model: str,
    method: str,
    count: int,
    layers: str | None,
    at: str | None,
    samples: int | None,
    space: str | None,
    seed: int,
    labels: tuple[str, ...],
    truncation: float | None,
    truncation_cutoff: int | None,
    truncation_mean: str | None,
    layer_noise: int | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Find directions along which images of MODEL change most.

    FILE.png has a row for each, d0 first: one image moved from -3 to 3 standard deviations along it. The directions go
    into FILE.safetensors, which 'ganzoo sample --direction d0=1.5' takes, of this model only.

    SeFa (arXiv 2007.06600) looks at the weights that take the latents: --layers 0-3 of a generator with w are its
    coarse layers. GANSpace (arXiv 2004.02546) looks at the features of draws: of w, or of a layer --at.
    """
    out = out or file_name(model, "directions.png")
    check_out(out, (".png",))
    chosen, tamed = read_layers(layers), told(truncation, truncation_cutoff, truncation_mean)
    if method == "sefa" and (at is not None or samples is not None):
        raise UsageError(f"{'--at' if at is not None else '--samples'} is of features: add --method ganspace")
    gan = open_model(model, device)
    numbers = gan.read_labels(labels) if labels else None
    from ganzoo.folder.directions import save_directions
    from ganzoo.images import grid, save_png
    from ganzoo.visual.directions import DRAWS, ganspace, sefa
    from ganzoo.visual.strips import STEPS, strips

    if method == "sefa":
        found = sefa(gan, count, space, chosen, labels=numbers)
    else:
        with progress_shown("drawing") as progress:
            draws = samples or DRAWS
            found = ganspace(gan, count, space, chosen, at=at, samples=draws, labels=numbers, progress=progress)
    with noise_of_layers(gan, layer_noise):
        images = strips(gan, found, seed, numbers, tamed)
    file = out.with_suffix(".safetensors")
    save_directions(file, found)
    save_png(grid(images, columns=len(STEPS)), out)
    say(f"{_words(found)}: {out}", f"for 'ganzoo sample --direction d0=1.5': {file}")


def _words(found: Directions) -> str:
    """What was found, and where."""
    last = len(found.vectors) - 1
    where = found.space if found.layers is None else f"{found.space}, layers {found.layers[0]} to {found.layers[1]}"
    return f"{counted(last + 1, 'direction')} of {where}, d0 to d{last}, by {found.method}"
