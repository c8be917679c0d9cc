"""``ganzoo interpolate``: what lies between two samples of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.sample import label_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan import GAN


@click.command()
@click.argument("model")
@click.option("--rows", type=click.IntRange(min=1), default=8, show_default=True, help="How many pairs of samples.")
@click.option("--steps", type=click.IntRange(min=2), default=8, show_default=True, help="Images from one to the other.")
@click.option("--seed", default=0, show_default=True, help="Of the samples at the ends.")
@click.option("--label", "labels", multiple=True, metavar="NAME|K", help="Class of a row; several are taken in turn.")
@click.option("--truncation", type=click.FloatRange(min=0, min_open=True), help="Bound on the noise: smaller is tamer.")
@click.option("--device", help="Such as cpu or cuda:0.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.png|FILE.gif", help="Where it goes.")
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
    """Walk between pairs of samples of MODEL.

    Every row goes from one sample to another: along the sphere for normal noise, in a straight line for uniform
    noise. FILE.png shows the rows, FILE.gif moves along all of them at once, there and back.
    """
    out = out or file_name(model, "interpolation.png")
    check_out(out, (".png", ".gif"))
    gan = open_model(model, device)
    images = walk(gan, rows, steps, seed, label_numbers(gan, labels, rows), truncation)
    write(images, steps, out)
    click.echo(f"{rows} rows of {steps} images: {out}")


def walk(gan: GAN, rows: int, steps: int, seed: int, numbers: Tensor | None, truncation: float | None = None) -> Tensor:
    """Bytes ``(rows * steps, C, H, W)``, row by row; row i goes from sample 2i to sample 2i + 1."""
    import torch

    from ganzoo.pictures import to_uint8

    ends = gan.noise(2 * rows, seed, truncation)
    between = slerp if gan.plan["prior"] == "normal" else lerp
    z = torch.stack([between(ends[0::2], ends[1::2], step / (steps - 1)) for step in range(steps)], dim=1)
    y = gan.one_hot(numbers, rows).repeat_interleave(steps, 0)
    return to_uint8(gan.generate(z.flatten(0, 1), y), low=0)


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from ``a`` to ``b`` on a straight line."""
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point ``t`` of the way from each row of ``a`` to that of ``b``, turning at an even speed.

    Normal noise has almost one length, and a straight line would leave it (Sampling Generative Networks, White 2016,
    arXiv 1609.04468). Rows that point the same way or in opposite ones have no one arc between them: they go straight.
    """
    import torch

    cosine = torch.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1)
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine
    return torch.where(sine > 1e-4, arc, lerp(a, b, t))


def write(images: Tensor, steps: int, out: Path) -> None:
    """Rows as a grid, or as an animation whose frames show all rows at one step."""
    from ganzoo.pictures import grid, save_gif, save_png

    if out.suffix.lower() == ".png":
        save_png(grid(images, columns=steps), out)
        return
    order = [*range(steps), *range(steps - 2, 0, -1)]
    save_gif([grid(images[step::steps], columns=4) for step in order], out, milliseconds=120, rest=120)
