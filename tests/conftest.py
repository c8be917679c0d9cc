"""Fixtures that several test files share."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ganzoo", deadline=None)  # no test is timed: machines are shared
settings.load_profile("ganzoo")


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data sets beside the repository; skips where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder
