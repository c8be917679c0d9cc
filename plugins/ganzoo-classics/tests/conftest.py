"""One thread, and a run of each system."""

import pytest
import torch
from tiny_runs import RECIPES, train


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """A run of three steps of each system, by name."""
    folder = tmp_path_factory.mktemp("runs")
    return {system: train(folder / system, recipe).folder for system, recipe in RECIPES.items()}
