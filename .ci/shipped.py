"""Load, sample and check the card of every shipped model that needs just these plugins, with connections refused.

``--none`` instead checks that the wheel of the code alone ships none, and says which package has them.
"""

from __future__ import annotations

import socket
import sys
from typing import NoReturn

import ganzoo
from ganzoo.card import check_card
from ganzoo.card.check import drift
from ganzoo.folder.model import ModelFolder
from ganzoo.hub.known import nothing_here
from ganzoo.hub.shipped import shipped
from ganzoo.registry.about import MODELS_DISTRIBUTION


def refuse(*where: object) -> NoReturn:
    """What stands for ``connect``."""
    raise AssertionError(f"a connection to {where}")


socket.socket.connect = refuse  # type: ignore[method-assign]
if sys.argv[1:] == ["--none"]:
    if shipped() or MODELS_DISTRIBUTION not in nothing_here():
        sys.exit(f"without {MODELS_DISTRIBUTION} these are shipped: {sorted(shipped())}; {nothing_here()}")
    sys.exit()
seen = 0
for name, [(who, folder), *_] in shipped().items():
    if set(ModelFolder(folder).config["plugins"]) == set(sys.argv[1:]):
        pictures = ganzoo.load(name).sample(16, seed=0, output="pil")
        wrong = check_card(ModelFolder(folder)) or drift(ModelFolder(folder))
        if wrong:
            sys.exit(f"the card of {name} is not the one that its folder would have:\n{wrong}")
        seen += 1
        print(f"{name}, shipped with {who}: {len(pictures)} pictures of {pictures[0].size}, its card holds")
if not sys.argv[1:] and not seen:
    sys.exit("no model is shipped that needs no plugin")
