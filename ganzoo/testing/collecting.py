"""The conformance suite as tests of pytest, for :mod:`ganzoo.pytest_plugin`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import pytest

from ganzoo.errors import GanzooError
from ganzoo.testing.suite import Check, checks

NODE = "ganzoo"  # under which the tests are listed


class Conformance:
    """Adds the checks of some parts to a run of pytest.

    Args:
        config: of the run. If it names no paths, nothing else is collected.
        names: as :func:`ganzoo.testing.checks` takes them, as well as ``everything``.
    """

    def __init__(self, config: pytest.Config, names: Sequence[str], everything: bool) -> None:
        self.names, self.everything, self.found = names, everything, dict[str, Check]()
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = []

    def pytest_sessionstart(self) -> None:
        """Find the parts, before anything is collected.

        Raises:
            pytest.UsageError: nothing is called so, or its plugin failed to load.
        """
        try:
            self.found = {check.id: check for name in self.names for check in checks(name, self.everything)}
        except GanzooError as error:
            raise pytest.UsageError(f"--ganzoo: {error}") from None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Put the suite beside what the session collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result.append(Suite.from_parent(collector, name=NODE, nodeid=NODE, found=[*self.found.values()]))
        return report


class Suite(pytest.Collector):
    """The checks that were asked for."""

    def __init__(self, *, found: Sequence[Check], **node: Any) -> None:
        super().__init__(**node)
        self.found = found

    def collect(self) -> Iterator[pytest.Item]:
        """A pytest item for each check."""
        for check in self.found:
            yield Test.from_parent(self, name=check.id, run=check.run)


class Test(pytest.Item):
    """A check as a pytest item."""

    def __init__(self, *, run: Callable[[], None], **node: Any) -> None:
        super().__init__(**node)
        self.run = run

    def runtest(self) -> None:
        """Run the check; it raises AssertionError or SkipTest."""
        self.run()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The one line that says what does not hold; all of the traceback too where something crashed."""
        if all(isinstance(error, (AssertionError, GanzooError)) for error in _chain(excinfo.value)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where failures are listed: under the name of the check."""
        return NODE, None, self.name


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__
