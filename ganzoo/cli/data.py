"""``ganzoo data``: check a data set before training on it, and pack one that is large."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out
from ganzoo.cli.names import DATA
from ganzoo.cli.options import SKIP_BAD, option
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_json, show_table
from ganzoo.errors import DataError, UsageError, command, counted
from ganzoo.registry.shown import some
from ganzoo.registry.sizes import Size, colours_text, height_width, size_text

if TYPE_CHECKING:
    from ganzoo.data.check import Report
    from ganzoo.data.packed import Packed

HELD = 2**30  # bytes of decoded images that packing holds at most
SHOWN = 12
"""Rows of a list before the rest is only counted; ``--json`` has them all."""


CHECK_EXAMPLES = """
    What is in a data set, and which recipes fit it:
    ganzoo data check digits
    A folder of your own pictures, with a preview:
    ganzoo data check ./pictures --out preview.png
"""
PACK_EXAMPLES = """
    One file of decoded images, which every training maps into memory:
    ganzoo data pack digits digits.safetensors
    Shards for many machines, tar files of WebDataset's kind:
    ganzoo data pack digits ./shards --shards 4
"""
INFO_EXAMPLES = """
    What is in a packed file:
    ganzoo data pack digits digits.safetensors
    ganzoo data info digits.safetensors
    Whether all of it is as it was written:
    ganzoo data pack digits digits.safetensors
    ganzoo data info digits.safetensors --verify
