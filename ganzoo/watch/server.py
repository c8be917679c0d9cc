"""The server behind the page: a run, or a folder of runs, as :mod:`ganzoo.watch.local` serves pages.

A path is looked up, never joined: what is not in a table here cannot be asked for.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any

from ganzoo.errors import ModelError
from ganzoo.files.untrusted import open_regular, printable
from ganzoo.folder.layout import ANIMATION, SAMPLES
from ganzoo.watch.local import KEPT, LocalHandler, LocalServer, content_type
from ganzoo.watch.runs import Followed, find_runs, is_run, summary

SCRIPTS = ("page.js", "run.js", "index.js", "panels.js", "charts.js", "server.js", "dom.js")
PAGE: Mapping[str, tuple[str, str]] = {
    "": ("page.html", content_type("page.html")),
    **{name: (name, content_type(name)) for name in ("page.css", *SCRIPTS)},
}
PICTURES: Mapping[str, str] = {SAMPLES: "image/png", ANIMATION: "image/gif"}


class Server(LocalServer):
    """Serves the page of a run, or of a folder of runs.

    Args:
        root: the run or the folder.
        port: to listen on; 0 for a free one.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root = root
        self.followed: dict[Path, Followed] = {}
        self.guard = threading.Lock()
        super().__init__(Handler, port, "ganzoo watch")

    def index(self) -> dict[str, Any]:
        """Every run there is now; ``single`` when the folder itself is one."""
        runs = find_runs(self.root)
        rows = [{"id": name, **summary(folder)} for name, folder in runs.items()]
        return {"title": printable(self.root.resolve().name), "single": is_run(self.root), "runs": rows}

    def follow(self, folder: Path) -> Followed:
        """The follower of a run's log; one for all pages, so that a log is read once whoever watches."""
        with self.guard:
            return self.followed.setdefault(folder, Followed(folder))


class Handler(LocalHandler):
    """Answers one request: the page, its parts, where runs stand, and two pictures of each."""

    server: Server

    def answer(self, words: list[str], query: Mapping[str, str]) -> None:
        """Answer for the path after the token."""
        version = query.get("version", "")
        if len(words) == 1 and words[0] in PAGE:
            name, kind = PAGE[words[0]]
            self.send((files("ganzoo.watch") / name).read_bytes(), kind)
            return
        if words == ["runs.json"]:
            self.send_json(self.server.index(), version)
            return
        # Looked up anew at each request, as runs come and go; the name in the address is a key, never part of a path.
        folder = find_runs(self.server.root).get(words[1]) if len(words) == 3 and words[0] == "run" else None
        if folder is not None and words[2] == "state.json":
            self.send_json(self.server.follow(folder).state(), version)
        elif folder is not None and words[2] in PICTURES:
            self._send_picture(folder / words[2], PICTURES[words[2]])
        else:
            self.refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _send_picture(self, path: Path, kind: str) -> None:
        """A picture, kept by the browser: its address changes when the picture does."""
        try:
            with open_regular(path) as file:
                self.start(HTTPStatus.OK, {"Content-Type": kind, "Cache-Control": KEPT})
                shutil.copyfileobj(file, self.wfile)
        except ModelError:
            self.refuse(HTTPStatus.NOT_FOUND, "there is no such picture yet")
