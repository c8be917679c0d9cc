"""``ganzoo export --to coreml-ready``: a program for one image that Core ML's converter takes, and its script."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tiny_models import run, saved
from torch import Tensor, nn

import ganzoo
from ganzoo.exporting.check import TOLERANCE
from ganzoo.exporting.coreml import MARK, write_coreml
from ganzoo.exporting.program import FACTS
from ganzoo.exporting.sampler import exportable
from ganzoo.folder.model import ModelFolder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model ``m`` of three classes, ``m.pt2`` and its script."""
    root = tmp_path_factory.mktemp("coreml")
    saved(root / "m", "dcgan:ch=4+onehot", classes=3)
    result = run("export", root / "m", "--to", "coreml-ready", "--out", root / "m.pt2")
    assert result.exit_code == 0, result.output
    assert f"m.pt2: takes z float32 (1, {ganzoo.load(root / 'm').z_dim}); label int32 (1); differs" in result.output
    return root


def test_the_program_draws_one_image_of_inputs_that_core_ml_has(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == ["m", "m-to-coreml.py", "m.pt2"]
    extra = {FACTS: ""}
    program = torch.export.load(exported / "m.pt2", extra_files=extra)
    gan = ganzoo.load(exported / "m")
    for label in (0, 2):
        z = gan.noise(1, 9)
        with torch.no_grad():
            image = program.module()(z=z, label=torch.tensor([label], dtype=torch.int32))
        assert (image - gan.sample(labels=[label], z=z)).abs().max() < TOLERANCE and image.shape == (1, 3, 16, 16)
    assert json.loads(extra[FACTS])["inputs"]["label"] == "int32 (1): class numbers from 0 to 2"
    assert json.loads(extra[FACTS])["weights_sha256"] == ModelFolder(exported / "m").digest
    assert str(Path(ganzoo.__file__).parent).encode() not in (exported / "m.pt2").read_bytes()


def test_the_script_is_python_and_names_the_file_beside_it(exported: Path) -> None:
    text = (exported / "m-to-coreml.py").read_text("utf-8")
    compile(text, "m-to-coreml.py", "exec")
    assert MARK in text and "HERE / 'm.pt2'" in text and str(exported) not in text and "ganzoo." not in text


@pytest.mark.slow
@pytest.mark.skipif(find_spec("coremltools") is None, reason="coremltools is not installed")
def test_core_mls_converter_takes_it(exported: Path) -> None:
    done = subprocess.run([sys.executable, exported / "m-to-coreml.py"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert (exported / "m.mlpackage" / "Manifest.json").is_file()


def test_a_script_of_somebody_is_not_replaced(exported: Path, tmp_path: Path) -> None:
    script = tmp_path / "a-to-coreml.py"
    script.write_text("print('mine')")
    result = run("export", exported / "m", "--to", "coreml-ready", "--out", tmp_path / "a.pt2")
    assert result.exit_code == 2 and "is there, and not of ganzoo" in result.stderr
    assert script.read_text() == "print('mine')" and list(tmp_path.iterdir()) == [script]
    assert ".pt2" in run("export", exported / "m", "--to", "coreml-ready", "--out", tmp_path / "a.mlpackage").stderr


class Drawing(nn.Module):
    """Draws noise of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def test_what_draws_numbers_of_its_own_is_refused(exported: Path, tmp_path: Path) -> None:
    gan = ganzoo.load(exported / "m")
    gan.G.set_submodule("trunk.stages.0.attention", Drawing())
    with pytest.raises(ganzoo.ModelError, match=r"draws numbers of its own \(aten\.randn_like"):
        write_coreml(exportable(gan), {"recipe": "x", "license": "mit"}, tmp_path / "a.pt2")
    assert list(tmp_path.iterdir()) == []
