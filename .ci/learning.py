"""Write docs/learning.md, what learns MNIST's digits; ``--check`` only compares.

    python .ci/learning.py RUNS     puts every scored run of the folder RUNS into docs/learning.json and .png, beside
                                    those that are there, or in the place of one of the same name
    python .ci/learning.py          the page again, from docs/learning.json and what is registered

A run is trained by ``ganzoo train RECIPE --data mnist-train.zip ...`` and scored by ``ganzoo eval RUN --data
mnist-test.zip --metrics gan-test``; one on the first thousand pictures, ``few.zip``, by ``--metrics kid,fid``.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.registry.loading import registry

if TYPE_CHECKING:
    from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULTS, SHEET = (ROOT / "docs" / f"learning.{ending}" for ending in ("md", "json", "png"))
FEW = ROOT / "docs" / "learning-few.json"  # of runs on a thousand digits
ACCURACY, MISSED = 0.8, 1  # what a conditional model reaches; classes that another may leave out
COMMAND = "python .ci/learning.py"
OWN = "ganzoo-core"  # the distribution whose parts the page is about
IMAGES, TILES, SIDE, CAPTION = (10, 2), 3, 32, 14  # images of a tile, across and down; tiles of a row; pixels
TILE = IMAGES[0] * SIDE + 2, IMAGES[1] * SIDE + CAPTION

HEADER = """\
# What learns

A part that only runs has not been shown to work. Each run below learned MNIST's digits on a CPU, at a width that it can
bear, and a small classifier of real digits ([`gan-test`](../ganzoo/metrics/gan_test.py)) read what it draws: it is
right on at least {accuracy:.0%} of the images of a conditional model, and sees at least {least} of {of} classes in any.

The data are MNIST's 60,000 training images as a zip; `--data mnist` has the same in another order. Each row is scored
by `ganzoo eval RUN --data mnist-test.zip --metrics gan-test -n {samples}`, whose classifier learned nine in ten of the
test images and is right on {real:.1%} of the rest. Minutes are on {machine}, of machines that did much else.

![two rows of samples of each run, one column a class where there are labels](learning.png)
"""
FEW_HEADER = """
## On a thousand digits

With few pictures and a gradient penalty as weak as here D learns them by heart: it knows each real image, and what G
draws falls apart. ADA steers how often D sees images changed, and G goes on learning; p and r are in each run's log,
`ganzoo watch` and the card. A stronger penalty is another cure: the run without ADA at a larger gamma.

The data are the first thousand pictures of MNIST's training split, as `few.zip`; scores are of {samples:,} samples
against its test split, on {network}, and the spread of KID is that of its subsets.

