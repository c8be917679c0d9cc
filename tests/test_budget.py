"""``pytest --budget``, by which ``.ci/green`` stays short."""

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number, pytestconfig):
    if number == 1 and pytestconfig.getoption("budget"):
        pytestconfig.pluginmanager.get_plugin("budget-of-this-run").ends = 0.0
"""


@pytest.fixture
def tests(pytester: pytest.Pytester) -> pytest.Pytester:
    """Three tests, the second of which uses up the time."""
    pytester.syspathinsert(Path(__file__).parent)
    pytester.makepyfile(test_three=TESTS)
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_long_tests_are_left_out_and_counted(tests: pytest.Pytester, workers: tuple[str, ...]) -> None:
    tests.runpytest("-p", "budget").assert_outcomes(passed=3)
    (path,) = (tests.path / ".pytest_cache").rglob("ganzoo/seconds")
    took = json.loads(path.read_text())
    assert list(took) == [f"test_three.py::test_it[{number}]" for number in range(3)] and max(took.values()) < 20
    path.write_text(json.dumps({**took, "test_three.py::test_it[1]": 1000}))
    again = tests.runpytest("-p", "budget", "--budget", "100", *workers)
    again.assert_outcomes(passed=2, deselected=0 if workers else 1)
    again.stdout.fnmatch_lines(["1 tests were left out: they do not fit into 100 s"])


def test_no_test_begins_once_the_time_is_up(tests: pytest.Pytester) -> None:
    tests.runpytest("-p", "budget", "--budget", "100").assert_outcomes(passed=2, skipped=1)
