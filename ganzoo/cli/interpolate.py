"""``ganzoo interpolate``: interpolation between samples of a model, as a grid or an animation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.paths import PATH, PLACE
from ganzoo.cli.sample import label_numbers
from ganzoo.cli.show import say
from ganzoo.errors import counted
from ganzoo.visual.interpolation import walk

if TYPE_CHECKING:
    from torch import Tensor


@click.command()
@click.argument("model", type=PLACE)
@click.option("--rows", type=click.IntRange(min=1), default=8, show_default=True, help="How many pairs of samples.")
@click.option("--steps", type=click.IntRange(min=2), default=8, show_default=True, help="Images from one to the other.")
@click.option("--seed", default=0, show_default=True, help="Seed of the samples at the ends.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Class of a row; several are taken in turn.")
@click.option("--truncation", type=float, help="Such as a bound on the noise: smaller is tamer.")
@click.option("--device", help="Such as cpu or cuda:0.")
@click.option("--out", type=PATH, metavar="FILE.png|FILE.gif", help="File to write.")
def interpolate(
    model: str,
    rows: int,
    steps: int,
    seed: int,
    labels: tuple[str, ...],
    truncation: float | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Interpolate the noise between pairs of samples of MODEL.

    Every row goes from one sample to another: along the sphere for normal noise, in a straight line for uniform
    noise. FILE.png shows the rows, FILE.gif moves along all of them at once, there and back.
    """
    out = out or file_name(model, "interpolation.png")
    check_out(out, (".png", ".gif"))
    gan = open_model(model, device)
    images = walk(gan, rows, steps, seed, label_numbers(gan, labels, rows), truncation)
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
