"""``ganzoo leaderboard``: models ranked by scores of one protocol, and never across two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say
from ganzoo.errors import UsageError, nearest
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.scoring.leaderboard import Protocol, RankedScore


@about(
    "score",
    """
    All models under runs/:
    ganzoo leaderboard runs
    By one protocol, as a table for a README:
    ganzoo leaderboard runs --protocol fd10k-test@tf_efficientnet_lite0.in1k-64 --markdown
    """,
)
@click.command(short_help="Rank models by their scores, like with like.")
@click.argument("folders", nargs=-1, type=PATH)
@click.option("--protocol", metavar="KEY", help="Only scores of this key.")
@click.option("--markdown", is_flag=True, help="Print tables in Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print the rankings as JSON.")
def leaderboard(folders: tuple[Path, ...], protocol: str | None, markdown: bool, as_json: bool) -> None:
    """Rank the models in FOLDERS by their scores, like with like.

    A folder is a model, or holds models; ./runs by default. Only scores of the weights that are there now count. Each
    protocol has a table of its own: scores of different keys, data, feature networks or ways of resizing are never in
    one.

    --json prints {"leaderboards": [{key, dataset, network, resize, higher_is_better, ranking: [{rank, model, recipe,
    step, value, std, floor, weights}]}]}.
    """
    from ganzoo.cli.show import show_json
    from ganzoo.scoring.leaderboard import described, rankings, scored, title

    with doing("reading scores"):
        tables = rankings(scored(folders))
    if protocol is not None:
        tables = {one: found for one, found in tables.items() if one[0] == _known(protocol, tables)}
    if as_json:
        show_json({"leaderboards": [described(found) for found in tables.values()]})
    elif not tables:
        say("no scores: ganzoo eval MODEL --data D makes them")
    elif markdown:
        say(*"\n".join(markdown_table(found) for found in tables.values()).split("\n"))
    else:
        for place, found in enumerate(tables.values()):
            say(*([""] if place else []), title(found[0].score))
            _show(found)


def _known(protocol: str, tables: Mapping[Protocol, Any]) -> str:
    keys = {one[0] for one in tables}
    if protocol not in keys:
        close = f"; nearest: {', '.join(nearest(protocol, keys))}" if keys else ""
        raise UsageError(f"no model here has a score with the key {protocol!r}{close}")
    return protocol


def _cells(rows: Sequence[RankedScore]) -> tuple[list[str], list[list[str]]]:
    from ganzoo.cli.eval import number

    columns = ["rank", "model", "recipe", "step", "value", "±"]
    cells = [
        [
            str(rank),
            row.model,
            row.recipe,
            str(row.score.step),
            number(row.score.value),
            "" if row.score.std is None else number(row.score.std),
        ]
        for rank, row in enumerate(rows, 1)
    ]
    floor = next((row.score.floor for row in rows if row.score.floor is not None), None)
    if floor is not None:
        cells.append(["", "(real images)", "", "", number(floor), ""])
    return columns, cells


def _show(rows: Sequence[RankedScore]) -> None:
    from ganzoo.cli.show import show_table

    show_table(*_cells(rows))


def markdown_table(rows: Sequence[RankedScore]) -> str:
    """A ranking in Markdown; what comes from folders is shown letter by letter."""
    from ganzoo.card import plain
    from ganzoo.scoring.leaderboard import title

    columns, cells = _cells(rows)
    lines: list[list[str]] = [columns, ["---"] * len(columns), *([str(plain(cell)) for cell in line] for line in cells)]
    return f"### {plain(title(rows[0].score))}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
