"""For commands that serve a local page: their options, and serving until Ctrl-C."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Protocol

import click

from ganzoo.cli.show import say
from ganzoo.files.streams import is_terminal
from ganzoo.files.waiting import no_status


class Server(Protocol):
    """What serves a page: listening already, as :class:`ganzoo.watch.local.LocalServer` is."""

    @property
    def url(self) -> str:
        """Where the page is."""

    def serve_forever(self, poll_interval: float) -> None:
        """Answer until Ctrl-C."""


PORT = click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="P", help="Port to use; a free one by default."
)
OPEN = click.option(
    "--open/--no-open", "wanted", default=None, help="Open a browser; by default where there is a screen."
)


def serve(server: Server, name: object, wanted: bool | None) -> None:
    """Print the address of the page and serve it until Ctrl-C.

    Args:
        server: listening already.
        name: what the page is of, printed in front of its address.
        wanted: whether to open a browser; by default where there is a screen.
    """
    say(f"{name}: {server.url}")
    say("Ctrl-C ends this page.", err=True)
    if _has_screen() if wanted is None else wanted:
        webbrowser.open(server.url)
    try:
        with no_status():
            server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        say("", "The page has ended.", err=True)


def _has_screen() -> bool:
    """Whether a browser that opens would be seen: a person at a terminal, and a display that is theirs."""
    if not is_terminal(sys.stdout) or "SSH_CONNECTION" in os.environ:
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
