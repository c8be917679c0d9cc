"""A Hub on this machine, in place of the real one."""

import importlib.util
import sys
import tempfile
from pathlib import Path

import pytest

HUB_SERVER = Path(__file__).parents[3] / "tests" / "hub_server.py"
HOME = tempfile.TemporaryDirectory(prefix="ganzoo-hf-")


def start_hub():
    """The Hub of ganzoo's own tests, where they are."""
    if not HUB_SERVER.is_file():
        return None
    spec = importlib.util.spec_from_file_location("hub_server", HUB_SERVER)
    module = importlib.util.module_from_spec(spec)
    sys.modules["hub_server"] = module
    spec.loader.exec_module(module)
    return module.stand_in(HOME.name, module.OWNER)


HUB = start_hub()


@pytest.fixture
def hub():
    if HUB is None:
        pytest.skip("the Hub of ganzoo's own tests is not here")
    HUB.reset()
    return HUB
