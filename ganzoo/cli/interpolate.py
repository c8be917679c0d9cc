"""``ganzoo interpolate``: interpolation between samples of a model, as a grid or an animation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.along import FILE, LATENTS, WALKS, checked_latents, known_directions, known_latents
from ganzoo.cli.given import replace_examples
from ganzoo.cli.model import check_out, file_name, open_model
from ganzoo.cli.names import MODEL
from ganzoo.cli.options import ON_DEVICE
from ganzoo.cli.paths import PATH
from ganzoo.cli.sample import label_numbers
from ganzoo.cli.show import say
from ganzoo.cli.truncation import NOISE, noise_of_layers, told, truncation_options
from ganzoo.errors import UsageError, counted
from ganzoo.visual.timing import EASINGS, Timing

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from ganzoo.gan.gan import GAN
    from ganzoo.visual.interpolation import Asked

PICTURE = ".png"
SMOOTH = 48  # images from one stop to the next of a film of 24 a second
COLUMNS = 4  # of a film


@about(
    "look",
    """
    A film from sample to sample:
    ganzoo interpolate dcgan-mnist --out walk.gif
    As rows of a picture, from other samples:
    ganzoo interpolate runs/first --rows 4 --steps 6 --seed 3 --out walk.png
    A film without a seam, slower near the samples:
    ganzoo interpolate runs/first --loop --easing smooth --stops 3 --out walk.mp4
    From class to class:
    ganzoo interpolate sngan-cond-mnist --through 3 --through 8 --out classes.png
    Along a direction that 'ganzoo directions' found:
    ganzoo interpolate runs/first --direction d3=-2..2 --rows 1 --out along.gif
    """,
)
@click.command(short_help="Walk between samples, classes, or along directions.")
@click.argument("model", type=MODEL)
@click.option("--rows", type=click.IntRange(min=1), help="Walks side by side; 8, or 1 with --from.")
@click.option(
    "--stops",
    type=click.IntRange(1, 1000),
    help="Samples that a row goes through; 2, or 4 with --loop, or 1 where classes or a direction change.",
)
@click.option(
    "--steps", type=click.IntRange(2, 10_000), help="Images from one to the next; 8, or 48 in an MP4 or WebP."
)
@click.option("--frames", type=click.IntRange(2, 1_000_000), help="Images in all, in place of --steps.")
@click.option("--fps", type=float, help="Images a second of a film; 24, or 8 in a GIF.")
@click.option(
    "--loop/--no-loop",
    default=None,
    help="On from the last sample to the first, without a seam; or end at the last. A film goes there and back by"
    " default, a picture ends.",
)
@click.option(
    "--easing",
    type=click.Choice([*EASINGS]),
    default="linear",
    show_default=True,
    help="At an even speed, or slower near the samples.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the samples at the ends.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Class of a row; several are taken in turn.")
@click.option(
    "--through",
    multiple=True,
    metavar="LABEL",
    help="Go from class to class, each row with the noise of one sample: give two or more.",
)
@click.option("--text", "texts", multiple=True, help="For a model that draws texts: what to draw; several in turn.")
@click.option(
    "--from",
    "places",
    type=LATENTS,
    multiple=True,
    metavar="FILE.safetensors",
    help="Begin at what 'ganzoo project' found, and go on to a sample, or to the next --from.",
)
@WALKS
@FILE
@click.option(
    "--space",
    type=click.Choice(["w", "z"]),
    help="Where to walk: in w, which generators with a mapping network have and then walk in, or in the noise z.",
)
@truncation_options
@NOISE
@ON_DEVICE
@click.option("--out", type=PATH, metavar="FILE.png|.gif|.mp4|.webp", help="File to write.")
def interpolate(
    model: str,
    rows: int | None,
    stops: int | None,
    steps: int | None,
    frames: int | None,
    fps: float | None,
    loop: bool | None,
    easing: str,
    seed: int,
    labels: tuple[str, ...],
    through: tuple[str, ...],
    texts: tuple[str, ...],
    places: tuple[Path, ...],
    moves: tuple[str, ...],
    directions: Path | None,
    space: str | None,
    truncation: float | None,
    truncation_cutoff: int | None,
    truncation_mean: str | None,
    layer_noise: int | None,
    device: str | None,
    out: Path | None,
) -> None:
    """Walk between samples of MODEL, from class to class, or along directions.

    Every row goes from one sample to another: in a straight line where the generator has w; in the noise along the
    sphere if that is normal, and in a straight line if it is uniform. FILE.png shows the rows; a film, which is
    FILE.gif, .webp or .mp4, moves along all of them at once, there and back.

    With --through or a range such as --direction d3=-2..2 each row keeps the noise of one sample; --stops says
    otherwise, and both may be given together. An MP4 needs the extra 'video'.
    """
    out = out or file_name(model, "interpolation.png")
    film = _checked(out, steps, frames, fps)
    timing = Timing(
        steps or (SMOOTH if film and out.suffix.lower() != ".gif" else 8),
        frames,
        "loop" if loop else "back" if film and loop is None else "stop",
        easing,
    )
    if len(through) == 1:
        raise UsageError(
            f"--through {through[0]} alone changes nothing: give another --through, such as --through CLASS"
        )
    tamed = told(truncation, truncation_cutoff, truncation_mean)
    known, found = known_directions(model, moves, directions, walks=True), known_latents(places)
    gan = open_model(model, device)
    replace_examples(gan, None, False, texts)
    from ganzoo.folder.directions import asked_ranges
    from ganzoo.visual.interpolation import Asked

    rows = rows or (1 if places else 8)
    numbers = None if places and not labels else label_numbers(gan, labels, rows)
    asked = Asked(
        rows=rows,
        stops=stops,
        seed=seed,
        labels=numbers,
        through=gan.read_labels(through) if through else None,
        found=checked_latents(gan, found, places),
        truncation=tamed,
        space=space,
        ranges=asked_ranges(gan, moves, known) if known else None,
    )
    with noise_of_layers(gan, layer_noise):
        count = _draw(gan, asked, timing, fps, out)
    say(f"{counted(rows, 'row')} of {counted(count, 'image')}: {out}")


def _checked(out: Path, steps: int | None, frames: int | None, fps: float | None) -> bool:
    """Whether ``out`` is a film, once it is known that it can be written.

    Raises:
        UsageError: it cannot, or what was said of the time does not go together.
    """
    from ganzoo.visual.film import FILMS, check_film

    check_out(out, (PICTURE, *FILMS))
    film = out.suffix.lower() != PICTURE
    if film:
        check_film(out, fps)
    elif fps is not None:
        raise UsageError(f"--fps is of a film, and {out} is a picture: name a file that ends in .gif, .mp4 or .webp")
    if steps is not None and frames is not None:
        raise UsageError("--steps and --frames both say how many images there are: leave one out")
    return film


def _draw(gan: GAN, asked: Asked, timing: Timing, fps: float | None, out: Path) -> int:
    """Draw a walk and write it; how many images each row has."""
    import torch

    from ganzoo.images import grid, save_png
    from ganzoo.visual.film import save_film
    from ganzoo.visual.interpolation import draw, make_stops

    stops = make_stops(gan, asked, timing.ending == "loop")
    places = timing.places(stops.count)
    images = _shown(draw(gan, stops, places), len(places))
    if out.suffix.lower() == PICTURE:
        save_png(grid(torch.stack([*images], dim=1).flatten(0, 1), columns=len(places)), out)
    else:
        pictures: Iterator[Image.Image] = (grid(frame, columns=COLUMNS) for frame in images)
        save_film(pictures, out, fps)
    return len(places)


def _shown(images: Iterator[Tensor], count: int) -> Iterator[Any]:
    """They, with a progress bar where it takes long."""
    from ganzoo.data.progress import progress_bar

    with progress_bar("drawing", count) as advance:
        for image in images:
            yield image
            advance(1)
