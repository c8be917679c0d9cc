"""``ganzoo plot``: training curves of runs."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out, file_name
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import counted


@about(
    "train",
    """
    Losses, D's accuracy and speed of one run:
    ganzoo plot runs/first
    D's losses of two runs, smoothed:
    ganzoo plot runs/first runs/second --keys 'losses/d/*' --smooth 5 --out losses.svg
    """,
)
@click.command(short_help="Draw training curves of a run, or of several.")
@click.argument("runs", nargs=-1, required=True, type=PATH, metavar="RUN...")
@click.option("--keys", multiple=True, metavar="PATTERN", help="Such as 'losses/d/*' or lr/g; several add up.")
@click.option(
    "--smooth",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Smooth: an average over about N log lines.",
)
@click.option("--out", type=PATH, metavar="FILE.png|FILE.svg", help="File to write.")
def plot(runs: tuple[Path, ...], keys: tuple[str, ...], smooth: int, out: Path | None) -> None:
    """Draw losses, D's accuracy and speed of one RUN, or compare several.

    Reads log.jsonl of each folder. Several runs are drawn into one panel for each key. Needs the extra 'plot'.
    """
    out = out or file_name(str(runs[0]), "curves.png")
    check_out(out, (".png", ".svg"))
    from ganzoo.visual import curves

    found = curves.read_curves(list(runs), keys)
    curves.plot(found, out, smooth)
    say(f"{counted(len(found), 'curve')}: {out}")
