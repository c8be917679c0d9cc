"""Links of pages to files outside of ``docs/``: to the page that shows the file, or else to nothing; code in lines."""

from __future__ import annotations

import posixpath
import re

LINK = re.compile(r"(?<!\\)(!?)\[((?:[^\[\]]|\[[^\]]*\](?:\([^)]*\))?)*)\]\(([^)\s#]+)(#[^)\s]*)?\)(\{[^}]*\})?")
DOTTED = re.compile(r'(?<=<span class="doc doc-object-name )([^"]*">)([\w.]+)(?=</span>)')  # a title of mkdocstrings
SHORT = re.compile(r"<code>([^<\n]{1,30})</code>")  # that fits into a line of a phone
LONG = re.compile(r"(?<!<span></span>)<code>([^<\s]{31,})</code>")  # one word, such as a recipe
SENTENCE = re.compile(r"(?<!<span></span>)<code>([^<]{31,})</code>")  # several words, such as a command
JOINT = re.compile(r"(?<=[+,:|])(?=[A-Za-z])")  # behind which a recipe or a choice may go on in another line
HYPHENED = re.compile(r"(?<![\w.-])(?:--)?[A-Za-z][\w.]*(?:-[\w.]+)+(?![\w-])|(?<![\w-])--?[a-z]\w*(?![\w-])")
WHOLE = 30  # characters of a word with hyphens that still fits into a line of a phone
TAG = re.compile(r"(<[^>]*>)")
ESCAPED = re.compile(r"\\(?=&lt;|&gt;|&amp;|[|~&])")  # a backslash in front of what needs none here
TOGETHER = re.compile(r'<b><code><span title="[^"]*,">(\w+),</span></code></b>\s*\(<code>(.*?)</code>\)', re.DOTALL)
MOVED = {"CHANGELOG.md": "changelog.md", "README.md": "index.md", "model_cards": "zoo/models/index.md"}
ROOTED = ("changelog.md",)  # pages that are a file of the repository's root as it is, whose links begin there
ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):<code>~?([^<]+)</code>")


def inward(markdown: str, page: str, places: set[str]) -> str:
    """Markdown whose links to files of the repository lead to pages of the site; what has none stays as text.

    Args:
        markdown: of a page.
        page: its place under ``docs/``.
        places: all places there are.
    """

    home = "" if page in ROOTED else posixpath.join("docs", posixpath.dirname(page))

    def led(found: re.Match[str]) -> str:
        picture, shown, target, anchor, attributes = found.groups()
        shown = LINK.sub(led, shown)
        if "://" in target or target.startswith(("/", "mailto:")):
            return f"{picture}[{shown}]({target}{anchor or ''}){attributes or ''}"
        inside = posixpath.normpath(posixpath.join(home, target))
        place = _place(inside, places)
        if place is None:
            return shown
        to = posixpath.relpath(place, posixpath.dirname(page) or ".")
        return f"{picture}[{shown}]({to}{anchor or ''}){attributes or ''}"

    # Fenced blocks stay as they are; inline code is looked into only as the text of a link.
    blocks = re.split(r"(^ *```.*?^ *```[ ]*$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(block if block.lstrip().startswith("```") else LINK.sub(led, block) for block in blocks)


def joined(html: str) -> str:
    """HTML of docstrings that say one thing of several attributes: mkdocstrings takes the second name for a type."""
    return TOGETHER.sub(lambda found: f"<b><code>{found[1]}, {re.sub(r'<[^>]*>|[()]', '', found[2])}</code></b>", html)


def without_roles(html: str) -> str:
    """HTML of docstrings without roles such as ``:class:``."""
    return ROLE.sub(r"<code>\1</code>", html)


def unbroken(html: str) -> str:
    """HTML whose short pieces of code have a class: a browser would break ``--device`` behind its first hyphens.

    A long word of code, such as a recipe, may be broken at its joints; of several words, between them; and the name of
    a class in a title behind its dots.
    """
    html = DOTTED.sub(lambda found: found[1] + found[2].replace(".", ".<wbr>"), html)
    html = LONG.sub(lambda found: f"<code>{JOINT.sub('<wbr>', found[1])}</code>", html)
    html = SENTENCE.sub(lambda found: f"<code>{whole(found[1])}</code>", html)
    return SHORT.sub(r'<code class="short">\1</code>', html)


def whole(html: str) -> str:
    """Code whose options and names stay whole, though a browser would break ``--data`` and ``info-context`` behind a hyphen.

    A recipe may be broken at its joints, at those between two coloured words, too.

    Args:
        html: of the code, with tags of its colours or without.
    """
    pieces, before = [], ""
    for piece in TAG.split(html):
        if not TAG.fullmatch(piece):
            joint = "<wbr>" if JOINT.search(before[-1:] + piece[:1]) else ""
            before = piece or before
            piece = joint + HYPHENED.sub(_kept, JOINT.sub("<wbr>", piece))
        pieces.append(piece)
    return "".join(pieces)


def _kept(found: re.Match[str]) -> str:
    return f'<span class="option">{found[0]}</span>' if len(found[0]) <= WHOLE else found[0]


def unescaped(html: str) -> str:
    """HTML without the backslashes that GitHub takes away and Python's Markdown does not; code stays as it is."""
    pieces = re.split(r"(<pre.*?</pre>|<code.*?</code>)", html, flags=re.DOTALL)
    return "".join(piece if piece.startswith(("<pre", "<code")) else ESCAPED.sub("", piece) for piece in pieces)


def _place(path: str, places: set[str]) -> str | None:
    """Where the site shows a file of the repository, whose path is given from its root; None if it does not."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")  # if it is not there, the strict build says so
    if path.startswith("model_cards/"):
        inside = path.replace("model_cards/", "zoo/models/", 1)
        card = inside.removesuffix("/README.md") + "/index.md"
        return next((place for place in (inside, card) if place in places), None)
    return MOVED.get(path)
