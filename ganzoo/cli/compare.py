"""``ganzoo compare``: models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.about import about
from ganzoo.cli.model import check_out, model_folder
from ganzoo.cli.names import MODEL
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_json, show_table
from ganzoo.errors import UsageError, command, counted
from ganzoo.files.waiting import doing
from ganzoo.folder.layout import METRICS

if TYPE_CHECKING:
    from ganzoo.folder.model import ModelFolder
    from ganzoo.scoring.compare import Model


@about(
    "score",
    """
    What differs between two runs:
    ganzoo compare runs/first runs/second
    Models that ship with ganzoo, as a page with samples:
    ganzoo compare dcgan-mnist gan-mnist --html compare.html
    """,
)
@click.command(short_help="Show models side by side: recipes, sizes, scores.")
@click.argument("names", nargs=-1, required=True, type=MODEL, metavar="MODEL MODEL...")
@click.option("--html", type=PATH, metavar="FILE.html", help="A page of one file, with samples.")
@click.option("--seed", default=0, show_default=True, help="Of the samples in the page: the same for every model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(names: tuple[str, ...], html: Path | None, seed: int, as_json: bool) -> None:
    """Show recipes, settings, sizes and scores of models side by side.

    Rows in which they differ are marked; of the settings only those are shown. Scores stand in one row only where
    protocol and data are the same. The keys that --json prints are stable: models, parts, settings, sizes and scores;
    every list is in the order of the models, and null means that a model has nothing of the kind.
    """
    if len(names) < 2:
        raise UsageError(f"{command('compare', names[0])} needs another model to compare it with")
    if html is not None:
        check_out(html, (".html",), "--html")
    from ganzoo.files.write import write_text
    from ganzoo.scoring.compare import read_model, to_json

    folders = [model_folder(name, also=(METRICS,)) for name in names]
    models = [read_model(folder, label) for folder, label in zip(folders, labels(names, folders), strict=True)]
    if as_json:
        show_json(to_json(models))
    else:
        show(models)
    if html is not None:
        from ganzoo.scoring.compare_page import page

        with doing(f"drawing samples of {counted(len(models), 'model')}"):
            write_text(html, page(models, seed))
        say(f"as a page, with samples: {html}", err=as_json)


def labels(names: Sequence[str], folders: Sequence[ModelFolder]) -> list[str]:
    """The last part of each name where that tells them apart, else the names as given, numbered where they repeat."""
    short = [
        folder.path.resolve().name if Path(name).is_dir() else name for name, folder in zip(names, folders, strict=True)
    ]
    if len(set(short)) == len(short):
        return short
    return [f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names, start=1)]


def show(models: Sequence[Model]) -> None:
    """Print every table, rows that differ marked."""
    from ganzoo.scoring.compare import tables, text

    for title, rows in tables(models).items():
        cells = [("≠" if row.differs else "", row.name, *map(text, row.values)) for row in rows]
        if cells:
            show_table(("", title, *(model.name for model in models)), cells)
        else:
            say(f"{title}: the same")
        say()
    show_scores(models)


def show_scores(models: Sequence[Model]) -> None:
    """Print scores, those of one protocol and data in one row, the best one marked."""
    from ganzoo.scoring.compare import score_rows, score_text, text

    rows = score_rows(models)
    if not rows:
        say("scores: none of them has one; 'ganzoo eval MODEL --data D' measures")
        return
    cells = []
    for row in rows:
        marked = [score_text(score) + (" *" if row.best == index else "") for index, score in enumerate(row.scores)]
        where = f"{text(row.one.dataset['name'])}, {row.one.dataset['split']}"
        cells.append((row.one.key, where, "higher" if row.one.higher_is_better else "lower", *marked))
    show_table(("scores", "data", "better is", *(model.name for model in models)), cells)
    if all(row.best is None for row in rows):
        say("", "No two of them have a score of the same protocol and data: 'ganzoo eval' measures.")
