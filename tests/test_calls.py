"""Calls that a reader can follow: few arguments without a name, and no code that is kept from the formatter."""

import ast
from pathlib import Path

import pytest

import ganzoo

ROOT = Path(ganzoo.__file__).parent
PLUGINS = ROOT.parent / "plugins"
MODULES = [path for root in (ROOT, PLUGINS) for path in sorted(root.rglob("*.py")) if "tests" not in path.parts]
MOST = 6  # arguments without a name


@pytest.mark.parametrize("root", [ROOT, PLUGINS], ids=["ganzoo", "plugins"])
def test_no_call_passes_many_arguments_by_their_place(root: Path) -> None:
    many = []
    for path in MODULES:
        if path.is_relative_to(root):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and len(node.args) > MOST:
                    many.append(f"{path.relative_to(root)}:{node.lineno} {ast.unparse(node.func)}")
    assert many == []


def test_the_formatter_sees_everything() -> None:
    kept_out = [path.name for path in MODULES if "# fmt:" in path.read_text(encoding="utf-8")]
    assert kept_out == []
