"""What the study says: means with intervals, which recipes cannot be told apart, and which one to take."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any

from scipy import stats
from study_cells import (
    ACCURACY,
    BUDGET,
    DATA,
    EYES,
    FAMILIES,
    FD,
    FEATURES,
    KID,
    LABELLED,
    MNIST,
    NAMES,
    PER_CLASS,
    RESOLUTION,
    SAMPLES,
    SEEDS,
    SMALL,
    DataSet,
    Family,
)

Key = tuple[str, str, int]
Rows = Mapping[Key, Mapping[str, Any]]
SURE = 0.95
LEAST_KID = 1e-3  # an estimate of KID may be 0 or below, where it has no logarithm
RIGHT = 0.8  # of the images of a model with labels: one that is right less often has not learned its classes
COMMAND = "python .ci/study.py"

HEADER = f"""\
# Which recipe to take

{{names}} recipes, each with {SEEDS} seeds and **ten minutes of processor time of one thread** a run
(`--budget {BUDGET} --clock cpu`), at {RESOLUTION} pixels and small widths: what a newcomer without a GPU can try.
**{{done}} of {{all}} runs are done.**{{failed}}

{{advice}}

`ganzoo train --data D` without a recipe suggests one of these, as fits the data.

## How to read the tables

Scores are of {SAMPLES:,} samples against the test split, through `{FEATURES}`; lower is better. FD is not FID.
`accuracy` is that of a classifier of real digits on the digits that G drew for each label, `classes` how many of ten
it sees.

