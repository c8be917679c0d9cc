"""``ganzoo grid``: many recipes times several seeds, side by side in one table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.about import about
from ganzoo.cli.names import METRICS
from ganzoo.cli.options import option, options, read_settings
from ganzoo.cli.paths import PATH
from ganzoo.cli.show import say, show_json, show_table
from ganzoo.errors import UsageError, command, counted
from ganzoo.files.waiting import doing

if TYPE_CHECKING:
    from ganzoo.grid.plan import GridRequest
    from ganzoo.grid.runs import GridJob, Outcome
    from ganzoo.grid.study import Spread, Study

INTERRUPTED = 130
LENGTH = ("steps", "images", "budget")
INTERVALS = ("guard", "save_every", "grid_every", "log_every")
MACHINE = ("batch", "device")


@about(
    "train",
    """
    Which loss for which architecture, in one table:
    ganzoo grid "{gan,dcgan}+{bce,hinge}" --data digits --steps 20 --out runs/losses
    See the runs that a pattern means, and start none:
    ganzoo grid "dcgan+{bn,normalization/none}+{bce,hinge}" --data digits --seeds 2 --dry-run
    """,
)
@click.command(short_help="Train every combination of some parts, and compare.")
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@option("data", required=True)
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=1, metavar="N", show_default=True, help="Runs of each recipe."
)
@click.option(
    "--first-seed",
    type=click.IntRange(0, 2**31),
    default=0,
    metavar="N",
    show_default=True,
    help="Seeds count from N, as where other runs of the grid are elsewhere.",
)
@click.option("--out", type=PATH, metavar="DIR", help="Folder of the grid; runs/grid-PATTERN.")
@options(*LENGTH, "clock", "batch", "resolution", "settings")
@click.option(
    "--metrics", type=METRICS, metavar="M,...", help="Compare by these scores, the first before all; by logs otherwise."
)
@click.option("-n", "count", type=click.IntRange(1), metavar="N", help="Images to score.")
@options("features", "eval_every", "eval_data")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, metavar="N", show_default=True, help="Runs at once on this machine."
)
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Of each run; the cores divided by --jobs.")
@click.option(
    "--ray",
    is_flag=False,
    flag_value="",
    metavar="[ADDRESS]",
    help="Spread over a Ray cluster; write a bare --ray last.",
)
@options("device", "skip_bad", *INTERVALS)
@click.option("--dry-run", is_flag=True, help="Check everything, show the runs, and start none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def grid(ctx: click.Context, dry_run: bool, as_json: bool, jobs: int, ray: str | None, **given: Any) -> None:
    """Train every recipe that PATTERN means, each with several seeds, and compare them in one table.

    A PATTERN is a recipe with alternatives in braces; write it in quotes. An empty alternative leaves the part out, and
    \\, is a comma within one:

    \b
    ganzoo grid "dcgan+{bn,normalization/none}+{bce,hinge}" --data digits --seeds 2 --steps 400
    ganzoo grid "sngan+{,r1:gamma=1\\,every=4}" --data cifar10 --metrics fid --features tf_efficientnet_lite0.in1k
    ganzoo grid "{dcgan,sngan,sagan}+hinge" --data mnist --jobs 2 --budget 20m

    All recipes are checked before any is started. Each run is an ordinary run folder in DIR (ganzoo watch DIR shows
    them all), trained by a process of its own: one that fails is reported and the rest go on. Ctrl-C saves. The same
    command again keeps what is done, retries what failed and goes on with the rest; more seeds, alternatives or steps
    add to it.

    The table has the mean and standard deviation over seeds of each recipe, and the effect of each alternative: its
    mean over everything else, of matched runs. It is printed, and kept as DIR/grid.md and DIR/grid.json; --json prints
    that: format, patterns, seeds, metrics, maths, columns, rows, effects, runs. With --ray, DIR and the data must be
    where all machines see them. The exit status is 1 when a run failed.
    """
    from ganzoo.grid.plan import make_grid
    from ganzoo.grid.study import Study

    request = _request(jobs, given)
    plan = make_grid(request)
    study = Study(plan)
    if dry_run:
        _show_runs(study, as_json)
        return
    spread = _spreader(jobs, ray)
    _announce(study, jobs, ray)
    with doing(f"training {counted(len(study.waiting), 'run')}, each of which is told when it ends"):
        study.run(spread, _tell)
    _show(study, as_json)
    if any(outcome.status == "stopped" for outcome in study.outcomes.values()):
        say("Stopped, and all is saved; the same command goes on.", err=True)
        ctx.exit(INTERRUPTED)
    ctx.exit(1 if study.failures else 0)


def _request(jobs: int, given: dict[str, Any]) -> GridRequest:
    """The request, once its options are known to go together."""
    from ganzoo.grid.plan import GridRequest
    from ganzoo.training.intervals import Stop, read_budget

    Stop(given["steps"], given["images"], read_budget(given["budget"]), given["clock"])  # refuses what cannot be meant
    scoring = {"n": given["count"], "features": given["features"]}
    names = {"-n": "count", "--features": "features", "--eval-every": "eval_every", "--eval-data": "eval_data"}
    alone = [spelled for spelled, name in names.items() if given[name] is not None]
    if alone and given["metrics"] is None:
        raise UsageError(f"{alone[0]} needs --metrics, such as --metrics fid")
    return GridRequest(
        patterns=given["patterns"],
        data=given["data"],
        out=given["out"] or _default_folder(given["patterns"]),
        seeds=given["seeds"],
        first_seed=given["first_seed"],
        settings=read_settings(given["pairs"]),
        resolution=given["resolution"],
        train={name: given[name] for name in (*LENGTH, "clock", *MACHINE, *INTERVALS)},
        metrics=given["metrics"],
        scoring=scoring,
        eval_every=given["eval_every"],
        eval_data=given["eval_data"],
        skip_bad=given["skip_bad"],
        threads=given["threads"] or max((os.cpu_count() or 1) // jobs, 1),
    )


def _default_folder(patterns: Iterable[str]) -> Path:
    """The same command finds its folder again."""
    slug = re.sub(r"[^a-z0-9.]+", "-", "-".join(patterns)).strip("-")
    return Path("runs") / f"grid-{slug[:80]}"


def _spreader(jobs: int, ray: str | None) -> Spread:
    if ray is None:
        from ganzoo.grid import local

        return lambda waiting: local.spread(waiting, jobs)
    from ganzoo.grid.ray import check_ray, spread

    check_ray(ray)
    return lambda waiting: spread(waiting, ray)


def _announce(study: Study, jobs: int, ray: str | None) -> None:
    total, waiting = len(study.grid.jobs), len(study.waiting)
    kept = f", {total - waiting} of them done already" if waiting < total else ""
    where = "through Ray" if ray is not None else f"{jobs} at a time"
    say(f"{total} runs in {study.folder}{kept}; {where}. Watch them: {command('watch', study.folder)}", err=True)


def _tell(job: GridJob, outcome: Outcome, left: int) -> None:
    from ganzoo.training.progress import duration

    said = f": {outcome.error}; see {job.log}" if outcome.error else ""
    say(f"{job.name}: {outcome.status} after {duration(outcome.seconds)}{said} ({left} to go)", err=True)


def _show_runs(study: Study, as_json: bool) -> None:
    if as_json:
        show_json(study.to_json(study.table))
        return
    rows = [(job.name, job.recipe, str(job.seed), study.outcomes[job.name].status) for job in study.grid.jobs]
    show_table(("run", "recipe", "seed", "status"), rows)


def _show(study: Study, as_json: bool) -> None:
    from ganzoo.grid.study import TEXT
    from ganzoo.grid.table import effect_cells, row_cells

    table = study.table
    if as_json:
        show_json(study.to_json(table))
        return
    show_table(*row_cells(table))
    if table.effects and table.columns:
        say()
        show_table(*effect_cells(table))
    say()
    for note in study.notes:
        say(note)
    say(f"Kept in {study.folder / TEXT}")
