"""Every pair of everything registered trains two steps, or is refused with a reason: ``pytest -m exhaustive``.

Thousands of tests, minutes of one core; named by their pair, so that ``-k`` goes on with some of them. What is refused
counts as skipped, with its reason, so that pytest's last line has both numbers. conftest leaves this file out of every
other run.
"""

from __future__ import annotations

import pytest

from ganzoo.testing.composing import attempt
from ganzoo.testing.covering import Combination
from ganzoo.testing.pairing import completed, every_pair

PAIRS = [pytest.param(pair, id=name) for name, pair in every_pair()]


@pytest.mark.exhaustive
@pytest.mark.parametrize("pair", PAIRS)
def test_pair(pair: Combination) -> None:
    if reason := attempt(completed(pair)):
        pytest.skip(f"refused: {reason}")