- A number is the mean over seeds, and behind it stands its {SURE:.0%} interval (Student's t). KID and FD are compared
  by their logarithms, accuracies by their log-odds. How much seeds differ is taken to be the same for all recipes of
  a table, as three seeds of each alone say too little of it: one standard deviation is pooled from all of them.
- **What cannot be told apart is called equal**: `=` stands where the difference in KID from the best mean is within
  what Tukey's test allows for all pairs together ({SURE:.0%}). With one seed each, nothing is known of chance, and
  nothing is told apart.
- Widths, batches and learning rates differ between networks ([commands](#commands)): another setting may turn an
  order around. Heads and regularizers share one trunk, `dcgan`, whose own row has neither labels nor regularizers.
- `projected` looks through `{EYES}`, not through the network that scores it; both have learned
  ImageNet, which may favour it.
"""


@dataclass(frozen=True)
class Column:
    """A number that recipes are compared by.

    Attributes:
        name: in the results.
        title: of the column.
        higher: whether more is better.
        there, back: to where differences are alike everywhere, and back.
        shown: a value as text.
    """

    name: str
    title: str
    higher: bool
    there: Callable[[float], float]
    back: Callable[[float], float]
    shown: Callable[[float], str]


@cache
def _tukey(groups: int, freedom: int) -> float:
    """The quantile of the studentised range, which takes seconds to compute."""
    return float(stats.studentized_range.ppf(SURE, groups, freedom))


def _log_odds(share: float) -> float:
    inside = min(max(share, 0.5 / SAMPLES), 1 - 0.5 / SAMPLES)
    return math.log(inside / (1 - inside))


BY_KID = Column(KID, "KID ↓", False, lambda x: math.log(max(x, LEAST_KID)), math.exp, lambda x: f"{x:.3g}")
BY_FD = Column(FD, "FD ↓", False, math.log, math.exp, lambda x: f"{x:.0f}")
BY_ACCURACY = Column(ACCURACY, "accuracy ↑", True, _log_odds, lambda x: 1 / (1 + math.exp(-x)), lambda x: f"{x:.1%}")


@dataclass(frozen=True)
class Comparison:
    """Recipes by one column of one data set.

    Attributes:
        column: which.
        values: of each recipe, one for each seed, where differences are alike.
    """

    column: Column
    values: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, rows: Rows, data: DataSet, column: Column, names: Iterable[str]) -> Comparison:
        """Of the recipes that have such a number."""
        found: dict[str, list[float]] = {}
        for name in names:
            cells = [rows.get((data.name, name, seed), {}) for seed in range(SEEDS)]
            values = [column.there(cell[column.name]) for cell in cells if cell.get(column.name) is not None]
            found |= {name: values} if values else {}
        return cls(column, found)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of :attr:`deviation`."""
        return sum(len(values) - 1 for values in self.values.values())

    @property
    def deviation(self) -> float:
        """Standard deviation over seeds, pooled."""
        squares = (sum((x - fmean(values)) ** 2 for x in values) for values in self.values.values())
        return math.sqrt(sum(squares) / self.freedom)

    def mean(self, name: str) -> float:
        """Of a recipe."""
        return fmean(self.values[name])

    @property
    def ranked(self) -> list[str]:
        """Recipes, the best first."""
        return sorted(self.values, key=self.mean, reverse=self.column.higher)

    def text(self, name: str) -> str:
        """The mean with its interval; ``-`` where nothing was measured."""
        if name not in self.values:
            return "-"
        shown, back, mean = self.column.shown, self.column.back, self.mean(name)
        if not self.freedom:
            return shown(back(mean))
        half = stats.t.ppf((1 + SURE) / 2, self.freedom) * self.deviation / math.sqrt(len(self.values[name]))
        low, high = (shown(back(mean + side * half)) for side in (-1, 1))
        return f"{shown(back(mean))} ({low} to {high})"

    @property
    def equals(self) -> list[str]:
        """The best, and what cannot be told apart from it; all of them where nothing is known of chance."""
        if not self.freedom or len(self.values) < 2:
            return self.ranked
        best = self.ranked[0]
        least = _tukey(len(self.values), self.freedom) / math.sqrt(2) * self.deviation
        return [
            name
            for name in self.ranked
            if abs(self.mean(name) - self.mean(best))
            <= least * math.sqrt(1 / len(self.values[name]) + 1 / len(self.values[best]))
        ]


# --- advice -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """What a newcomer asks.

    Attributes:
        key: in the table of suggestions.
        asked: in words.
        data: that answers it.
        names: recipes that compete.
        column: that they are compared by.
    """

    key: str
    asked: str
    data: DataSet
    names: tuple[str, ...]
    column: Column


UNLABELLED = tuple(name for name in NAMES if name not in LABELLED)
QUESTIONS = (
    Question("small", "For little data, such as a thousand pictures", SMALL, UNLABELLED, BY_KID),
    Question("labels", "To choose the class of an image", MNIST, LABELLED, BY_ACCURACY),
    Question("time", "For ten minutes", MNIST, UNLABELLED, BY_KID),
)


@dataclass(frozen=True)
class Answer:
    """Which recipe to take.

    Attributes:
        name: of the recipe.
        equals: what cannot be told apart from it, itself among them; empty where nothing is known of chance.
        seeds: that every recipe which competes has.
        text: its number, with the interval.
    """

    name: str
    equals: tuple[str, ...]
    seeds: int
    text: str


def answer(rows: Rows, question: Question) -> Answer | None:
    """The best recipe for a question; None until each recipe that competes was tried once.

    Of those that cannot be told apart by the question's own number, the one of the least KID is taken. A recipe that
    failed with any seed is none to take.
    """
    tried = {n: [rows.get((question.data.name, n, s)) for s in range(SEEDS)] for n in question.names}
    seeds = min(sum(row is not None for row in found) for found in tried.values())
    sound = [name for name, found in tried.items() if not any(row and "error" in row for row in found)]
    if not seeds or not sound:
        return None
    compared = Comparison.of(rows, question.data, question.column, sound)
    equals = compared.equals if compared.freedom else []
    by_kid = Comparison.of(rows, question.data, BY_KID, equals or compared.ranked[:1])
    best = by_kid.ranked[0]
    return Answer(best, tuple(equals), seeds, compared.text(best))


def family_of(name: str) -> Family:
    """The family that a recipe is of."""
    return next(family for family in FAMILIES if name in family.recipes)


def sentence(rows: Rows, question: Question) -> str:
    """What the study says to a question."""
    found = answer(rows, question)
    if found is None:
        tried = {name for data, name, _ in rows if data == question.data.name} & set(question.names)
        return f"- **{question.asked}**: not known yet; recipes tried: {len(tried)} of {len(question.names)}."
    measured = f"{question.column.title[:-2]} {found.text}"
    said = f"- **{question.asked}**: `{family_of(found.name).recipes[found.name]}` ({measured})"
    others = [f"`{name}`" for name in found.equals if name != found.name]
    if not found.equals:
        said += "; with one seed each, whether it is better than the others by more than chance is not known"
    elif others:
        said += f"; {', '.join(others)} cannot be told apart from it"
    else:
        said += "; it is better than all others that were tried"
    return f"{said}. {found.seeds} of {SEEDS} seeds."


def suggested(rows: Rows) -> dict[str, Any]:
    """What ``ganzoo train`` suggests to whom: a recipe, its settings and batch, and why; null where none is known."""
    made: dict[str, Any] = {}
    for question in QUESTIONS:
        found = answer(rows, question)
        family = family_of(found.name) if found else None
        made[question.key] = (
            found
            and family
            and {
                "recipe": family.recipes[found.name],
                "settings": family.settings,
                "batch": family.batch,
                "budget": BUDGET,
                "why": f"{question.column.title[:-2]} {found.text} on {question.data.name}",
            }
        )
    return made


# --- the page -----------------------------------------------------------------------------------------------


def table(rows: Rows, data: DataSet, shown: Collection[str]) -> str:
    """The recipes of a data set, family by family, as Markdown."""
    columns = [BY_KID, BY_FD, *([BY_ACCURACY] if ACCURACY in data.metrics else [])]
    compared = [Comparison.of(rows, data, column, NAMES) for column in columns]
    heads = [
        "recipe",
        "kind",
        "samples of seed 0",
        "best",
        *(one.title for one in columns),
        "classes",
        "steps",
        "seeds",
    ]
    lines = [heads, ["---"] * len(heads)]
    lines += [line(rows, data, name, compared, shown) for family in FAMILIES for name in family.recipes]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def line(rows: Rows, data: DataSet, name: str, compared: Sequence[Comparison], shown: Collection[str]) -> Sequence[str]:
    """The cells of one recipe."""
    found = [row for seed in range(SEEDS) if (row := rows.get((data.name, name, seed)))]
    good = [row for row in found if "error" not in row]
    failed = len(found) - len(good)
    classes = [row["classes"] for row in good if row["classes"] is not None]
    picture = f"{data.name}-{name}"
    return [
        f"`{name}`",
        family_of(name).title.partition(":")[0].lower(),
        f"![samples of {name}](study/{picture}.png)" if picture in shown else "-",
        "=" if compared[0].freedom and name in compared[0].equals else "",
        *(one.text(name) for one in compared),
        f"{fmean(classes):.3g}" if classes else "-",
        f"{fmean(row['steps'] for row in good):,.0f}" if good else "-",
        f"{len(good)} of {SEEDS}" + (f", {failed} failed" if failed else ""),
    ]


def section(rows: Rows, data: DataSet, shown: Collection[str]) -> str:
    """One data set: what cannot be told apart, and the table."""
    compared = Comparison.of(rows, data, BY_KID, NAMES)
    said = f"## {data.said}\n\n"
    missing = len(NAMES) * SEEDS - sum(key[0] == data.name for key in rows)
    if missing:
        said += f"**{missing} of {len(NAMES) * SEEDS} runs are still to be made**: what is not there is not known.\n\n"
    if compared.freedom:
        best, *others = compared.equals
        equal = (
            f"`{best}` and {', '.join(f'`{name}`' for name in others)} are equal" if others else f"`{best}` is alone"
        )
        said += f"By KID {equal} at the top.\n\n"
    return said + table(rows, data, shown) + "\n"


def page(rows: Rows, shown: Collection[str]) -> str:
    """The whole page.

    Args:
        rows: results by the key of their cells.
        shown: names of the pictures of samples that there are.
    """
    failed = sum("error" in row for row in rows.values())
    facts = {
        "names": len(NAMES),
        "done": len(rows) - failed,
        "all": len(NAMES) * len(DATA) * SEEDS,
        "failed": f" {failed} failed." if failed else "",
        "advice": "\n".join(sentence(rows, question) for question in QUESTIONS),
    }
    parts = [HEADER.format(**facts), *(section(rows, data, shown) for data in DATA)]
    commands = "\n".join(family.command(data) for data in DATA for family in FAMILIES)
    machines = sorted({row["machine"] for row in rows.values() if "machine" in row})
    parts.append(
        "## Commands\n\n"
        f"`{SMALL.name}.zip` holds the first {PER_CLASS} pictures of each class of `{SMALL.source}`, in the order of\n"
        f"their names. `{COMMAND} run DIR` makes it, trains what `docs/study.json` lacks, and goes on where it\n"
        "was stopped. By hand:\n\n"
        f"```bash\n{commands}\n```\n"
    )
    if machines:
        commits = sorted({row["code"] for row in rows.values() if row["code"]})
        parts.append(f"Processors: {'; '.join(machines)}. Code: commits {', '.join(f'`{one}`' for one in commits)}.\n")
    return "\n".join([*parts, f"This page is generated: `{COMMAND}`.\n"])
