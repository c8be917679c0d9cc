"""Write what README.md and docs/leaderboard.md say of the models in model_cards/; ``--check`` only compares.

README.md has small pictures and one table with the usual scores of each model; docs/leaderboard.md every table that
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
THUMBNAIL = 118  # pixels of a picture in the gallery: seven in a row
DISTANCES = ("fd", "fid")  # Fréchet distances: a column of README's table for each network that cards have one on
USUAL = {"kid": "↓", "precision": "↑", "recall": "↑"}  # its other columns
NETWORKS = {
    "tf_efficientnet_lite0.in1k-64": "Lite0",
    "tf_efficientnet_lite2.in1k-64": "Lite2",
    "inception-v3-compat": "Inception (this is FID)",
}
Numbers = dict[str, tuple[int, float | None, float | None]]  # images, value and floor by column
KEY = re.compile(r"(?P<metric>[a-z][a-z-]*?)-?(?P<n>\d+k?)-(?P<split>[a-z]+)@(?P<network>.+)")
ROW = re.compile(
    r"^\| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$", re.MULTILINE
)  # rank model recipe step value ±

HEADER = """\
# Leaderboard

Every score of the models in [`model_cards/`](../model_cards), as `ganzoo leaderboard model_cards` prints them; the name
of a model leads to its card. Each table is one protocol: metric, number of images, split, feature network, data and way
of resizing. Models are ranked within a table and never across two. Rows called "(real images)" are what images of the
training split get against the same test images: a floor, not zero.

**FD is not FID.** It is the Fréchet distance on the features of EfficientNet-Lite0, and once more on those of
EfficientNet-Lite2, at 64 pixels, and NOT comparable with the FIDs that papers publish, which are measured on the 2015
Inception graph. Two networks, since a model that does well on one alone may please that network rather than the eye;
and a discriminator may look through one of them: its model is compared on the other.

This page is generated: `python .ci/zoo.py`.
"""


def gallery() -> str:
    """The samples of every model, each a link to its card, those of plugins last: pictures in one paragraph."""
    configs = {path.parent: json.loads(path.read_bytes()) for path in (ROOT / "model_cards").glob("*/config.json")}
    folders = sorted(configs, key=lambda folder: (sorted(configs[folder]["plugins"]), folder.name))
    return "\n".join(_thumbnail(f"model_cards/{folder.name}", folder.name) for folder in folders)


def _thumbnail(link: str, name: str) -> str:
    picture = f'<img src="{link}/samples.png" width="{THUMBNAIL}" alt="samples of {name}" title="{name}">'
    return f'<a href="{link}/README.md">{picture}</a>'


def scores() -> str:
    """One row for each model: its usual scores on the most images, beside what real images get.

    Rows are grouped by data, and ordered by FD within them: a distance says nothing across data sets.
    """
    found: dict[tuple[str, str], Numbers] = {}
    for ranking in json.loads(_ganzoo("--json"))["leaderboards"]:
        key = KEY.fullmatch(ranking["key"])
        if key is None or not (name := _column(key["metric"], key["network"])):
            continue
        n = int(key["n"].replace("k", "000"))
        for row in ranking["ranking"]:
            of_model = found.setdefault((ranking["dataset"]["name"], Path(row["model"]).name), {})
            of_model[name] = max(of_model.get(name, (0, 0.0, None)), (n, row["value"], row["floor"]))
    distances = sorted({name for numbers in found.values() for name in numbers if name not in USUAL})
    rows: list[tuple[str, float, list[str]]] = []
    for (data, model), numbers in found.items():
        shown = [numbers.get(name, (0, None, None)) for name in (*distances, *USUAL)]
        real = [_number(floor) for _, _, floor in shown[: len(distances)]]
        name = f"[`{model}`](model_cards/{model}/README.md)"
        cells = [name, f"`{data}`", f"{shown[0][0]:,}", *(_number(value) for _, value, _ in shown), *real]
        rows.append((data, shown[0][1] or 0.0, cells))
    usual = [f"{'KID' if name == 'kid' else name} {arrow}" for name, arrow in USUAL.items()]
    real = [f"{name}, real images" for name in distances]
    head = ["model", "data (test split)", "images", *(f"{name} ↓" for name in distances), *usual, *real]
    table = _table([head, [":--", ":--", *["--:"] * (len(head) - 2)], *(cells for *_, cells in sorted(rows))])
    return "\n".join([table, *_unscored({model for _, model in found})])


def _unscored(scored: set[str]) -> list[str]:
    """A sentence on the models without a score, whose cards say why; none where there is no such model."""
    rest = sorted(path.parent.name for path in (ROOT / "model_cards").glob("*/config.json"))
    links = [f"[`{name}`](model_cards/{name}/README.md)" for name in rest if name not in scored]
    return ["", f"Without a score, and its card says why: {', '.join(links)}."] if links else []


def _column(metric: str, network: str) -> str:
    """The column of a score: one for the Fréchet distance on each network, and for others on the first; or none."""
    if metric in DISTANCES:
        return f"FD on {NETWORKS.get(network, network)}"
    return metric if metric in USUAL and network == next(iter(NETWORKS)) else ""


def leaderboard() -> str:
    """The page with every table: values beside the models, whose names are links to their cards."""
    return f"{HEADER}\n{ROW.sub(_row, _ganzoo('--markdown').strip())}\n"


def _row(found: re.Match[str]) -> str:
    rank, model, recipe, step, value, spread = found.groups()
    if model.startswith("model\\_cards/"):
        name, recipe = Path(model).name, f"`{recipe.replace(chr(92), '')}`"
        model = f"[{name}](../model_cards/{name}/README.md)"
    return f"| {' | '.join((rank, model, value, spread, step, recipe))} |"


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