"""
FEW_COLUMNS = ("recipe", "seed", "steps", "KID", "FD", "p at the end", "r at the end", "date", "command")
COLUMNS = ("run", "network", "labels in D", "steps", "minutes", "accuracy", "classes", "date", "command")


# --- what runs say ------------------------------------------------------------------------------------------


def command(config: dict[str, Any], steps: int) -> str:
    """What trains a run again."""
    chosen = {name: one["value"] for name, one in config["settings"].items() if one["reason"] == "set by you"}
    batch = ["--batch", str(chosen.pop("batch"))] if "batch" in chosen else []
    seed = ["--seed", str(config["seed"])] if config["seed"] else []
    words = [word for name, value in chosen.items() for word in ("--set", f"{name}={text(value)}")]
    size = str(config["height"])
    recipe, data = shlex.quote(config["recipe"]), f"{config['dataset']['name']}.zip"
    head = ["ganzoo", "train", recipe, "--data", data, "--resolution", size, "--steps", str(steps)]
    return " ".join([*head, *batch, *seed, *words, "--threads", "1"])


def text(value: Any) -> str:
    """The value of a setting as ``--set`` takes it."""
    return "/".join(map(text, value)) if isinstance(value, list) else str(value)


def result(folder: Path) -> dict[str, Any] | None:
    """What a run learned, from its files; None where it was not scored."""
    files = [folder / name for name in ("config.json", "metrics.json", "training/run.json", "log.jsonl")]
    if not all(path.is_file() for path in files):
        return None
    config, metrics, run = (json.loads(path.read_bytes()) for path in files[:3])
    last = json.loads(files[3].read_text().splitlines()[-1])
    scores = {score["metric"]: score for score in metrics["scores"]}
    if "classes-covered" not in scores:
        return None
    covered, accuracy = scores["classes-covered"], scores.get("gan-test")
    parts = [part["part"] for part in config["parts"] if not part["part"].endswith("/none")]
    return {
        "run": folder.name,
        "parts": sorted(set(parts)),
        "command": command(config, config["step"]),
        "steps": config["step"],
        "minutes": round(run["seconds"] / 60, 1),
        "accuracy": accuracy and accuracy["value"],
        "classes": covered["value"],
        "of": covered["details"]["of"],
        "samples": covered["samples"],
        "real": covered["details"]["real_accuracy"],
        "date": last["clock"]["time"][:10],
        "machine": f"{run['threads']} thread of {run['processor']}, {run['precision']}",
    }


def few(folder: Path) -> dict[str, Any] | None:
    """What came of a run on a thousand digits, from its files; None for other runs, and where it was not scored."""
    files = [folder / name for name in ("config.json", "metrics.json", "log.jsonl")]
    if not all(path.is_file() for path in files):
        return None
    config, metrics = (json.loads(path.read_bytes()) for path in files[:2])
    lines = [json.loads(line) for line in files[2].read_text().splitlines()]
    scores = {score["metric"]: score for score in metrics["scores"]}
    if config["dataset"]["name"] != "few" or "kid" not in scores:
        return None
    kid, fd = scores["kid"], scores["fd"]
    reports = next((line["reports"] for line in reversed(lines) if "reports" in line), {})
    return {
        "recipe": config["recipe"],
        "seed": config["seed"],
        "command": command(config, config["step"]),
        "steps": config["step"],
        "kid": kid["value"],
        "spread": kid["details"]["subset_std"],
        "fd": fd["value"],
        "samples": kid["samples"],
        "network": f"{kid['network']['name']}, {kid['network']['input']} pixels",
        "p": reports.get("d/ada_p"),
        "r": reports.get("d/ada_r"),
        "date": lines[-1]["clock"]["time"][:10],
    }


def learnt(row: dict[str, Any]) -> bool:
    """Whether it learned what is asked of it."""
    return row["classes"] >= row["of"] - MISSED and (row["accuracy"] is None or row["accuracy"] >= ACCURACY)


def tile(folder: Path) -> Image.Image:
    """Samples of a run, its name above them."""
    from PIL import Image, ImageDraw

    import ganzoo

    across, down = IMAGES
    made = Image.new("L", TILE)
    ImageDraw.Draw(made).text((2, 0), folder.name, fill=255)
    for index, image in enumerate(ganzoo.load(folder).sample(across * down, seed=0, output="pil")):
        at = (index % across * SIDE, CAPTION + index // across * SIDE)
        made.paste(image.convert("L").resize((SIDE, SIDE), Image.Resampling.NEAREST), at)
    return made


def place(index: int) -> tuple[int, int]:
    """Left and upper edge of a tile of the sheet."""
    return index % TILES * TILE[0], index // TILES * TILE[1]


def sheet(names: list[str], before: list[str], folders: Mapping[str, Path]) -> None:
    """Draw samples of every run into one picture: those of a folder anew, the others as the picture had them."""
    from PIL import Image

    picture = Image.new("L", (TILES * TILE[0], -(-len(names) // TILES) * TILE[1]))
    with Image.open(SHEET) as old:
        for index, name in enumerate(names):
            if name in folders:
                made = tile(folders[name])
            else:
                left, top = place(before.index(name))
                made = old.crop((left, top, left + TILE[0], top + TILE[1]))
            picture.paste(made, place(index))
    picture.save(SHEET, optimize=True)


# --- the page -----------------------------------------------------------------------------------------------


def parts_of(row: dict[str, Any], kind: str) -> list[str]:
    """Names of a row's parts of a kind."""
    return [part.partition("/")[2] for part in row["parts"] if part.startswith(f"{kind}/")]


