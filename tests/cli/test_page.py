"""docs/cli.md has every command of ganzoo, with what each says of itself."""

import importlib.util
import re
from pathlib import Path

from command_tree import commands

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_commands():
    """To make it anew: python .ci/cli.py."""
    spec = importlib.util.spec_from_file_location("cli_page", ROOT / ".ci" / "cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert text == module.page(), module.COMMAND
    assert all(f"## ganzoo {name}" in text for name, _ in commands())


def test_options_and_commands_in_sentences_are_code():
    """A browser breaks ``--data`` behind its hyphens where it is text."""
    text = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert (
        re.findall(r".*(?<![\w-])--[a-z].*|.*'ganzoo [a-z].*", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S))
        == []
    )
