"""Local pages: served on 127.0.0.1 for whoever has the address, and for no other page of the browser.

Any page of the internet that is open in the same browser can send requests to 127.0.0.1. Three things keep it out.

The address holds a random token, and every request must have it. Requests that reached us under another host's name
are refused, as a name that a hostile page points at 127.0.0.1 would be (DNS rebinding). What a page sends must come
from that page, be JSON and stay within a bound.

A command derives a handler from :class:`LocalHandler`, which answers GET, or from :class:`TellingHandler`, whose page
may also send; everything else is refused.
"""

from __future__ import annotations

import hmac
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ganzoo.errors import GanzooError, RunError

ADDRESS = "127.0.0.1"
HOSTS = ("127.0.0.1", "localhost")
KINDS: Mapping[str, str] = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
FRESH, KEPT = "no-store", "private, max-age=3600"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def content_type(name: str) -> str:
    """The content type of a page's file, by the ending of its name: ``html``, ``css``, ``js`` or ``svg``.

    Raises:
        KeyError: for any other ending.
    """
    return f"{KINDS[name.rpartition('.')[2]]}; charset=utf-8"


class LocalServer(ThreadingHTTPServer):
    """A server of one page.

    Args:
        handler: answers the requests.
        port: to listen on; 0 for a free one.
        command: the command that serves the page, as messages call it.

    Attributes:
        token: what every address must begin with.
        largest: bytes of a body that a page may send.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    daemon_threads = True
    largest = 1 << 20

    def __init__(self, handler: type[LocalHandler], port: int = 0, command: str = "ganzoo") -> None:
        self.command, self.token = command, secrets.token_urlsafe(24)
        try:
            super().__init__((ADDRESS, port), handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(f"cannot listen on port {port}: {reason}; leave --port out to take a free one") from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections break whenever a page is closed while it loads."""


class LocalHandler(BaseHTTPRequestHandler, ABC):
    """Answers one request for something, once it is known that our page asks."""

    server: LocalServer
    server_version, sys_version = "ganzoo", ""
    timeout = 30

    @abstractmethod
    def answer(self, words: list[str], query: Mapping[str, str]) -> None:
        """Answer a GET, with :meth:`send`, :meth:`send_json`, :meth:`start` or :meth:`refuse`.

        Args:
            words: the path after the token, split at its slashes; ``[""]`` for the page itself. A path is to be
                looked up in a table, never joined to a folder.
            query: what stands behind the question mark; of a name given twice, the first.
        """

    def do_GET(self) -> None:
        """Answer a GET with the right host and token; refuse every other."""
        words = self.admitted()
        if words is not None:
            query = parse_qs(urlsplit(self.path).query)
            self.answer(words, {name: values[0] for name, values in query.items()})

    def admitted(self) -> list[str] | None:
        """The path after the token; None, once refused, where the host's name or the token is not ours."""
        _, token, *rest = [unquote(word) for word in urlsplit(self.path).path.split("/")] + [""]
        if not self._asked_for_us():
            self.refuse(HTTPStatus.FORBIDDEN, "this page answers to 127.0.0.1 and localhost only")
        # In constant time: what takes longer to refuse would give the token away letter by letter.
        elif not hmac.compare_digest(token.encode(errors="replace"), self.server.token.encode()):
            why = f"the address lacks its token: use the one that {self.server.command} printed"
            self.refuse(HTTPStatus.FORBIDDEN, why)
        else:
            return rest[:-1]
        return None

    def _asked_for_us(self) -> bool:
        """Whether the browser believes that it speaks to this machine; forwarded ports keep such a name."""
        hosts = self.headers.get_all("Host") or []
        return len(hosts) == 1 and hosts[0].partition(":")[0].lower() in HOSTS

    def send_json(self, value: Mapping[str, Any], version: str = "") -> None:
        """JSON with its version; 204 without a body where that is what the page has already."""
        body = json.dumps(value, allow_nan=False).encode()
        now = sha256(body).hexdigest()[:16]
        if now == version:
            self.start(HTTPStatus.NO_CONTENT, {})
        else:
            self.send(body, "application/json", {"X-Version": now})

    def send(self, body: bytes, kind: str, more: Mapping[str, str] | None = None) -> None:
        """A whole answer: a ``body`` of one content type, its ``kind``, with ``more`` headers."""
        self.start(HTTPStatus.OK, {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})})
        self.wfile.write(body)

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """An error, with one line for a person."""
        self.start(status, {"Content-Type": "text/plain; charset=utf-8"})
        self.wfile.write(f"{why}\n".encode(errors="replace"))

    def start(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        """Status and headers; a body may follow through ``self.wfile``."""
        self.send_response(status)
        for name, value in {"Cache-Control": FRESH, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def end_headers(self) -> None:
        """Add the security headers to every answer, those of the base class's errors too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: a live page asks every few seconds."""


class TellingHandler(LocalHandler):
    """Also takes what the page tells: JSON objects by POST, from that page only."""

    @abstractmethod
    def receive(self, words: list[str], value: dict[str, Any]) -> None:
        """Act on a POST, then answer; a :class:`GanzooError` becomes status 400 and its line.

        Args:
            words: as :meth:`answer` has them.
            value: the object that was sent; its fields are unchecked.
        """

    def do_POST(self) -> None:
        """Read the JSON object of a POST that our own page sends; refuse every other."""
        words = self.admitted()
        if words is None:
            return
        status, why = self._unfit()
        if status is not None:
            self.refuse(status, why)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            self.refuse(HTTPStatus.BAD_REQUEST, "the body is no JSON object")
            return
        try:
            self.receive(words, value)
        except GanzooError as error:
            self.refuse(HTTPStatus.BAD_REQUEST, str(error))

    def _unfit(self) -> tuple[HTTPStatus | None, str]:
        """Why the body is not read: a browser names where a POST comes from, and no other page can claim our name."""
        origins, lengths = self.headers.get_all("Origin") or [], self.headers.get_all("Content-Length") or []
        if origins != [f"http://{self.headers['Host']}"]:
            return HTTPStatus.FORBIDDEN, "only the page itself may send"
        if self.headers.get_content_type() != "application/json":
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"
        if "Transfer-Encoding" in self.headers or len(lengths) != 1 or not _is_count(lengths[0]):
            return HTTPStatus.LENGTH_REQUIRED, "the body needs a Content-Length"
        if int(lengths[0]) > self.server.largest:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {self.server.largest:,} bytes"
        return None, ""


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")
