"""A grid at work in its folder: what is done stays done, what is not goes on, and one table comes of it.

``grid.json`` and ``grid.md`` are written whenever a run ends; each run is an ordinary folder beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError, either
from ganzoo.files.untrusted import field, quoted, read_json
from ganzoo.files.write import LOCK, TORN, check_writable, lock, make_folder, write_json, write_text
from ganzoo.grid.plan import Grid
from ganzoo.grid.runs import DONE, FAILED, WAITING, GridJob, Measure, Outcome, try_measures
from ganzoo.grid.table import Result, Table, make_table, markdown
from ganzoo.registry.about import install

GRID, TEXT = "grid.json", "grid.md"
GRID_FORMAT = 1
LARGEST = 64 << 20  # bytes of grid.json
SEEDS = "± is the standard deviation over seeds."
MATCHED = (
    "Effects are means over matched runs: those that finished, with the same rest and seed, for every alternative. The "
    "change is that of the first column, against the first alternative."
)
LOGGED = "Numbers are means over the last tenth of each log. Losses of different loss functions cannot be compared."

Spread = Callable[[list[GridJob]], Iterable[tuple[GridJob, Outcome]]]
Tell = Callable[[GridJob, Outcome, int], None]


class Study:
    """The folder of a grid.

    Raises:
        RunError: the folder holds something else, or a grid on other data or with other settings.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid, self.folder = grid, grid.request.out
        self.outcomes = {job.name: Outcome(WAITING) for job in grid.jobs}
        self.measures: dict[str, Mapping[str, Measure]] = {}
        self._go_on(self._previous())

    @property
    def waiting(self) -> list[GridJob]:
        """Jobs that are not done."""
        return [job for job in self.grid.jobs if self.outcomes[job.name].status != DONE]

    @property
    def failures(self) -> dict[str, str]:
        """Runs that failed: name to error, one line each."""
        return {name: str(outcome.error) for name, outcome in self.outcomes.items() if outcome.status == FAILED}

    @property
    def notes(self) -> list[str]:
        """Sentences that say how the numbers of the table were computed."""
        return [*([] if self._scored else [LOGGED]), SEEDS, *([MATCHED] if any(self._factors) else [])]

    @property
    def table(self) -> Table:
        """The table of the runs that are done so far."""
        results = [
            Result(job.recipe, job.pattern, job.choices, job.seed, self.measures.get(job.name, {}))
            for job in self.grid.jobs
        ]
        return make_table(self._factors, results)

    def run(self, spread: Spread, tell: Tell) -> None:
        """Run the jobs that are not done.

        Args:
            spread: does jobs, and hands out their outcomes as they end.
            tell: called with each, and the number of jobs that are left.
        """
        check_writable(self.folder)
        make_folder(self.folder)
        with lock(self.folder):
            self._save()
            jobs = self.waiting
            for left, (job, outcome) in zip(range(len(jobs) - 1, -1, -1), spread(jobs), strict=True):
                self.outcomes[job.name] = outcome if outcome.status != DONE else self._measured(job, outcome)
                self._save()
                tell(job, self.outcomes[job.name], left)

    # --- what was done before -------------------------------------------------------------------------------

    def _previous(self) -> dict[str, Any] | None:
        """``grid.json`` as it was left; None for a new grid."""
        path = self.folder / GRID
        if path.exists() or path.is_symlink():
            previous = read_json(path, LARGEST)
            if field(previous, "format", int, path) > GRID_FORMAT:
                raise RunError(f"{path} was written by a newer ganzoo: {install(upgrade=True)}")
            return previous
        if self.folder.is_dir() and any(not path.name.startswith((TORN, LOCK)) for path in self.folder.iterdir()):
            raise RunError(f"{self.folder} is not empty and holds no grid; choose another folder with --out")
        return None

    def _go_on(self, previous: dict[str, Any] | None) -> None:
        """Keep what is done and would be done in the same way now."""
        if previous is None:
            return
        path, maths = self.folder / GRID, self.grid.request.hyperparameters
        before = field(previous, "maths", dict, path)
        other = [f"{name} {quoted(before.get(name))}" for name in maths if before.get(name) != maths[name]]
        if other:
            raise RunError(
                f"{self.folder} holds a grid with {either(other, 'and')}: give the same, or choose another --out"
            )
        runs = field(previous, "runs", list, path)
        records = {str(record.get("run")): record for record in runs if isinstance(record, dict)}
        for job in self.grid.jobs:
            record = records.get(job.name, {})
            same = record.get("commands") == [list(words) for words in job.commands]
            if same and record.get("status") == DONE and Path(job.folder).is_dir():
                seconds = record.get("seconds")
                outcome = Outcome(DONE, float(seconds) if isinstance(seconds, (int, float)) else 0.0)
                kept = self._measured(job, outcome)
                self.outcomes[job.name] = kept if kept.status == DONE else Outcome(WAITING)

    # --- keeping track --------------------------------------------------------------------------------------

    @property
    def _scored(self) -> bool:
        return self.grid.request.metrics is not None

    @property
    def _factors(self) -> list[tuple[tuple[str, ...], ...]]:
        return [pattern.factors for pattern in self.grid.patterns]

    def _measured(self, job: GridJob, outcome: Outcome) -> Outcome:
        """The outcome of a run that ended well; it failed after all where its numbers cannot be read."""
        self.measures[job.name], wrong = try_measures(Path(job.folder), self._scored)
        return Outcome(FAILED, outcome.seconds, wrong) if wrong else outcome

    def _save(self) -> None:
        table = self.table
        write_json(self.folder / GRID, self.to_json(table))
        request = self.grid.request
        heading = (
            f"{' '.join(request.patterns)} on {request.data}, {request.seeds} seed{'s' if request.seeds > 1 else ''}"
        )
        write_text(self.folder / TEXT, markdown(table, heading, self.failures, self.notes))

    def to_json(self, table: Table) -> dict[str, Any]:
        """What ``grid.json`` holds and ``--json`` prints; see the help of ``ganzoo grid``."""
        request = self.grid.request
        return {
            "format": GRID_FORMAT,
            "patterns": list(request.patterns),
            "seeds": request.seeds,
            "metrics": request.metrics,
            "maths": request.hyperparameters,
            "columns": [{"name": name, "higher_is_better": higher} for name, higher in table.columns.items()],
            "rows": [asdict(row) for row in table.rows],
            "effects": [asdict(effect) for effect in table.effects],
            "runs": [self._run_json(job) for job in self.grid.jobs],
        }

    def _run_json(self, job: GridJob) -> dict[str, Any]:
        outcome = self.outcomes[job.name]
        return {
            "run": job.name,
            "recipe": job.recipe,
            "choices": list(job.choices),
            "seed": job.seed,
            "status": outcome.status,
            "seconds": round(outcome.seconds, 1),
            "error": outcome.error,
            "values": {name: measure.value for name, measure in self.measures.get(job.name, {}).items()},
            "commands": [list(words) for words in job.commands],
        }
