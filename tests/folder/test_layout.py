"""One module knows the file names of a folder, and reads without torch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganzoo
from ganzoo.folder import layout

ROOT = Path(ganzoo.__file__).parent
PLUGINS = ROOT.parent / "plugins"
NAMES = {
    *(layout.CONFIG, layout.MODEL, layout.METRICS, layout.CARD, layout.SAMPLES, layout.ANIMATION, layout.DISCRIMINATOR),
    *(
        *layout.EXAMPLE_PICTURES.values(),
        layout.EXAMPLE_TEXTS,
        layout.PICTURES_INDEX,
        *layout.CARD_PICTURES,
        layout.NEIGHBOURS_RECORD,
    ),
    *(layout.LOG, layout.RUN, layout.STATE, layout.STATE_TENSORS, layout.LOCK),
}
FOLDERS = {layout.EXAMPLES, layout.PICTURES, layout.SNAPSHOTS, layout.TRAINING, layout.FRAMES}
OTHERS = {  # the same word for something else than a file of a model's folder
    "ganzoo/files/write.py": {layout.LOCK},  # which layout takes it from: any folder can be locked
    "ganzoo/cli/newplugin.py": {layout.CARD},  # of a plugin's source
    **{  # what a command calls its output in the working directory
        "ganzoo/cli/attention.py": {"attention.png"},
        "ganzoo/cli/interpolate.py": {"interpolation.png"},
        "ganzoo/cli/plot.py": {layout.CURVES_PICTURE},
        "ganzoo/cli/neighbours.py": {layout.NEIGHBOURS_PICTURE},
    },
    "ganzoo/metrics/image_models.py": {layout.MODEL},  # in the repositories of timm's networks
    "ganzoo/hub/known.py": {layout.SNAPSHOTS},  # of the Hub's cache
    "ganzoo/watch/server.py": {layout.STATE},  # an address of the live page
    "plugins/ganzoo-edit/ganzoo_edit/server.py": {layout.STATE},
    "plugins/ganzoo-text/ganzoo_text/minilm.py": {layout.MODEL},  # in the wheel of a text encoder
}
FILES = [path for path in (*ROOT.rglob("*.py"), *PLUGINS.rglob("*.py")) if not {"templates", "tests"} & {*path.parts}]


def spelled(path: Path) -> Iterator[str]:
    """File names among the literals of a module; sentences, such as docstrings and help, have blanks."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not set(" \n") & set(node.value):
            yield from {*node.value.split("/")} & NAMES
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
            yield from {node.right.value} & FOLDERS


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_only_the_layout_spells_the_file_names_of_a_folder(path: Path) -> None:
    name = path.relative_to(ROOT.parent).as_posix()
    if name != "ganzoo/folder/layout.py":
        assert set(spelled(path)) == OTHERS.get(name, set())


def test_the_layout_names_the_words_that_are_looked_for() -> None:
    assert set(spelled(ROOT / "folder" / "layout.py")) >= NAMES - {layout.LOCK}


def test_reading_names_imports_no_torch() -> None:
    code = "import sys, ganzoo.folder.layout as at; at.largest('README.md'); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name", ["training/run.json", "log.jsonl", "../config.json", "snapshots/step-00000001.safetensors", "pictures/a.py"]
)
def test_what_is_of_a_run_or_outside_is_not_published(name: str) -> None:
    assert layout.largest(name) is None
