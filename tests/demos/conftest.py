"""A page that is served while a test runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ganzoo.demos.model import DemoModel
from ganzoo.demos.server import DemoServer


@pytest.fixture
def serve() -> Iterator[Callable[[DemoModel], DemoServer]]:
    """A function that serves the page of a model."""
    pytest.importorskip("gradio")
    from ganzoo.demos.page import page_of

    running = []

    def start(model: DemoModel) -> DemoServer:
        server = DemoServer()
        server.show(page_of(model))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stop()
        thread.join(30)
        server.__exit__()
