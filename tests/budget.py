"""``pytest --budget SECONDS``: of the tests that were collected, as many as should take so long, the short ones first.

How long each took the last time stands in pytest's cache; where they take longer now, those that are left when the time
is up are skipped. For ``.ci/green``, which has two minutes.
"""

import os
import time

import pytest

CACHE = "ganzoo/seconds"
GUESS = 0.2  # seconds, of a test that never ran here


def pytest_addoption(parser):
    """The option ``--budget``."""
    parser.addoption("--budget", type=float, metavar="SECONDS", help="leave out tests that would take longer")


def pytest_configure(config):
    """Take part in a run."""
    config.pluginmanager.register(Budget(config), "budget-of-this-run")


class Budget:
    """Notes how long tests take, and leaves out those that would take too long.

    With pytest-xdist, each worker leaves out tests, and the process that started them prints and keeps what came of it.
    """

    def __init__(self, config):
        self.config, self.seconds = config, config.getoption("budget")
        self.took = {}
        self.left_out = 0
        self.ends = float("inf")

    @pytest.hookimpl(trylast=True)  # after -m and -k
    def pytest_collection_modifyitems(self, items):
        """Keep the shortest tests, in the order in which they were."""
        if self.seconds is None:
            return
        known, total, kept = self.config.cache.get(CACHE, {}), 0.0, set()
        for item in sorted(items, key=lambda item: known.get(item.nodeid, GUESS)):
            total += known.get(item.nodeid, GUESS)
            if total <= self.seconds * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)):
                kept.add(item)
        self.left_out = len(items) - len(kept)
        self.config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]
        self.ends = time.monotonic() + self.seconds

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self):
        """Begin no test once the time is up."""
        if time.monotonic() > self.ends:
            pytest.skip("the time of --budget is up")

    def pytest_runtest_logreport(self, report):
        """Add up the setup, call and teardown of each test."""
        self.took[report.nodeid] = self.took.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self):
        """In a worker, say how many tests were left out; else keep how long each took."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["left_out"] = self.left_out
        elif hasattr(self.config, "cache"):
            self.config.cache.set(CACHE, {**self.config.cache.get(CACHE, {}), **self.took})

    @pytest.hookimpl(optionalhook=True)  # of pytest-xdist
    def pytest_testnodedown(self, node):
        """Hear from a worker how many tests it left out: all leave out the same."""
        self.left_out = max(self.left_out, getattr(node, "workeroutput", {}).get("left_out", 0))

    def pytest_terminal_summary(self, terminalreporter):
        """Say it in one line."""
        if self.left_out:
            terminalreporter.write_line(f"{self.left_out} tests were left out: they do not fit into {self.seconds:g} s")
