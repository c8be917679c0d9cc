"""Write the gallery and the leaderboard of README.md from the folders in model_cards/; ``--check`` only compares."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ganzoo.folder.config import read_config

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
COLUMNS = 3


def gallery() -> str:
    """A table with the samples of every model, those of plugins last."""
    folders = [path.parent for path in (ROOT / "model_cards").glob("*/config.json")]
    folders.sort(key=lambda folder: (sorted(read_config(folder)["plugins"]), folder.name))
    rows = []
    for start in range(0, len(folders), COLUMNS):
        some = folders[start : start + COLUMNS]
        names = [f"`{folder.name}`<br>`{read_config(folder)['recipe']}`" for folder in some]
        links = [f"model_cards/{folder.name}" for folder in some]
        grids = [f"[![samples of {link[12:]}]({link}/samples.png)]({link}/README.md)" for link in links]
        rows += [names + [""] * (COLUMNS - len(some)), grids + [""] * (COLUMNS - len(some))]
    rows.insert(1, [":-:"] * COLUMNS)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def leaderboard() -> str:
    """What ``ganzoo leaderboard`` prints."""
    command = [sys.executable, "-m", "ganzoo", "leaderboard", "model_cards", "--markdown"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Put both between their marks."""
    before = after = README.read_text(encoding="utf-8")
    for mark, text in {"gallery": gallery(), "leaderboard": leaderboard()}.items():
        between = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
        after = between.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", after)
    if "--check" in sys.argv and after != before:
        sys.exit("README.md does not show model_cards/ as it is: python .ci/zoo.py")
    README.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
