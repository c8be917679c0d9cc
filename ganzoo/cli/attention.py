"""``ganzoo attention``: the self-attention maps of a model's samples, as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.names import MODEL
from ganzoo.cli.options import ON_DEVICE
from ganzoo.cli.paths import PATH
from ganzoo.cli.sample import label_numbers
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, counted


def parse_point(text: str) -> tuple[int, int]:
    """A pixel ``(x, y)`` from text such as ``"8,20"``.

    Raises:
        UsageError: for anything else.
    """
    x, _, y = text.partition(",")
    if not (x.isdecimal() and y.isdecimal()):
        raise UsageError(f"--at {text} does not work: write X,Y in pixels from the upper left, such as --at 16,8")
    return int(x), int(y)


@about(
    "look",
    """
    Where the pixels of three samples look:
    ganzoo attention sagan-cifar10 -n 3
    From two points of your choice:
    ganzoo attention sagan-cifar10 -n 2 --at 16,8 --at 4,28 --out attention.png
    """,
)
@click.command(short_help="Draw the self-attention maps of samples.")
@click.argument("model", type=MODEL)
@click.option("-n", "count", type=click.IntRange(1, 256), default=4, show_default=True, help="How many samples.")
@click.option("--seed", default=0, show_default=True, help="Seed of the samples.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="A class; several are taken in turn.")
@click.option("--at", "points", multiple=True, metavar="X,Y", help="Query pixel; several give several columns.")
@click.option("--layer", help="Name of the attention layer; the one with the largest map by default.")
@ON_DEVICE
@click.option("--out", type=PATH, metavar="FILE.png", help="File to write.")
def attention(
    model: str,
    count: int,
    seed: int,
    labels: tuple[str, ...],
    points: tuple[str, ...],
    layer: str | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Draw the attention maps of samples of MODEL.

    A row for each sample: the sample with a coloured dot at every query point, then for each dot the places that
    its pixel attends to, bright for much.
    """
    out = out or file_name(model, "attention.png")
    asked = [parse_point(text) for text in points]
    check_out(out, (".png",))
    gan = open_model(model, device)
    from ganzoo.images import save_png
    from ganzoo.visual.attention import capture, default_points, picture

    maps = capture(gan, count, seed, label_numbers(gan, labels, count), layer)
    save_png(picture(maps, asked or default_points(gan.height, gan.width)), out)
    height, width = maps.weights.shape[1:3]
    say(f"{counted(count, 'sample')}, layer {maps.layer} ({height} x {width}): {out}")
