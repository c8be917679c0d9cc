"""Test, time and train on a device, and write one JSON and one table: what ``.ci/gpu`` runs.

    .ci/gpu                                   on a machine with a GPU: nine minutes; results in $OUT, or ./gpu-results
    .ci/gpu --minutes 20 --data cifar10.zip   with a training of ten minutes, of other images
    .ci/gpu --device cpu --minutes 2          a dry run, at tiny sizes
    python .ci/gpu_run.py --page gpu.json     put results into docs/speed.json, and docs/reference/speed.md anew

Nothing has to be installed but torch and what ganzoo asks for; no index is asked for what is there. Stages: what the
device is; the checkout as an installed package; the tests marked ``gpu``; ``ganzoo bench`` of six recipes beside other
libraries, in bf16 and TF32; a training by two processes; the recipes compiled and as CUDA graphs; a training. Each has
a share of the time, and what has no time left is left out with that reason. Exit status 1: a stage failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # for an interpreter that was started elsewhere

from gpulab import page
from gpulab.clock import Clock, Stage
from gpulab.install import ROOT, install
from gpulab.stages import CASES, SMALL, Lab, environment, stages

MINUTES = 9.0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--device", default="cuda", help="cuda, or cpu for a dry run at tiny sizes")
    made.add_argument("--minutes", type=float, default=MINUTES, help=f"for everything; {MINUTES:g} by default")
    made.add_argument("--out", type=Path, help="the folder for results; $OUT by default, else ./gpu-results")
    made.add_argument("--data", default="digits", help="what is trained on, as ganzoo train takes it")
    made.add_argument("--rounds", type=int, default=20, help="timed steps of each benchmark; 20 by default")
    made.add_argument("--wheels", type=Path, help="a folder of wheels, for what is missing where no index is reached")
    made.add_argument("--page", type=Path, metavar="JSON", help="put these results into the docs, and do nothing else")
    return made


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    given = parser().parse_args(words)
    if given.page is not None:
        return page.add(given.page)
    if given.minutes <= 0 or given.rounds < 1:
        parser().error("--minutes is above 0, and --rounds at least 1")
    out = given.out or Path(os.environ.get("OUT") or "gpu-results")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ganzoo-gpu-") as folder:
        return run(given, out.resolve(), Path(folder))


def run(given: argparse.Namespace, out: Path, folder: Path) -> int:
    """All stages; results are written after each, so that a machine that is taken away leaves what there is.

    Args:
        given: the command line.
        out: the folder for results.
        folder: for what is thrown away: metadata of the checkout, runs.
    """
    log = out / "gpu.log"
    log.write_text("", encoding="utf-8")
    clock = Clock(60 * given.minutes, log, environment(), ROOT)
    small = given.device == "cpu"
    lab = Lab(clock, folder, given.device, SMALL if small else CASES, 2 if small else given.rounds, given.data, small)
    steps = [Stage(*each) for each in stages(lab, lambda most: install(clock, folder / "site", given.wheels))]
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "device": given.device,
        "minutes": given.minutes,
        "commit": _commit(clock),
    }
    for stage in steps:
        stage.go(clock)
        result["seconds"] = round(given.minutes * 60 - clock.left, 1)
        result["stages"] = [each.told() for each in steps]
        _write(out, result)
        if stage.name == "device" and stage.status == "failed":
            break
    picture = folder / "samples.png"
    if picture.is_file():
        (out / "samples.png").write_bytes(picture.read_bytes())
    print(page.table(result))
    print(f"{out / 'gpu.json'}, gpu.md and gpu.log; into the docs: python .ci/gpu_run.py --page {out / 'gpu.json'}")
    return int(any(stage.status == "failed" for stage in steps))


def _write(out: Path, result: dict[str, Any]) -> None:
    """The JSON and the table, whole at any time."""
    for name, text in {"gpu.json": json.dumps(result, indent=1) + "\n", "gpu.md": page.table(result) + "\n"}.items():
        fresh = out / f".{name}.{os.getpid()}"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(out / name)


def _commit(clock: Clock) -> str | None:
    """The commit of the checkout, where it is one and git is there."""
    try:
        done = clock.run(["git", "rev-parse", "--short", "HEAD"], 10)
    except OSError:
        return None
    return done.text.strip() if done.status == 0 else None


if __name__ == "__main__":
    begun = time.monotonic()
    status = main()
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    sys.exit(status)
