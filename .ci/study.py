"""The study: which networks, heads and regularizers learn best in ten minutes; writes docs/study.md.

    python .ci/study.py run DIR [--jobs N] [--shared FOLDER] [--docs FOLDER]
                                     trains and scores what docs/study.json lacks, by ``ganzoo grid`` in DIR, and writes
                                     each result there; the same command again goes on where it was stopped
    python .ci/study.py collect DOCS puts the results of another clone's docs folder into this one's
    python .ci/study.py [--check]    the page again, and what ``ganzoo train`` suggests, from docs/study.json; or only
                                     says whether both are as they should be

A cell is ten minutes of processor time, so a machine that does other work, too, only takes longer. What is half trained
goes on in DIR, as runs of ``ganzoo train`` do; on another machine it begins anew, and what is in docs/study.json stays.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".ci"))

from study_cells import ACCURACY, DATA, FD, KID, PER_CLASS, SMALL, Cell, DataSet, cells, done  # noqa: E402
from study_page import page, suggested  # noqa: E402

from ganzoo.files.write import atomic, write_text  # noqa: E402

DOCS = ROOT / "docs"
RESULTS, PAGE, STRIPS = "study.json", "study.md", "study"
SUGGESTED = ROOT / "ganzoo" / "training" / "suggested.json"
SHARED = ROOT.parent / "shared" / "data"
COMMAND = "python .ci/study.py"
STRIP = 10  # samples on a strip: one of each class, where there are labels
LOOK = 5.0  # seconds between looks at a grid


# --- results ------------------------------------------------------------------------------------------------


def results(docs: Path) -> list[dict[str, Any]]:
    """What the study found so far."""
    path = docs / RESULTS
    found: list[dict[str, Any]] = json.loads(path.read_bytes()) if path.is_file() else []
    return found


def keep(rows: list[dict[str, Any]], docs: Path) -> None:
    """Put results beside those that are there, or in the place of those of the same cells."""
    by_key = {(row["data"], row["name"], row["seed"]): row for row in [*results(docs), *rows]}
    write_text(docs / RESULTS, json.dumps([by_key[key] for key in sorted(by_key)], indent=1) + "\n")


def commit() -> str | None:
    """The commit of the code that trains; None where git does not say."""
    said = subprocess.run(["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or None


def result(cell: Cell, run: dict[str, Any], folder: Path, code: str | None) -> dict[str, Any]:
    """What a run of ``grid.json`` came to; one that failed has ``error`` in place of scores.

    Args:
        cell: that it is of.
        run: its record.
        folder: where it is.
        code: commit of the code that trained it.
    """
    row: dict[str, Any] = {"data": cell.data.name, "name": cell.name, "seed": cell.seed, "protocol": cell.protocol}
    row["code"] = code
    if run["status"] == "failed":
        return {**row, "error": run["error"]}
    files = [json.loads((folder / name).read_bytes()) for name in ("config.json", "metrics.json", "training/run.json")]
    config, metrics, notes = files
    values = {score["metric"]: score["value"] for score in metrics["scores"]}
    return {
        **row,
        KID: values[KID],
        FD: values[FD],
        ACCURACY: values.get(ACCURACY),
        "classes": values.get("classes-covered"),
        "steps": config["step"],
        "minutes": round(notes["processor_seconds"] / 60, 2),
        "machine": notes["processor"],
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def strip(folder: Path) -> Image.Image:
    """Samples of a run, side by side."""
    from PIL import Image

    import ganzoo

    images = ganzoo.load(folder).sample(STRIP, seed=0, output="pil")
    made = Image.new("RGB", (sum(image.width for image in images), images[0].height))
    for index, image in enumerate(images):
        made.paste(image.convert("RGB"), (index * image.width, 0))
    return made


def keep_strip(cell: Cell, folder: Path, docs: Path) -> None:
    """Draw the samples of a cell into docs."""
    path = docs / STRIPS / f"{cell.data.name}-{cell.name}.png"
    path.parent.mkdir(exist_ok=True)
    with atomic(path) as temporary:
        strip(folder).save(temporary, "PNG", optimize=True)


# --- training -----------------------------------------------------------------------------------------------


def small(source: Path, target: Path) -> None:
    """A zip of the first :data:`PER_CLASS` pictures of each class of another, with their labels."""
    with zipfile.ZipFile(source) as whole:
        index = json.loads(whole.read("dataset.json"))
        taken: dict[int, list[str]] = {}
        for name, label in sorted(index["labels"]):
            if len(taken.setdefault(label, [])) < PER_CLASS:
                taken[label].append(name)
        labels = [[name, label] for label in sorted(taken) for name in taken[label]]
        with atomic(target) as temporary, zipfile.ZipFile(temporary, "w") as part:
            for name, _ in labels:
                part.writestr(zipfile.ZipInfo(name), whole.read(name))
            part.writestr(zipfile.ZipInfo("dataset.json"), json.dumps({**index, "labels": labels}))


def place_of(data: DataSet, out: Path, shared: Path) -> Path:
    """The zip that a data set is trained on, made where it is not there."""
    if data is not SMALL:
        return shared / data.source
    target = out / f"{data.name}.zip"
    if not target.is_file():
        small(shared / data.source, target)
    return target


class Runner:
    """Trains cells by ``ganzoo grid``, several at a time.

    Args:
        out: where runs go.
        shared: where the zips of images are.
        docs: where results are kept.
    """

    def __init__(self, out: Path, shared: Path, docs: Path) -> None:
        self.out, self.shared, self.docs, self.code = out, shared, docs, commit()
        self.stop, self.writing = threading.Event(), threading.Lock()
        self.groups: SimpleQueue[list[Cell]] = SimpleQueue()

    def run(self, jobs: int) -> None:
        """Train what is missing; ends early, with all saved, once :attr:`stop` is set."""
        kept = done(results(self.docs))
        missing: dict[tuple[int, str, str], list[Cell]] = {}
        for cell in cells():
            if "error" in kept.get(cell.key, {"error": "it was not trained yet"}):
                missing.setdefault((cell.seed, cell.family.name, cell.data.name), []).append(cell)
        for group in missing.values():
            self.groups.put(group)
        say(f"{sum(map(len, missing.values()))} cells to train, in {len(missing)} grids, {jobs} at a time")
        workers = [threading.Thread(target=self.work) for _ in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(1.0)  # and no longer, so that signals are heard

    def work(self) -> None:
        """Train group after group."""
        while not self.stop.is_set():
            try:
                group = self.groups.get_nowait()
            except Empty:
                return
            try:
                self.train(group)
            except Exception as error:  # one grid that goes wrong leaves the others alone
                say(f"{group[0].family.name} on {group[0].data.name}: {type(error).__name__}: {error}")

    def train(self, group: list[Cell]) -> None:
        """One ``ganzoo grid``; every result is kept as soon as it is there. The grid ends when this process does."""
        first = group[0]
        folder = self.out / f"{first.family.name}-{first.data.name}-seed{first.seed}"
        data = place_of(first.data, self.out, self.shared)
        words = ["grid", *(cell.recipe for cell in group), "--data", str(data), *first.family.words(first.data)]
        words += ["--eval-data", str(self.shared / first.data.test), "--out", str(folder), "--jobs", "1"]
        words += ["--seeds", "1", "--first-seed", str(first.seed)]
        program = [sys.executable, "-m", "ganzoo.grid.child", *words]
        with (self.out / f"{folder.name}.txt").open("a") as log:
            process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=log, stderr=log)
            told: set[str] = set()
            while process.poll() is None:
                try:
                    process.wait(LOOK)
                except subprocess.TimeoutExpired:
                    self.harvest(group, folder, told)
                if self.stop.is_set() and process.poll() is None:
                    process.terminate()
                    process.wait()
        self.harvest(group, folder, told)
        say(f"{folder.name}: {len(told)} of {len(group)} cells; exit status {process.returncode}")

    def harvest(self, group: list[Cell], folder: Path, told: set[str]) -> None:
        """Keep the results of runs that have ended since the last time, whose names ``told`` has."""
        grid = folder / "grid.json"
        if not grid.is_file():
            return
        by_recipe = {cell.recipe: cell for cell in group}
        for run in json.loads(grid.read_bytes())["runs"]:
            cell = by_recipe.get(run["recipe"])  # None for one that was kept before the grid was stopped
            if cell is None or run["status"] not in ("done", "failed") or run["run"] in told:
                continue
            told.add(run["run"])
            where = folder / run["run"]
            row = result(cell, run, where, self.code)
            with self.writing:
                keep([row], self.docs)
                if cell.seed == 0 and "error" not in row:
                    keep_strip(cell, where, self.docs)
            say(f"{cell.key}: {row.get('error') or {name: row[name] for name in (KID, FD, ACCURACY, 'steps')}}")


def say(text: str) -> None:
    """A line of the log, with the time."""
    print(f"{datetime.now(timezone.utc).isoformat(timespec='seconds')} {text}", flush=True)


def train_all(out: Path, jobs: int, shared: Path, docs: Path) -> None:
    """``run``: Ctrl-C and SIGTERM save."""
    missing = [shared / name for data in DATA for name in (data.source, data.test) if not (shared / name).is_file()]
    if missing:
        sys.exit(f"there is no {missing[0]}: give the folder that holds the zips by --shared FOLDER")
    out.mkdir(parents=True, exist_ok=True)
    runner = Runner(out.resolve(), shared.resolve(), docs.resolve())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: runner.stop.set())
    runner.run(jobs)
    say("stopped; the same command goes on" if runner.stop.is_set() else "done")


# --- the page -----------------------------------------------------------------------------------------------


def collect(other: Path) -> None:
    """Put another clone's results and strips into docs."""
    rows = results(other)
    if not rows:
        sys.exit(f"{other} has no {RESULTS} with results in it: give the docs folder of the clone that ran the study")
    keep(rows, DOCS)
    for path in sorted((other / STRIPS).glob("*.png")):
        (DOCS / STRIPS).mkdir(exist_ok=True)
        shutil.copyfile(path, DOCS / STRIPS / path.name)


