"""``ganzoo steer``: a local page with a slider for each direction that ``ganzoo directions`` found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.kit import MODEL, OPEN, PATH, PORT, about, file_name, open_model, say, serve

if TYPE_CHECKING:
    import ganzoo
    from ganzoo.cli.kit import Directions

FOUND = 8  # directions, where nobody found any before
FILE = "directions.safetensors"


@about(
    "look",
    """
    Directions that are found first:
    ganzoo steer runs/first
    Those of a file, on a class of one's choice:
    ganzoo steer sngan-cond-mnist --label 3 --directions digits.safetensors
    """,
)
@click.command(short_help="Move images along directions, by sliders in the browser.")
@click.argument("model", type=MODEL)
@click.option(
    "--directions",
    type=PATH,
    metavar="FILE.safetensors",
    help="What 'ganzoo directions' wrote; by default MODEL-directions.safetensors here, made where it is not there.",
)
@click.option("-n", "--count", type=click.IntRange(1, 36), default=4, show_default=True, help="Images side by side.")
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), default=0, show_default=True, help="Of the images.")
@click.option("--label", metavar="NAME|K", help="Class, for a model with classes; all in turn by default.")
@click.option(
    "--latents", type=PATH, metavar="FILE.safetensors", help="Steer what 'ganzoo project' found in place of samples."
)
@click.option("--device", help="Such as cpu or cuda:0.")
@PORT
@OPEN
def steer(
    model: str,
    directions: Path | None,
    count: int,
    seed: int,
    label: str | None,
    latents: Path | None,
    device: str | None,
    port: int,
    wanted: bool | None,
) -> None:
    """Move images of MODEL along its directions, with a slider for each, in the browser.

    The page has the seed, the class, the truncation and a reset, too, and says the line of 'ganzoo sample' that draws
    what it shows. It is for this machine only (127.0.0.1), and its address holds a token without which nothing is
    shown.
    """
    from ganzoo.cli.kit import read_directions, read_latents

    known = None if directions is None else read_directions(directions)
    found = None if latents is None else read_latents(latents)
    gan = open_model(model, device)
    from ganzoo_edit.wheel import Wheel, WheelServer

    file = directions or file_name(model, FILE)
    known = known or _directions(gan, file)
    number = None if label is None else gan.class_numbers([label])[0]
    wheel = Wheel(gan, model, known, file, count=count, seed=seed, label=number, latents=found, latents_file=latents)
    with WheelServer(wheel, port) as server:
        serve(server, model, wanted)


def _directions(gan: ganzoo.GAN, file: Path) -> Directions:
    """Those of a file, or found now and written to it."""
    from ganzoo.cli.kit import check_writable, read_directions, save_directions, sefa

    if file.exists():
        return read_directions(file)
    check_writable(file.parent)
    say("looking for directions, by SeFa", err=True)
    found = sefa(gan, FOUND)
    save_directions(file, found)
    say(f"{len(found.vectors)} directions of {found.space}: {file}", err=True)
    return found
