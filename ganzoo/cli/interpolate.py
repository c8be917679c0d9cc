"""``ganzoo interpolate``: interpolation between samples of a model, as a grid or an animation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.names import DEVICE, MODEL
from ganzoo.cli.paths import PATH
from ganzoo.cli.sample import label_numbers
from ganzoo.cli.show import say
from ganzoo.cli.truncation import NOISE, noise_of_layers, told, truncation_options
from ganzoo.errors import counted
from ganzoo.visual.interpolation import walk

if TYPE_CHECKING:
    from torch import Tensor


@about(
    "look",
    """
    A film from sample to sample:
    ganzoo interpolate dcgan-mnist --out walk.gif
    As rows of a picture, from other samples:
    ganzoo interpolate runs/first --rows 4 --steps 6 --seed 3 --out walk.png
    """,
)
@click.command()
@click.argument("model", type=MODEL)
@click.option("--rows", type=click.IntRange(min=1), default=8, show_default=True, help="How many pairs of samples.")
@click.option("--steps", type=click.IntRange(min=2), default=8, show_default=True, help="Images from one to the other.")
@click.option("--seed", default=0, show_default=True, help="Seed of the samples at the ends.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Class of a row; several are taken in turn.")
@click.option(
    "--space",
    type=click.Choice(["w", "z"]),
    help="Where to walk: in w, which generators with a mapping network have and then walk in, or in the noise z.",
)
@truncation_options
@NOISE
@click.option("--device", type=DEVICE, help="Such as cpu or cuda:0.")
@click.option("--out", type=PATH, metavar="FILE.png|FILE.gif", help="File to write.")
def interpolate(
    model: str,
    rows: int,
    steps: int,
    seed: int,
    labels: tuple[str, ...],
    space: str | None,
    truncation: float | None,
    truncation_cutoff: int | None,
    truncation_mean: str | None,
    layer_noise: int | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Interpolate between pairs of samples of MODEL.

    Every row goes from one sample to another: in a straight line where the generator has w; in the noise along the
    sphere if that is normal, and in a straight line if it is uniform. FILE.png shows the rows, FILE.gif moves along all
    of them at once, there and back.
    """
    out = out or file_name(model, "interpolation.png")
    check_out(out, (".png", ".gif"))
    tamed = told(truncation, truncation_cutoff, truncation_mean)
    gan = open_model(model, device)
    with noise_of_layers(gan, layer_noise):
        images = walk(gan, rows, steps, seed, label_numbers(gan, labels, rows), truncation=tamed, space=space)
    write(images, steps, out)
    say(f"{counted(rows, 'row')} of {counted(steps, 'image')}: {out}")


def write(images: Tensor, steps: int, out: Path) -> None:
    """Rows as a grid, or as an animation whose frames show all rows at one step."""
    from ganzoo.images import grid, save_gif, save_png

    if out.suffix.lower() == ".png":
        save_png(grid(images, columns=steps), out)
        return
    order = [*range(steps), *range(steps - 2, 0, -1)]
    save_gif([grid(images[step::steps], columns=4) for step in order], out, milliseconds=120, rest=120)
