"""Write what README.md and docs/leaderboard.md say of the models in model_cards/; ``--check`` only compares.

README.md has a gallery and one table with the usual scores of each model; docs/leaderboard.md every table that
``ganzoo leaderboard`` prints.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
LEADERBOARD = ROOT / "docs" / "leaderboard.md"
COLUMNS = 3  # models in a row of the gallery
METRICS = ("fd", "kid", "precision", "recall")  # of the table in README
KEY = re.compile(r"(?P<metric>[a-z][a-z-]*?)-?(?P<n>\d+k?)-(?P<split>[a-z]+)@(?P<network>.+)")

HEADER = """\
# Leaderboard

Every score of the models in [`model_cards/`](../model_cards), as `ganzoo leaderboard model_cards --markdown` prints
it. Each table is one protocol: metric, number of images, split, feature network, data and way of resizing. Models
are ranked within a table and never across two. Rows called "(real images)" are what images of the training split
get against the same test images: a floor, not zero.

**FD is not FID.** It is the Fréchet distance on the features of EfficientNet-Lite0 at 64 pixels, and NOT comparable
with the FIDs that papers publish, which are measured on the 2015 Inception graph.

This page is generated: `python .ci/zoo.py`.
"""


def gallery() -> str:
    """A table with the samples of every model, those of plugins last."""
    configs = {path.parent: json.loads(path.read_bytes()) for path in (ROOT / "model_cards").glob("*/config.json")}
    folders = sorted(configs, key=lambda folder: (sorted(configs[folder]["plugins"]), folder.name))
    rows = []
    for start in range(0, len(folders), COLUMNS):
        some = folders[start : start + COLUMNS]
        names = [f"`{folder.name}`<br>`{configs[folder]['recipe']}`" for folder in some]
        links = [f"model_cards/{folder.name}" for folder in some]
        grids = [f"[![samples of {link[12:]}]({link}/samples.png)]({link}/README.md)" for link in links]
        rows += [names + [""] * (COLUMNS - len(some)), grids + [""] * (COLUMNS - len(some))]
    rows.insert(1, [":-:"] * COLUMNS)
    return _table(rows)


def scores() -> str:
    """One row for each model: its usual scores on the most images, beside what real images get.

    Rows are grouped by data, and ordered by FD within them: a distance says nothing across data sets.
    """
    found: dict[tuple[str, str], dict[tuple[int, str], tuple[float, float | None]]] = {}
    for ranking in json.loads(_ganzoo("--json"))["leaderboards"]:
        key = KEY.fullmatch(ranking["key"])
        if key is None or key["metric"] not in METRICS:
            continue
        n = int(key["n"].replace("k", "000"))
        for row in ranking["ranking"]:
            of_model = found.setdefault((ranking["dataset"]["name"], Path(row["model"]).name), {})
            of_model[n, key["metric"]] = (row["value"], row["floor"])
    rows: list[tuple[str, float, list[str]]] = []
    for (data, model), numbers in found.items():
        most = max(n for n, metric in numbers if metric == "fd")
        values = [numbers[most, metric] for metric in METRICS]
        name = f"[`{model}`](model_cards/{model}/README.md)"
        cells = [name, f"`{data}`", f"{most:,}", *(_number(value) for value, _ in values), _number(values[0][1])]
        rows.append((data, values[0][0], cells))
    head = ["model", "data (test split)", "images", "FD ↓", "KID ↓", "precision ↑", "recall ↑", "FD of real images"]
    return _table([head, [":--", ":--", *["--:"] * (len(head) - 2)], *(cells for *_, cells in sorted(rows))])


def leaderboard() -> str:
    """The page with every table."""
    return f"{HEADER}\n{_ganzoo('--markdown').strip()}\n"


def _ganzoo(form: str) -> str:
    """What ``ganzoo leaderboard model_cards`` prints in a form."""
    command = [sys.executable, "-m", "ganzoo", "leaderboard", "model_cards", form]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def readme(before: str) -> str:
    """README with what is generated put between its marks."""
    for mark, text in {"gallery": gallery(), "scores": scores()}.items():
        between = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
        before = between.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", before)
    return before


def main() -> None:
    """Write both files, or say which of them is not what it would be."""
    wanted = {README: readme(README.read_text(encoding="utf-8")), LEADERBOARD: leaderboard()}
    for path, text in wanted.items():
        same = path.is_file() and path.read_text(encoding="utf-8") == text
        if "--check" in sys.argv and not same:
            sys.exit(f"{path.relative_to(ROOT)} does not show model_cards/ as it is: python .ci/zoo.py")
        if not same:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
