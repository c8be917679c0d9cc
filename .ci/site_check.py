"""Check a built site: no page asks another server for anything, each has a title, and every registered part a page.

    python .ci/site_check.py build/site

Links that a reader clicks may lead anywhere. What a browser fetches unasked may not: scripts, styles, fonts, pictures.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
KEPT_LINKS = ("canonical", "next", "prev", "alternate")  # of <link>: they say where something is, and fetch nothing
NAMELESS = re.compile(r"<title>(?:Index|README)\b")  # mkdocs calls a page so that does not begin with a heading
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
OF_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


class Page(HTMLParser):
    """Gathers what a page fetches from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes that a browser fetches, and at styles."""
        given = dict(attrs)
        names = FETCHED.get(tag, ())
        if tag == "link" and not set((given.get("rel") or "").split()) & set(KEPT_LINKS):
            names = ("href",)
        self.found += [f"{tag} {given[name]}" for name in names if ELSEWHERE.match((given.get(name) or "").strip())]
        self.found += [f"style {where}" for where in OF_STYLE.findall(given.get("style") or "")]
        self.style = tag == "style"

    def handle_data(self, data: str) -> None:
        """Look at style sheets inside a page."""
        if self.style:
            self.found += [f"style {where}" for where in OF_STYLE.findall(data)]


def fetched(text: str) -> list[str]:
    """What a page of HTML fetches from other servers."""
    page = Page()
    page.feed(text)
    return page.found


def wrong(site: Path) -> list[str]:
    """What is wrong with a site, a line each."""
    from ganzoo.registry.loading import registry

    said = []
    for path in sorted(site.rglob("*")):
        if path.suffix in (".html", ".svg", ".css"):
            text = path.read_text(encoding="utf-8")
            found = OF_STYLE.findall(text) if path.suffix == ".css" else fetched(text)
            said += [f"{path.relative_to(site)} fetches {what}" for what in found]
            if NAMELESS.search(text):
                said.append(f"{path.relative_to(site)} has no title: a page begins with its heading")
    for entry in registry().entries():
        if not (site / "zoo" / "parts" / entry.kind / entry.name / "index.html").is_file():
            said.append(f"{entry.spelling} has no page")
    if not any(site.rglob("*.html")):
        said.append(f"{site} holds no page: mkdocs build --strict")
    return said


def main() -> None:
    """Say what is wrong, and end with exit status 1 if anything is."""
    said = wrong(Path(sys.argv[1]))
    if said:
        sys.exit("\n".join(said))
    print(f"{sys.argv[1]}: no request leaves a page, and every part has one")


if __name__ == "__main__":
    main()
