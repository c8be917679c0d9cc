"""Look at a built site in a headless Chromium: no page is wider than its window, at the desk or on a phone.

    python .ci/site_look.py build/site                               measures every page
    python .ci/site_look.py build/site --largest                     measures a few of each folder, the longest
    python .ci/site_look.py build/site pictures zoo/index.html ...   and draws these, at both widths, into a folder

What scrolls by itself, such as a wide table or a block of code, may be wider: the page around it does not move. Where
there is no Chromium, that is said and nothing is measured.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins" / "ganzoo-edit" / "tests"))

from browser import CHROMIUM, Browser

WIDTHS = {"desk": 1280, "phone": 390}  # pixels
HEIGHT = 900
TALLEST = 6000  # of a picture
FEW = 4  # pages of a folder, which have much in common; a second for each of them all would be minutes
GLIDES = 6  # half seconds that a page may take to settle, on a machine that is shared
WIDER = """(() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const held = (one) => {
    for (let above = one.parentElement; above && above !== document.body; above = above.parentElement)
      if (getComputedStyle(above).overflowX !== 'visible') return true;
    return false;
  };
  return [...document.querySelectorAll('article *')]
    .filter((one) => one.getBoundingClientRect().right > room + 1 && !held(one))
    .map((one) => `${one.tagName.toLowerCase()} ${one.textContent.trim().slice(0, 50)}`)
    .slice(0, 3).concat('');
})()"""


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, and no word of who asked for them."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Pages:
    """The pages of a site in one browser, by a server of this process: from files, its search would not start.

    Args:
        site: its folder.
        profile: an empty folder for the browser.
    """

    def __init__(self, site: Path, profile: Path) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.browser = Browser(profile, (WIDTHS["desk"], HEIGHT))

    def close(self) -> None:
        """End the browser and the server."""
        self.browser.close()
        self.server.shutdown()
        self.server.server_close()

    def open(self, page: str) -> None:
        """Go to a page, and wait until it is laid out."""
        where = f"http://127.0.0.1:{self.server.server_port}/{page}"
        self.browser.open(where)
        self.browser.until(f"location.href === {json.dumps(where)} && document.readyState === 'complete'")

    def resize(self, width: int, height: int = HEIGHT) -> None:
        """Give the window another size, in pixels."""
        size: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.ask("Emulation.setDeviceMetricsOverride", **size)

    def wider(self, page: str) -> Iterator[str]:
        """What sticks out of the page, a line for each width at which something does."""
        self.open(page)
        for name, width in WIDTHS.items():
            self.resize(width)
            if found := self._settled():
                yield f"{page} is wider than a {name}, {width} pixels: {'; '.join(filter(None, found))}"

    def _settled(self) -> list[str]:
        """What sticks out once the page has come to rest: its side bars glide when the window gets another width."""
        found: list[str] = self.browser.run(WIDER)
        for _ in range(GLIDES):
            if not found:
                break
            time.sleep(0.5)
            found = self.browser.run(WIDER)
        return found

    def draw(self, page: str, folder: Path) -> None:
        """Pictures of the whole page at every width."""
        self.open(page)
        for name, width in WIDTHS.items():
            self.resize(width)
            high = self.browser.run("document.documentElement.scrollHeight")
            self.resize(width, min(high, TALLEST))
            self.browser.screenshot(folder / f"{page.replace('/', '-').removesuffix('.html')}-{name}.png")


def every(site: Path) -> list[str]:
    """All pages of a site."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def largest(site: Path) -> list[str]:
    """The longest pages of each folder, in which something wide is the likeliest."""
    by_folder: dict[Path, list[str]] = {}
    for page in sorted(every(site), key=lambda page: (site / page).stat().st_size, reverse=True):
        by_folder.setdefault(Path(page).parent.parent, []).append(page)
    return [page for pages in by_folder.values() for page in pages[:FEW]]


def wider(site: Path, pages: Iterable[str] | None = None, pictures: Path | None = None) -> list[str]:
    """What is wider than its window on pages of a site, all of them by default, a line each."""
    names = every(site) if pages is None else pages
    with tempfile.TemporaryDirectory() as profile:
        shown = Pages(site, Path(profile))
        try:
            said = [line for name in names for line in shown.wider(name)]
            if pictures is not None:
                pictures.mkdir(parents=True, exist_ok=True)
                for name in names:
                    shown.draw(name, pictures)
        finally:
            shown.close()
    return said


def main() -> None:
    """Measure, draw what was asked for, and end with exit status 1 if a page is not there or too wide."""
    few = "--largest" in sys.argv
    site, *rest = (Path(word) for word in sys.argv[1:] if word != "--largest")
    if not every(site):
        sys.exit(f"{site} holds no page: mkdocs build --strict")
    if missing := [page.as_posix() for page in rest[1:] if not (site / page).is_file()]:
        sys.exit(f"{site} has no page {', '.join(missing)}")
    if CHROMIUM is None:
        print(f"{site}: not looked at, as there is no Chromium here")
        return
    said = (
        wider(site, [page.as_posix() for page in rest[1:]], rest[0])
        if rest
        else wider(site, largest(site) if few else None)
    )
    if said:
        sys.exit("\n".join(said))
    print(f"{site}: no page is wider than a desk's or a phone's window")


if __name__ == "__main__":
    main()
