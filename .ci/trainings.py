"""Train what docs/start/healthy-or-not.md shows, and draw its pictures and its table.

    python .ci/trainings.py [RUNS]

The commands are those of the page. A run that is in the folder RUNS already (``runs``) is not trained again.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "start" / "healthy-or-not.md"
PICTURES = PAGE.parent / "trainings"
COMMAND = re.compile(r"^ganzoo (train .* --out runs/(\w+))$", re.MULTILINE)
BETWEEN = re.compile(r"(<!-- last -->\n).*?(<!-- end -->)", re.DOTALL)
TILE, ROWS, GAP, CAPTION = 66, 3, 10, 34  # pixels of a sample with its frame; rows of samples that are shown
CURVES = ("--keys", "losses/*", "--keys", "accuracy/*", "--smooth", "3")


def commands() -> dict[str, list[str]]:
    """The page's trainings by name."""
    return {name: shlex.split(words) for words, name in COMMAND.findall(PAGE.read_text(encoding="utf-8"))}


def trained(folder: Path, words: list[str]) -> None:
    """Train a run, unless it is there."""
    if not (folder / "log.jsonl").is_file():
        ganzoo(*words[:-1], str(folder))


def ganzoo(*words: str) -> None:
    """Run a command."""
    subprocess.run([sys.executable, "-m", "ganzoo", *words], check=True, cwd=ROOT)


def strip(folder: Path, target: Path) -> None:
    """Samples of the same noise at four steps, beside each other."""
    frames = {int(path.stem): path for path in sorted((folder / "training" / "frames").glob("*.png"))}
    last = max(frames)
    shown = [100, 200, 400 if last > 400 else 300, last]
    images = [Image.open(frames[step]).convert("L").crop((0, 0, 8 * TILE, ROWS * TILE)) for step in shown]
    width, height = images[0].size
    sheet = Image.new("L", (2 * (width + GAP) - GAP, 2 * (height + CAPTION)), 255)
    for place, (step, image) in enumerate(zip(shown, images, strict=True)):
        left, top = place % 2 * (width + GAP), place // 2 * (height + CAPTION)
        ImageDraw.Draw(sheet).text((left + 2, top + 3), f"step {step}", fill=0, font=ImageFont.load_default(22))
        sheet.paste(image, (left, top + CAPTION))
    sheet.save(target, optimize=True)


def table(runs: dict[str, Path]) -> str:
    """The last line of each log, and what the guard said first."""
    rows = ["| at its end | D right: real, fake | modes | alike | diversity | gradient of D, G | the guard says |"]
    rows.append("| --- | --- | --- | --- | --- | --- | --- |")
    for name, folder in runs.items():
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        said = next((line["event"]["text"] for line in lines if "event" in line), "")
        last = next(line for line in reversed(lines) if "modes" in line.get("health", {}))
        real, fake, health = last["accuracy"]["real"], last["accuracy"]["fake"], last["health"]
        slopes = ", ".join(f"{health['gradients'][player]:.2g}" for player in ("d", "g"))
        rows.append(
            f"| {name} | {real:.0%}, {fake:.0%} | {health['modes']} of {health['of']} | {health['duplicates']:.0%} |"
            f" {health['diversity']:.2f} | {slopes} | {said} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Train what is missing, draw everything, and write the table into the page."""
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "runs").resolve()
    PICTURES.mkdir(exist_ok=True)
    runs = {}
    for name, words in commands().items():
        runs[name] = place / name
        trained(place / name, words)
        strip(place / name, PICTURES / f"{name}.png")
        ganzoo("plot", str(place / name), *CURVES, "--out", str(PICTURES / f"{name}-curves.png"))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BETWEEN.sub(lambda found: f"{found[1]}{table(runs)}\n{found[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
