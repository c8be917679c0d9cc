"""The server behind the page: on this machine only, for who has the address, and for no other page of the browser.

The address holds a random token, and every request must have it. Requests that reached us under another host's name
are refused, as a name that a hostile page points at 127.0.0.1 would be (DNS rebinding). A path is looked up, never
joined: what is not in a table here cannot be asked for.
"""

from __future__ import annotations

import hmac
import json
import secrets
import shutil
import threading
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ganzoo.errors import ModelError, RunError
from ganzoo.folder import open_regular, printable
from ganzoo.watch.runs import FILM, SAMPLES, Followed, find_runs, is_run, summary

ADDRESS = "127.0.0.1"
HOSTS = ("127.0.0.1", "localhost")
SCRIPTS = ("page.js", "run.js", "index.js", "panels.js", "charts.js", "server.js", "dom.js")
PAGE: Mapping[str, tuple[str, str]] = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    **{name: (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}
PICTURES: Mapping[str, str] = {SAMPLES: "image/png", FILM: "image/gif"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
FRESH, KEPT = "no-store", "private, max-age=3600"  # a picture's address changes when the picture does
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves the page of a run, or of a folder of runs.

    Args:
        root: the run or the folder.
        port: to listen on; 0 for a free one.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    daemon_threads = True

    def __init__(self, root: Path, port: int = 0) -> None:
        self.root, self.token = root, secrets.token_urlsafe(24)
        self.followed: dict[Path, Followed] = {}
        self.guard = threading.Lock()
        try:
            super().__init__((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(f"cannot listen on port {port}: {reason}; leave --port out to take a free one") from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def index(self) -> dict[str, Any]:
        """Every run there is now; ``single`` when the folder itself is one."""
        runs = find_runs(self.root)
        rows = [{"id": name, **summary(folder)} for name, folder in runs.items()]
        return {"title": printable(self.root.resolve().name), "single": is_run(self.root), "runs": rows}

    def follow(self, folder: Path) -> Followed:
        """The follower of a run's log, the same one for every page that looks at it."""
        with self.guard:
            return self.followed.setdefault(folder, Followed(folder))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was closed in the middle of an answer is no news."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    server_version, sys_version = "ganzoo", ""
    timeout = 30

    def do_GET(self) -> None:
        """The page, its parts, where runs stand, and two pictures of each."""
        address = urlsplit(self.path)
        _, token, *rest = [unquote(word) for word in address.path.split("/")] + [""]
        if not self._asked_for_us():
            self._refuse(HTTPStatus.FORBIDDEN, "this page answers to 127.0.0.1 and localhost only")
        elif not hmac.compare_digest(token.encode(errors="replace"), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "the address lacks its token: use the one that ganzoo watch printed")
        else:
            self._answer(rest[:-1], parse_qs(address.query).get("version", [""])[0])

    def _asked_for_us(self) -> bool:
        """Whether the browser believes that it speaks to this machine; forwarded ports keep such a name."""
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and hosts[0].partition(":")[0].lower() in HOSTS

    def _answer(self, words: list[str], version: str) -> None:
        """Answer for the path after the token."""
        if len(words) == 1 and words[0] in PAGE:
            name, kind = PAGE[words[0]]
            self._send((files("ganzoo.watch") / name).read_bytes(), kind)
            return
        if words == ["runs.json"]:
            self._send_json(self.server.index(), version)
            return
        folder = find_runs(self.server.root).get(words[1]) if len(words) == 3 and words[0] == "run" else None
        if folder is not None and words[2] == "state.json":
            self._send_json(self.server.follow(folder).state(), version)
        elif folder is not None and words[2] in PICTURES:
            self._send_picture(folder / words[2], PICTURES[words[2]])
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _send_json(self, value: Mapping[str, Any], version: str) -> None:
        """JSON with its version; 204 without a body where that is what the page has already."""
        body = json.dumps(value, allow_nan=False).encode()
        now = sha256(body).hexdigest()[:16]
        if now == version:
            self._start(HTTPStatus.NO_CONTENT, {})
        else:
            self._send(body, "application/json", {"X-Version": now})

    def _send_picture(self, path: Path, kind: str) -> None:
        try:
            with open_regular(path) as file:
                self._start(HTTPStatus.OK, {"Content-Type": kind, "Cache-Control": KEPT})
                shutil.copyfileobj(file, self.wfile)
        except ModelError:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such picture yet")

    def _send(self, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        self._start(HTTPStatus.OK, {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})})
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._start(status, {"Content-Type": "text/plain; charset=utf-8"})
        self.wfile.write(f"{why}\n".encode())

    def _start(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Cache-Control": FRESH, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def end_headers(self) -> None:
        """Every answer, errors of the base class too, carries the headers that keep other pages out."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not news."""
