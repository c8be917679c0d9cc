"""A person's file passes strict type checkers, and what is wrong in one is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
from click.testing import CliRunner

import ganzoo
from ganzoo.cli import main
from ganzoo.gan.options import SampleOptions
from ganzoo.registry.recipe import KINDS

ROOT = Path(ganzoo.__file__).parents[1]
FILE = Path(__file__).with_name("user_file.py")
WRONG = {
    "ganzoo.lod('dcgan-mnist')": "lod",
    "ganzoo.load('dcgan-mnist').sample(4, lables=['3'])": "lables",
    "ganzoo.load('dcgan-mnist').sample(4, output='png')": "sample",
    "ganzoo.load('dcgan-mnist').sample(4, output='pil').shape": "shape",
    "ganzoo.load('dcgan-mnist').sampel(4)": "not callable",
    "ganzoo.train('dcgan', data='digits', step=3)": "step",
    "ganzoo.build('dcgan', resolution='64x64', classes='ten')": "classes",
    "ganzoo.evaluate('./a', 'digits').value": "value",
}


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "ganzoo" / "py.typed").is_file()


def test_options_of_samples_are_those_of_the_method() -> None:
    names = set(signature(ganzoo.GAN.sample).parameters) - {"self", "n", "output"}
    assert set(SampleOptions.__annotations__) == names == set(get_type_hints(SampleOptions))


def mypy(*files: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """What mypy says of files of one folder as strictly as it can; silent of ganzoo, whose own settings it has."""
    words = ["-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={cache}"]
    words += [file.name for file in files]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=files[0].parent, env=environment, capture_output=True, text=True, timeout=600
    )


def tutorials(folder: Path) -> list[Path]:
    """The module of every tutorial of docs/plugins and of every skeleton of ``ganzoo new-plugin``, as files."""
    for page in sorted((ROOT / "docs" / "plugins").glob("*.md")):
        if page.stem != "index":  # the smallest plugin has no annotations, and one beside it is to fail
            found = re.findall(
                r'```python title="(ganzoo_\w+\.py)"\n(.*?)```', page.read_text("utf-8"), flags=re.DOTALL
            )
            for name, text in found:
                (folder / name).write_text(text, encoding="utf-8")
    for kind in KINDS:
        done = CliRunner().invoke(main, ["new-plugin", kind, f"my-{kind}", "--out", str(folder / "new" / kind)])
        assert done.exit_code == 0, done.output
        shutil.copy(folder / "new" / kind / f"ganzoo_my_{kind}.py", folder)
    return sorted(folder.glob("ganzoo_*.py"))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy")
def test_mypy_passes_the_tutorials_and_what_new_plugin_writes(tmp_path: Path) -> None:
    files = tutorials(tmp_path)
    assert len(files) > 2 * len(KINDS) - 2
    done = mypy(*files, cache=tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy")
def test_mypy_passes_a_persons_file_and_finds_what_is_wrong(tmp_path: Path) -> None:
    done = mypy(FILE, cache=tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import ganzoo\n\n" + "\n".join(WRONG) + "\n")
    said = mypy(wrong, cache=tmp_path / "cache").stdout.splitlines()
    for number, (line, word) in enumerate(WRONG.items(), start=3):
        assert any(one.startswith(f"wrong.py:{number}: error:") and word in one for one in said), (line, said)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pyright") is None, reason="needs pyright: npm install pyright, or pip")
def test_pyright_passes_a_persons_file(tmp_path: Path) -> None:
    shutil.copy(FILE, tmp_path)
    settings = {"include": [FILE.name], "typeCheckingMode": "strict", "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    words = ["pyright", "--pythonpath", sys.executable]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
