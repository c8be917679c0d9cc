"""Byte equality of two installations on one machine: both train the same tiny runs, and the folders are compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from oracle.folders import differences
from oracle.recipes import HEADS, PARTS, SETTINGS

SCRIPT = Path(__file__).resolve().parents[1] / "baselines.py"
PRESETS = "lsgan ggan dragan rgan ragan ralsgan rahinge cgan wgan-gp wgan-wc sngan-cond cgan-pd sngan-r1 sngan-lecam"
PRESETS += " acgan sagan-uncond csnsagan"
OFTEN = {"grid_every": 2, "save_every": 2}
LITE = "tf_efficientnet_lite0.in1k"
DIVERGING = {"optimizer": "sgd", "lr.g": 1e3, "lr.d": 1e3}
Task = dict[str, Any]
Tasks = dict[str, Task]
Sides = dict[str, tuple[str, Path]]  # interpreter and folder


def training(recipe: str, data: str = "noise", **options: Any) -> Task:
    """A task that trains."""
    return {"recipe": recipe, "data": data, "options": options}


def tasks() -> Tasks:
    """What each interpreter does by itself, in this order: later tasks go on with runs of earlier ones."""
    heads = {**{name: (f"{name}:ch=4", "noise") for name in ("gan", "dcgan", "sngan", "sagan")}, **HEADS}
    made = {name: training(*head, **OFTEN, steps=4) for name, head in heads.items()}
    made |= {preset: training(f"{preset}:ch=4") for preset in PRESETS.split()}
    made |= {name: training(recipe, settings=SETTINGS.get(name, {})) for name, recipe in PARTS.items()}
    digits = {"data": "digits", **OFTEN}
    failing = {"steps": 40, "log_every": 5, "grid_every": 5, "save_every": 5, "batch": 32}
    # The images are named, as since 0.2 a run that names none holds some of its own out, and learns from fewer.
    scored = {"eval_every": 2, "eval_data": "digits", "metrics": ["kid", "fid"], "eval_n": 60, "features": LITE}
    made |= {
        "run": training("dcgan:ch=4+lecam", **digits, steps=4, keep=2),
        "bf16": training("sngan:ch=4+r1:every=2", **digits, settings={"precision": "bf16"}),
        "deterministic": training("dcgan:ch=4+diffaugment", **digits, deterministic=True, seed=5),
        "scores": training("dcgan:ch=4", **digits, **scored, steps=4),
        "guard-nan": training(
            "gan:ch=32", "digits", **failing, settings={"optimizer": "sgd", "lr.g": 1e3, "lr.d": 1e3}
        ),
        "guard-collapse": training("gan:ch=64+minimax", "digits", **failing, settings={"lr.g": 5.0}),
        "guard-away": training("dcgan:ch=8", "digits", **failing, settings={"lr.g": 0.01, "lr.d": 1e-5}),
        "init": training("dcgan:ch=4+hinge", **digits, init="./run", seed=3),
        "fork": {"options": {"resume": "run", "fork": "fork", "steps": 6, "settings": {"lr.d": 1e-4}}},
        "on": training("dcgan:ch=4,dropout=0.2+cbn+ac+r1:every=2", "noise", **OFTEN, steps=3, horizon=6),
        "resumed": {"data": "noise", "options": {"resume": "on", "steps": 6}},
        "sample": {"words": ["sample", "./run", "-n", "9", "--seed", "3", "--out", "sample/grid.png"]},
        "interpolate": {"words": ["interpolate", "./run", "--out", "interpolate/walk.png"]},
        "cast": {"words": ["cast", "./run", "cast/model"]},
        "eval": {
            "copy": "run",
            "words": f"eval ./eval/run --data digits --metrics fid,kid,prdc -n 80 --features {LITE}".split(),
        },
    }
    for mode in ("stop", "rollback"):
        made |= {f"{name}-{mode}": guarded(made[name], mode) for name in ("guard-nan", "guard-collapse", "guard-away")}
    return made


def guarded(task: Task, mode: str) -> Task:
    """The same training under another guard."""
    return {**task, "options": {**task["options"], "guard": mode}}


def stopped() -> Tasks:
    """Runs that OLD leaves half-way and both go on with."""
    options = {**OFTEN, "steps": 6}
    texts = {
        "dcgan": "dcgan:ch=4+lecam+r1:every=2",
        "dropout": "dcgan:ch=4,dropout=0.3+onehot+diffaugment",
        "wgan-gp": "wgan-gp:ch=4",
        "sagan": "sagan:ch=4",
        "acgan": "acgan:ch=4",
    }
    made = {f"half-way-{name}": {**training(text, **options), "stop": 3} for name, text in texts.items()}
    made |= {f"half-way-{name}": {**training(*head, **options), "stop": 3} for name, head in HEADS.items()}
    made["half-way-guard"] = {**guarded(training("dcgan:ch=4", "digits", **options, keep=1), "rollback"), "stop": 3}
    made["half-way-rmsprop"] = {**training("dcgan:ch=4+wgan-clip", **options, settings={"ema": 0.9}), "stop": 5}
    return made


def compare(old: str, new: str, words: list[str], keep: str | None) -> int:
    """Run everything with both and print what differs; 1 if anything does."""
    with TemporaryDirectory(prefix="same-") as name:
        root = Path(keep).resolve() if keep else Path(name)
        sides: Sides = {"old": (old, root / "old"), "new": (new, root / "new")}
        for _, folder in sides.values():
            folder.mkdir(parents=True)
        chosen = {name: task for name, task in tasks().items() if wanted(name, words)}
        found = both(chosen, sides)
        half = {name: task for name, task in stopped().items() if wanted(name, words)}
        if half:
            go_on(sides, half, found)
        if wanted("two-processes", words):
            for ended, (python, folder) in zip(found, sides.values(), strict=True):
                ended["two-processes"] = two_processes(python, folder)
        return report(root, found)


def wanted(name: str, words: list[str]) -> bool:
    """Whether one of the words is in a run's name; every run is wanted without words."""
    return not words or any(word in name for word in words)


