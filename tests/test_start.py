"""Starting: the commands that people type most import nothing heavy. Not timed; what is imported is counted."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "timm", "numpy", "sklearn", "scipy", "PIL", "huggingface_hub", "safetensors")
SCRIPT = """
import sys
from ganzoo.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print("IMPORTED", *sorted(set(name.partition(".")[0] for name in sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("--help",), ("list",), ("list", "loss", "--json"), ("plugins",), ("--version",)])
def test_nothing_heavy_is_imported(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    imported = done.stderr.splitlines()[-1].split()
    assert imported[0] == "IMPORTED" and "ganzoo" in imported and "click" in imported
    assert not set(HEAVY) & set(imported)


def test_python_dash_m() -> None:
    done = subprocess.run([sys.executable, "-m", "ganzoo", "list", "loss"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "hinge" in done.stdout


@pytest.mark.slow
def test_public_functions_are_functions_whatever_was_imported_before() -> None:
    script = """
import ganzoo, ganzoo.api, ganzoo.gan.builder, ganzoo.training.train, ganzoo.testing
for name in ("build", "train", "list", "info", "create", "load", "hookimpl"):
    assert not isinstance(getattr(ganzoo, name), type(ganzoo)), name
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_building_on_meta_imports_no_compiler() -> None:
    """Where torch lacks an operation on ``meta`` it imports its compiler, for seconds: buffers ask for no such."""
    script = """
import sys
import ganzoo
for name in ("dcgan", "sagan", "biggan-deep", "r3gan", "stylegan2", "stylegan3"):
    ganzoo.build(name, 32, 3, 10, device="meta")
    assert "torch._dynamo" not in sys.modules, name
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
