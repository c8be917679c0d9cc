"""The model card of a run: generated from ``config.json``, short, and nothing in it typed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.files import write_text
from ganzoo.recipe import Recipe

CARD = "README.md"
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#!~&$])")


def plain(text: object) -> str:
    """Text as Markdown shows it letter by letter: nothing in it is markup, and it stays on one line."""
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def front_matter(config: Mapping[str, Any]) -> str:
    """The YAML block that the Hub reads; JSON strings are YAML strings."""
    head = Recipe.parse(config["recipe"]).head.name
    fields: dict[str, object] = {
        "library_name": "ganzoo",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["ganzoo", "gan", "image-generation", head],
    }
    if config["license"] is not None:
        fields["license"] = config["license"]
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())


def facts(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows of the card's table."""
    data = config["dataset"]
    classes = f"{config['classes']}: {', '.join(config['class_names'][:20])}" if config["classes"] else "none"
    colours = {1: "grey", 3: "RGB"}.get(config["channels"], f"{config['channels']} channels")
    plugins = ", ".join(f"{name} {version}" for name, version in config["plugins"].items())
    rows = [
        ("Recipe", f"`{config['recipe']}`"),
        ("Images", f"{config['resolution']} px, {colours}"),
        ("Classes", plain(classes) + (", …" if len(config["class_names"]) > 20 else "")),
        ("Data", f"{plain(data.get('name'))}, {plain(data.get('count'))} images; {plain(data.get('licence'))}"),
        ("Steps", f"{config['step']:,} ({plain(config['selection'])}), seed {config['seed']}"),
        ("Made with", f"ganzoo {plain(config['ganzoo'])}" + (f", {plain(plugins)}" if plugins else "")),
    ]
    return rows if config["license"] is None else [*rows, ("Licence of the model", f"`{config['license']}`")]


def settings_table(config: Mapping[str, Any]) -> str:
    """Every setting that is not its default, with the reason."""
    rows = [
        f"| `{name}` | {plain(_written(given['value']))} | {plain(given['because'])} |"
        for name, given in config["settings"].items()
        if given["because"] != "default"
    ]
    if not rows:
        return "All settings have their defaults.\n"
    return "| setting | value | because of |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _written(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def card(config: Mapping[str, Any], name: str) -> str:
    """The card's text; ``name`` is the folder's."""
    table = "\n".join(f"| {key} | {value} |" for key, value in facts(config))
    return f"""---
{front_matter(config)}---

# {plain(name)}

![64 samples of fixed noise](samples.png)

A generative adversarial network trained with [ganzoo](https://pypi.org/project/ganzoo/). The picture shows fixed noise,
nothing chosen. No score has been measured.

| | |
|---|---|
{table}

## Use it

Download or copy this folder, then:

```python
import ganzoo

gan = ganzoo.load("./{name}")
images = gan.sample(16, seed=0, output="pil")
```

```bash
ganzoo sample ./{name} -n 64 --seed 0 --out grid.png
ganzoo train --resume ./{name}    # where it was trained: goes on bit for bit
```

## How it was trained

`{config["recipe"]}`, with these settings:

{settings_table(config)}"""


def write_card(folder: Path, config: Mapping[str, Any]) -> None:
    """Write ``README.md`` into a run's folder."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name) or "model"
    write_text(folder / CARD, card(config, name))
