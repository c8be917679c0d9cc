"""A model that was trained for a few steps, and a Hub on this machine."""

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import torch

import ganzoo

HUB_SERVER = Path(__file__).parents[3] / "tests" / "hub_server.py"
HOME = tempfile.TemporaryDirectory(prefix="ganzoo-hf-")
RECIPE = "stackgan:ch=4,condition=8,blocks=1,stage=2"
OPTIONS = {"data": "captions:digits", "resolution": 16, "batch": 8, "quiet": True, "save_every": 2, "grid_every": 2}


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


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def hub():
    if HUB is None:
        pytest.skip("the Hub of ganzoo's own tests is not here")
    HUB.reset()
    return HUB


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of four steps, of which Stage-I had two; copied before anything is done to it."""
    folder = tmp_path_factory.mktemp("runs") / "stack"
    ganzoo.train(RECIPE, out=folder, steps=4, license="mit", **OPTIONS)
    return folder


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "stack")
