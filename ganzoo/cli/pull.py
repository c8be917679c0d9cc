"""``ganzoo pull``: a published model as a folder of one's own."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Download a published model as a folder.")
@click.argument("ref")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--revision", metavar="REV", help="A branch, tag or commit; the same as REF@REV.")
@click.option("--token", metavar="TOKEN", help="Of the Hub; better 'hf auth login' or HF_TOKEN, which no log sees.")
def pull(ref: str, folder: Path | None, revision: str | None, token: str | None) -> None:
    """Download the model REF (organisation/name, or a shipped name) into the new folder DIR, ./NAME by default.

    Only published files are taken, each checked for its size before it is downloaded; nothing of them is run.

    \b
    ganzoo pull my-org/sagan-cifar10
    ganzoo pull my-org/sagan-cifar10@v1 models/sagan
    """
    from ganzoo.hub.pull import pull as take

    made, names = take(ref, folder, revision, token)
    click.echo(f"{made}: {', '.join(names)}. Images of it:")
    click.echo(f"ganzoo sample {made} -n 64 --out grid.png")
