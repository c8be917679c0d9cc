"""From what was asked for to jobs: every recipe is resolved, and built without memory, before any is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.data import DataRequest
from ganzoo.errors import ResolutionError, UsageError
from ganzoo.gan.builder import assemble
from ganzoo.grid.expand import Pattern, Variant, expand
from ganzoo.grid.runs import GridJob
from ganzoo.machine.precision import choose_device
from ganzoo.plan.plan import Plan
from ganzoo.plan.resolver import make_plan
from ganzoo.registry.labels import LABEL_KEYS
from ganzoo.registry.sizes import Sized, read_size, size_text
from ganzoo.training import setup
from ganzoo.training.clocks import check_counts
from ganzoo.training.evaluation import HELD_OUT
from ganzoo.training.single import refuse_single_image

LONGEST = 80  # letters of a run's folder
LOGS = "logs"  # what the runs' commands say


@dataclass(frozen=True)
class GridRequest:
    """The arguments of a grid.

    Attributes:
        patterns: recipes with braces.
        data: as ``--data`` takes it.
        out: the grid's folder.
        seeds: runs of each recipe, with the seeds 0, 1, ...
        first_seed: the seeds begin with it.
        settings: as ``--set`` takes them.
        resolution: of the images; None for the data's own.
        train: further options of ``ganzoo train`` by name: when to stop, look and save; None where nothing was said.
        metrics: names joined by ``,``; None to compare runs by their logs.
        scoring: further options of scoring by name, such as ``n`` and ``features``.
        eval_every: steps between scores; None to score the last step only.
        eval_data: real images to score against, as ``train`` and ``eval`` take them; None for those of ``data``.
        skip_bad: leave out pictures that cannot be read.
        threads: that a run takes.
    """

    patterns: tuple[str, ...]
    data: str
    out: Path
    seeds: int = 1
    first_seed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    resolution: Sized | None = None
    train: Mapping[str, Any] = field(default_factory=dict)
    metrics: str | None = None
    scoring: Mapping[str, Any] = field(default_factory=dict)
    eval_every: int | None = None
    eval_data: str | None = None
    skip_bad: bool = False
    threads: int = 1

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The data and hyperparameters that all runs share; they may not change when the grid goes on."""
        size = None if self.resolution is None else read_size(self.resolution)
        shown = size_text(size) if isinstance(size, tuple) else size
        own = {"resolution": shown, "batch": self.train.get("batch"), "settings": dict(self.settings)}
        return {"data": setup.data_text(self.data), **own}


@dataclass(frozen=True)
class Grid:
    """A grid, resolved.

    Attributes:
        request: the arguments that it was made from.
        patterns: read.
        jobs: every run, seed by seed, so that a first comparison is there early.
    """

    request: GridRequest
    patterns: tuple[Pattern, ...]
    jobs: tuple[GridJob, ...]


def make_grid(request: GridRequest) -> Grid:
    """Resolve a grid.

    Raises:
        GanzooError: for what a run would be refused for, naming the recipe; nothing was started or written.
    """
    patterns, variants = expand(request.patterns)
    _check_metrics(request)
    device = choose_device(request.train.get("device")).type
    check_counts(request.train.get("clock"), device, processes=1)
    gpus = int(device == "cuda")
    plans, resolution = _resolve(request, [variant.recipe for _, variant in variants])
    names = _names(plans, variants)
    jobs = tuple(
        _job(
            request, plan, resolution, pattern=pattern, variant=variant, name=f"{name}-seed{seed}", seed=seed, gpus=gpus
        )
        for seed in range(request.first_seed, request.first_seed + request.seeds)
        for (pattern, variant), plan, name in zip(variants, plans, names, strict=True)
    )
    return Grid(request, tuple(patterns), jobs)


def _check_metrics(request: GridRequest) -> None:
    if request.metrics is not None:
        from ganzoo.metrics import check

        check(request.metrics, request.scoring.get("features"))


