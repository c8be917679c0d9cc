"""Servers of ``ganzoo watch``."""

import threading
from pathlib import Path

import pytest

from ganzoo.watch.server import Server


@pytest.fixture
def serve():
    """Starts a server of a folder; all are ended afterwards."""
    servers = []

    def start(folder: Path) -> Server:
        server = Server(folder)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
