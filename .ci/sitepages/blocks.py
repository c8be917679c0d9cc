"""Blocks of code of a built page: a long line goes on in the next, where one would have to scroll for its end.

Columns keep their place: a line of a table that a command prints is scrolled. What is copied is the text as it was
written.
"""

from __future__ import annotations

import re
from html import escape, unescape

from sitepages.links import whole

BLOCK = re.compile(
    r'<div class="(?P<classes>language-(?P<language>bash|text|python)[^"]*)">(?P<title>(?:<span class="filename">[^<]*</span>)?)'
    r"<pre><span></span><code>(?P<code>.*?)</code></pre></div>",
    re.DOTALL,
)
TAG = re.compile(r"<[^>]*>")
COLUMNS = re.compile(r"\S {2,}\S")  # of a table that is printed
DRAWN = re.compile(r"^ *[|v] *$|\+-{2,}|-{2,}[+>]", re.MULTILINE)  # lines and arrows of a drawing made of letters
CONTINUED = re.compile(r'(?:<span class="w"> *</span>| )*<span class="se">\\</span>\n(?:<span class="w"> *</span>| )*')
ROOM = 40  # characters of a line on a phone


def flowing(html: str) -> str:
    """HTML whose longer blocks of code have their lines in elements, which a style sheet lets go on."""
    return BLOCK.sub(_block, html)


def _block(found: re.Match[str]) -> str:
    written = unescape(TAG.sub("", found["code"]))
    if max(map(len, written.split("\n"))) <= ROOM:
        return found[0]
    lines = CONTINUED.sub(" ", found["code"]).removesuffix("\n").split("\n")  # a page breaks lines by itself
    drawn = found["language"] == "text" and DRAWN.search(written)
    classes = ["line columns" if drawn else _class(line, found["language"]) for line in lines]
    breaks = found["language"] != "python"  # which a phone scrolls, as it does columns
    shown = "".join(
        f'<span class="{kind}">{whole(line) if breaks and kind == "line" else line}\n</span>'
        for kind, line in zip(classes, lines, strict=True)
    )
    copied = escape(written, quote=True).replace("\n", "&#10;")
    return (
        f'<div class="{found["classes"]} flows" data-copy="{copied}">{found["title"]}'
        f"<pre><span></span><code>{shown}</code></pre></div>"
    )


def _class(line: str, language: str) -> str:
    columns = language == "text" and COLUMNS.search(unescape(TAG.sub("", line)))
    return "line columns" if columns else "line"
