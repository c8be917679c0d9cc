"""docs/imports.md has every built-in converter, with what each says of itself."""

import importlib.util
from pathlib import Path

import ganzoo

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_converters_that_are_registered():
    """To make it anew: python .ci/imports.py."""
    spec = importlib.util.spec_from_file_location("imports", ROOT / ".ci" / "imports.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "imports.md").read_text("utf-8")
    assert text == module.page(), module.COMMAND
    built_in = [name for name in ganzoo.list("converter") if ganzoo.info(f"converter/{name}").built_in]
    assert all(f"## {name}\n" in text for name in built_in)
