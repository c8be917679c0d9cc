"""Pages that are files of the repository in another form: the changelog, and notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sitepages import ROOT

NOTEBOOKS = ROOT / "docs" / "notebooks"


def pages() -> dict[str, str | Path]:
    """Them."""
    found: dict[str, str | Path] = {"changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not path.with_suffix(".md").exists():
            found[f"notebooks/{path.stem}.md"] = notebook(json.loads(path.read_bytes()), path.name)
    return found


def notebook(content: dict[str, Any], name: str) -> str:
    """The cells of a notebook as a page, with a link to the file behind its title."""
    cells = []
    for cell in content["cells"]:
        source = "".join(cell["source"]).strip()
        cells.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" and source else source)
    first, rest = (cells or [f"# {name}"])[0], cells[1:]
    note = f"To run it: [`{name}`]({name}), in Jupyter or any editor of notebooks."
    title, _, more = first.partition("\n")
    return "\n\n".join(text for text in (title, note, more.strip(), *rest) if text) + "\n"
