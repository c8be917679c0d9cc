"""``ganzoo search`` and ``ganzoo models``: models of the Hub, of packages and of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_json, show_table
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.hub.search import Hit


@about(
    "share",
    """
    Models with self-attention, trained on CIFAR-10:
    ganzoo search --part sa --data cifar10
    Without a network, for a script:
    ganzoo search sagan --local --json
    """,
)
@click.command(short_help="Find models on the Hub and among local runs.")
@click.argument("text", required=False, default="")
@click.option("--part", metavar="NAME", help="With this part in its recipe, such as sa.")
@click.option("--data", metavar="D", help="Trained on this data set, such as cifar10.")
@click.option("--max-fid", type=click.FloatRange(min=0), metavar="X", help="With a FID of at most X, by any protocol.")
@click.option("--runs", type=PATH, default=Path("runs"), show_default=True, help="Local runs.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Of models of the Hub.")
@click.option("--local", is_flag=True, help="Ask no network: local runs, shipped and cached models only.")
@click.option("--token", metavar="TOKEN", help="Of the Hub, to find private models; better 'hf auth login'.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(
    text: str,
    part: str | None,
    data: str | None,
    max_fid: float | None,
    runs: Path,
    limit: int,
    local: bool,
    token: str | None,
    as_json: bool,
) -> None:
    """Find models of ganzoo whose name or recipe holds TEXT: on the Hub, shipped by packages, fetched before, and
    under runs/.

    Scores of models of the Hub are what their cards claim; 'ganzoo verify' measures them again. The score's key names
    its protocol: numbers under different keys do not compare.

    --json prints a list of {"where": "hub"|"shipped"|"cached"|"run", "ref", "parts": [...], "data": [...], "scores":
    {key: value}, "fid": number or null, "downloads": number or null}.
    """
    from ganzoo.errors import HubError
    from ganzoo.hub.search import Question, on_the_hub, on_this_machine

    question = Question(text, part, data, max_fid)
    hits = on_this_machine(question, runs)
    if not local:
        try:
            with doing("asking the Hub"):
                found = on_the_hub(question, limit, token)
            there = {hit.ref for hit in found}
            hits = [hit for hit in hits if hit.where != "cached" or hit.ref not in there] + found
        except HubError as error:
            say(f"ganzoo: warning: {error}; only what is on this machine is shown", err=True)
    _show(hits, as_json, "no model answers to that; ganzoo search without options lists all")


@about(
    "share",
    """
    All of them:
    ganzoo models
    Those that are called so, for a script:
    ganzoo models cifar10 --json
    """,
)
@click.command(short_help="List the trained models on this machine.")
@click.argument("text", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as 'ganzoo search' does.")
def models(text: str, as_json: bool) -> None:
    """List trained models that are ready to use: shipped by ganzoo and by packages, or fetched from the Hub before.

    With TEXT, those whose name or recipe holds it. No network is asked; 'ganzoo search' asks the Hub, and has runs too.
    """
    from ganzoo.hub.known import nothing_here
    from ganzoo.hub.search import Question, on_this_machine

    hits = on_this_machine(Question(text))
    nothing = f"no model on this machine is called {text}; ganzoo models lists all, ganzoo search asks the Hub"
    _show(hits, as_json, nothing if text else nothing_here())


def _show(hits: Sequence[Hit], as_json: bool, nothing: str) -> None:
    """Print models as JSON or as a table, and what to say where there are none."""
    if as_json:
        show_json([hit.to_json() for hit in hits])
    elif hits:
        show_table(("model", "where", "data", "score", "parts"), [_row(hit) for hit in hits])
    else:
        say(nothing)


def _row(hit: Hit) -> tuple[str, str, str, str, str]:
    """A line of the table: the FID first if there is one, else any score."""
    from ganzoo.files.untrusted import printable

    best = [key for key, value in hit.scores.items() if value == hit.fid] or list(hit.scores)
    score = f"{hit.scores[best[0]]:.4g} {best[0]}" if best else "none"
    row = (hit.ref, hit.where, ", ".join(hit.data), score, " ".join(hit.parts))
    return (*map(printable, row),)  # type: ignore[return-value]
