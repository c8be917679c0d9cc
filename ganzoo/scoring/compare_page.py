"""Models side by side as a web page of one file: samples of one seed, scores, and every table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO

from ganzoo.card.html import data_uri, document
from ganzoo.images import grid, to_uint8
from ganzoo.scoring.compare import Model, parts_shared, score_rows, score_text, tables, text, words

SAMPLES, COLUMNS = 36, 6


def page(models: Sequence[Model], seed: int = 0) -> str:
    """Everything that is compared as a web page of one file, with samples of one seed."""
    shared = parts_shared(models)
    title = " · ".join(model.name for model in models)
    body = [f"<h1>{escape(title)}</h1>", _gallery(models, shared, seed)]
    body.append(_section("Scores", _score_table(models), "None of them has a score."))
    for name, rows in tables(models).items():
        columns = ["", *(model.name for model in models)]
        cells = [(row.name, *map(text, row.values)) for row in rows]
        table = _table(columns, cells, [row.odd for row in rows]) if rows else ""
        body.append(_section(name.capitalize(), table, "They have the same."))
    return document(title, "\n".join(body))


def _section(title: str, table: str, otherwise: str) -> str:
    return f"<h2>{escape(title)}</h2>\n" + (f'<div class="wide">{table}</div>' if table else f"<p>{otherwise}</p>")


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]], odd: Sequence[frozenset[int]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = []
    for row, marked in zip(rows, odd, strict=True):
        kinds = [' class="differs"' if index - 1 in marked else "" for index in range(len(row))]
        cells = [f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _score_table(models: Sequence[Model]) -> str:
    rows = score_rows(models)
    if not rows:
        return ""
    columns = ["protocol", "data", "better is", *(model.name for model in models)]
    cells = []
    for row in rows:
        way = "higher" if row.one.higher_is_better else "lower"
        best = [f"{score_text(score)}{' ★' if row.best == index else ''}" for index, score in enumerate(row.scores)]
        cells.append((row.one.key, f"{row.one.dataset['name']}, {row.one.dataset['split']}", way, *best))
    return _table(columns, cells, [frozenset()] * len(rows))


def _gallery(models: Sequence[Model], shared: frozenset[str], seed: int) -> str:
    figures = []
    for model in models:
        recipe = "+".join(escape(word) if word in shared else f"<mark>{escape(word)}</mark>" for word in words(model))
        picture = f'<img src="{data_uri(samples(model, seed))}" alt="samples of {escape(model.name)}">'
        label = f"<figcaption><b>{escape(model.name)}</b><br><code>{recipe}</code></figcaption>"
        figures.append(f"<figure>{picture}{label}</figure>")
    note = f"Samples of seed {seed}, in order; what their recipes do not share is marked."
    return f'<div class="gallery">{"".join(figures)}</div><p class="dim">{note}</p>'


def samples(model: Model, seed: int) -> bytes:
    """A grid of samples as a PNG file."""
    gan = model.folder.load()
    file = BytesIO()
    grid(to_uint8(gan.sample(SAMPLES, seed=seed), low=0), COLUMNS).save(file, format="PNG")
    return file.getvalue()
