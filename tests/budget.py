"""``pytest --budget SECONDS``: of the tests that were collected, as many as should take so long, the short ones first.

How long each took the last time stands in pytest's cache; where they take longer now, those that are left when the time
is up are skipped. For ``.ci/green``, which has two minutes.
"""

import os
import time

import pytest

CACHE = "ganzoo/seconds"
GUESS = 0.2  # seconds, of a test that never ran here
took: dict[str, float] = {}
left_out: list[int] = []  # how many tests, of each worker
ends: list[float] = []  # when the time is up


def pytest_addoption(parser):
    """The option ``--budget``."""
    parser.addoption("--budget", type=float, metavar="SECONDS", help="leave out tests that would take longer")


def pytest_runtest_logreport(report):
    """Add up the setup, call and teardown of each test."""
    took[report.nodeid] = took.get(report.nodeid, 0.0) + report.duration


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config, items):
    """Keep the shortest tests, in the order in which they were."""
    seconds = config.getoption("budget")
    if seconds is None:
        return
    known, total = config.cache.get(CACHE, {}), 0.0
    seconds *= int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    kept = set()
    for item in sorted(items, key=lambda item: known.get(item.nodeid, GUESS)):
        total += known.get(item.nodeid, GUESS)
        if total <= seconds:
            kept.add(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    left_out.append(len(items) - len(kept))
    ends.append(time.monotonic() + config.getoption("budget"))
    items[:] = [item for item in items if item in kept]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Begin no test once the time is up."""
    if ends and time.monotonic() > ends[-1]:
        pytest.skip("the time of --budget is up")


def pytest_sessionfinish(session):
    """Tell the process that prints how many were left out, or keep how long each took."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = left_out
    elif hasattr(config, "cache"):
        config.cache.set(CACHE, {**config.cache.get(CACHE, {}), **took})


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node):
    """Hear from a worker how many tests it left out."""
    left_out.extend(getattr(node, "workeroutput", {}).get("left_out", []))


def pytest_terminal_summary(terminalreporter):
    """Say it in one line."""
    if any(left_out):
        seconds = terminalreporter.config.getoption("budget")
        terminalreporter.write_line(f"{max(left_out)} tests were left out: they do not fit into {seconds:.0f} s")
