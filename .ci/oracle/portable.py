"""Writes ``tests/baselines`` with the ganzoo of this interpreter, and checks a later one against it, on any machine."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from oracle import measure
from oracle.folders import digests
from oracle.recipes import Trial

ROOT = Path(__file__).resolve().parents[2]
BASELINES = ROOT / "tests" / "baselines"
SAMPLES, HALF_WAY = BASELINES / "samples", BASELINES / "half-way"
LEVELS = 1  # of 255, by which processors may differ in a picture
TOLERANCE = 1e-3  # of a loss, relative where it is above 1: processors round differently
TARGETS = ("samples", "explain", "losses", "half-way")
TIMED = ("dcgan", "sngan", "sagan")
Finding = tuple[str, str | None]  # an item, and what is wrong with it


# --- writing ------------------------------------------------------------------------------------------------


def write(targets: tuple[str, ...], note: Callable[[str], None]) -> None:
    """Write some of ``TARGETS``, or ``bench``, anew with this process's ganzoo; ``note`` is told of each item."""
    BASELINES.mkdir(parents=True, exist_ok=True)
    writers = {"samples": write_samples, "explain": write_plans, "losses": write_losses, "half-way": write_half_way}
    writers["bench"] = write_bench
    for target in targets:
        writers[target](note)


def write_samples(note: Callable[[str], None]) -> None:
    """A picture of every shipped model whose plugins are installed; those of the others stay."""
    SAMPLES.mkdir(exist_ok=True)
    for name, needs in models().items():
        if installed(needs):
            measure.samples(name).save(SAMPLES / f"{name}.png", optimize=True)
            note(f"samples of {name}")


def write_plans(note: Callable[[str], None]) -> None:
    """The plan of every trial, for data with labels and without."""
    plans: dict[str, Any] = {}
    for trial in measure.all_trials():
        for size in measure.SIZES:
            try:
                plans[f"{trial.full} ({size})"] = {"size": size, **measure.explained(trial.full, size)}
            except RuntimeError:  # a part that needs labels, named
                note(f"{trial.full} has no plan for {size} data")
        note(f"plan of {trial.full}")
    save("plans.json", plans)


def write_losses(note: Callable[[str], None]) -> None:
    """The losses of the first steps of every trial that has a plan, and what the toys say."""
    losses: dict[str, Any] = {}
    plans = load("plans.json")
    for trial in measure.all_trials():
        steps = measure.first_losses(trial)
        losses[trial.name] = {
            "recipe": trial.recipe,
            "data": trial.data,
            "settings": trial.settings,
            "needs": plans[f"{trial.full} (labelled)"]["needs"],
            "steps": steps,
        }
        note(f"losses of {trial.recipe}")
    save("losses.json", {"machine": measure.machine(), "trials": losses, "toys": finite(measure.toys())})


def write_half_way(note: Callable[[str], None]) -> None:
    """A run that was stopped, and what it comes to when this ganzoo goes on with it."""
    shutil.rmtree(HALF_WAY, ignore_errors=True)
    with TemporaryDirectory(prefix="baselines-") as name:
        folder = Path(name) / "half-way"
        measure.begin_half_way(folder)
        shutil.copytree(folder, HALF_WAY)
        measure.end_half_way(folder)
        ended = {"files": digests(folder), "losses": losses_of(folder)}
    save("half-way.json", {"machine": measure.machine(), "steps": measure.END, **ended})
    note("half-way run")


def write_bench(note: Callable[[str], None]) -> None:
    """What ``ganzoo bench`` measures here: times are this machine's, to look back at and not to check against."""
    timed: dict[str, Any] = {"machine": {**measure.machine(), "load": round(os.getloadavg()[0], 1)}}
    for recipe in TIMED:
        told = json.loads(measure.command("bench", recipe, "--json"))
        ours = told["ours"]
        kept = {key: ours[key] for key in ("step_ms", "turn_ms", "peak_memory_mb", "gflop_per_step")}
        timed[recipe] = {**kept, "fastest_ms": min(ours["step_ms_all"]), **told["machine"]}
        note(f"bench of {recipe}")
    save("bench.json", timed)


def save(name: str, value: Any) -> None:
    """Write a JSON file of the baselines, an entry a line."""
    if isinstance(value, dict):
        lines = ",\n".join(f"{json.dumps(key)}: {lined(each)}" for key, each in value.items())
        (BASELINES / name).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def lined(value: Any) -> str:
    """JSON of a value; a mapping of mappings has a line for each."""
    if isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
        return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(each)}" for key, each in value.items()) + "\n}"
    return json.dumps(value)


def load(name: str) -> Any:
    """A JSON file of the baselines."""
    return json.loads((BASELINES / name).read_text(encoding="utf-8"))


# --- checking -----------------------------------------------------------------------------------------------


def check(targets: tuple[str, ...]) -> Iterator[Finding]:
    """Compare the ganzoo of this process with the baselines, item by item."""
    checkers = {"samples": check_samples, "explain": check_plans, "losses": check_losses, "half-way": check_half_way}
    for target in targets:
        yield from checkers[target]()


def check_samples() -> Iterator[Finding]:
    """Every shipped model draws its pictures."""
    for path in sorted(SAMPLES.glob("*.png")):
        yield f"samples of {path.stem}", skipped(models().get(path.stem, [])) or wrong_samples(path.stem)


