"""``ganzoo sample``: images of a trained model, as one picture, single pictures or arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.along import FILE, LATENTS, MOVES, checked_latents, known_directions, known_latents
from ganzoo.cli.drawn import Drawn, swept, writer_of
from ganzoo.cli.given import replace_examples
from ganzoo.cli.model import file_name, open_model
from ganzoo.cli.names import DATA, MODEL, SAMPLER
from ganzoo.cli.options import AT_ONCE, AT_STEP, OF_DATA, ON_DEVICE
from ganzoo.cli.paths import PATH, PathType
from ganzoo.cli.show import say
from ganzoo.cli.truncation import NOISE, noise_of_layers, sweep_options, told
from ganzoo.errors import UsageError, counted
from ganzoo.folder.layout import SAMPLES

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.gan.gan import GAN
    from ganzoo.gan.latents import Latents
    from ganzoo.gan.sampling import Sampling
    from ganzoo.gan.steering import Directions, Move
    from ganzoo.gan.style import Truncation
    from ganzoo.parts import Sampler

CHUNK = 1024  # images that are floats in memory at once
SWEPT = 8  # images of a sweep, where nobody says how many


@about(
    "look",
    """
    A grid of images of a model that ships with ganzoo:
    ganzoo sample dcgan-cifar10 -n 16 --seed 1 --out grid.png
    Threes and sevens in turn, each in a file of its own:
    ganzoo sample sngan-cond-mnist -n 20 --label 3 --label 7 --out digits
    Tamer images, by truncation of w in its first layers:
    ganzoo sample runs/stylegan2 -n 4 --truncation 0.7 --truncation-cutoff 2 --out tame.png
    The same samples at several truncations, a row for each:
    ganzoo sample runs/stylegan2 -n 4 --truncation 0.3,0.5,0.7,1 --out sweep.png
    A photo, translated:
    ganzoo sample pix2pix-cifar10-color --input photo.png --resize --out colours.png
    Moved along directions that 'ganzoo directions' found:
    ganzoo sample runs/first --direction d3=1.5 --direction d0=-1 --out moved.png
    Only images that the discriminator takes for real:
    ganzoo sample runs/first -n 16 --sampler drs --data digits --split test --out accepted.png
    """,
)
@click.command()
@click.argument("model", type=MODEL)
@click.option("-n", "count", type=click.IntRange(min=1), help="How many images; 64, or 8 at several truncations.")
@click.option("--seed", default=0, show_default=True, help="Seed of the noise: the same seed, the same images.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="A class, by name or number; several --label are taken in turn.",
)
@click.option(
    "--input",
    "source",
    type=PathType(exists=True),
    metavar="PHOTO|FOLDER",
    help="For a model that translates images: what it translates.",
)
@click.option("--resize", is_flag=True, help="Cut --input square and resize it to the model's size.")
@click.option("--text", "texts", multiple=True, help="For a model that draws texts: what to draw; several in turn.")
@sweep_options
@NOISE
@click.option(
    "--sampler",
    type=SAMPLER,
    metavar="NAME",
    help="Choose the noise by what D says of its images: ddls or drs, with options as in ddls:steps=200.",
)
@click.option("--data", type=DATA, metavar="D", help="Real images that drs is calibrated with, as train takes them.")
@OF_DATA
@MOVES
@FILE
@click.option(
    "--latents",
    type=LATENTS,
    metavar="FILE.safetensors",
    help="Draw what 'ganzoo project' found again, its class and the noise of its layers included.",
)
@AT_ONCE
@ON_DEVICE
@AT_STEP
@click.option("--out", type=PATH, metavar="FILE.png|DIR|FILE.npz", help="File or folder to write.")
def sample(
    model: str,
    count: int | None,
    seed: int,
    labels: tuple[str, ...],
    source: Path | None,
    resize: bool,
    texts: tuple[str, ...],
    truncations: tuple[float, ...],
    truncation_cutoff: int | None,
    truncation_mean: str | None,
    layer_noise: int | None,
    sampler: str | None,
    data: str | None,
    split: str | None,
    moves: tuple[str, ...],
    directions: Path | None,
    latents: Path | None,
    batch: int,
    device: str | None,
    step: str | None,
    out: Path | None,
) -> None:
    """Draw images from MODEL.

    FILE.png is a grid, DIR a new folder of single PNG pictures (grey, RGB or RGBA, with 8 or 16 bits, as the model's
    images are), FILE.npz holds arrays: images (N, H, W, C) of bytes or of 16 bits and, for a model with classes, labels
    (N,), or label vectors (N, L), and with --input names (N,). Image k depends on the seed and k only.

    LABEL is the name or number of a class. For a model with several classes at once it is all of them, red/round, or
    none; for one with continuous labels a vector of numbers, 0.5/-1. Without --label, classes are taken in turn, and
    label vectors of the training.

    Several truncations draw the same samples at each of them: FILE.png has a row for each, DIR a folder, and FILE.npz
    truncations (N,).

    A model that translates images takes --input: one picture, or a folder of them, each drawn once, and in a grid
    beside its translation; in DIR the results have the names of the pictures. A model that draws texts takes --text.
    Without these they take the examples they came with.

    A sampler asks the discriminator, which the folder of a run holds, and what was published by push
    --with-discriminator: ddls walks to noise whose images it takes for real, drs draws until it accepts one; give drs
    images that D has not seen.
    """
    out = out or file_name(model, SAMPLES)
    write, sweep = writer_of(out), [told(one, truncation_cutoff, truncation_mean) for one in truncations or (None,)]
    chosen = _sampler(sampler, sweep[0], data, split)
    known = known_directions(model, moves, directions)
    found = _found(
        latents,
        given={
            "--label": labels,
            "--truncation": truncations,
            "--noise": layer_noise,
            "--sampler": sampler,
            "--input": source,
            "--text": texts,
        },
    )
    gan = open_model(model, device, step, discriminator=chosen is not None)
    names = replace_examples(gan, source, resize, texts)
    count = len(names) or count or (SWEPT if len(sweep) > 1 else 64)
    move = _move(gan, moves, known)
    if found is not None:
        checked_latents(gan, [found], (latents or out,))
        drawn = _again(gan, found, move, batch)
    else:
        refuse_truncations(gan, sweep)
        numbers = label_numbers(gan, labels, count)
        with noise_of_layers(gan, layer_noise):
            better = _sampling(gan, chosen, seed=seed, data=data, split=split, batch=batch)
            rows = [draw(gan, count, seed, numbers, one, batch, sampling=better, move=move) for one in sweep]
        drawn = Drawn(rows[0], numbers, gan.examples, names)
        if len(sweep) > 1:
            drawn = swept(drawn, rows, truncations)
    write(drawn, out)
    say(f"{counted(len(drawn.images), 'image')}{_of(sweep)}: {out}{_seen(gan, out)}")


def _of(sweep: Sequence[object]) -> str:
    """What is said of the rows of a sweep."""
    return f", a row for each of {counted(len(sweep), 'truncation')}" if len(sweep) > 1 else ""


def _found(file: Path | None, given: Mapping[str, object]) -> Latents | None:
    """Latents of a file, before the model is opened; None for none.

    Raises:
        UsageError: something was given beside them that they say themselves.
        ModelError: the file holds none.
    """
    if file is None:
        return None
    for name, value in given.items():
        if value not in (None, ()):
            raise UsageError(f"{name} is said by what --latents names: leave one of the two out")
    return known_latents((file,))[0]


def _again(gan: GAN, found: Latents, move: Move | None, batch: int) -> Drawn:
    """What was found, drawn again."""
    from ganzoo.images import to_levels

    images = to_levels(found.draw(gan, move, batch), low=0, bits=gan.bits)
    return Drawn(images, found.labels, {})


def refuse_truncations(gan: GAN, sweep: Sequence[float | Truncation | None]) -> None:
    """Refuse what the model does not take, before the first image is drawn.

    Raises:
        UsageError: naming the truncation.
    """
    from ganzoo.gan.arguments import take_truncation

    for one in (*sweep, None):
        take_truncation(gan.get_submodule("G"), gan.input_names, one)


def _sampler(word: str | None, truncation: object, data: str | None, split: str | None) -> Sampler | None:
    """The sampler that was asked for, before anything is opened; None for none."""
    from ganzoo.gan.sampling import check_sampler, read_sampler

    check_sampler(word, truncation, data)
    if split is not None and data is None:
        raise UsageError("--split is of real images: give --data too")
    return None if word is None else read_sampler(word, data)


def _sampling(gan: GAN, sampler: Sampler | None, **given: Any) -> Sampling | None:
    """It at work on the model."""
    from ganzoo.gan.sampling import sampling

    return None if sampler is None else sampling(gan, sampler, **given)


def _move(gan: GAN, moves: tuple[str, ...], found: Directions | None) -> Move | None:
    """Where they lead in the model."""
    from ganzoo.folder.directions import asked_move

    return None if found is None else asked_move(gan, moves, found)


def _seen(gan: GAN, out: Path) -> str:
    """What of the images a file shows, if that is not all: pictures have at most four channels, and grids no alpha."""
    from ganzoo.registry.sizes import COLOURS, shown_as

    suffix = out.suffix.lower()
    whole = gan.channels in COLOURS if not suffix else suffix == ".npz"
    words = "" if whole else shown_as(gan.channels, gan.bits if suffix else 8)
    return f" ({words}; a FILE.npz has all)" if words else ""


def label_numbers(gan: GAN, labels: tuple[str, ...], count: int) -> Tensor | None:
    """Labels of ``count`` images: those given, in a cycle, or the model's own; None for an unconditional model.

    Raises:
        UsageError: for a label that the model does not have.
    """
    import torch

    if not labels:
        return gan.default_labels(count)
    given = gan.read_labels(labels)
    return given[torch.arange(count) % len(given)]


def draw(
    gan: GAN,
    count: int,
    seed: int,
    numbers: Tensor | None,
    truncation: float | Truncation | None = None,
    batch: int = 64,
    sampling: Sampling | None = None,
    move: Move | None = None,
) -> Tensor:
    """Bytes, or uint16 for a model of 16 bits, ``(N, C, H, W)``.

    They are computed in pieces, so that a large N needs no more memory than these.
    """
    import torch

    from ganzoo.data.progress import progress_bar
    from ganzoo.images import to_levels

    def pieces() -> Iterator[Tensor]:
        for start in range(0, count, chunk):
            n = min(chunk, count - start)
            some = None if numbers is None else numbers[start : start + n]
            inputs = gan.inputs(n, seed, some, truncation, start)
            if sampling is not None:
                inputs = sampling(inputs, seed, start, batch)
            yield to_levels(gan.generate_moved(move, **inputs, batch=batch), low=0, bits=gan.bits)
            advance(n)

    chunk = min(batch, CHUNK)
    with progress_bar("drawing", count) as advance:
        return torch.cat(list(pieces()))
