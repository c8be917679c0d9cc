"""``ganzoo mix``: style mixing, a table of images that take some layers of w from others."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.along import FILE, MOVES, known_directions
from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.names import MODEL
from ganzoo.cli.options import ON_DEVICE
from ganzoo.cli.paths import PATH
from ganzoo.cli.sample import label_numbers
from ganzoo.cli.show import say
from ganzoo.cli.truncation import NOISE, noise_of_layers, told, truncation_options
from ganzoo.errors import counted
from ganzoo.visual.layers import read_layers


@about(
    "look",
    """
    The coarse layers of some samples in others:
    ganzoo mix runs/stylegan2 --layers 0-3 --out styles.png
    A small table of tamer images:
    ganzoo mix runs/stylegan2 --rows 2 --columns 3 --truncation 0.7
    """,
)
@click.command(short_help="Mix the styles of samples of a model that has w.")
@click.argument("model", type=MODEL)
@click.option("--rows", type=click.IntRange(min=1), default=4, show_default=True, help="Images that are changed.")
@click.option("--columns", type=click.IntRange(min=1), default=6, show_default=True, help="Images to take layers from.")
@click.option(
    "--layers",
    metavar="A-B|WORD",
    help="Layers of w to take, counted from 0, or coarse, middle or fine; the coarser half by default.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the images: rows have the first, columns the next.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Class of an image; several are taken in turn.")
@MOVES
@FILE
@truncation_options
@NOISE
@ON_DEVICE
@click.option("--out", type=PATH, metavar="FILE.png", help="File to write.")
def mix(
    model: str,
    rows: int,
    columns: int,
    layers: str | None,
    seed: int,
    labels: tuple[str, ...],
    moves: tuple[str, ...],
    directions: Path | None,
    truncation: float | None,
    truncation_cutoff: int | None,
    truncation_mean: str | None,
    layer_noise: int | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Mix the styles of samples of MODEL, whose generator has w.

    The first column shows images, the first row others; where they meet stands the image of the row with some layers
    of the column's w. Low layers are those of small maps, such as pose; high ones those of large maps, such as colour.
    coarse, middle and fine are layers 0-3, 4-7 and the others, as in arXiv 1812.04948; of a model with 8 layers or
    fewer each is a third.
    """
    out = out or file_name(model, "mix.png")
    check_out(out, (".png",))
    chosen, tamed = read_layers(layers, words=True), told(truncation, truncation_cutoff, truncation_mean)
    known = known_directions(model, moves, directions)
    gan = open_model(model, device)
    gan.refuse_without_w()
    numbers = label_numbers(gan, labels, rows + columns)
    from ganzoo.folder.directions import asked_move
    from ganzoo.images import grid, save_png
    from ganzoo.visual.mixing import mixed

    move = None if known is None else asked_move(gan, moves, known)
    with noise_of_layers(gan, layer_noise):
        images, (first, last) = mixed(gan, rows, columns, seed, numbers, layers=chosen, truncation=tamed, move=move)
    save_png(grid(images, columns=columns + 1), out)
    say(f"{counted(rows, 'row')} of {counted(columns, 'image')}, layers {first} to {last} of the columns: {out}")