def _resolve(request: GridRequest, recipes: Sequence[str]) -> tuple[list[Plan], str]:
    """A plan of each recipe on the data, and the one size that all are trained at.

    What is wrong with any recipe itself is said before the data is looked for.
    """
    for recipe in recipes:
        with _naming(recipe):
            make_plan(recipe, ("image", *LABEL_KEYS), request.settings)
    size = DataRequest(resolution=request.resolution, skip_bad=request.skip_bad)
    with _naming(recipes[0]):
        plan, data = setup.plan_and_data(recipes[0], request.data, size, request.settings, [])
    if request.eval_data is not None:
        from ganzoo.scoring.score import open_split

        # Refused now, not after hours of training.
        others, _ = open_split(request.eval_data, HELD_OUT, data, skip_bad=request.skip_bad)
        if others.fingerprint == data.fingerprint:
            raise UsageError(f"--eval-data {request.eval_data}: these are the images to train on; give other ones")
    plans = [plan]
    for recipe in recipes[1:]:
        with _naming(recipe):
            plans.append(make_plan(recipe, data.provides, request.settings, data.train))
            assemble(plans[-1], data.size, data.channels, len(data.class_names), device="meta")
            refuse_single_image(plans[-1], data)
    return plans, size_text(data.size)


@contextmanager
def _naming(recipe: str) -> Iterator[None]:
    """Let an error say of which recipe it is."""
    try:
        yield
    except ResolutionError as error:
        raise UsageError(f"{recipe}: {error}; give the whole grid one size: --resolution R") from error
    except UsageError as error:
        raise UsageError(f"{recipe}: {error}") from error


def _names(plans: Sequence[Plan], variants: Sequence[tuple[int, Variant]]) -> list[str]:
    """A folder's name for each recipe, all different.

    Raises:
        UsageError: for two recipes that are one.
    """
    recipes: dict[str, str] = {}
    names: list[str] = []
    for plan, (_, variant) in zip(plans, variants, strict=True):
        if plan.recipe in recipes:
            raise UsageError(f"{recipes[plan.recipe]} and {variant.recipe} are the same recipe: keep one of them")
        recipes[plan.recipe] = variant.recipe
        name = plan.slug[:LONGEST]
        names.append(f"{name}-{plan.hash[:6]}" if name in names or name != plan.slug else name)
    return names


def _job(
    request: GridRequest, plan: Plan, resolution: str, pattern: int, variant: Variant, name: str, seed: int, gpus: int
) -> GridJob:
    out = request.out.resolve()
    return GridJob(
        name=name,
        folder=str(out / name),
        log=str(out / LOGS / f"{name}.txt"),
        recipe=variant.recipe,
        pattern=pattern,
        choices=variant.choices,
        seed=seed,
        commands=tuple(_commands(request, plan.recipe, resolution, str(out / name), seed)),
        threads=request.threads,
        gpus=gpus,
    )


def _commands(request: GridRequest, recipe: str, resolution: str, folder: str, seed: int) -> Iterator[tuple[str, ...]]:
    """Train, which goes on where it stands if it has begun; and score, unless training does."""
    skip = ("--skip-bad",) if request.skip_bad else ()
    data = ("--data", str(setup.data_text(request.data)), *skip)
    fixed = {"out": folder, "seed": seed, "resolution": resolution}
    held_out = None if request.eval_data is None else setup.data_text(request.eval_data)
    settings = [word for name, value in request.settings.items() for word in ("--set", f"{name}={value}")]
    scores: tuple[str, ...] = ()
    if request.eval_every is not None:
        own = {"eval_every": request.eval_every, "metrics": request.metrics, "eval_n": request.scoring.get("n")}
        scores = _options({**own, "features": request.scoring.get("features"), "eval_data": held_out})
    yield ("train", recipe, *data, *_options({**fixed, **request.train}), *settings, *scores, "--quiet", "--resume")
    if request.metrics is not None and request.eval_every is None:
        given = {"metrics": request.metrics, **request.scoring, "device": request.train.get("device")}
        real = data if held_out is None else ("--data", str(held_out), "--split", HELD_OUT, *skip)
        yield ("eval", folder, *real, *_options(given))


def _options(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Command-line words of what was given: ``-n 500``, ``--log-every 1``."""
    pairs = ((f"--{name.replace('_', '-')}" if len(name) > 1 else f"-{name}", value) for name, value in given.items())
    return tuple(word for option, value in pairs if value is not None for word in (option, str(value)))
