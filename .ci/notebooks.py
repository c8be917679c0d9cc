"""Run the notebooks of docs/notebooks, and keep what each cell printed and drew, for their pages on the site.

    python .ci/notebooks.py FOLDER

The notebooks themselves are kept without outputs. What was run lies in FOLDER, as NAME.ipynb, and is not run again for
as long as its cells are those of the notebook. It takes some minutes, and the extra ``notebooks``.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from sitepages.texts import NOTEBOOKS, OUTPUTS, SHOWN, digest

COLOURS = 64  # of a kept plot; what is grey has 256 shades


def executed(path: Path, folder: Path) -> dict[str, Any]:
    """A notebook with its outputs, run in a folder of its own below ``folder``."""
    kept = folder / path.name
    wanted = json.loads(path.read_bytes())
    if kept.is_file():
        found = json.loads(kept.read_bytes())
        if [digest(cell) for cell in found["cells"]] == [digest(cell) for cell in wanted["cells"]]:
            return found
    import nbformat
    from nbclient import NotebookClient

    work = folder / path.stem
    work.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=3600, resources={"metadata": {"path": str(work)}}).execute()
    nbformat.write(notebook, kept)
    return json.loads(kept.read_bytes())


def small(content: bytes) -> bytes:
    """A picture in fewer bytes: grey where it has no colour, else in few colours."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    red, green, blue = picture.split()
    grey = red.tobytes() == green.tobytes() == blue.tobytes()
    kept = picture.convert("L") if grey else picture.quantize(COLOURS, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    kept.save(packed, "png", optimize=True)
    return packed.getvalue()


def outputs(cell: dict[str, Any], name: str) -> dict[str, Any]:
    """What a cell of notebook ``name`` printed, and the names of pictures that it drew, which are written."""
    said, drawn = [], []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/png" in data:
            drawn.append(f"{name}-{cell['id']}.png")
            content = small(base64.b64decode("".join(data["image/png"])))
            (SHOWN / drawn[-1]).write_bytes(content)
        elif output.get("name") != "stderr":
            said.append("".join(output.get("text", "") or data.get("text/plain", "")))
    return {"source": digest(cell), "text": "".join(said).rstrip(), "pictures": drawn}


def main() -> None:
    """Run what has changed, and write the outputs of all."""
    if len(sys.argv) != 2:
        sys.exit("where may the notebooks be run? python .ci/notebooks.py FOLDER")
    SHOWN.mkdir(exist_ok=True)
    for path in SHOWN.glob("*.png"):
        path.unlink()
    found: dict[str, Any] = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = executed(path, Path(sys.argv[1]))["cells"]
        kept = {cell["id"]: outputs(cell, path.stem) for cell in cells if cell["cell_type"] == "code"}
        found[path.stem] = {key: one for key, one in kept.items() if one["text"] or one["pictures"]}
    OUTPUTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
