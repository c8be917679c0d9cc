"""The results of a grid: a row for each recipe, and the effect of each alternative, as data and as Markdown."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ganzoo.card.markdown import code, plain
from ganzoo.grid.runs import Measure

Match = tuple[tuple[str, ...], int]  # of matched runs: the other choices, and the seed
TITLES = {
    "health/distance": "distance to data",
    "health/diversity": "diversity",
    "accuracy/real": "D right on real",
    "accuracy/fake": "D right on fake",
    "losses/d/loss": "loss of D",
    "losses/g/loss": "loss of G",
}


@dataclass(frozen=True)
class Result:
    """A run as the table takes it; ``measures`` is empty where it did not finish."""

    recipe: str
    pattern: int
    choices: tuple[str, ...]
    seed: int
    measures: Mapping[str, Measure]


@dataclass(frozen=True)
class Figure:
    """A mean over runs; ``std`` (of a sample) is over seeds, None for fewer than two."""

    mean: float
    std: float | None
    runs: int


@dataclass(frozen=True)
class RecipeRow:
    """One row of the table: a recipe, with means over its seeds."""

    recipe: str
    choices: tuple[str, ...]
    figures: Mapping[str, Figure]
    runs: int
    finished: int


@dataclass(frozen=True)
class Effect:
    """One alternative of a factor, whatever else was chosen.

    Attributes:
        alternative: which.
        factor: every alternative that could stand in its place.
        figures: marginal means over *matched* runs: those for which the same recipe and seed has finished with every
            alternative of the factor, so that a run that failed takes its partners with it.
        against: by how much each is above that of the factor's first alternative.
    """

    alternative: str
    factor: tuple[str, ...]
    figures: Mapping[str, Figure]
    against: Mapping[str, float]


@dataclass(frozen=True)
class Table:
    """Everything: columns by name with which way is better, rows best first, and effects."""

    columns: Mapping[str, bool | None]
    rows: tuple[RecipeRow, ...]
    effects: tuple[Effect, ...]


def make_table(factors: Sequence[tuple[tuple[str, ...], ...]], results: Sequence[Result]) -> Table:
    """The table of a grid whose patterns have ``factors``; rows are sorted by the first column if one way is better."""
    columns: dict[str, bool | None] = {}
    by_recipe: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_recipe[result.recipe].append(result)
        columns = {name: measure.higher for name, measure in result.measures.items()} | columns
    rows = [_row(own) for own in by_recipe.values()]
    first = next(iter(columns), None)
    if first is not None and columns[first] is not None:
        sign = -1 if columns[first] else 1
        rows.sort(key=lambda row: sign * row.figures[first].mean if first in row.figures else math.inf)
    effects = [
        effect
        for pattern, own in enumerate(factors)
        for place, factor in enumerate(own)
        for effect in _effects([result for result in results if result.pattern == pattern], place, factor, columns)
    ]
    return Table(columns, tuple(rows), tuple(effects))


def _row(results: Sequence[Result]) -> RecipeRow:
    names = dict.fromkeys(name for result in results for name in result.measures)
    figures = {
        name: _figure([(result.seed, result.measures[name].value) for result in results if name in result.measures])
        for name in names
    }
    finished = sum(bool(result.measures) for result in results)
    return RecipeRow(results[0].recipe, results[0].choices, figures, len(results), finished)


def _figure(values: Sequence[tuple[int, float]]) -> Figure:
    """The mean of values by seed, and how much it changes from seed to seed."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, value in values:
        by_seed[seed].append(value)
    means = [statistics.fmean(own) for own in by_seed.values()]
    std = statistics.stdev(means) if len(means) > 1 else None
    return Figure(statistics.fmean(value for _, value in values), std, len(values))


def _effects(
    results: Sequence[Result], place: int, factor: tuple[str, ...], columns: Iterable[str]
) -> Iterator[Effect]:
    """One effect for each alternative of the factor at ``place`` among the choices."""
    matched = {name: _matched(results, place, len(factor), name) for name in columns}
    for alternative in factor:
        figures, against = {}, {}
        for name, matches in matched.items():
            if matches:
                figures[name] = _figure([(seed, own[alternative]) for (_, seed), own in matches.items()])
                against[name] = statistics.fmean(own[alternative] - own[factor[0]] for own in matches.values())
        yield Effect(alternative, factor, figures, against)


def _matched(results: Sequence[Result], place: int, alternatives: int, name: str) -> dict[Match, dict[str, float]]:
    """Values by alternative, for every rest and seed where each alternative has one."""
    matches: dict[Match, dict[str, float]] = defaultdict(dict)
    for result in results:
        if name in result.measures:
            rest = (*result.choices[:place], *result.choices[place + 1 :])
            matches[rest, result.seed][result.choices[place]] = result.measures[name].value
    return {match: values for match, values in matches.items() if len(values) == alternatives}


# --- as text ------------------------------------------------------------------------------------------------


def title(name: str) -> str:
    """A column's heading."""
    return TITLES.get(name, name)


def shown(figure: Figure | None) -> str:
    """``12.3 ± 0.4``; ``-`` where nothing was measured."""
    if figure is None:
        return "-"
    return f"{figure.mean:.4g}" if figure.std is None else f"{figure.mean:.4g} ± {figure.std:.2g}"


def row_cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the table of recipes, as text."""
    cells = [
        [row.recipe, *(shown(row.figures.get(name)) for name in table.columns), f"{row.finished}/{row.runs}"]
        for row in table.rows
    ]
    return ["recipe", *map(title, table.columns), "runs"], cells


def effect_cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Headings and cells of the effects; the change is that of the first column, against the factor's first part."""
    first = next(iter(table.columns), "")
    cells = []
    for effect in table.effects:
        figure = effect.figures.get(first)
        change = f"{effect.against[first]:+.4g}" if figure and effect.alternative != effect.factor[0] else "-"
        figures = [shown(effect.figures.get(name)) for name in table.columns]
        runs = str(figure.runs if figure else 0)
        cells.append([" / ".join(effect.factor), effect.alternative, *figures, change, runs])
    return ["choice", "part", *map(title, table.columns), "change", "runs"], cells


def markdown(table: Table, heading: str, failures: Mapping[str, str], notes: Sequence[str]) -> str:
    """The table as ``grid.md`` has it.

    Args:
        table: to show.
        heading: the patterns and the data, in a sentence.
        failures: errors by run.
        notes: what the numbers are.
    """
    parts = [f"# {plain(heading)}\n", _markdown_table(*row_cells(table))]
    if table.effects and table.columns:
        parts += ["## Effect of each part\n", _markdown_table(*effect_cells(table))]
    if failures:
        lines = "\n".join(f"- {code(name)}: {plain(error)}" for name, error in failures.items())
        parts.append(f"## Runs that failed\n\n{lines}\n")
    return "\n".join([*parts, *(f"{plain(note)}\n" for note in notes)])


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(plain, heads))} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join([code(first), *map(plain, rest)])} |" for first, *rest in rows]
    return "\n".join(lines) + "\n"
