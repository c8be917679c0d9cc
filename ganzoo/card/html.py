"""A card as a web page of one file: for looking at it. Nothing in it runs, and nothing is fetched."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from ganzoo.errors import ModelError, printable, printable_lines
from ganzoo.files.untrusted import open_regular

STYLE = "page.css"
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
KINDS = {".png": "image/png", ".gif": "image/gif"}
LARGEST_PICTURE = 32 << 20
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def parser() -> MarkdownIt:
    """Markdown as the Hub reads it: CommonMark with tables."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def document(title: str, body: str) -> str:
    """A whole page; ``title`` is text, ``body`` is HTML. The policy in it lets a browser run and fetch nothing."""
    style = resources.files("ganzoo.card").joinpath(STYLE).read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(printable(title, None))}</title><style>{style}</style></head>\n"
        f"<body><main>\n{printable_lines(body)}\n</main></body></html>\n"
    )


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def card_page(text: str, folder: Path) -> str:
    """The page of a card.

    Args:
        text: of the card.
        folder: where its pictures are; only regular files in it are shown.
    """
    from huggingface_hub import ModelCard

    card = ModelCard(text, ignore_metadata_errors=True)
    tokens = parser().parse(card.text)
    body = Page(folder).render(tokens, parser().options, {})
    return document(_title(tokens), _chips(card.data.to_dict()) + body)


def _title(tokens: Sequence[Token]) -> str:
    heading = next((index for index, token in enumerate(tokens) if token.type == "heading_open"), None)
    return "model card" if heading is None else tokens[heading + 1].content.replace("\\", "")


def _chips(data: Mapping[str, Any]) -> str:
    """The line of labels that the Hub shows above a card."""
    names = ("pipeline_tag", "library_name", "license", "datasets", "tags")
    chips, seen = [], set()
    for name in names:
        value = data.get(name) or []
        for one in value if isinstance(value, list) else [value]:
            if name == "tags" and one in seen:  # such as the library's name, which is a tag too
                continue
            seen.add(one)
            mark = f"<b>{escape(name)}</b> " if name in ("license", "datasets") else ""
            chips.append(f'<span class="chip {escape(name)}">{mark}{escape(str(one))}</span>')
    return f'<p class="chips">{"".join(chips)}</p>\n'


class Page(RendererHTML):
    """Tokens as HTML, with raw HTML shown as text, comments left out and pictures of the folder put in.

    Args:
        folder: where the pictures are.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def html_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Raw HTML, as text."""
        return escape(COMMENT.sub("", tokens[idx].content)).strip()

    html_inline = html_block

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A picture of the folder; only its words where there is none."""
        token = tokens[idx]
        source = self._inline(str(token.attrs.get("src", "")))
        words = escape(token.content.replace("\\", ""))
        return f'<img src="{source}" alt="{words}">' if source else f"<em>{words}</em>"

    def _inline(self, source: str) -> str | None:
        """The bytes of a picture of the folder; None for anything else."""
        path = self.folder / source
        kind = KINDS.get(path.suffix.lower())
        if kind is None or "://" in source or Path(source).is_absolute() or ".." in Path(source).parts:
            return None
        try:
            with open_regular(path) as file:
                data = file.read(LARGEST_PICTURE + 1)
        except ModelError:
            return None
        return data_uri(data, kind) if len(data) <= LARGEST_PICTURE else None
