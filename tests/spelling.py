"""British spelling, looked for where a person reads: pages, help texts, docstrings and messages, but not in code.

What is typed keeps the spelling that it is typed in. A few terms of the field are written as the registry and torch
have them, in prose too, and titles as their authors wrote them: docs/guide/glossary.md has the rule.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from ganzoo.registry.recipe import KINDS

STEMS = {  # American: British; any ending may follow
    "color": "colour",
    "gray": "grey",
    "behavior": "behaviour",
    "neighbor": "neighbour",
    "favor": "favour",
    "labeled": "labelled",
    "labeling": "labelling",
    "modeled": "modelled",
    "modeling": "modelling",
    "canceled": "cancelled",
    "canceling": "cancelling",
    "centered": "centred",
    "centering": "centring",
    "center": "centre",
    "artifact": "artefact",
    "analyz": "analys",
    "fulfill": "fulfil",
    "skillful": "skilful",
    "judgment": "judgement",
}
WHOLE = {"license": "licence", "licenses": "licences", "catalog": "catalogue", "catalogs": "catalogues"}
IZE = re.compile(r"\b(?P<stem>[a-z]{3,})iz(?P<end>e|es|ed|er|ers|ing|able|ation|ations|ational)\b", re.IGNORECASE)
SIZES = ("s", "res", "overs", "pr", "se")  # what ends in -ize in British, too
TERMS = {
    word for term in (*KINDS, "parametrization") for word in (term, f"{term}s")
}  # kinds of parts; a class of torch
TITLES = re.compile(r"(?<=[\w,:)-])[ \n-]+$")  # before a capital: it stands in a sentence, and is of a title or a name
BEGUN = ("Analyzing and Improving", "Regularizing Generative", "Visualizing Data")  # titles that stand at the beginning
STEM = re.compile(rf"\b(?:{'|'.join(STEMS)})[a-z]*|\b(?:{'|'.join(WHOLE)})\b", re.IGNORECASE)

FENCED = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2\s*$", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(  # what is not prose in a page: code, comments, tags, addresses, names of files, options and parts
    r"(?m:^ +\w+(?:, \w+)*:|^(?:from \S+ )?import .*$)|<!--.*?-->|``.+?``|`[^`\n]+`|<[^>\n]+>|\]\([^)\s]*(?: \"[^\"]*\")?\)|https?://\S+|\$[^$\n]+\$"
    r"|:[a-z:]+:|\S*\w:\w\S*|\S*[\w/]\.\w\S*|\.\w+\(\)|\S*[_=/@]\S*|--?[a-z][\w-]*|\"[^\"\n]*\"|\u201c[^\u201d]*\u201d",
    re.DOTALL,
)
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def american(text: str) -> Iterator[tuple[str, str]]:
    """Words of a text that are American, each with its British spelling; those of titles are their authors'."""
    for found in STEM.finditer(text):
        word = found[0].lower()
        stem = next((stem for stem in STEMS if word.startswith(stem)), "")
        if not _of_a_title(text, found):
            yield word, WHOLE.get(word) or STEMS[stem] + word.removeprefix(stem)
    for found in IZE.finditer(text):
        word, end = found[0].lower(), found["end"].lower()
        if word not in TERMS and not found["stem"].lower().endswith(SIZES) and not _of_a_title(text, found):
            yield word, f"{word[: -len(end) - 2]}is{end}"


def _of_a_title(text: str, found: re.Match[str]) -> bool:
    """Whether a word is capital within a sentence, or begins the title of a paper."""
    start = found.start()
    within = bool(TITLES.search(text[max(0, start - 3) : start]))
    return text[start].isupper() and (within or text[start:].startswith(BEGUN))


def prose(page: str) -> str:
    """What of a page of Markdown, or a docstring, is prose, with a word for each piece of code in it."""
    return HIDDEN.sub(" # ", FENCED.sub("", FRONT.sub("", page)))


def sentences(module: Path) -> Iterator[tuple[int, str]]:
    """Docstrings of a module, and texts in it that are sentences rather than names: of four words and more."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) >= 4:
            yield node.lineno, node.value


def cells(notebook: Path) -> str:
    """The Markdown of a notebook."""
    made = json.loads(notebook.read_text(encoding="utf-8"))
    return "\n\n".join("".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "markdown")
