"""``ganzoo watch``: a run, or a folder of runs, live in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.page import OPEN, PORT, serve
from ganzoo.cli.paths import PATH
from ganzoo.errors import RunError


@about(
    "train",
    """
    One run:
    ganzoo watch runs/first
    All of them, without opening a browser:
    ganzoo watch runs/ --no-open
    """,
)
@click.command(short_help="Watch a run live in the browser.")
@click.argument("run", metavar="RUN", type=PATH)
@PORT
@OPEN
def watch(run: Path, port: int, wanted: bool | None) -> None:
    """Show RUN, the folder of a run, as a live page: samples, curves, health, scores, time left.

    The run may be going, stopped or finished, or have nothing to show yet. A folder of runs, such as runs/, becomes an
    index of them all. Ctrl-C ends the page, not the run.

    The page is for this machine only (127.0.0.1), and its address holds a token without which nothing is shown. To
    see a run of another machine, forward the port: ssh -L 8000:127.0.0.1:8000 HOST ganzoo watch RUN --port 8000
    """
    from ganzoo.watch.server import Server

    if not run.is_dir():
        what = f"{run} is a file" if run.exists() else f"there is no folder {run}"
        raise RunError(f"{what}; give the folder of a run, or one that holds runs, such as runs/")
    with Server(run, port) as server:
        serve(server, run, wanted)