"""


@about("train", CHECK_EXAMPLES + PACK_EXAMPLES)
@click.group()
def data() -> None:
    """Check a data set before training on it, or pack it."""


@about("train", CHECK_EXAMPLES)
@data.command()
@click.argument("value", type=DATA, metavar="PATH|NAME")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--out", type=PATH, help="Write a grid of up to 64 of the images to this PNG.")
@click.option("--skip-bad", is_flag=True, help="Pictures that cannot be read are no failure.")
def check(value: str, as_json: bool, out: Path | None, skip_bad: bool) -> None:
    """Report on a data set: count, sizes, classes, duplicates, bad files, fitting recipes.

    The exit status is 1 when a picture cannot be read (unless --skip-bad) or fewer than two can, else 0.
    """
    from ganzoo.data.check import check as look
    from ganzoo.data.dataset import DataRequest

    if out is not None and out.suffix.lower() != ".png":
        raise UsageError(f"--out {out}: the preview is a PNG; give a name that ends in .png")
    report = look(value, DataRequest(skip_bad=True))
    if out is not None and report.preview is not None:
        from ganzoo.images import grid, save_png

        save_png(grid(report.preview), out)
    if as_json:
        show_json(report.as_json())
    else:
        _show(report, out)
    if report.count < 2 or (report.bad and not skip_bad):
        raise click.exceptions.Exit(1)


@about("train", PACK_EXAMPLES)
@data.command()
@click.argument("source", type=DATA, metavar="PATH|NAME")
@click.argument("out", type=PATH)
@click.option("--shards", type=int, metavar="N", help="Write a folder of N tar files of PNGs instead of one file.")
@option("resolution")
@option("channels")
@option("bits")
@click.option("--split", default="train", show_default=True, help="Of a named data set.")
@option("workers")
@SKIP_BAD
def pack(
    source: str,
    out: Path,
    shards: int | None,
    resolution: str | None,
    channels: int | None,
    bits: int | None,
    split: str,
    workers: int | None,
    skip_bad: bool,
) -> None:
    """Write a data set, decoded at the size of training, to OUT, to train on.

    OUT is one file, NAME.safetensors, that is mapped into memory: it starts at once, takes no memory of its own, and no
    step waits for a picture. With --shards it is a folder of tar files. It appears when it is whole.
    """
    from ganzoo.data.dataset import DataRequest, available_memory
    from ganzoo.data.open import open_data

    _check_pack_out(out, shards)
    # Each image is needed once, so no more of them are held than a small data set takes anyway.
    request = DataRequest(resolution, channels, split, skip_bad, memory=min(available_memory() // 3, HELD), bits=bits)
    opened = open_data(source, request if workers is None else replace(request, workers=workers))
    if shards is None:
        from ganzoo.data.packed import pack as write

        written = write(opened, out)
        say(f"{out}: {counted(opened.count, 'image')}, {written.image_bytes / 1e6:,.1f} MB")
        say(f"fingerprint: {written.fingerprint}")
    else:
        from ganzoo.data.sharding import write_shards

        say(f"{out}: {counted(opened.count, 'image')} in {counted(len(write_shards(opened, out, shards)), 'shard')}")
    say(f"next: {command('train', 'RECIPE', '--data', _data_argument(out))}")


def _check_pack_out(out: Path, shards: int | None) -> None:
    """Refuse a place that could not be written to, before anything is decoded.

    Raises:
        UsageError: something is there already, or the name does not say what it is.
    """
    if out.exists():
        raise UsageError(f"{out} is there already: choose another name, or remove it")
    if shards is None:
        check_out(out, (".safetensors",), "OUT")


def _data_argument(out: Path) -> str:
    """How ``--data`` takes a path that may be called like a data set."""
    return str(out) if out.is_absolute() or "/" in str(out) else f"./{out}"


@about("train", INFO_EXAMPLES)
@data.command()
@click.argument("file", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--verify", is_flag=True, help="Read all of it, and compare it with its fingerprint.")
def info(file: Path, as_json: bool, verify: bool) -> None:
    """Say what is in a FILE of ganzoo data pack.

    The exit status is 1 when it is damaged, else 0.
    """
    from ganzoo.data.packed import read_header, verified

    found = read_header(file.resolve())
    whole = verified(found) if verify else None
    if as_json:
        show_json({**found.as_json(), **({} if whole is None else {"verified": whole})})
    else:
        n, _, height, width = found.shape
        colours = colours_text(found.shape[1], found.bits)
        say(f"{file}: {counted(n, 'image')}, {height}x{width}, {colours}, {found.image_bytes / 1e6:,.1f} MB")
        say(f"labels: {_plain(_labels_text(found))}")
        say(f"licence: {_plain(found.licence)}")
        say(f"fingerprint: {found.fingerprint}")
        if whole:
            say("verified: every image and label is as it was written")
    if whole is False:
        raise DataError(f"{file} is damaged: its content is not what its fingerprint says; pack it again")


def _labels_text(found: Packed) -> str:
    if found.labels is None:
        return "none"
    return f"{counted(len(found.class_names), 'class')}, {found.label_kind}: {some(found.class_names)}"


def _show(report: Report, out: Path | None) -> None:
    sizes = report.as_json()["sizes"]
    labelled = counted(len(report.classes), "class") if report.classes else "no labels"
    labelled += f", {len(report.empty):,} of them without pictures" if report.empty else ""
    if report.label_kind == "multilabel":
        labelled += ", any number of them at once"
    elif report.ranges:
        labelled = f"label vectors of {len(report.ranges)} numbers"
    left = f", {counted(len(report.left), 'file')} left alone" if report.left else ""
    say(f"{report.data}: {counted(report.count, 'image')}, {labelled}, {len(report.bad)} bad{left}")
    if not report.count:
        _show_some("bad file", "why", report.bad)
        return
    say(f"trained at {_by(report.resolution)}, {_colours(report)}", "")
    _show_some("size", "images", {size: f"{count:,}" for size, count in sizes.items()})
    _show_some("mode", "images", {mode: f"{count:,}" for mode, count in report.modes.most_common()})
    _show_some("class", "images", {name: f"{count:,}" for name, count in (report.classes or {}).items()}, 100)
    ranges = {name: f"{least:.4g} to {most:.4g}" for name, (least, most) in (report.ranges or {}).items()}
    _show_some("label", "from, to", ranges, 100)
    _show_some("duplicate", "same pixels as", {n: names[0] for names in report.duplicates for n in names[1:]})
    _show_some("bad file", "why", report.bad)
    _show_recipes(report)
    if out is not None:
        say(f"preview: {out}")
    say(f"next: {report.next}" if report.next else "no recipe fits this data as it is")


def _show_some(left: str, right: str, rows: dict[str, str], most: int = SHOWN) -> None:
    """A table of two columns; nothing for an empty one."""
    if not rows:
        return
    shown = list(rows.items())[:most]
    show_table((left, right), [(_plain(name), _plain(value)) for name, value in shown])
    if len(rows) > len(shown):
        say(f"… and {len(rows) - len(shown):,} more; --json lists them all")
    say()


def _show_recipes(report: Report) -> None:
    by_size: dict[Size, list[str]] = {}
    for fit in report.fits:
        if fit.resolution is not None:
            by_size.setdefault(fit.resolution, []).append(fit.recipe)
    for size, recipes in sorted(by_size.items(), key=lambda item: item[0] != report.resolution):
        option = "" if size == report.resolution else f" (with --resolution {size_text(size)})"
        say(f"recipes that fit at {_by(size)}{option}: {', '.join(recipes)}")
    unfit = {fit.recipe: fit.reason for fit in report.fits if fit.resolution is None}
    if unfit:
        say()
        _show_some("does not fit", "why", unfit)


def _by(size: Size) -> str:
    """``64x128``, height first, and ``64x64`` for squares."""
    return "x".join(map(str, height_width(size)))


def _colours(report: Report) -> str:
    """``grey``, ``RGB``, or how many channels; with the bits where these are not 8."""
    named = {1: "grey", 3: "RGB", 4: "RGBA"}.get(report.channels, f"{report.channels} channels")
    return named if report.bits == 8 else f"{named}, {report.bits} bits"


def _plain(text: str) -> str:
    """Names come from other people's files: what could steer a terminal is written out."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