def wrong_samples(name: str) -> str | None:
    """How far a model's samples are from the baseline's, if they are more than ``LEVELS`` apart."""
    import numpy as np
    from PIL import Image

    old = np.asarray(Image.open(SAMPLES / f"{name}.png"), dtype=int)
    new = np.asarray(measure.samples(name), dtype=int)
    if old.shape != new.shape:
        return f"shape {new.shape}, was {old.shape}"
    gap = int(abs(old - new).max())
    return None if gap <= LEVELS else f"a pixel is {gap} levels of 255 apart; {LEVELS} may be"


def check_plans() -> Iterator[Finding]:
    """Every recipe resolves to the plan that it had."""
    for name, plan in load("plans.json").items():
        yield f"plan of {name}", skipped(plan["needs"]) or wrong_plan(name, plan)


def wrong_plan(name: str, plan: dict[str, Any], shown: bool = True) -> str | None:
    """What differs between a plan of the baseline and today's, if anything does; see :func:`measure.explained`."""
    new = json.loads(json.dumps(measure.explained(name.partition(" (")[0], plan["size"], shown)))
    plan = {key: value for key, value in plan.items() if key != "hash"}  # of the kinds' names, too
    if "slots" in plan:
        plan["slots"] = [[KINDS.get(kind, kind), *rest] for kind, *rest in plan["slots"]]
        new["slots"] = without_new_options(new["slots"], plan["slots"])
    gone = [
        f"{key}: {new.get(key)!r}, was {plan[key]!r}" for key in plan if key != "size" and plan[key] != new.get(key)
    ]
    return "; ".join(gone) or None


def without_new_options(slots: list[Any], old: list[Any]) -> list[Any]:
    """Slots without options that their part has got since the baseline, as long as they stand at their defaults."""
    if len(slots) != len(old):
        return slots
    kept = []
    for (kind, side, places, name, options, *rest), was in zip(slots, old, strict=True):
        usual = defaults_of(kind, name) if options.keys() - was[4].keys() else {}
        old_or_given = {key: value for key, value in options.items() if key in was[4] or value != usual[key]}
        kept.append([kind, side, places, name, old_or_given, *rest])
    return kept


def defaults_of(kind: str, name: str) -> dict[str, Any]:
    """The options of a part as they are where nobody gives one."""
    from ganzoo.registry.loading import registry

    entry = registry().find(name, (kind,))
    return {keyword: option.default for keyword, option in entry.options().items()}


KINDS = {"penalty": "regularizer", "auxiliary": "regularizer"}  # what became of kinds of version 0.1.0


def check_losses() -> Iterator[Finding]:
    """Every recipe trains as it did for a few steps, and the toys play as they did."""
    old = load("losses.json")
    for name, trial in old["trials"].items():
        yield f"losses of {name}", skipped(trial["needs"]) or wrong_losses(name, trial)
    toys = finite(measure.toys())
    for words, told in old["toys"].items():
        yield f"toy {words}", (far(told, toys[words]) if toys else "skipped: its plugin is not installed")


def wrong_losses(name: str, trial: dict[str, Any]) -> str | None:
    """How the first losses of a trial of the baseline differ from today's, if they do."""
    new = measure.first_losses(Trial(name, trial["recipe"], trial["data"], trial["settings"]), len(trial["steps"]))
    return far(trial["steps"], new)


def check_half_way() -> Iterator[Finding]:
    """The run that version 0.1.0 left half-way is refused, as its random numbers were others; a fork takes it over."""
    old = load("half-way.json")["losses"]
    with TemporaryDirectory(prefix="baselines-") as name:
        folder, fork = Path(shutil.copytree(HALF_WAY, Path(name) / "half-way")), Path(name) / "fork"
        before = digests(folder)
        refused = measure.refusal_of_half_way(folder)
        yield "half-way run: refused", None if f"--resume {folder} --fork" in refused else f"said {refused!r}"
        yield "half-way run: left alone", None if digests(folder) == before else "its files changed"
        measure.fork_half_way(folder, fork)
        losses = losses_of(fork)
        stop = len(losses_of(HALF_WAY))
        yield "half-way run: its log goes on", far(old[:stop], losses[:stop])
        ended = len(losses) == measure.END and all(math.isfinite(x) for line in losses for x in line.values())
        yield "half-way run: forked to its end", None if ended else f"losses {losses}"


def models() -> dict[str, list[str]]:
    """The shipped models and the distributions of plugins that each needs."""
    configs = sorted((ROOT / "model_cards").glob("*/config.json"))
    return {path.parent.name: sorted(json.loads(path.read_text(encoding="utf-8"))["plugins"]) for path in configs}


def installed(needs: list[str]) -> bool:
    """Whether all of some distributions are here."""
    return skipped(needs) is None


def skipped(needs: list[str]) -> str | None:
    """Why an item that needs some distributions is left out, if it is."""
    for name in needs:
        try:
            version(name)
        except PackageNotFoundError:
            return f"skipped: {name} is not installed"
    return None


def losses_of(folder: Path) -> list[dict[str, float]]:
    """The losses of each line of a run's log."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line["losses"] for line in lines if "losses" in line]


def finite(value: Any) -> Any:
    """The same JSON, with text for numbers that are infinite or none."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def far(old: Any, new: Any, path: str = "") -> str | None:
    """The first place where two values of JSON differ, numbers by more than ``TOLERANCE``."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return next((found for key in old if (found := far(old[key], new[key], f"{path}/{key}"))), None)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((found for index, (a, b) in pairs if (found := far(a, b, f"{path}/{index}"))), None)
    numbers = isinstance(old, (int, float)) and isinstance(new, (int, float))
    if old == new or (numbers and abs(old - new) <= TOLERANCE * max(1.0, abs(old))):
        return None
    return f"{path}: {new!r}, was {old!r}"
