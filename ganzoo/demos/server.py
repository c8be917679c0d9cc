"""A page of Gradio on this machine, for whoever has its address: its token keeps all others out, pages included.

Gradio's own ``launch`` would serve it to every page that is open in the same browser, and ask whether it is reached.
Here the port is taken before the model is opened, and the browser is told to let the page reach this server alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RunError
from ganzoo.watch.local import ADDRESS, HOSTS

if TYPE_CHECKING:
    import gradio

BACKLOG = 128
LARGEST = "64mb"  # of a picture that is sent
TEMPORARY = "GRADIO_TEMP_DIR"
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; base-uri 'self'; form-action 'self';"
    " object-src 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)
HARMLESS = ("/favicon.ico", "/manifest.json")  # what browsers ask for at the root, without the token
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Send], Awaitable[None]]


class DemoServer:
    """Takes a port, and serves a page there once there is one. What the page keeps is gone when it ends.

    Args:
        host: name or address to listen on.
        port: to listen on; 0 for a free one.

    Attributes:
        token: what every address must begin with.

    Raises:
        RunError: the port is taken or not ours to have.
    """

    def __init__(self, host: str = ADDRESS, port: int = 0) -> None:
        self.host, self.token = host, secrets.token_urlsafe(24)
        self._app: App | None = None
        self._running: Any = None
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except (OSError, OverflowError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunError(
                f"cannot listen on {host}, port {port}: {reason}; leave --port out to take a free one"
            ) from error
        self._kept = TemporaryDirectory(prefix="ganzoo-demo-", ignore_cleanup_errors=True)
        self._before = os.environ.get(TEMPORARY)
        os.environ[TEMPORARY] = self._kept.name

    def __enter__(self) -> DemoServer:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()
        self._kept.cleanup()
        if self._before is None:
            os.environ.pop(TEMPORARY, None)
        else:
            os.environ[TEMPORARY] = self._before

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return str(self._socket.getsockname()[0]) in (ADDRESS, "::1")

    @property
    def url(self) -> str:
        """Where the page is."""
        address, port = self._socket.getsockname()[:2]
        name = socket.gethostname() if address in ("0.0.0.0", "::") else f"[{address}]" if ":" in address else address
        return f"http://{name}:{port}/{self.token}/"

    def show(self, page: gradio.Blocks) -> None:
        """Take the page that is to be served."""
        from fastapi import FastAPI
        from gradio import mount_gradio_app

        outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        told: dict[str, Any] = {"run_history": False, "ssr_mode": False, "mcp_server": False, "pwa": False}
        app = mount_gradio_app(
            outer, page, f"/{self.token}", footer_links=["api", "gradio"], max_file_size=LARGEST, **told
        )
        self._app = Gate(app, self.token, HOSTS if self.local else ())

    def serve_forever(self, poll_interval: float = 0.2) -> None:
        """Serve until Ctrl-C, or until :meth:`stop`."""
        import uvicorn

        app: Any = self._app
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, timeout_graceful_shutdown=1, ws="none", lifespan="on"
        )
        self._running = uvicorn.Server(config)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _end)  # which uvicorn raises again once it is done: what is kept is to go
        self._running.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let :meth:`serve_forever` end, from another thread."""
        self._running.should_exit = True


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


class Gate:
    """Lets through what has the token and came to us under a name of ours, and tells browsers how far a page may reach.

    Args:
        app: what is behind it, mounted at the token.
        token: that paths begin with.
        hosts: that requests may name; any where there are none.
    """

    def __init__(self, app: App, token: str, hosts: tuple[str, ...]) -> None:
        self.app, self.token, self.hosts = app, token.encode(), hosts

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """Answer one request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] in HARMLESS:
            await _answer(send, 204, b"text/plain", b"")
            return
        why = self._refusal(scope)
        if scope["type"] != "http" or why:
            await _answer(send, 403, b"text/plain; charset=utf-8", f"{why or 'there is nothing here'}\n".encode())
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in HEADERS}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in own]
                message = {**message, "headers": [*kept, *HEADERS]}
            await send(message)

        await self.app(scope, receive, guarded)

    def _refusal(self, scope: Any) -> str:
        """Why a request is refused; nothing where it is not."""
        named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if self.hosts and (len(named) != 1 or named[0].partition(":")[0].lower() not in self.hosts):
            return f"this page answers to {' and '.join(self.hosts)} only"
        token = scope["path"].split("/")[1].encode(errors="replace") if "/" in scope["path"] else b""
        if not hmac.compare_digest(token, self.token):  # in constant time, or it would be told letter by letter
            return "the address lacks its token: use the one that ganzoo demo printed"
        return ""


async def _answer(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
