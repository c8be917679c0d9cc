"""``ganzoo leaderboard``: models ranked by scores of one protocol, and never across two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.errors import UsageError, nearest
from ganzoo.folder.layout import CONFIG, MODEL

if TYPE_CHECKING:
    from ganzoo.folder.scores import Score

Protocol = tuple[str, str, str, str]  # see Score.protocol


@dataclass(frozen=True)
class Row:
    """A model and one of its scores."""

    model: str
    recipe: str
    score: Score


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
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

    \b
    Example:
      ganzoo leaderboard runs --protocol fd10k-test@tf_efficientnet_lite0.in1k-64
    """
    from ganzoo.cli.show import show_json

    tables = ranked(rows(folders))
    if protocol is not None:
        tables = {one: found for one, found in tables.items() if one[0] == _known(protocol, tables)}
    if as_json:
        show_json({"leaderboards": [described(found) for found in tables.values()]})
    elif not tables:
        click.echo("no scores: ganzoo eval MODEL --data ... makes them")
    elif markdown:
        click.echo("\n".join(markdown_table(found) for found in tables.values()))
    else:
        for place, found in enumerate(tables.values()):
            click.echo(("\n" if place else "") + title(found[0].score))
            _show(found)


def _known(protocol: str, tables: Mapping[Protocol, Any]) -> str:
    keys = {one[0] for one in tables}
    if protocol not in keys:
        close = f"; nearest: {', '.join(nearest(protocol, keys))}" if keys else ""
        raise UsageError(f"no model here has a score with the key {protocol!r}{close}")
    return protocol


def rows(folders: Sequence[Path]) -> Iterator[Row]:
    """Every score of the weights that the models have now.

    Raises:
        UsageError: for a folder that is not there, or holds no model.
        ModelError: for a model's file that makes no sense.
    """
    from ganzoo.files.untrusted import printable
    from ganzoo.folder.model import ModelFolder

    for folder in map(ModelFolder, models(folders)):
        recipe = printable(folder.config["recipe"], 120)
        for score in folder.own_scores:
            yield Row(printable(folder), recipe, score)


def models(folders: Sequence[Path]) -> list[Path]:
    """The folders of models among ``folders`` and in them, each once, by name."""
    found: dict[Path, Path] = {}
    for folder in folders or (Path("runs"),):
        inside = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
        here = [path for path in inside if (path / CONFIG).is_file() and (path / MODEL).exists()]
        if not here:
            what = "holds no model" if inside else "is no folder"
            raise UsageError(f"{folder} {what}: name folders that train wrote, or one that they are in")
        found |= {path.resolve(): path for path in here}
    return list(found.values())


def ranked(rows: Iterator[Row]) -> dict[Protocol, list[Row]]:
    """Rows by protocol, in the order of their appearance, the best first.

    Of a model that a protocol scored more than once, such as with other seeds, the last score counts.
    """
    last: dict[Protocol, dict[str, Row]] = {}
    for row in rows:
        last.setdefault(row.score.protocol, {})[row.model] = row
    return {one: _sorted(list(found.values())) for one, found in last.items()}


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.score.value, reverse=rows[0].score.higher_is_better)


def title(score: Score) -> str:
    """A line that says what a table compares."""
    from ganzoo.files.untrusted import printable

    data = score.dataset
    better = "higher" if score.higher_is_better else "lower"
    untrained = "" if score.network["pretrained"] else ", untrained network"
    fingerprint = data["fingerprint"].partition(":")[2][:8]
    return f"{score.key} on {printable(data['name'])} ({fingerprint}), {score.resize}{untrained}: {better} is better"


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
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


def _show(rows: Sequence[Row]) -> None:
    from ganzoo.cli.show import show_table

    show_table(*_cells(rows))


def markdown_table(rows: Sequence[Row]) -> str:
    """A ranking in Markdown; what comes from folders is shown letter by letter."""
    from ganzoo.card import plain

    columns, cells = _cells(rows)
    lines: list[list[str]] = [columns, ["---"] * len(columns), *([str(plain(cell)) for cell in line] for line in cells)]
    return f"### {plain(title(rows[0].score))}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def described(rows: Sequence[Row]) -> dict[str, Any]:
    """A ranking as ``--json`` prints it."""
    first = rows[0].score
    return {
        "key": first.key,
        "dataset": dict(first.dataset),
        "network": dict(first.network),
        "resize": first.resize,
        "higher_is_better": first.higher_is_better,
        "ranking": [
            {
                "rank": rank,
                "model": row.model,
                "recipe": row.recipe,
                "step": row.score.step,
                "value": row.score.value,
                "std": row.score.std,
                "floor": row.score.floor,
                "weights": row.score.weights,
            }
            for rank, row in enumerate(rows, 1)
        ],
    }
