"""``ganzoo pull``: a published model as a folder of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import MODEL
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import command
from ganzoo.files.waiting import doing

MOST_SHOWN = 40


@about(
    "share",
    """
    Into ./dcgan-digits:
    ganzoo pull my-org/dcgan-digits
    A tag or commit, into a folder of your choice:
    ganzoo pull my-org/dcgan-digits@v1 models/digits
    """,
)
@click.command(short_help="Download a published model as a folder.")
@click.argument("ref", type=MODEL)
@click.argument("folder", required=False, type=PATH, metavar="[DIR]")
@click.option("--revision", metavar="REV", help="A branch, tag or commit; the same as REF@REV.")
@click.option("--token", metavar="TOKEN", help="Of the Hub; better 'hf auth login' or HF_TOKEN, which no log sees.")
def pull(ref: str, folder: Path | None, revision: str | None, token: str | None) -> None:
    """Download the model REF (organisation/name, or a shipped name) into the new folder DIR, ./NAME by default.

    Only published files are taken, each checked for its size before it is downloaded and for the Hub's sha256 after;
    the weights are read before this says that they are there. Nothing of the files is run.
    """
    from ganzoo.files.untrusted import printable
    from ganzoo.hub.pull import pull as take

    with doing(f"downloading {ref}"):
        pulled = take(ref, folder, revision, token)
    if pulled.left:
        say(f"left there: {len(pulled.left):,} pictures and examples, from {pulled.left[0]} on", err=True)
    if pulled.missing:
        say(f"{pulled.folder}: {shown(pulled.names)}. Its weights are whole; {printable(pulled.missing)}")
        return
    say(f"{pulled.folder}: {shown(pulled.names)}. Images of it:")
    say(command("sample", pulled.folder, "-n", 64, "--out", "grid.png"))


def shown(names: Sequence[str]) -> str:
    """Names of files in a line: all of them, or the first of very many."""
    rest = len(names) - MOST_SHOWN
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:MOST_SHOWN])} and {rest:,} more"
