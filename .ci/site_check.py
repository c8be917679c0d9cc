"""Check a built site: no page asks another server for anything, each has a title, and every registered part a page.

    python .ci/site_check.py build/site

Links that a reader clicks may lead anywhere outside of the site; inside of it, to a page that is there and to a place
on it. What a browser fetches unasked may not leave the site: scripts, styles, fonts, pictures.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    """Gathers what a page fetches from elsewhere, where its links and pictures lead, and its places to lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes that a browser fetches or follows, and at styles."""
        given = dict(attrs)
        self.links.update(filter(None, (given.get("href"), given.get("src"))))
        self.places.update(filter(None, (given.get("id"), given.get("name"))))
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


def read(text: str) -> Page:
    """A page of HTML, looked through."""
    page = Page()
    page.feed(text)
    return page


def fetched(text: str) -> list[str]:
    """What a page of HTML fetches from other servers."""
    return read(text).found


def astray(site: Path, pages: dict[str, Page]) -> Iterator[str]:
    """Links of pages to files and places of the site that are not there, a line each.

    Args:
        site: its folder.
        pages: what was read, by their places in it.
    """
    for name, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or parts.path.startswith("/"):  # only 404.html has those of a whole server
                continue
            to = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
            )
            if (site / to).is_dir():
                to = posixpath.normpath(posixpath.join(to, "index.html"))
            if not (site / to).is_file():
                yield f"{name} leads to {link}, which is not there"
            elif parts.fragment and to in pages and unquote(parts.fragment) not in pages[to].places:
                yield f"{name} leads to {link}, but that page has no such place"


def wrong(site: Path) -> list[str]:
    """What is wrong with a site, a line each."""
    from ganzoo.registry.loading import registry

    said, pages = [], {}
    for path in sorted(site.rglob("*")):
        if path.suffix in (".html", ".svg", ".css"):
            text, name = path.read_text(encoding="utf-8"), path.relative_to(site).as_posix()
            page = read(text)
            found = OF_STYLE.findall(text) if path.suffix == ".css" else page.found
            said += [f"{name} fetches {what}" for what in found]
            if NAMELESS.search(text):
                said.append(f"{name} has no title: a page begins with its heading")
            if path.suffix == ".html":
                pages[name] = page
    said += astray(site, pages)
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
    print(f"{sys.argv[1]}: no request leaves a page, every link arrives, and every part has a page")


if __name__ == "__main__":
    main()
