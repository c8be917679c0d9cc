"""Pages that are files of the repository in another form: the changelog, and notebooks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sitepages import ROOT

NOTEBOOKS = ROOT / "docs" / "notebooks"
SHOWN = NOTEBOOKS / "shown"  # what their cells drew and printed, of which .ci/notebooks.py is the maker
OUTPUTS = SHOWN / "outputs.json"
LINES = 24  # of an output that a page shows


def pages() -> dict[str, str | Path]:
    """Them."""
    found: dict[str, str | Path] = {"changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not path.with_suffix(".md").exists():
            kept = json.loads(OUTPUTS.read_bytes()).get(path.stem, {})
            found[f"notebooks/{path.stem}.md"] = notebook(json.loads(path.read_bytes()), path.name, kept)
    return found


def digest(cell: dict[str, Any]) -> str:
    """Of the source of a cell, so that it can be seen whether an output is that of this source."""
    return hashlib.sha256("".join(cell["source"]).encode()).hexdigest()[:16]


def notebook(content: dict[str, Any], name: str, kept: dict[str, Any] | None = None) -> str:
    """The cells of a notebook as a page, with a link to the file behind its title.

    Args:
        content: the notebook.
        name: of its file.
        kept: what cells printed and drew, by their ids.
    """
    cells = []
    for cell in content["cells"]:
        source = "".join(cell["source"]).strip()
        cells.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" and source else source)
        cells += _output((kept or {}).get(cell.get("id"), {}))
    first, rest = (cells or [f"# {name}"])[0], cells[1:]
    note = f"To run it: [`{name}`]({name}), in Jupyter or any editor of notebooks."
    title, _, more = first.partition("\n")
    return "\n\n".join(text for text in (title, note, more.strip(), *rest) if text) + "\n"


def _output(kept: dict[str, Any]) -> list[str]:
    lines = kept.get("text", "").splitlines()
    more = ["…"] if len(lines) > LINES else []
    said = ["\n".join(["```text", *lines[:LINES], *more, "```"])] if lines else []
    return said + [f"![what the code above draws]({SHOWN.name}/{picture})" for picture in kept.get("pictures", [])]