def environment() -> dict[str, str]:
    """That of the children: the CPU, one thread, and each its own code."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONSAFEPATH": ""}


def run_tasks(python: str, tasks: Tasks, folder: Path) -> dict[str, str]:
    """Carry out tasks with one interpreter in a folder; how each ended."""
    listed, ended = folder.parent / f"{folder.name}-tasks", folder.parent / f"{folder.name}-ended"
    listed.write_text(json.dumps(tasks), encoding="utf-8")
    print(f"{python}: {len(tasks)} runs", file=sys.stderr, flush=True)
    command = [python, str(SCRIPT), "worker", "runs", str(listed), str(ended)]
    subprocess.run(command, cwd=folder, env=environment(), check=True)
    return dict(json.loads(ended.read_text(encoding="utf-8")))


def both(tasks: Tasks, sides: Sides) -> list[dict[str, str]]:
    """Carry out the same tasks with both interpreters at once; how they ended."""
    with ThreadPoolExecutor(len(sides)) as pool:
        return list(pool.map(lambda side: run_tasks(side[0], tasks, side[1]), sides.values()))


def go_on(sides: Sides, tasks: Tasks, found: list[dict[str, str]]) -> None:
    """Let OLD leave runs half-way, and both go on with copies of them."""
    (python, first), (_, second) = sides.values()
    begun = run_tasks(python, tasks, first)
    for name in tasks:
        if begun[name] == "done":
            shutil.copytree(first / name, second / name)
    rest: Tasks = {
        name: {"data": task["data"], "options": {"resume": name}}
        for name, task in tasks.items()
        if begun[name] == "done"
    }
    for ended, more in zip(found, both(rest, sides), strict=True):
        ended |= {**begun, **more}


def two_processes(python: str, folder: Path) -> str:
    """A run that two processes share; how it ended."""
    words = "train dcgan:ch=4+gp --data digits --out two-processes --steps 4 --batch 4 --resolution 16 --device cpu"
    words += " --set precision=fp32 --set sync=on --log-every 1 --save-every 2 --grid-every 2 --quiet"
    launcher = "torch.distributed.run --nproc-per-node 2 --rdzv-backend c10d --rdzv-endpoint 127.0.0.1:0 -m ganzoo"
    command = [python, "-m", *launcher.split(), *words.split()]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    return "done" if done.returncode == 0 else f"exit status {done.returncode}: {done.stderr[-300:]}"


def report(root: Path, found: list[dict[str, str]]) -> int:
    """Print a line for each run and each difference; 1 if there is a difference."""
    bad = 0
    for name, ended in found[0].items():
        other = found[1][name]
        lines = [] if kind(ended) == kind(other) else [f"old: {ended}", f"new: {other}"]
        folders = [root / side / name for side in ("old", "new")]
        if all(folder.exists() for folder in folders):
            lines += differences(*folders)
        elif any(folder.exists() for folder in folders):
            lines.append("only one of both left a folder")
        bad += bool(lines)
        print(f"{'BAD' if lines else 'ok '} {name}{'' if ended == 'done' else f' (both: {ended[:100]})'}")
        print("".join(f"      {line}\n" for line in lines[:20]), end="")
    print(f"{bad} of {len(found[0])} runs differ" if bad else f"all {len(found[0])} runs are the same")
    return int(bad > 0)


def kind(ended: str) -> str:
    """How a run ended, without the words of its error."""
    return ended.partition(":")[0]
