"""One spelling, British, wherever a person reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_tree import commands
from spelling import american, cells, prose, sentences

from ganzoo.cli import main
from ganzoo.cli.topics import TOPICS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "docs/**/*.ipynb",
        "plugins/*/README.md",
        "model_cards/**/*.md",
        "ganzoo/**/*.tmpl",
    )
    for path in ROOT.glob(pattern)
)
CODE = sorted(path for pattern in ("ganzoo", "plugins/*/ganzoo_*", ".ci") for path in ROOT.glob(f"{pattern}/**/*.py"))
GLOSSARY = ROOT / "docs" / "guide" / "glossary.md"
OTHERS = re.compile(r"^## (?:From the field to ganzoo|Spelling)\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
"""Where the glossary lists words of others."""
NAMED = re.compile(r"^ *[\w.-]+(?=  )", re.MULTILINE)  # what a row of a help explains, which is typed as it stands


def readable(page: Path) -> str:
    """What of a page is prose of its own."""
    text = cells(page) if page.suffix == ".ipynb" else page.read_text(encoding="utf-8")
    return prose(OTHERS.sub("", text) if page == GLOSSARY else text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_pages_are_british(page: Path) -> None:
    assert dict(american(readable(page))) == {}


def test_docstrings_and_messages_are_british() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}": words
        for path in CODE
        for line, text in sentences(path)
        if (words := dict(american(prose(text))))
    }
    assert found == {} and len(CODE) > 300


def test_help_is_british() -> None:
    words = {name: CliRunner().invoke(main, [*name.split(), "--help"]).output for name, _ in commands()}
    texts = {**words, **{f"help {topic}": CliRunner().invoke(main, ["help", topic]).output for topic in TOPICS}}
    assert len(texts) > 35 and all(len(text.splitlines()) > 5 for text in texts.values())
    said = {name: NAMED.sub("", text) for name, text in texts.items()}
    assert {name: found for name, text in said.items() if (found := dict(american(prose(text))))} == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "It minimizes the color of neighbors.",
            {"minimizes": "minimises", "color": "colour", "neighbors": "neighbours"},
        ),
        ("Initialize, then visualization.", {"initialize": "initialise", "visualization": "visualisation"}),
        ("Its license; a centered optimizer.", {"license": "licence", "centered": "centred", "optimizer": "optimiser"}),
        ("the size of a resized prize, which one may seize", {}),
        ("a normalization, a regularizer and a parametrization", {}),
        ("`color`, `--license`, optimizer.g=adam, ctx.normalize(x), [a](../color.md), pairs:gray:SOURCE", {}),
        ("Analyzing and Improving the Image Quality; Contrast Normalization by Regularization", {}),
    ],
)
def test_what_is_american(text: str, words: dict[str, str]) -> None:
    assert dict(american(prose(text))) == words


def test_the_glossary_says_which_terms_stay() -> None:
    said = GLOSSARY.read_text(encoding="utf-8").partition("## Spelling\n")[2].partition("\n## ")[0]
    assert {"**normalization**", "**regularizer**", "**parametrization**"} <= set(re.findall(r"\*\*\w+\*\*", said))
