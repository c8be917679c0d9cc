"""The notebooks of docs/notebooks: kept without outputs, short, and executed from the first cell to the last."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import ganzoo

FOLDER = Path(ganzoo.__file__).parents[1] / "docs" / "notebooks"
NAMES = ("first_gan", "compare_losses", "write_a_part", "explore_a_generator")
LARGEST = 300_000  # bytes, of all together
SECONDS = 600  # until a cell is given up: they take seconds, where the machine is not shared
LEAST = {"first_gan": 7, "compare_losses": 5, "write_a_part": 4, "explore_a_generator": 9}  # pictures
TOLD = (  # by notebook, what its outputs have to say
    ("first_gan", "the first four are the same: True"),
    ("first_gan", "kid300-train@tf_efficientnet_lite0.in1k-64"),
    ("first_gan", "model.safetensors"),
    ("compare_losses", "bce, ls, hinge"),
    ("compare_losses", "compare.html"),
    ("write_a_part", "passed: "),
    ("write_a_part", "nearest: roundhinge"),
    ("write_a_part", "pyproject.toml"),
    ("explore_a_generator", "sngan-cond-mnist"),
    ("explore_a_generator", "4 directions of z"),
    ("explore_a_generator", "neighbours.png"),
)


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return found


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def commands(name: str) -> Iterator[str]:
    """Every command line of ganzoo in a notebook, those in its text too."""
    for cell in read(name)["cells"]:
        yield from re.findall(r"^\s*(ganzoo [a-z].*)$|`(ganzoo [a-z][^`]*)`", source(cell), flags=re.MULTILINE)


def test_they_are_all_there_and_small() -> None:
    files = sorted(FOLDER.glob("*.ipynb"))
    assert sorted(file.stem for file in files) == sorted(NAMES)
    assert sum(file.stat().st_size for file in files) < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_they_are_kept_without_outputs_and_explain_each_step(name: str) -> None:
    notebook = read(name)
    assert notebook["nbformat"] == 4 and notebook["metadata"]["kernelspec"]["name"] == "python3"
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert source(cell).strip()
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert (
                "shared" not in source(cell)
                and not re.search(r"^\s*!", source(cell), flags=re.MULTILINE)
                and len(source(cell).splitlines()) <= 25
            )
    assert source(cells[0]).startswith("# ") and cells[-1]["cell_type"] == "markdown"
    words = sum(len(source(cell).split()) for cell in cells if cell["cell_type"] == "markdown")
    assert words > 200 and max(map(len, (line for cell in cells for line in source(cell).splitlines()))) <= 130


@pytest.mark.parametrize("name", NAMES)
def test_their_commands_are_there(name: str) -> None:
    known = {point.name for point in entry_points(group="ganzoo.commands")} | {"project"}
    found = [shlex.split(a or b, comments=True)[1] for a, b in commands(name)]  # type: ignore[misc]
    assert found and set(found) <= known


def kernel(folder: Path) -> None:
    """A kernel of this interpreter, in a folder of its own: whatever kernels the machine has, this one has ganzoo."""
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True)
    words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps({"argv": words, "display_name": "tests", "language": "python"}))


def executed(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Any:
    """A notebook with its outputs, run in ``folder``; a command of ``%%bash`` that fails stops it, as an error does."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    kernel(folder / "jupyter")
    patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    patch.setenv("GANZOO_CACHE", str(folder / "cache"))
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    work = folder / "work"
    work.mkdir()
    client = nbclient.NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(work)}}
    )
    client.execute()
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_they_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = executed(name, tmp_path, monkeypatch)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    streams = [output for output in outputs if output.output_type == "stream"]
    said = [line for output in streams if output.name == "stderr" for line in output.text.splitlines()]
    expected = (
        "note: ",
        "ganzoo: warning: digits is not what the model says that it was trained on",
        "loss/roundhinge: registered",
        "loss/roundhinge and regularizer/modest: registered",
    )
    assert [line for line in said if not line.startswith(expected)] == []
    data = [output.data for output in outputs if "data" in output]
    pictures = sum("image/png" in one for one in data) + sum(
        str(one.get("text/html", "")).count("<img") for one in data
    )
    assert pictures >= LEAST[name]
    text = "\n".join([*(output.text for output in streams), *(str(one) for one in data)])
    assert [words for whose, words in TOLD if whose == name and words not in text] == []
    assert "not shown" not in text and "no samples" not in text and "no curves" not in text
