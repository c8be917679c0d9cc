"""The trained models of ``model_cards/``: a gallery, and the card of each."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sitepages import ROOT
from sitepages.markdown import code

HOME = "zoo/models"
CARDS = ROOT / "model_cards"
INDENT = " " * 4
SHOWN = (".png", ".gif")
LINKED = "LICENSE"  # of weights that are somebody else's
HEADER = """\
# Trained models

These models come with a clone of ganzoo, else with the package `ganzoo-models`, and load by name without a network:

```python
import ganzoo

ganzoo.load("dcgan-cifar10").sample(16, seed=0, output="pil")
```

```bash
ganzoo models
ganzoo sample dcgan-cifar10 -n 16 --out grid.png
```

They are small models, trained by a thread or two of a CPU in minutes to hours, on digits and on small copies of CIFAR-10's
pictures; `faces-64` is imported from another project. Each card says how its model was trained, what it is good for, and what
not. How they score is on the [leaderboard](../../leaderboard.md). In the pictures of translation models stand source, result and target, where there is one.
"""


def pages() -> dict[str, str | Path]:
    """The gallery, and each card with its pictures."""
    found: dict[str, str | Path] = {f"{HOME}/index.md": _gallery()}
    for folder in folders():
        for file in sorted(folder.rglob("*")):
            if file.suffix in SHOWN or file.name == LINKED:
                found[f"{HOME}/{file.relative_to(CARDS).as_posix()}"] = file
        found[f"{HOME}/{folder.name}/index.md"] = _card(folder)
    return found


def folders() -> list[Path]:
    """The folders of models, those of plugins last."""
    found = [path.parent for path in CARDS.glob("*/config.json")]
    return sorted(found, key=lambda folder: (sorted(config(folder)["plugins"]), folder.name))


def config(folder: Path) -> dict:
    """What the model is."""
    return json.loads((folder / "config.json").read_bytes())


def _gallery() -> str:
    tiles = []
    for folder in folders():
        link, said = f"{folder.name}/index.md", config(folder)
        picture = f"![samples of {folder.name}]({folder.name}/samples.png){{ loading=lazy }}"
        tiles.append(
            f"- [{picture}]({link})\n\n    [**{folder.name}**]({link})\n\n    {code(said['recipe'])}\n\n"
            f"    {code(said['dataset']['name'])}, {_trained(said)}"
        )
    return f'{HEADER}\n<div class="gallery" markdown>\n\n' + "\n\n".join(tiles) + "\n\n</div>\n"


def _trained(said: dict) -> str:
    return "imported" if said.get("origin") else f"{said['step']:,} steps"


def _card(folder: Path) -> str:
    """The card without what only the Hub reads, from its heading on: mkdocs takes a page's title from there alone.

    Lists in lists are two columns further in on the Hub, and have to be four here.
    """
    card = (folder / "README.md").read_text(encoding="utf-8")
    return re.sub(r"^  (?=- )", INDENT, card[card.index(f"# {folder.name}\n") :], flags=re.MULTILINE)