def write_pages(check: bool) -> None:
    """Write the page and the suggestions; or only say that they are not what they would be."""
    kept = done(results(DOCS))
    shown = {path.stem for path in (DOCS / STRIPS).glob("*.png")}
    wanted = {DOCS / PAGE: page(kept, shown), SUGGESTED: json.dumps(suggested(kept), indent=1) + "\n"}
    for path, text in wanted.items():
        same = path.is_file() and path.read_text(encoding="utf-8") == text
        if check and not same:
            sys.exit(f"{path.relative_to(ROOT)} does not show docs/{RESULTS}: {COMMAND}")
        if not same:
            write_text(path, text)


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description="The study: train its cells, collect results, write its page.")
    parser.add_argument("--check", action="store_true", help="only say whether the page is as it should be")
    commands = parser.add_subparsers(dest="command")
    training = commands.add_parser("run", help="train what is missing")
    training.add_argument("out", type=Path)
    training.add_argument("--jobs", type=int, default=1)
    training.add_argument("--shared", type=Path, default=SHARED)
    training.add_argument("--docs", type=Path, default=DOCS)
    commands.add_parser("collect", help="take results of another clone").add_argument("docs", type=Path)
    given = parser.parse_args()
    if given.command == "run":
        train_all(given.out, given.jobs, given.shared, given.docs)
        return
    if given.command == "collect":
        collect(given.docs)
    write_pages(given.check)


if __name__ == "__main__":
    main()
