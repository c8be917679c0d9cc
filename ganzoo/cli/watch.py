"""``ganzoo watch``: a run, or a folder of runs, live in the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

import click

from ganzoo.errors import RunError


@click.command(short_help="Watch a run live in the browser.")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="Port to use; a free one by default."
)
@click.option("--open/--no-open", "wanted", default=None, help="Open a browser; by default where there is a screen.")
def watch(run: Path, port: int, wanted: bool | None) -> None:
    """Show RUN, the folder of a run, as a live page: samples, curves, health, scores, time left.

    The run may be going, stopped or finished, or have nothing to show yet. A folder of runs, such as runs/, becomes an
    index of them all. Ctrl-C ends the page, not the run.

    The page is for this machine only (127.0.0.1), and its address holds a token without which nothing is shown. To
    see a run of another machine, forward the port: ssh -L 8000:127.0.0.1:8000 HOST ganzoo watch RUN --port 8000

    \b
    ganzoo watch runs/first
    ganzoo watch runs/ --no-open
    """
    from ganzoo.watch.server import Server

    folder = run.expanduser()
    if not folder.is_dir():
        what = f"{folder} is a file" if folder.exists() else f"there is no folder {folder}"
        raise RunError(f"{what}; give the folder of a run, or one that holds runs, such as runs/")
    with Server(folder, port) as server:
        click.echo(f"{folder}: {server.url}")
        click.echo("Ctrl-C ends this page.", err=True)
        if _has_screen() if wanted is None else wanted:
            webbrowser.open(server.url)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            click.echo("\nThe page has ended.", err=True)


def _has_screen() -> bool:
    """Whether a browser that opens would be seen: a person at a terminal, and a display that is theirs."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
