"""Load and sample every shipped model that needs just the plugins named as arguments, with connections refused."""

from __future__ import annotations

import socket
import sys
from typing import NoReturn

import ganzoo
from ganzoo.folder.config import read_config
from ganzoo.hub.shipped import shipped


def refuse(*where: object) -> NoReturn:
    """What stands for ``connect``."""
    raise AssertionError(f"a connection to {where}")


socket.socket.connect = refuse  # type: ignore[method-assign]
for name, [(who, folder), *_] in shipped().items():
    if set(read_config(folder)["plugins"]) == set(sys.argv[1:]):
        pictures = ganzoo.load(name).sample(16, seed=0, output="pil")
        print(f"{name}, shipped with {who}: {len(pictures)} pictures of {pictures[0].size}")
