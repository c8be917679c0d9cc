"""``pytest --budget``, by which ``.ci/green`` stays short."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_long_tests_are_left_out_and_counted(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.syspathinsert(Path(__file__).parent)
    pytester.makepyfile(
        """
        import time, pytest

        @pytest.mark.parametrize("seconds", [0.0, 1.0, 0.0])
        def test_it(seconds):
            time.sleep(seconds)
        """
    )
    pytester.runpytest("-p", "budget", "--budget", "30").assert_outcomes(passed=3)
    again = pytester.runpytest("-p", "budget", "--budget", "0.5", *workers)
    again.assert_outcomes(passed=2, deselected=0 if workers else 1)
    again.stdout.fnmatch_lines(["1 tests were left out: they do not fit into 0.5 s"])


def test_no_test_begins_once_the_time_is_up(pytester: pytest.Pytester) -> None:
    pytester.syspathinsert(Path(__file__).parent)
    pytester.makepyfile(
        """
        import time, pytest

        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            time.sleep(1.2)
        """
    )
    pytester.runpytest("-p", "budget", "--budget", "2").assert_outcomes(passed=2, skipped=1)
