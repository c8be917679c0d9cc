"""docs/imports.md and docs/imports have every converter, with what each says of itself."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_are_those_of_the_converters_that_are_registered():
    """To make them anew: python .ci/imports.py."""
    spec = importlib.util.spec_from_file_location("imports", ROOT / ".ci" / "imports.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    index, found = module.INDEX.read_text("utf-8"), module.entries()
    for entry in found:
        text = (module.PAGES / f"{entry.name}.md").read_text("utf-8")
        assert text == module.page(entry), module.COMMAND
        assert f"{module.row(entry)}\n" in index, module.COMMAND
        made = entry.load()()
        assert made.found and made.becomes and made.left_out and made.example != "FILE", entry.name
    assert index.startswith(module.HEADER)
    if any(not entry.built_in for entry in found):  # those of ganzoo-translate are shown too, where it is installed
        assert index == module.texts()[module.INDEX], module.COMMAND
        assert {path.stem for path in module.PAGES.iterdir()} == {entry.name for entry in found}