def absent(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Built-in architectures and conditionings that no row has, by kind."""
    found: dict[str, list[str]] = {}
    for kind in ("architecture", "conditioning"):
        shown = {name for row in rows for name in parts_of(row, kind)}
        own = [entry.name for entry in registry().entries(kind) if entry.distribution == OWN]
        found[kind] = [name for name in own if name not in shown]
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)]
    for row in rows:
        accuracy = "no labels" if row["accuracy"] is None else f"{row['accuracy']:.1%}"
        heads = ", ".join(parts_of(row, "conditioning"))
        named = [row["run"], ", ".join(parts_of(row, "architecture")), heads, row["steps"], row["minutes"]]
        lines.append([*named, accuracy, f"{row['classes']:g} of {row['of']}", row["date"], f"`{row['command']}`"])
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def few_table(rows: list[dict[str, Any]]) -> str:
    """What came of a thousand digits, as Markdown."""
    lines = [FEW_COLUMNS, ["---"] * len(FEW_COLUMNS)]
    for row in rows:
        steered = ["" if row[name] is None else f"{row[name]:.2f}" for name in ("p", "r")]
        scores = [f"{row['kid']:.3f} ± {row['spread']:.3f}", f"{row['fd']:.1f}"]
        ends = [row["date"], f"`{row['command']}`"]
        lines.append([f"`{row['recipe']}`", row["seed"], row["steps"], *scores, *steered, *ends])
    return FEW_HEADER.format(**rows[0]) + "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def page(rows: list[dict[str, Any]], small: list[dict[str, Any]]) -> str:
    """The whole page.

    Args:
        rows: of runs on all digits.
        small: of runs on a thousand.
    """
    good, short = [row for row in rows if learnt(row)], [row for row in rows if not learnt(row)]
    one, machines = rows[0], dict.fromkeys(row["machine"] for row in rows)
    facts = {"of": one["of"], "least": one["of"] - MISSED, "samples": one["samples"], "real": one["real"]}
    parts = [HEADER.format(accuracy=ACCURACY, machine=" or ".join(machines), **facts), table(good)]
    if short:
        parts.append(
            "\n## Tried, and short of it\n\nNo longer run or better recipe has been found yet.\n\n" + table(short)
        )
    parts.append(few_table(small))
    missing = [f"- {kind}: {', '.join(f'`{name}`' for name in names)}" for kind, names in absent(rows).items() if names]
    if missing:
        parts.append(
            "\n## Not tried yet\n\nNo run of these has been made under this protocol:\n\n" + "\n".join(missing)
        )
    return "\n".join([*parts, f"\nThis page is generated: `{COMMAND}`.\n"])


def keep(found: list[tuple[Path, dict[str, Any]]]) -> None:
    """Put runs on all digits, and pictures of them, beside those that are there."""
    if not found:
        return
    before = json.loads(RESULTS.read_bytes())
    rows = {row["run"]: row for row in [*before, *(row for _, row in found)]}
    sheet(sorted(rows), [row["run"] for row in before], {folder.name: folder for folder, _ in found})
    RESULTS.write_text(json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n", encoding="utf-8")


def keep_few(found: list[dict[str, Any]]) -> None:
    """Put runs on a thousand digits beside those that are there."""
    rows = {(row["recipe"], row["seed"]): row for row in [*json.loads(FEW.read_bytes()), *found]}
    FEW.write_text(json.dumps([rows[key] for key in sorted(rows)], indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Write the page and, given runs, what it rests on; or say that it is not what it would be."""
    words = [word for word in sys.argv[1:] if word != "--check"]
    if words:
        folders = sorted(Path(words[0]).iterdir())
        kept = [(folder, row) for folder in folders if (row := result(folder))]
        small = [row for folder in folders if (row := few(folder))]
        if not kept and not small:
            sys.exit(f"{words[0]} holds no run that was scored: ganzoo eval RUN --metrics gan-test")
        keep_few(small)
        keep(kept)
    wanted = page(json.loads(RESULTS.read_bytes()), json.loads(FEW.read_bytes()))
    same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
    if "--check" in sys.argv and not same:
        sys.exit(f"docs/learning.md does not show docs/learning.json and what is registered: {COMMAND}")
    if not same:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
